// Layers of a Keras config to parts.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "base/shown.h"
#include "formats/foreign/keras.h"
#include "formats/foreign/keras_layers.h"
#include "formats/foreign/layers.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

// A value on its way through the model, and the mask that goes with it.
struct Flow {
  ValueId value = no_value, mask = no_value;
};

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

class Reader {
 public:
  Reader(const KerasSource& source, std::uint64_t file_bytes, const std::string& path)
      : source_(source), path_(path), budget_(file_bytes, path), builder_(path) {
    for (const RawTensor& dataset : source.file->datasets) tensors_[dataset.name] = &dataset;
  }

  Network read(const JsonNode& root) {
    const JsonObject model(root, path_ + ": config");
    const std::string kind = model.text("class_name");
    const JsonNode& content = model["config"];
    // Keras before 2.2.3 wrote a list of layers alone.
    const JsonNode& layers = content.is_list() ? content : JsonObject(content, model.where())["layers"];
    for (const JsonNode& layer : layers.items) remember_place(layer);
    if (kind == "Sequential") {
      read_sequential(layers);
    } else if (kind == "Functional" || kind == "Model") {
      read_functional(layers, JsonObject(content, model.where()));
    } else {
      model.refuse("class_name", "Sequential or Functional", shown(kind));
    }
    Network network = builder_.finish(std::string("Keras ") + (source_.version3 ? "3" : "2"));
    network.layout = Layout::batch_first;
    return network;
  }

 private:
  struct Layer {
    std::string kind, name;
    const JsonNode* config;
  };

  Layer layer_of(const JsonNode& node) const {
    const JsonObject layer(node, path_ + ": layer");
    Layer made = {layer.text("class_name"), "", &layer["config"]};
    made.name = JsonObject(*made.config, path_ + ": layer " + shown(made.kind)).text("name", made.kind);
    return made;
  }
  std::string where(const Layer& layer) const { return path_ + ": layer " + shown(layer.name); }
  [[noreturn]] void refuse(const Layer& layer, const std::string& expected, const std::string& found) const {
    throw Error(Status::bad_file,
                where(layer) + " (" + shown(layer.kind) + "): expected " + expected + ", found " + found);
  }

  // A .keras archive counts layers of each class in their order.
  void remember_place(const JsonNode& node) {
    const Layer layer = layer_of(node);
    const std::string base = snake(layer.kind);
    const std::size_t number = counters_[base]++;
    std::string& place = places_[layer.name] = "layers/";
    place += base;
    if (number > 0) place.append("_").append(std::to_string(number));
  }

  void read_sequential(const JsonNode& layers) {
    Flow flow;
    for (const JsonNode& node : layers.items) {
      const Layer layer = layer_of(node);
      if (layer.kind == "InputLayer") {
        flow = input(layer);
        continue;
      }
      if (flow.value == no_value) flow = input(layer);
      flow = apply(layer, {flow});
    }
    if (flow.value == no_value) throw Error(Status::bad_file, path_ + ": config: expected layers, found none");
    builder_.output("0", flow.value);
  }

  // Names of layers that a layer reads, whichever generation wrote them.
  void collect_inputs(const JsonNode& node, std::vector<std::string>& names) const {
    if (const JsonNode* history = node.find("keras_history")) {
      if (history->kind == JsonNode::Kind::list && !history->items.empty()) names.push_back(history->items[0].text);
      return;
    }
    const bool old = node.kind == JsonNode::Kind::list && node.items.size() >= 3 &&
                     node.items[0].kind == JsonNode::Kind::text && node.items[1].kind == JsonNode::Kind::number;
    if (old) {
      names.push_back(node.items[0].text);
      return;
    }
    for (const JsonNode& item : node.items) collect_inputs(item, names);
  }

  void read_functional(const JsonNode& layers, const JsonObject& config) {
    std::map<std::string, Flow> flows;
    std::vector<const JsonNode*> open;
    for (const JsonNode& layer : layers.items) open.push_back(&layer);
    // Keras writes layers behind those that they read; a few rounds are for whoever does not.
    for (int round = 0; !open.empty(); ++round) {
      std::vector<const JsonNode*> later;
      for (const JsonNode* node : open) {
        if (!read_node(*node, flows)) later.push_back(node);
      }
      if (later.size() == open.size() || (round > 16 && !later.empty()))
        refuse(layer_of(*later[0]), "layers that read layers before them", "a circle");
      open = std::move(later);
    }
    std::vector<std::string> outputs;
    const JsonNode& listed = config["output_layers"];
    // Keras 3 writes one output without a list around it.
    for (const JsonNode& item : listed.items) {
      if (item.kind == JsonNode::Kind::text) outputs.push_back(item.text);
      if (item.is_list() && !item.items.empty()) outputs.push_back(item.items[0].text);
    }
    for (const std::string& name : outputs) {
      const auto found = flows.find(name);
      if (found == flows.end()) config.refuse("output_layers", "names of layers", shown(name));
      builder_.output(name, found->second.value);
    }
  }

  bool read_node(const JsonNode& node, std::map<std::string, Flow>& flows) {
    const Layer layer = layer_of(node);
    if (layer.kind == "InputLayer") {
      flows[layer.name] = input(layer);
      return true;
    }
    const JsonObject object(node, where(layer));
    if (object["inbound_nodes"].size() != 1) refuse(layer, "a layer that is used once", "another number of uses");
    std::vector<std::string> names;
    collect_inputs(object["inbound_nodes"], names);
    if (names.empty()) refuse(layer, "layers that it reads", "none");
    std::vector<Flow> read;
    for (const std::string& name : names) {
      const auto found = flows.find(name);
      if (found == flows.end()) return false;
      read.push_back(found->second);
    }
    flows[layer.name] = apply(layer, read);
    return true;
  }

  // [batch, time, features] of numbers, or [batch, time] of tokens; of an input layer, or of the first one without.
  Flow input(const Layer& layer) {
    const JsonObject config(*layer.config, where(layer));
    const JsonNode* shape = config.find("batch_shape");
    if (shape == nullptr) shape = config.find("batch_input_shape");
    if (shape == nullptr) config.refuse("batch_shape", "a shape", "none");
    return input_of(layer, *shape);
  }
  Flow input_of(const Layer& layer, const JsonNode& shape) {
    const std::string name = std::to_string(builder_.network().inputs.size());
    if (shape.size() == 2) return {builder_.input(name, {Kind::tokens, 0})};
    const JsonNode* last = shape.size() == 3 && shape.kind == JsonNode::Kind::list ? &shape.items[2] : nullptr;
    const double features = last != nullptr                                              ? last->number
                            : shape.kind == JsonNode::Kind::numbers && shape.size() == 3 ? shape.numbers[2]
                                                                                         : 0;
    if (!(features >= 1 && features < 1e7))
      refuse(layer, "tokens [batch, time] or numbers [batch, time, features]", "another shape");
    return {builder_.input(name, {Kind::sequence, static_cast<std::size_t>(features)})};
  }

  Flow apply(const Layer& layer, const std::vector<Flow>& inputs) {
    const JsonObject config(*layer.config, where(layer));
    const Flow& x = inputs.front();
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
      const Layer inner = layer_of(config["layer"]);
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

  Flow pooled(const Layer& layer, const JsonObject& config, const Flow& x) {
    if (x.mask != no_value) refuse(layer, "a sequence without a mask", "one with a mask");
    if (config.text("data_format", "channels_last") != "channels_last") refuse(layer, "channels_last", "another order");
    if (config.boolean("keepdims", false)) refuse(layer, "keepdims false", "true");
    const Pooling how = layer.kind == "GlobalMaxPooling1D" ? Pooling::maximum : Pooling::mean;
    return {builder_.add_one(layer.name, Pool{how}, {x.value})};
  }

  Flow combine(const Layer& layer, const JsonObject& config, const std::vector<Flow>& inputs) {
    const Combination how = layer.kind == "Concatenate" ? Combination::concatenate
                            : layer.kind == "Add"       ? Combination::sum
                            : layer.kind == "Average"   ? Combination::average
                                                        : Combination::product;
    const double axis = config.number("axis", -1);
    if (how == Combination::concatenate && axis != -1 && axis != 2) refuse(layer, "features joined", "another axis");
    std::vector<ValueId> values;
    Flow made;
    for (const Flow& input : inputs) {
      values.push_back(input.value);
      if (input.mask != no_value) made.mask = input.mask;
    }
    for (const Flow& input : inputs) {
      if (input.mask != made.mask) refuse(layer, "one mask", "several");
    }
    made.value = builder_.add_one(layer.name, Combine{how}, values);
    return made;
  }

  Activation activation(const Layer& layer, const JsonObject& config, std::string_view key,
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
  std::optional<Array> weight(const Layer& outer, const std::string& inner, std::size_t i, const std::string& name,
                              const std::string& within) {
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
    used_.insert(candidates[0]);
    return read_tensor(*found->second, path_, budget_);
  }
  Array needed(const Layer& outer, const std::string& inner, std::size_t i, const std::string& name,
               const std::string& within = "") {
    std::optional<Array> array = weight(outer, inner, i, name, within);
    if (!array) refuse(outer, "its weights " + name + " in the file", "none");
    return std::move(*array);
  }

  Flow embedding(const Layer& layer, const JsonObject& config, const Flow& x) {
    const Array table = needed(layer, "", 0, "embeddings");
    expect_shape(table, {config.size("input_dim"), config.size("output_dim")}, where(layer));
    Embedding part = {table.shape[0], table.shape[1], table.values, config.boolean("mask_zero", false)};
    const bool masks = part.masks_zero;
    const auto made = builder_.add(layer.name, std::move(part), {x.value});
    return {made[0], masks ? made[1] : no_value};
  }

  Flow dense(const Layer& outer, const Layer& layer, const JsonObject& config, const Flow& x,
             const std::string& inner) {
    const Array kernel = needed(outer, inner, 0, "kernel");
    std::optional<Array> bias;
    if (config.boolean("use_bias", true)) bias = needed(outer, inner, 1, "bias");
    Dense part = keras_dense(kernel, bias, where(layer));
    if (part.outputs != config.size("units")) refuse(layer, "units as the weights have them", "others");
    const Activation f = activation(layer, config, "activation", "linear");
    Flow made = {builder_.add_one(outer.name, std::move(part), {x.value}), x.mask};
    if (f.function != Function::linear) {
      made.value = builder_.add_one(outer.name, Elementwise{f}, {made.value});
    }
    return made;
  }

  // One direction's part, and what its config says about its use.
  Recurrent recurrent_part(const Layer& outer, const Layer& layer, const JsonObject& config, const std::string& inner,
                           const std::string& within) {
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
    if (gru && !is_complementary(direction.gate))
      refuse(layer, "a gate that can be turned round", text(direction.gate));
    return part;
  }

  Flow recurrent(const Layer& layer, const JsonObject& config, const Flow& x) {
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

  Flow bidirectional(const Layer& outer, const JsonObject& config, const Flow& x) {
    const Layer forward = layer_of(config["layer"]);
    const bool known = forward.kind == "GRU" || forward.kind == "LSTM" || forward.kind == "SimpleRNN";
    if (!known) refuse(outer, "a recurrent layer within", shown(forward.kind));
    const Layer backward = config.find("backward_layer") != nullptr ? layer_of(config["backward_layer"]) : forward;
    const JsonObject forward_config(*forward.config, where(forward)),
        backward_config(*backward.config, where(backward));
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
    Flow flow = {all ? made[0] : made[1], all ? x.mask : no_value};
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

  const KerasSource& source_;
  const std::string& path_;
  Budget budget_;
  Builder builder_;
  std::map<std::string, const RawTensor*> tensors_;
  std::map<std::string, std::string> places_;
  std::map<std::string, std::size_t> counters_;
  std::set<std::string> used_;
};

}  // namespace

Network read_keras_config(const JsonNode& config, const KerasSource& source, std::uint64_t file_bytes,
                          const std::string& path, const Options& options) {
  expect_only(options, {}, path);
  return Reader(source, file_bytes, path).read(config);
}

}  // namespace sluice::foreign
