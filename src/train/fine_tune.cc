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
#include "model/network.h"

namespace sluice {
namespace {

std::string in_words(const TextOptions& text) {
  return "tokens of level " + std::string(name(text.level)) + (text.lowercase ? " in lower case" : "");
}

// Throws Error for the first field but dropout in which two configs differ: there would be other weights, or other uses
// of them.
void expect_same_network(Config own, Config other) {
  own.dropout = own.input_dropout = own.weight_dropout = 0;
  other.dropout = other.input_dropout = other.weight_dropout = 0;
  std::vector<std::string> values;
  const auto text_of = [](const auto& value) {
    Sentence text;
    text << std::boolalpha << value;
    return text.str();
  };
  visit_config(own, [&](const char*, const auto& value, const char*) { values.push_back(text_of(value)); });
  std::size_t i = 0;
  visit_config(other, [&](const char* field, const auto& value, const char*) {
    const std::string& expected = values.at(i++);
    if (const std::string found = text_of(value); found != expected) {
      throw Error(Status::usage,
                  std::string(field) + ": expected " + expected + ", as the model has it, found " + found);
    }
  });
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
  const Parameters& from = model.network().parameters();
  Parameters& to = copy.network().parameters();
  // Rows of the embedding and the output layer stand by token number: new ones behind those that there were.
  for (std::size_t i = 0; i < from.shapes().size(); ++i) std::ranges::copy(from[i], to[i].begin());
  Team alone(1);
  copy.network().pack(alone);
  char hash[20];
  const std::span<const float> weights = to.all();
  std::snprintf(hash, sizeof hash, "%016llx", static_cast<unsigned long long>(fnv1a(std::as_bytes(weights))));
  copy.notes()["origin"] = "weights with hash " + std::string(hash);
  return copy;
}

}  // namespace sluice
