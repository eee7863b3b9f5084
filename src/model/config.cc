// Ranges of a network's fields, and what networks of some kind are called. The list of fields is visit_config.
#include "model/config.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "base/shown.h"
#include "heads/head.h"
#include "model/field_checks.h"
#include "model/layer_kinds.h"
#include "model/layout.h"

namespace sluice {
namespace {

constexpr std::string_view kPlaces[] = {"steps", "last", "mean", "max"};

std::string text_of(const std::string& value) { return shown(value); }
std::string text_of(double value) { return number_text(value); }
std::string text_of(std::size_t value) { return std::to_string(value); }

const LayerConfig& plain_layer() {
  static const LayerConfig plain;
  return plain;
}

[[noreturn]] void refuse_unused(const LayerConfig& layer, const std::string& field, const std::string& expected,
                                const std::string& found) {
  const std::string& what = uses_field(layer, "cell") ? layer.cell : layer.kind;
  out_of_range(field, "the default, " + expected + ", since no " + what + " layer uses it", found);
}

// These two stand once for each type of field, so that programs that only stream stay small.
template <class Member>
[[gnu::noinline]] void check_unused_field(const LayerConfig& layer, const char* name, Member LayerConfig::*field,
                                          const std::string& where) {
  const Member &value = layer.*field, &plain = plain_layer().*field;
  if (value == plain || uses_field(layer, name)) return;
  refuse_unused(layer, where + name, text_of(plain), text_of(value));
}

template <class Member>
[[gnu::noinline]] void reset_unused_field(LayerConfig& layer, const char* name, Member LayerConfig::*field) {
  if (!uses_field(layer, name)) layer.*field = plain_layer().*field;
}

void check_layer(const LayerConfig& layer, const std::string& where) {
  const bool known = with_kind_of(layer, [&](auto kind) {
    check_size(where + "units", layer.units, most_units);
    check_share(where + "dropout", layer.dropout);
    check_share(where + "weight-dropout", layer.weight_dropout);
    decltype(kind)::type::check(layer, where);
  });
  if (!known) check_name(where + "kind", layer.kind, LayerKinds::names());
  check_unused_fields(layer, where);
}

void check_stack(const Config& config) {
  check_size("layers", config.stack.size(), most_layers);
  for (std::size_t l = 0; l < config.stack.size(); ++l) {
    check_layer(config.stack[l], "layer " + std::to_string(l) + ": ");
  }
  for (const LayerConfig& layer : config.stack) {
    if (layer.kind == "recurrent") return;
  }
  out_of_range("layers", "a recurrent one among them", "none");
}

void set_shorthand(Config& config, const LayerConfig& layer, std::size_t layers) {
  config.cell = layer.cell;
  config.layers = layers;
  config.hidden = layer.units;
  config.dropout = layer.dropout;
  config.weight_dropout = layer.weight_dropout;
  config.activation = layer.activation;
  config.forget_bias = layer.forget_bias;
}

// Nothing is said twice: where the shorthand stands for the very layers of the stack there is no stack, and else its
// fields are those of no layer. What it says of other layers is refused.
void take_shorthand(Config& config) {
  std::vector<LayerConfig> stack = std::exchange(config.stack, {});
  if (layers_of(config) == stack) return;
  const LayerConfig said = shorthand_layer(config);
  std::string twice = config.layers == 1 ? "" : "layers";
  for_each_layer_field([&](const char* name, auto field, const char*) {
    if (said.*field != plain_layer().*field) twice = std::string_view(name) == "units" ? "hidden" : name;
  });
  if (!twice.empty()) out_of_range(twice, "the default beside a stack, each layer of which has its own", "another");
  set_shorthand(config, stack.front(), stack.size());
  if (layers_of(config) != stack) set_stack(config, std::move(stack));
}

bool of_classes(const Config& config) {
  return config.head.loss == "softmax" || (config.head.loss.empty() && config.inputs == 0);
}

void check_head(const Config& config) {
  const HeadConfig& head = config.head;
  make_head(head, config.inputs == 0);
  check_name("at", head.at, kPlaces);
  check_share("label-smoothing", head.label_smoothing);
  if (!(head.huber_delta > 0 && head.huber_delta <= 1e30)) {
    out_of_range("huber-delta", "a number above 0, up to 1e30", number_text(head.huber_delta));
  }
  if (!of_classes(config) && (head.label_smoothing > 0 || !head.class_weights.empty())) {
    out_of_range("loss", "softmax where there are class-weights or label-smoothing", head.loss);
  }
  const bool weighs = !head.class_weights.empty();
  for (const double weight : head.class_weights) {
    if (!(weight >= 0 && weight <= 1e30)) out_of_range("class-weights", "numbers from 0 to 1e30", number_text(weight));
  }
  if (weighs && std::ranges::all_of(head.class_weights, [](double weight) { return weight < kLeastWeight; })) {
    out_of_range("class-weights", "one above 0", "none");
  }
  if (head.at == "last" && !config.stack.empty() && config.stack.back().direction == "sum") {
    out_of_range("at", "steps, mean or max above a layer that adds its directions", "last");
  }
}

void check_residual(const Config& config) {
  const HeadConfig& head = config.head;
  if (head.residual.empty()) return;
  if (config.inputs == 0 || !make_head(head, false)->takes_residual()) {
    out_of_range("residual", "none but where the outputs are numbers of the kind that is read", "one");
  }
  if (head.at != "steps" && head.at != "last") out_of_range("residual", "none at " + head.at, "one");
  if (head.residual.size() != config.outputs) {
    out_of_range("residual", "a feature for each of " + std::to_string(config.outputs) + " outputs",
                 std::to_string(head.residual.size()));
  }
  for (const double feature : head.residual) {
    if (feature >= 0 && feature < static_cast<double>(config.inputs) && feature == std::floor(feature)) continue;
    out_of_range("residual", "numbers of features, below " + std::to_string(config.inputs), number_text(feature));
  }
}

void check_scaling(const Config& config) {
  const ScalingConfig& scaling = config.scaling;
  if (scaling == ScalingConfig()) return;
  for (const std::vector<double>* numbers : {&scaling.mean, &scaling.deviation}) {
    if (config.inputs > 0 && numbers->size() == config.inputs) continue;
    out_of_range("scaling", "a mean and a deviation for each of " + std::to_string(config.inputs) + " features",
                 std::to_string(numbers->size()));
  }
  constexpr double most = std::numeric_limits<float>::max();
  for (const double mean : scaling.mean) {
    if (!(std::abs(mean) <= most)) out_of_range("scaling", "finite means", number_text(mean));
  }
  for (const double deviation : scaling.deviation) {
    if (!(deviation >= 1 / most && deviation <= most)) {
      out_of_range("scaling", "deviations from " + number_text(1 / most) + " on", number_text(deviation));
    }
  }
}

void check_spelling(Config& config) {
  SpellingConfig& spelling = config.spelling;
  if (spelling.characters == 0) {  // nor has it other fields
    spelling = SpellingConfig();
    return;
  }
  constexpr std::size_t kMostCharacters = std::size_t{1} << 21;  // Unicode has not as many
  if (config.inputs > 0) out_of_range("spelling", "none where there are inputs", "some");
  if (config.outputs == 0) out_of_range("spelling", "none where the next token is predicted", "some");
  check_size("spelling: characters", spelling.characters, kMostCharacters);
  check_size("spelling: embedding", spelling.embedding, most_units);
  check_size("spelling: units", spelling.units, most_units);
  check_share("spelling: word-dropout", spelling.word_dropout);
  find_cell(spelling.cell);
}

void check_tokens(Config& config) {
  if (config.outputs > 0 && config.head.loss.empty()) {
    out_of_range("outputs", "0 where there are no inputs", std::to_string(config.outputs));
  }
  if (config.outputs > 0) check_size("outputs", config.outputs, most_units);
  if (config.outputs == 0 && !of_classes(config))
    out_of_range("outputs", "1 or more of a head that is no softmax", "0");
  const std::vector<LayerConfig> layers = layers_of(config);
  if (config.embedding == 0) config.embedding = config.tied ? outputs_of(layers.back()) : layers.front().units;
  check_size("embedding", config.embedding, most_units);
  if (!config.tied) return;
  if (config.outputs > 0) out_of_range("tied", "false where tokens are not what is predicted", "true");
  if (config.embedding != outputs_of(layers.back())) {
    out_of_range("tied", "an embedding of the last layer's units, " + std::to_string(outputs_of(layers.back())),
                 std::to_string(config.embedding));
  }
}

void check_features(const Config& config) {
  check_size("inputs", config.inputs, most_units);
  check_size("outputs", config.outputs, most_units);
  if (config.embedding > 0) out_of_range("embedding", "0 where there are inputs", std::to_string(config.embedding));
  if (config.tied) out_of_range("tied", "false where there are inputs", "true");
}

}  // namespace

const char* cells_in_words() {
  static const std::string text = [] {
    std::string all;
    for (const CellInfo& cell : cells()) {
      all.append(all.empty() ? "" : "; ").append(cell.name).append(": ").append(cell.title);
    }
    return all;
  }();
  return text.c_str();
}

void set_stack(Config& config, std::vector<LayerConfig> stack) {
  config.stack = std::move(stack);
  set_shorthand(config, LayerConfig(), 1);
}

Config checked(Config config) {
  if (!config.stack.empty()) {
    check_stack(config);
    take_shorthand(config);
  }
  find_cell(config.cell);
  check_size("layers", config.layers, most_layers);
  check_size("hidden", config.hidden, most_units);
  if (config.inputs > 0) {
    check_features(config);
  } else {
    check_tokens(config);
  }
  check_head(config);
  check_residual(config);
  check_scaling(config);
  check_spelling(config);
  check_share("dropout", config.dropout);
  check_share("input-dropout", config.input_dropout);
  check_share("weight-dropout", config.weight_dropout);
  check_name("activation", config.activation, RecurrentLayer::kActivations);
  check_magnitude("forget-bias", config.forget_bias, 100);
  if (config.stack.empty()) check_unused_fields(shorthand_layer(config), "");
  return config;
}

bool uses_field(const LayerConfig& layer, std::string_view field) {
  bool uses = true;
  with_kind_of(layer, [&](auto kind) { uses = decltype(kind)::type::uses(layer, field); });
  return uses;
}

void check_unused_fields(const LayerConfig& layer, const std::string& where) {
  for_each_layer_field(
      [&](const char* name, auto field, const char*) { check_unused_field(layer, name, field, where); });
}

void reset_unused_fields(Config& config) {
  const auto reset = [](LayerConfig& layer) {
    for_each_layer_field([&](const char* name, auto field, const char*) { reset_unused_field(layer, name, field); });
  };
  for (LayerConfig& layer : config.stack) reset(layer);
  if (!config.stack.empty()) return;
  LayerConfig layer = shorthand_layer(config);
  reset(layer);
  set_shorthand(config, layer, config.layers);
}

void check_vocabulary(const Config& config, std::size_t vocabulary) {
  if (config.inputs == 0 && vocabulary == 0) out_of_range("vocabulary", "1 token or more", "none");
  const std::size_t classes = outputs_of(config, vocabulary), weights = config.head.class_weights.size();
  if (weights == 0 || weights == classes) return;
  const char* of = config.outputs > 0 ? " classes" : " tokens";
  out_of_range("class-weights", "one for each of " + std::to_string(classes) + of, std::to_string(weights));
}

std::string what_it_reads(const Config& config) {
  if (config.inputs == 0) return "text";
  return "numbers, " + std::to_string(config.inputs) + " in and " + std::to_string(config.outputs) + " out a step";
}

void expect_text(const Config& config, const std::string& where) {
  if (config.inputs == 0) return;
  throw Error(Status::usage, where + ": expected a model of text, found one of " + what_it_reads(config));
}

void expect_numbers(const Config& config, const std::string& where) {
  if (config.inputs > 0) return;
  throw Error(Status::usage, where + ": expected a model on numbers, found one of text");
}

namespace {

[[noreturn]] void refuse_model(const std::string& where, const std::string& expected, const std::string& found) {
  throw Error(Status::usage, where + ": expected " + expected + ", found " + found);
}

// Whoever predicts at every step what the state before it allows.
void expect_forward(const Config& config, const std::string& where, const std::string& why) {
  if (config.head.at != "steps") {
    refuse_model(where, "a model that predicts at every step", "one that does at " + config.head.at);
  }
  for (std::size_t l = 0; l < config.stack.size(); ++l) {
    const LayerConfig& layer = config.stack[l];
    if (layer.kind != "recurrent" || layer.direction == "forward") continue;
    refuse_model(where, "layers that read forward, since " + why,
                 "the direction " + layer.direction + " in layer " + std::to_string(l));
  }
}

}  // namespace

void expect_series(const Config& config, const std::string& where) {
  expect_numbers(config, where);
  if (of_classes(config)) refuse_model(where, "a model that predicts numbers", "one of classes (which take Sequences)");
  expect_forward(config, where, "a series is read in windows that carry the state");
}

void expect_language(const Config& config, const std::string& where) {
  expect_text(config, where);
  if (config.outputs > 0 || !of_classes(config)) {
    refuse_model(where, "a model that predicts the next token",
                 "one of " + std::to_string(config.outputs) + " outputs");
  }
  expect_forward(config, where, "a backward one sees the token that is to be predicted");
}

void expect_plain(const Config& config, const std::string& where) {
  const auto refuse = [&](const char* expected, const std::string& found) {
    throw Error(Status::usage, where + ": expected " + expected + ", found " + found);
  };
  if (config.inputs == 0) expect_language(config, where);
  if (!config.stack.empty()) {
    refuse("equal recurrent layers that read forward", layers_in_words(config));
  }
  if (config.head.at != "steps") refuse("a model that predicts at every step", "one that does at " + config.head.at);
  if (config.scaling != ScalingConfig()) refuse("features as they are", "scaled ones");
  if (!config.head.residual.empty()) refuse("outputs of the last layer alone", "features that are added to them");
  if (config.inputs == 0 || make_head(config.head, false)->predicts_outputs()) return;
  refuse("a head that gives its outputs as they are", config.head.loss);
}

std::string layers_in_words(const Config& config) {
  const std::size_t count = config.stack.empty() ? config.layers : config.stack.size();
  std::string text = std::to_string(count) + (count == 1 ? " layer of " : " layers of ");
  if (config.stack.empty()) return text + std::to_string(config.hidden) + " units";
  for (std::size_t l = 0; l < count; ++l) {
    const LayerConfig& layer = config.stack[l];
    if (l > 0) text += l + 1 < count ? ", " : " and ";
    text += std::to_string(layer.units);
    if (layer.kind != "recurrent") {
      text += " (" + layer.kind + ")";
    } else if (layer.direction != "forward") {
      text += " (" + layer.direction + ")";
    }
  }
  return text + " units";
}

}  // namespace sluice
