// JSON of RTNeural, AIDA-X, GuitarML and NAM.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <deque>

#include "base/shown.h"
#include "formats/foreign/audio.h"
#include "formats/foreign/chain.h"
#include "formats/foreign/evaluate.h"
#include "formats/foreign/json_tree.h"
#include "formats/foreign/keras_layers.h"
#include "formats/foreign/layers.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

// A list of numbers, or of lists of them, as an array of one or two dimensions.
Array array_of(const JsonNode& node, const std::string& where) {
  const auto refuse = [&where](const std::string& found) {
    throw Error(Status::bad_file, where + ": expected numbers, or rows of them of one length, found " + found);
  };
  if (node.kind == JsonNode::Kind::numbers) {
    Array array = {{node.numbers.size()}, Numbers(node.numbers.size())};
    for (std::size_t i = 0; i < node.numbers.size(); ++i) array.values.set(i, node.numbers[i]);
    return array;
  }
  if (node.kind != JsonNode::Kind::list || node.items.empty()) refuse("something else");
  const std::size_t columns = node.items.front().numbers.size();
  Array array = {{node.items.size(), columns}, Numbers(node.items.size() * columns)};
  for (std::size_t row = 0; row < node.items.size(); ++row) {
    const JsonNode& numbers = node.items[row];
    if (numbers.kind != JsonNode::Kind::numbers || numbers.numbers.size() != columns) refuse("rows of other lengths");
    for (std::size_t i = 0; i < columns; ++i) array.values.set(row * columns + i, numbers.numbers[i]);
  }
  return array;
}

// The last of a shape such as [null, null, 8].
std::size_t last_size(const JsonObject& object, std::string_view key) {
  const JsonNode& shape = object[key];
  const double last = shape.kind == JsonNode::Kind::list && !shape.items.empty()        ? shape.items.back().number
                      : shape.kind == JsonNode::Kind::numbers && !shape.numbers.empty() ? shape.numbers.back()
                                                                                        : 0;
  if (!(last >= 1 && last < 1e7 && last == std::floor(last)))
    object.refuse(key, "a shape that ends in a size", "another");
  return static_cast<std::size_t>(last);
}

Activation activation_of(const JsonObject& layer) {
  const std::string name = layer.text("activation", "");
  if (name.empty() || name == "linear") return {Function::linear};
  if (name == "tanh") return {Function::tanh};
  if (name == "sigmoid") return {Function::sigmoid};
  if (name == "relu" || name == "ReLu") return {Function::relu};
  if (name == "softmax") return {Function::softmax};
  if (name == "elu") return {Function::elu, 1};
  layer.refuse("activation", "a known activation", shown(name));
}

std::string rate_text(const JsonObject& model, std::string_view key) {
  const JsonNode* rate = model.find(key);
  if (rate == nullptr) return "";
  const std::string text = rate->kind == JsonNode::Kind::text ? rate->text.substr(0, 12)
                                                              : std::to_string(static_cast<long long>(rate->number));
  return ", " + text + " Hz";
}

class RtNeural {
 public:
  RtNeural(const JsonNode& root, const std::string& path) : model_(root, path), path_(path), builder_(path) {}

  Network read() {
    model_.expect_only({"in_shape", "layers", "in_skip", "in_gain", "out_gain", "samplerate", "metadata", "input_batch",
                        "output_batch", "author", "esr", "esr_loss", "name", "version", "date", "license"});
    const std::size_t inputs = last_size(model_, "in_shape");
    ValueId x = builder_.input("x", {Kind::sequence, inputs});
    x = scaled("in_gain", x, inputs);
    now_ = x;
    features_ = inputs;
    const JsonNode& layers = model_["layers"];
    if (layers.kind != JsonNode::Kind::list) model_.refuse("layers", "layers", "none");
    for (std::size_t i = 0; i < layers.items.size(); ++i) add(layers.items[i], i);
    const double skip = model_.number("in_skip", 0);
    if (skip != 0 && skip != 1) model_.refuse("in_skip", "0 or 1", std::to_string(skip));
    if (skip == 1) {
      if (features_ != 1) model_.refuse("in_skip", "one output to add the input to", std::to_string(features_));
      const ValueId first = builder_.add_one("in_skip", Select{{0}}, {x});
      now_ = builder_.add_one("in_skip", Combine{Combination::sum}, {now_, first});
    }
    now_ = scaled("out_gain", now_, features_);
    builder_.output("y", now_);
    const JsonNode* metadata = model_.find("metadata");
    const std::string rate = model_.find("samplerate") != nullptr || metadata == nullptr
                                 ? rate_text(model_, "samplerate")
                                 : rate_text(JsonObject(*metadata, path_ + ": metadata"), "samplerate");
    const bool aida = model_.find("in_skip") != nullptr || model_.find("in_gain") != nullptr;
    return builder_.finish((aida ? "AIDA-X" : "RTNeural") + rate);
  }

 private:
  // Decibels of an amplitude; 0 leaves it.
  ValueId scaled(std::string_view key, ValueId x, std::size_t features) {
    const double decibels = model_.number(key, 0);
    if (decibels == 0) return x;
    if (!(std::abs(decibels) < 200)) model_.refuse(key, "decibels", std::to_string(decibels));
    Scale scale = {Numbers(features, true), Numbers(features, true)};
    for (std::size_t i = 0; i < features; ++i) scale.factor.set(i, std::pow(10.0, decibels / 20));
    return builder_.add_one(std::string(key), std::move(scale), {x});
  }

  void add(const JsonNode& node, std::size_t number) {
    const JsonObject layer(node, path_ + ": layer " + std::to_string(number));
    const std::string type = layer.text("type"), name = type.substr(0, 40) + " " + std::to_string(number);
    const std::size_t outputs = last_size(layer, "shape");
    if (type == "activation") return activate(layer, name);
    if (type != "dense" && type != "time-distributed-dense" && type != "gru" && type != "lstm") {
      layer.refuse("type", "dense, time-distributed-dense, gru, lstm or activation", shown(type));
    }
    layer.expect_only({"type", "activation", "shape", "weights"});
    const JsonNode& weights = layer["weights"];
    std::vector<Array> arrays;
    if (weights.kind != JsonNode::Kind::list) layer.refuse("weights", "lists of numbers", "something else");
    for (const JsonNode& item : weights.items) arrays.push_back(array_of(item, layer.where() + ": weights"));
    const std::size_t wanted = type == "gru" || type == "lstm" ? 3 : 2;
    if (arrays.size() != wanted)
      layer.refuse("weights", std::to_string(wanted) + " of them", std::to_string(arrays.size()));
    if (type == "gru" || type == "lstm") {
      add_recurrent(layer, name, outputs, std::move(arrays));
    } else {
      Dense dense = keras_dense(arrays[0], arrays[1], layer.where());
      if (dense.outputs != outputs) layer.refuse("shape", std::to_string(dense.outputs), std::to_string(outputs));
      now_ = builder_.add_one(name, std::move(dense), {now_});
      activate(layer, name);
    }
    features_ = outputs;
  }

  void activate(const JsonObject& layer, const std::string& name) {
    const Activation f = activation_of(layer);
    if (f.function != Function::linear) now_ = builder_.add_one(name, Elementwise{f}, {now_});
  }

  void add_recurrent(const JsonObject& layer, const std::string& name, std::size_t hidden, std::vector<Array> arrays) {
    // RTNeural plays sigmoid and tanh whatever stands here.
    const std::string f = layer.text("activation", "");
    if (!f.empty() && f != "tanh") layer.refuse("activation", "tanh, the only one that is played", shown(f));
    Recurrent part;
    part.hidden = hidden;
    part.cell = Cell::lstm;
    if (layer.text("type") == "gru") {
      // One row of biases: the reset comes before the product.
      Array& bias = arrays[2];
      if (bias.shape.size() == 2 && bias.shape[0] == 1) bias.shape.erase(bias.shape.begin());
      part.cell = bias.shape.size() == 2 ? Cell::gru_reset_after : Cell::gru_reset_before;
    }
    part.directions.push_back(keras_direction(part.cell, {arrays[0], arrays[1], arrays[2]}, hidden, layer.where()));
    part.inputs = arrays[0].shape[0];
    now_ = builder_.add(name, std::move(part), {now_})[0];
  }

  JsonObject model_;
  const std::string& path_;
  Builder builder_;
  ValueId now_ = no_value;
  std::size_t features_ = 0;
};

// Tensors of JSON under PyTorch's names.
struct JsonTensors {
  std::vector<RawTensor> tensors;
  std::deque<std::string> bytes;

  JsonTensors(const JsonNode& object, const std::string& where) {
    for (std::size_t i = 0; i < object.keys.size(); ++i) {
      const Array array = array_of(object.items[i], where + ": " + shown(object.keys[i]));
      std::vector<float> values(array.values.size());
      for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(array.values[k]);
      bytes.emplace_back(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
      tensors.push_back({object.keys[i], Type::f32, array.shape, bytes.back(), {}});
    }
  }
};

Network read_guitarml(const JsonNode& root, std::size_t bytes, const std::string& path, Options options) {
  const JsonObject model(root, path);
  const JsonObject data(model["model_data"], path + ": model_data");
  if (data.text("model", "SimpleRNN") != "SimpleRNN") data.refuse("model", "SimpleRNN", shown(data.text("model")));
  const std::string unit = data.text("unit_type", "LSTM");
  const std::size_t skip = data.size("skip", 0);
  if (unit != "LSTM" && unit != "GRU") data.refuse("unit_type", "LSTM or GRU", shown(unit));
  if (skip > 1) data.refuse("skip", "0 or 1", std::to_string(skip));
  options.parts = std::string("rec,lin") + (skip == 1 ? ",skip" : "");
  const JsonTensors tensors(model["state_dict"], path);
  Network network = read_chain(tensors.tensors, "GuitarML" + rate_text(data, "sample_rate"), bytes, path, options);
  // The sizes that the file says besides.
  std::size_t layers = 0;
  for (const Part& part : network.parts) {
    const auto* layer = std::get_if<Recurrent>(&part.work);
    if (layer == nullptr) continue;
    const bool same = layer->cell == (unit == "LSTM" ? Cell::lstm : Cell::gru_reset_after) &&
                      layer->hidden == data.size("hidden_size") &&
                      (layers > 0 || layer->inputs == data.size("input_size"));
    if (!same) data.refuse("hidden_size", "cell and sizes of the weights", "others");
    ++layers;
  }
  if (layers != data.size("num_layers", 1)) data.refuse("num_layers", std::to_string(layers), "another number");
  return network;
}

class Nam {
 public:
  Nam(const JsonNode& root, const std::string& path) : model_(root, path), path_(path), builder_(path) {}

  Network read(std::size_t silence) {
    if (model_.text("architecture") != "LSTM") {
      model_.refuse("architecture", "LSTM", shown(model_.text("architecture")));
    }
    const JsonObject config(model_["config"], path_ + ": config");
    config.expect_only({"input_size", "hidden_size", "num_layers", "in_channels", "out_channels"});
    const std::size_t inputs = config.size("input_size"), H = config.size("hidden_size"),
                      layers = config.size("num_layers"), outputs = config.size("out_channels", 1);
    if (H < 1 || inputs < 1 || layers < 1 || layers > 1024) config.refuse("hidden_size", "sizes from 1 on", "others");
    weights_ = array_of(model_["weights"], path_ + ": weights").values;
    ValueId now = builder_.input("x", {Kind::sequence, inputs});
    for (std::size_t k = 0; k < layers; ++k) {
      now = builder_.add("lstm " + std::to_string(k), layer(k == 0 ? inputs : H, H), {now})[0];
    }
    Dense head = {H, outputs, take(outputs * H), {}};
    head.bias = take(outputs);
    now = builder_.add_one("head", std::move(head), {now});
    if (at_ != weights_.size()) {
      model_.refuse("weights", std::to_string(at_) + " numbers", std::to_string(weights_.size()));
    }
    builder_.output("y", now);
    Network network = builder_.finish("NAM" + rate_text(model_, "sample_rate"));
    if (silence > 0) begin_after_silence(network, silence);
    return network;
  }

 private:
  Numbers take(std::size_t count) {
    if (count > weights_.size() - at_) {
      model_.refuse("weights", "at least " + std::to_string(at_ + count) + " numbers", std::to_string(weights_.size()));
    }
    at_ += count;
    return part_of(weights_, at_ - count, count);
  }
  // One matrix over [x, h], row after row; biases; where the state begins.
  Recurrent layer(std::size_t inputs, std::size_t H) {
    Recurrent part;
    part.cell = Cell::lstm;
    part.inputs = inputs;
    part.hidden = H;
    const std::size_t columns = inputs + H;
    std::size_t count = 0;
    if (__builtin_mul_overflow(4 * H, columns, &count)) model_.refuse("weights", "smaller sizes", "larger ones");
    const Numbers matrix = take(count);
    Direction direction;
    direction.input = Numbers(4 * H * inputs);
    direction.recurrent = Numbers(4 * H * H);
    for (std::size_t row = 0; row < 4 * H; ++row) {
      for (std::size_t i = 0; i < columns; ++i) {
        i < inputs ? direction.input.set(row * inputs + i, matrix[row * columns + i])
                   : direction.recurrent.set(row * H + i - inputs, matrix[row * columns + i]);
      }
    }
    direction.input_bias = take(4 * H);
    direction.initial_h = take(H);
    direction.initial_c = take(H);
    part.directions.push_back(std::move(direction));
    return part;
  }

  // The state that zeros lead to takes the place of the one in the file.
  static void begin_after_silence(Network& network, std::size_t steps) {
    Network states = network;
    states.outputs.clear();
    for (const Part& part : network.parts) {
      if (!std::holds_alternative<Recurrent>(part.work)) continue;
      states.outputs.push_back({"h", part.outputs[1], {}, false});
      states.outputs.push_back({"c", part.outputs[2], {}, false});
    }
    const Port& x = network.inputs.front();
    const auto made =
        evaluate(states, {steps, 1, {{x.value, std::vector<double>(steps * network.values[x.value].features)}}});
    std::size_t k = 0;
    for (Part& part : network.parts) {
      auto* layer = std::get_if<Recurrent>(&part.work);
      if (layer == nullptr) continue;
      for (Numbers* state : {&layer->directions[0].initial_h, &layer->directions[0].initial_c}) {
        *state = Numbers(made[k].size(), true);
        for (std::size_t i = 0; i < made[k].size(); ++i) state->set(i, made[k][i]);
        ++k;
      }
    }
  }

  JsonObject model_;
  const std::string& path_;
  Builder builder_;
  Numbers weights_;
  std::size_t at_ = 0;
};

}  // namespace

Network read_audio_json(std::string_view bytes, const std::string& path, const Options& options) {
  const JsonNode root = read_json(bytes, path);
  const JsonObject model(root, path);
  if (model.find("architecture") != nullptr) {
    expect_only(options, {"--silence", "--layout"}, path);
    Network network = Nam(root, path).read(options.silence);
    network.layout = options.layout;
    return network;
  }
  if (model.find("model_data") != nullptr) {
    expect_only(options, {"--layout"}, path);
    return read_guitarml(root, bytes.size(), path, options);
  }
  if (model.find("layers") != nullptr) {
    expect_only(options, {"--layout"}, path);
    Network network = RtNeural(root, path).read();
    network.layout = options.layout;
    return network;
  }
  expect_only(options, {"--parts", "--unused", "--layout"}, path);
  const bool tensors =
      std::ranges::any_of(root.keys, [](const std::string& key) { return key.find(".weight") != std::string::npos; });
  if (!tensors) model.refuse("layers", "a model of RTNeural, GuitarML or NAM, or a state dictionary", "another object");
  const JsonTensors read(root, path);
  return read_chain(read.tensors, "PyTorch state dictionary as JSON", bytes.size(), path, options);
}

}  // namespace sluice::foreign
