#include "formats/foreign/keras_parts.h"

#include <algorithm>
#include <array>

#include "base/shown.h"
#include "formats/foreign/layers.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

// class_name -> the name under layers/ of a .keras archive: GRU gru, SimpleRNN simple_rnn, TimeDistributed
// time_distributed.
std::string snake(const std::string& name) {
  std::string made;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool upper = name[i] >= 'A' && name[i] <= 'Z';
    const bool after_lower = i > 0 && !(name[i - 1] >= 'A' && name[i - 1] <= 'Z');
    const bool before_lower = i + 1 < name.size() && name[i + 1] >= 'a' && name[i + 1] <= 'z';
    if (upper && i > 0 && (after_lower || before_lower)) made += '_';
    made += upper ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
  }
  return made;
}

}  // namespace

KerasParts::KerasParts(const KerasSource& source, std::uint64_t file_bytes, const std::string& path)
    : source_(source), path_(path), builder_(path), budget_(file_bytes, path) {
  for (const RawTensor& dataset : source.file->datasets) tensors_[dataset.name] = &dataset;
}

KerasLayer KerasParts::layer_of(const JsonNode& node) const {
  const JsonObject layer(node, path_ + ": layer");
  KerasLayer made = {layer.text("class_name"), "", &layer["config"]};
  made.name = JsonObject(*made.config, path_ + ": layer " + shown(made.kind)).text("name", made.kind);
  return made;
}
std::string KerasParts::where(const KerasLayer& layer) const { return path_ + ": layer " + shown(layer.name); }
void KerasParts::refuse(const KerasLayer& layer, const std::string& expected, const std::string& found) const {
  throw Error(Status::bad_file,
              where(layer) + " (" + shown(layer.kind) + "): expected " + expected + ", found " + found);
}

// A .keras archive counts layers of each class in their order.
void KerasParts::remember_place(const JsonNode& node) {
  const KerasLayer layer = layer_of(node);
  const std::string base = snake(layer.kind);
  const std::size_t number = counters_[base]++;
  std::string& place = places_[layer.name] = "layers/";
  place += base;
  if (number > 0) place.append("_").append(std::to_string(number));
}

KerasFlow KerasParts::apply(const KerasLayer& layer, const std::vector<KerasFlow>& inputs) {
  const JsonObject config(*layer.config, where(layer));
  const KerasFlow& x = inputs.front();
  constexpr std::array<std::string_view, 7> idle = {"Dropout",         "SpatialDropout1D", "GaussianNoise",
                                                    "GaussianDropout", "AlphaDropout",     "ActivityRegularization",
                                                    "Identity"};
  if (std::ranges::find(idle, layer.kind) != idle.end()) return x;
  const bool joins =
      layer.kind == "Concatenate" || layer.kind == "Add" || layer.kind == "Average" || layer.kind == "Multiply";
  if (joins) return combine(layer, config, inputs);
  if (inputs.size() != 1) refuse(layer, "one input", std::to_string(inputs.size()));
  if (layer.kind == "Embedding") return embedding(layer, config, x);
  if (layer.kind == "GRU" || layer.kind == "LSTM" || layer.kind == "SimpleRNN") return recurrent(layer, config, x);
  if (layer.kind == "Bidirectional") return bidirectional(layer, config, x);
  if (layer.kind == "Dense") return dense(layer, layer, config, x, "");
  if (layer.kind == "TimeDistributed") {
    const KerasLayer inner = layer_of(config["layer"]);
    if (inner.kind != "Dense") refuse(layer, "a Dense layer within", shown(inner.kind));
    return dense(layer, inner, JsonObject(*inner.config, where(inner)), x, "layer/");
  }
  if (layer.kind == "Masking") {
    const auto made = builder_.add(layer.name, ValueMask{config.number("mask_value", 0)}, {x.value});
    return {made[0], made[1]};
  }
  if (layer.kind == "GlobalAveragePooling1D" || layer.kind == "GlobalMaxPooling1D") return pooled(layer, config, x);
  if (layer.kind == "Activation") {
    return {builder_.add_one(layer.name, Elementwise{activation(layer, config, "activation", "linear")}, {x.value}),
            x.mask};
  }
  refuse(layer, "a layer of a recurrent or dense network", "another one");
}

KerasFlow KerasParts::pooled(const KerasLayer& layer, const JsonObject& config, const KerasFlow& x) {
  if (x.mask != no_value) refuse(layer, "a sequence without a mask", "one with a mask");
  if (config.text("data_format", "channels_last") != "channels_last") refuse(layer, "channels_last", "another order");
  if (config.boolean("keepdims", false)) refuse(layer, "keepdims false", "true");
  const Pooling how = layer.kind == "GlobalMaxPooling1D" ? Pooling::maximum : Pooling::mean;
  return {builder_.add_one(layer.name, Pool{how}, {x.value})};
}

KerasFlow KerasParts::combine(const KerasLayer& layer, const JsonObject& config, const std::vector<KerasFlow>& inputs) {
  const Combination how = layer.kind == "Concatenate" ? Combination::concatenate
                          : layer.kind == "Add"       ? Combination::sum
                          : layer.kind == "Average"   ? Combination::average
                                                      : Combination::product;
  const double axis = config.number("axis", -1);
  if (how == Combination::concatenate && axis != -1 && axis != 2) refuse(layer, "features joined", "another axis");
  std::vector<ValueId> values;
  KerasFlow made;
  for (const KerasFlow& input : inputs) {
    values.push_back(input.value);
    if (input.mask != no_value) made.mask = input.mask;
  }
  for (const KerasFlow& input : inputs) {
    if (input.mask != made.mask) refuse(layer, "one mask", "several");
  }
  made.value = builder_.add_one(layer.name, Combine{how}, values);
  return made;
}

Activation KerasParts::activation(const KerasLayer& layer, const JsonObject& config, std::string_view key,
                                  const std::string& otherwise) const {
  const JsonNode* node = config.find(key);
  const std::string name = node == nullptr ? otherwise : config.text(key);
  if (name == "linear" || name.empty()) return {Function::linear};
  if (name == "tanh") return {Function::tanh};
  if (name == "sigmoid") return {Function::sigmoid};
  if (name == "relu") return {Function::relu};
  if (name == "softmax") return {Function::softmax};
  if (name == "softsign") return {Function::softsign};
  if (name == "softplus") return {Function::softplus};
  if (name == "elu") return {Function::elu, 1};
  if (name == "hard_sigmoid") return {Function::hard_sigmoid, source_.version3 ? 1.0 / 6 : 0.2, 0.5};
  refuse(layer, "a known " + std::string(key), shown(name));
}

// Weight i of a layer, or of a layer within another (`inner`); its name in the older files.
std::optional<Array> KerasParts::weight(const KerasLayer& outer, const std::string& inner, std::size_t i,
                                        const std::string& name, const std::string& within) {
  std::vector<std::string> candidates;
  if (source_.by_place) {
    candidates.push_back(places_.at(outer.name) + "/" + inner + "vars/" + std::to_string(i));
  } else {
    const std::string layer = source_.root + outer.name;
    if (const auto* names = source_.file->find_text(layer, "weight_names")) {
      if (names->size() > 64) refuse(outer, "at most 64 weights", std::to_string(names->size()));
      for (const std::string& path : *names) {
        const bool ends = path.ends_with("/" + name) || path.ends_with("/" + name + ":0");
        if (ends && (within.empty() || path.find("/" + within) != std::string::npos || path.starts_with(within))) {
          candidates.push_back(layer + "/" + path);
        }
      }
    }
  }
  if (candidates.size() > 1) refuse(outer, "one tensor " + name, "several");
  const auto found = candidates.empty() ? tensors_.end() : tensors_.find(candidates[0]);
  if (found == tensors_.end()) return std::nullopt;
  return read_tensor(*found->second, path_, budget_);
}
Array KerasParts::needed(const KerasLayer& outer, const std::string& inner, std::size_t i, const std::string& name,
                         const std::string& within) {
  std::optional<Array> array = weight(outer, inner, i, name, within);
  if (!array) refuse(outer, "its weights " + name + " in the file", "none");
  return std::move(*array);
}

KerasFlow KerasParts::embedding(const KerasLayer& layer, const JsonObject& config, const KerasFlow& x) {
  const Array table = needed(layer, "", 0, "embeddings");
  expect_shape(table, {config.size("input_dim"), config.size("output_dim")}, where(layer));
  Embedding part = {table.shape[0], table.shape[1], table.values, config.boolean("mask_zero", false)};
  const bool masks = part.masks_zero;
  const auto made = builder_.add(layer.name, std::move(part), {x.value});
  return {made[0], masks ? made[1] : no_value};
}

KerasFlow KerasParts::dense(const KerasLayer& outer, const KerasLayer& layer, const JsonObject& config,
                            const KerasFlow& x, const std::string& inner) {
  const Array kernel = needed(outer, inner, 0, "kernel");
  std::optional<Array> bias;
  if (config.boolean("use_bias", true)) bias = needed(outer, inner, 1, "bias");
  Dense part = keras_dense(kernel, bias, where(layer));
  if (part.outputs != config.size("units")) refuse(layer, "units as the weights have them", "others");
  const Activation f = activation(layer, config, "activation", "linear");
  KerasFlow made = {builder_.add_one(outer.name, std::move(part), {x.value}), x.mask};
  if (f.function != Function::linear) {
    made.value = builder_.add_one(outer.name, Elementwise{f}, {made.value});
  }
  return made;
}

// One direction's part, and what its config says about its use.
Recurrent KerasParts::recurrent_part(const KerasLayer& outer, const KerasLayer& layer, const JsonObject& config,
                                     const std::string& inner, const std::string& within) {
  Recurrent part;
  part.hidden = config.size("units");
  const bool lstm = layer.kind == "LSTM", gru = layer.kind == "GRU";
  KerasWeights weights = {needed(outer, inner + "cell/", 0, "kernel", within),
                          needed(outer, inner + "cell/", 1, "recurrent_kernel", within), std::nullopt};
  if (config.boolean("use_bias", true)) weights.bias = needed(outer, inner + "cell/", 2, "bias", within);
  part.cell = lstm ? Cell::lstm : Cell::rnn;
  if (gru) {
    // Files from before the option was there mean false.
    const bool after = config.boolean("reset_after", false);
    part.cell = after ? Cell::gru_reset_after : Cell::gru_reset_before;
  }
  if (config.boolean("zero_output_for_mask", false)) {
    part.masked_is_zero = true;
  } else {
    part.masked_is_zero = false;
  }
  part.directions.push_back(keras_direction(part.cell, weights, part.hidden, where(layer)));
  part.inputs = weights.kernel.shape[0];
  Direction& direction = part.directions.front();
  direction.candidate = activation(layer, config, "activation", "tanh");
  direction.output = direction.candidate;
  direction.gate = activation(layer, config, "recurrent_activation", source_.old_gates ? "hard_sigmoid" : "sigmoid");
  if (gru && !is_complementary(direction.gate)) refuse(layer, "a gate that can be turned round", text(direction.gate));
  return part;
}

KerasFlow KerasParts::recurrent(const KerasLayer& layer, const JsonObject& config, const KerasFlow& x) {
  Recurrent part = recurrent_part(layer, layer, config, "", "");
  const bool backwards = config.boolean("go_backwards", false), all = config.boolean("return_sequences", false);
  part.directions.front().backward = backwards;
  if (config.boolean("return_state", false)) refuse(layer, "return_state false", "true");
  if (config.boolean("time_major", false)) refuse(layer, "time_major false", "true");
  const auto made = builder_.add(layer.name, std::move(part), {x.value, x.mask});
  if (!all) return {made[1], no_value};
  if (!backwards) return {made[0], x.mask};
  if (x.mask != no_value) refuse(layer, "a mask in the order of the steps", "a layer that turns them round");
  return {builder_.add_one(layer.name, Reverse{}, {made[0]}), no_value};
}

KerasFlow KerasParts::bidirectional(const KerasLayer& outer, const JsonObject& config, const KerasFlow& x) {
  const KerasLayer forward = layer_of(config["layer"]);
  const bool known = forward.kind == "GRU" || forward.kind == "LSTM" || forward.kind == "SimpleRNN";
  if (!known) refuse(outer, "a recurrent layer within", shown(forward.kind));
  const KerasLayer backward = config.find("backward_layer") != nullptr ? layer_of(config["backward_layer"]) : forward;
  const JsonObject forward_config(*forward.config, where(forward)), backward_config(*backward.config, where(backward));
  if (backward.kind != forward.kind) refuse(outer, "one cell in both directions", "two");
  Recurrent part = recurrent_part(outer, forward, forward_config, "forward_layer/", "forward_");
  Recurrent other = recurrent_part(outer, backward, backward_config, "backward_layer/", "backward_");
  if (other.hidden != part.hidden || other.cell != part.cell) refuse(outer, "one size in both directions", "two");
  other.directions.front().backward = true;
  part.directions.push_back(std::move(other.directions.front()));
  const std::size_t H = part.hidden;
  const bool all = forward_config.boolean("return_sequences", false);
  const std::string merge = config.text("merge_mode", "concat");
  const auto made = builder_.add(outer.name, std::move(part), {x.value, x.mask});
  KerasFlow flow = {all ? made[0] : made[1], all ? x.mask : no_value};
  if (merge == "concat") return flow;
  constexpr std::array<std::pair<std::string_view, Combination>, 3> merges = {
      {{"sum", Combination::sum}, {"mul", Combination::product}, {"ave", Combination::average}}};
  const auto* found =
      std::ranges::find(merges, std::string_view(merge), &std::pair<std::string_view, Combination>::first);
  if (found == merges.end()) refuse(outer, "merge_mode concat, sum, mul or ave", shown(merge));
  Select first, second;
  for (std::size_t i = 0; i < H; ++i) {
    first.features.push_back(i);
    second.features.push_back(H + i);
  }
  const ValueId a = builder_.add_one(outer.name, std::move(first), {flow.value});
  const ValueId b = builder_.add_one(outer.name, std::move(second), {flow.value});
  flow.value = builder_.add_one(outer.name, Combine{found->second}, {a, b});
  return flow;
}

}  // namespace sluice::foreign
