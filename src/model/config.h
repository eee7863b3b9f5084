// The one list of a network's fields: flag, help text and file metadata all follow from it.
#pragma once

#include <array>
#include <string_view>

#include "heads/head.h"
#include "sluice/model.h"

namespace sluice {

// Names of what is chosen, in the order of the enum.
constexpr std::array<std::string_view, 3> choices(Precision) { return {"f32", "bf16", "int8"}; }

// Bounds that keep every product of sizes far inside 64 bits and refuse a mistyped number.
inline constexpr std::size_t most_layers = 256, most_units = std::size_t{1} << 17;

// "rnn: plain recurrent network; ...", of all registered ones.
[[gnu::const]] const char* cells_in_words();

// Calls f(name, member, help) for each field that a network of this kind has: one on text (no inputs) or on numbers.
// `name` is the flag without dashes and the key in the file.
template <class ConfigType, class F>
void visit_config(ConfigType& config, F&& f) {
  const bool text = config.inputs == 0;
  f("cell", config.cell, cells_in_words());
  f("layers", config.layers, "recurrent layers, one on the other");
  f("hidden", config.hidden, "units a layer");
  if (text) {
    f("embedding", config.embedding,
      "numbers that stand for a token; 0: as many as the first layer has units, tied: as the last");
    f("tied", config.tied, "share the embedding with the output layer; needs embedding = units of the last layer");
  } else {
    f("inputs", config.inputs, "features read a step");
  }
  if (!text || config.outputs > 0 || config.head != HeadConfig()) {
    f("outputs", config.outputs, "numbers or classes predicted");
  }
  f("dropout", config.dropout, "share of units dropped between layers and before the output, in training");
  f("input-dropout", config.input_dropout, "share of the embedded input dropped in training");
  f("weight-dropout", config.weight_dropout, "share of the recurrent weights dropped in training, anew each window");
  f("activation", config.activation, "of the plain rnn: tanh or relu");
  f("forget-bias", config.forget_bias, "initial bias of the LSTM's forget gate");
}

// The same for a layer of config.stack: f(name, pointer to the member, help).
template <class F>
void for_each_layer_field(F&& f) {
  using Layer = LayerConfig;
  f("kind", &Layer::kind, "recurrent or dense");
  f("cell", &Layer::cell, "of a recurrent layer");
  f("units", &Layer::units, "units, of each direction");
  f("direction", &Layer::direction, "forward, backward, both (outputs side by side) or sum");
  f("activation", &Layer::activation,
    "of the plain rnn: tanh or relu; of a dense layer: none, tanh, relu, sigmoid or elu");
  f("dropout", &Layer::dropout, "share of its outputs dropped in training");
  f("weight-dropout", &Layer::weight_dropout, "share of its recurrent weights dropped in training, anew each window");
  f("forget-bias", &Layer::forget_bias, "initial bias of the LSTM's forget gate");
  f("initial-state", &Layer::initial_state, "zero or learned");
}

template <class LayerType, class F>
void visit_layer(LayerType& layer, F&& f) {
  for_each_layer_field([&](const char* name, auto field, const char* help) { f(name, layer.*field, help); });
}

// Of the head, of the scaling of features and of the spelling of words: f(name, member, help).
template <class HeadType, class F>
void visit_head(HeadType& head, F&& f) {
  f("loss", head.loss, kLosses);
  f("at", head.at, "steps, last, mean or max");
  f("quantiles", head.quantiles, "ascending, between 0 and 1");
  f("class-weights", head.class_weights, "one a class; none: all 1");
  f("label-smoothing", head.label_smoothing, "share of a target that is spread over all classes");
  f("huber-delta", head.huber_delta, "where the loss becomes linear");
  f("residual", head.residual, "number of the feature that is added to each prediction");
}

template <class ScalingType, class F>
void visit_scaling(ScalingType& scaling, F&& f) {
  f("mean", scaling.mean, "of each feature");
  f("deviation", scaling.deviation, "of each feature");
}

template <class SpellingType, class F>
void visit_spelling(SpellingType& spelling, F&& f) {
  f("characters", spelling.characters, "distinct ones, one of which stands for all that are not known");
  f("embedding", spelling.embedding, "numbers that stand for a character");
  f("units", spelling.units, "units of the layer that spells each word, of each direction");
  f("cell", spelling.cell, "of that layer");
  f("word-dropout", spelling.word_dropout, "share of words that training reads as <unk>, with their spelling");
}

// Makes these the layers, and gives the shorthand's fields their defaults, which a stack wants.
void set_stack(Config& config, std::vector<LayerConfig> stack);

// Fills in the embedding where a network on text has 0, writes a stack of equal layers as the shorthand that says the
// same, and throws Error (usage) for what is out of range, naming the field, what was expected and what was found.
Config checked(Config config);
// Likewise what depends on how many tokens a network knows, 0 where it reads features.
void check_vocabulary(const Config& config, std::size_t vocabulary);

// Whether a layer of this kind and cell has a use for its field of that name. True for an unknown kind or cell, which
// checked() refuses.
bool uses_field(const LayerConfig& layer, std::string_view field);
// Throws Error (usage) for another value than the default in a field that has none; `where` goes before its name.
void check_unused_fields(const LayerConfig& layer, const std::string& where);
// Gives such fields their defaults.
void reset_unused_fields(Config& config);

// "text", or "numbers, 3 in and 1 out a step": what a network of this config reads.
std::string what_it_reads(const Config& config);
// Throws Error (usage), with `where` in front, unless it reads text; unless it reads numbers.
void expect_text(const Config& config, const std::string& where);
void expect_numbers(const Config& config, const std::string& where);
// The same unless it predicts numbers at every step from that step and those before it: a series carries its state.
void expect_series(const Config& config, const std::string& where);
// The same unless it is a language model: it predicts, at every step, the next token from those before it.
void expect_language(const Config& config, const std::string& where);
// The same unless the shorthand says all of it: equal recurrent layers that read forward, below a head that gives its
// outputs as they are at every step (a language model's, or a regression's). For checked configs.
void expect_plain(const Config& config, const std::string& where);
// "2 layers of 256 units", "3 layers of 256, 128 (both) and 10 (dense) units".
std::string layers_in_words(const Config& config);

// Config as a JSON object and back. from_json throws Error (bad_file) prefixed with `where`.
std::string config_to_json(const Config& config);
// Likewise its stack, an array of objects, its head, its scaling and its spelling, objects; empty where these are the
// defaults.
std::string stack_to_json(const Config& config);
std::string head_to_json(const Config& config);
std::string scaling_to_json(const Config& config);
std::string spelling_to_json(const Config& config);
struct ConfigParts {
  std::string stack = {}, head = {}, scaling = {}, spelling = {};
};
Config config_from_json(const std::string& json, const std::string& where, const ConfigParts& parts = {});

}  // namespace sluice
