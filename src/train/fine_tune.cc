// A trained model made ready to be trained further: other dropout, a vocabulary that has grown.
#include "sluice/fine_tune.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "base/fnv.h"
#include "base/sentence.h"
#include "model/config.h"
#include "model/model_access.h"

namespace sluice {
namespace {

std::string in_words(const TextOptions& text) {
  return "tokens of level " + std::string(name(text.level)) + (text.lowercase ? " in lower case" : "");
}

// The fields that decide what weights there are and how they are used, by name: all but the dropouts, and of the head
// what it gives.
using Fields = std::vector<std::pair<std::string, std::string>>;
Fields fields_of(Config config) {
  Fields fields;
  const auto add_to = [&fields](const std::string& prefix) {
    return [&fields, prefix](const char* name, const auto& value, const char*) {
      Sentence text;
      text << std::boolalpha << value;
      fields.emplace_back(prefix + name, text.str());
    };
  };
  if (!config.stack.empty()) fields.emplace_back("layers", layers_in_words(config));
  for (std::size_t l = 0; l < config.stack.size(); ++l) {
    LayerConfig layer = config.stack[l];
    layer.dropout = layer.weight_dropout = 0;
    visit_layer(layer, add_to("layer " + std::to_string(l) + ": "));
  }
  config.dropout = config.input_dropout = config.weight_dropout = 0;
  visit_config(config, add_to(""));
  HeadConfig head;
  head.loss = config.head.loss;
  head.at = config.head.at;
  head.quantiles = config.head.quantiles;
  config.head = head;
  fields.emplace_back("head", head_to_json(config));
  return fields;
}

// Throws Error for the first of these in which two configs differ: there would be other weights, or other uses of them.
void expect_same_network(const Config& own, const Config& other) {
  const auto refuse = [](const std::string& name, const std::string& expected, const std::string& found) {
    throw Error(Status::usage, name + ": expected " + expected + ", as the model has it, found " + found);
  };
  if (own.stack.size() != other.stack.size()) refuse("layers", layers_in_words(own), layers_in_words(other));
  const Fields expected = fields_of(own), found = fields_of(other);
  for (std::size_t i = 0; i < std::min(expected.size(), found.size()); ++i) {
    if (expected[i].first != found[i].first) break;
    if (expected[i] != found[i]) refuse(expected[i].first, expected[i].second, found[i].second);
  }
  if (expected != found) refuse("outputs", std::to_string(own.outputs), std::to_string(other.outputs));
}

}  // namespace

Model fine_tune(const Model& model, const Config& config, const Vocabulary& learned, std::uint64_t seed) {
  if (!model.reads_text()) {
    throw Error(Status::usage, "fine-tuning: expected a model of text, found " + what_it_reads(model.config()));
  }
  if (config.inputs > 0) throw Error(Status::usage, "fine-tuning: expected a network on text, found one on numbers");
  expect_same_network(model.config(), checked(config));
  const Vocabulary& vocabulary = model.vocabulary();
  const TextOptions &expected = vocabulary.text(), &found = learned.text();
  if (expected.level != found.level || expected.lowercase != found.lowercase) {
    throw Error(Status::usage,
                "fine-tuning: expected " + in_words(expected) + ", as the model has them, found " + in_words(found));
  }
  std::vector<std::string> tokens = vocabulary.tokens();
  for (const std::string& token : learned.tokens()) {
    if (!vocabulary.find(token)) tokens.push_back(token);
  }
  Model copy(config, Vocabulary(expected, std::move(tokens)), seed);
  copy.notes() = model.notes();
  const Parameters& from = network_of(model).parameters();
  Parameters& to = network_of(copy).parameters();
  // Rows of the embedding and the output layer stand by token number: new ones behind those that there were.
  for (std::size_t i = 0; i < from.shapes().size(); ++i) std::ranges::copy(from[i], to[i].begin());
  Team alone(1);
  network_of(copy).pack(alone);
  char hash[20];
  const std::span<const float> weights = to.all();
  std::snprintf(hash, sizeof hash, "%016llx", static_cast<unsigned long long>(fnv1a(std::as_bytes(weights))));
  copy.notes()["origin"] = "weights with hash " + std::string(hash);
  return copy;
}

}  // namespace sluice
