#include "formats/foreign/to_model.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/safetensors.h"
#include "base/shown.h"
#include "base/threads.h"
#include "formats/foreign/layers.h"
#include "formats/gate_order.h"
#include "formats/model_tensors.h"
#include "model/config.h"
#include "model/model_access.h"

namespace sluice::foreign {
namespace {

class Conversion {
 public:
  Conversion(const Network& network, std::string path) : network_(network), path_(std::move(path)) {}

  Model run() {
    walk(network_.outputs.front().value);
    if (head_ == nullptr) refuse("a dense head after the last layer", "none");
    if (layers_.empty()) refuse("a recurrent layer", "none");
    check_rest();
    const Config config = checked(make_config());
    const std::size_t vocabulary = embedding_ != nullptr ? embedding_->tokens : 0;
    TensorFile file;
    file.tensors = tensors();
    const std::string bytes = format_safetensors(file);
    const TensorFileView view = view_safetensors(bytes, path_);
    check_tensors(view, config, vocabulary, FileNames::alike, path_);
    Model model = ModelAccess::make(std::make_shared<sluice::Network>(config, vocabulary), vocabulary_of(vocabulary));
    from_tensors(view, network_of(model), FileNames::alike, path_);
    Team team(1);
    network_of(model).pack(team);
    model.notes()["imported"] = nlohmann::json{{"format", network_.format}, {"file", path_}}.dump();
    return model;
  }

 private:
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const {
    throw Error(Status::failed,
                path_ + ": a model file cannot hold this network: expected " + expected + ", found " + found);
  }
  [[noreturn]] void refuse(const Part& part, const std::string& expected) const {
    std::string what = "another part";
    const std::size_t index = static_cast<std::size_t>(&part - network_.parts.data());
    refuse(expected, shown(part.name) + " (" + summary(network_)[index].what + ")");
  }

  const Part* maker_of(ValueId value) const {
    for (const Part& part : network_.parts) {
      if (std::ranges::find(part.outputs, value) != part.outputs.end()) return &part;
    }
    return nullptr;
  }

  // From the output back to the input.
  void walk(ValueId value) {
    const Part* part = nullptr;
    while ((part = maker_of(value)) != nullptr) {
      path_parts_.push_back(part);
      if (const auto* e = std::get_if<Elementwise>(&part->work)) {
        if (e->activation.function != Function::softmax || head_ != nullptr) refuse(*part, "no activation of its own");
        softmax_ = part;
      } else if (const auto* dense = std::get_if<Dense>(&part->work)) {
        if (head_ != nullptr || !layers_.empty()) refuse(*part, "one dense layer, the head");
        head_ = dense;
      } else if (const auto* layer = std::get_if<Recurrent>(&part->work)) {
        add_layer(*part, *layer, value);
      } else if (const auto* embedding = std::get_if<Embedding>(&part->work)) {
        if (embedding->masks_zero) refuse(*part, "an embedding without a mask");
        embedding_ = embedding;
      } else {
        refuse(*part, "an embedding, recurrent layers and a dense head alone");
      }
      value = part->inputs.front();
    }
    if (softmax_ != nullptr && embedding_ == nullptr) refuse(*softmax_, "a linear head on numbers");
    if (network_.values[value].kind == Kind::vector) refuse("numbers of every step", "numbers of a row");
  }

  void add_layer(const Part& part, const Recurrent& layer, ValueId value) {
    const Direction& d = layer.directions.front();
    const Activation tanh = {Function::tanh}, relu = {Function::relu}, sigmoid = {Function::sigmoid};
    const bool usual = layer.cell == Cell::rnn ? d.candidate == tanh || d.candidate == relu
                                               : d.gate == sigmoid && d.candidate == tanh && d.output == tanh;
    if (value != part.outputs.front()) refuse(part, "a head on every step");
    if (layer.directions.size() != 1 || d.backward) refuse(part, "layers that read forward");
    if (!usual || layer.clip > 0 || layer.couples_input_forget || layer.keeps || !d.peepholes.empty() ||
        layer.projection > 0) {
      refuse(part, "a cell with the usual equations");
    }
    if (!d.initial_h.empty() || !d.initial_c.empty()) refuse(part, "a layer that begins at zeros");
    if (part.inputs.size() > 1 && part.inputs[1] != no_value) refuse(part, "a layer without a mask");
    if (!layers_.empty()) {
      const Recurrent& above = *layers_.front();
      const bool same =
          above.cell == layer.cell && above.hidden == layer.hidden && above.directions.front().candidate == d.candidate;
      if (!same) refuse(part, "layers of one cell and one size");
    }
    layers_.insert(layers_.begin(), &layer);
  }

  // Whatever does not lie on the way may only hand states in and out.
  void check_rest() const {
    for (const Part& part : network_.parts) {
      const bool state = std::holds_alternative<Select>(part.work) || std::holds_alternative<Combine>(part.work);
      const bool known = std::ranges::find(path_parts_, &part) != path_parts_.end();
      if (!known && !(state && network_.values[part.outputs.front()].kind == Kind::vector)) {
        refuse(part, "one chain of parts");
      }
    }
    for (std::size_t i = 1; i < network_.outputs.size(); ++i) {
      const Port& port = network_.outputs[i];
      if (last_units(network_, port).empty()) refuse("one output besides states", shown(port.name));
    }
  }

  Config make_config() const {
    const Recurrent& first = *layers_.front();
    Config config;
    config.cell = name_of(first.cell);
    config.layers = layers_.size();
    config.hidden = first.hidden;
    if (first.directions.front().candidate.function == Function::relu) config.activation = "relu";
    if (embedding_ != nullptr) {
      config.embedding = embedding_->size;
      if (head_->outputs != embedding_->tokens) {
        refuse("as many outputs as tokens, " + std::to_string(embedding_->tokens), std::to_string(head_->outputs));
      }
    } else {
      config.inputs = first.inputs;
      config.outputs = head_->outputs;
    }
    return config;
  }

  static Vocabulary vocabulary_of(std::size_t size) {
    if (size == 0) return {};
    std::vector<std::string> tokens = {std::string(Vocabulary::unknown_text)};
    for (std::size_t i = 1; i < size; ++i) tokens.push_back(std::to_string(i));
    return Vocabulary({.level = Level::pretokenized}, std::move(tokens));
  }

  void put(std::vector<Tensor>& tensors, const std::string& name, const Numbers& numbers, Shape shape,
           std::span<const GateBlock> blocks = {}) const {
    std::size_t count = 1;
    for (const std::uint64_t size : shape) count *= size;
    std::vector<float> values(count);
    const std::size_t size = blocks.empty() ? count : count / blocks.size();
    for (std::size_t i = 0; i < count && !numbers.empty(); ++i) {
      const GateBlock block = blocks.empty() ? GateBlock{0} : blocks[i / size];
      const auto value = static_cast<float>(numbers[block.internal * size + i % size]);
      values[i] = block.negated ? -value : value;
    }
    tensors.push_back({name, "F32", std::move(shape), std::string(view_of(values))});
  }

  // As a model file has them; no numbers: zeros.
  std::vector<Tensor> tensors() const {
    std::vector<Tensor> made;
    if (embedding_ != nullptr) {
      put(made, "embedding.weight", embedding_->table, {embedding_->tokens, embedding_->size});
    }
    for (std::size_t k = 0; k < layers_.size(); ++k) {
      const Recurrent& layer = *layers_[k];
      const Direction& d = layer.directions.front();
      const std::uint64_t rows = gates_of(layer.cell) * layer.hidden;
      const std::string l = "_l" + std::to_string(k);
      // Only gru-reset-after stands in PyTorch's order in the file.
      const std::span<const GateBlock> blocks =
          layer.cell == Cell::gru_reset_after ? std::span<const GateBlock>(gru_rzn) : std::span<const GateBlock>();
      put(made, "rnn.weight_ih" + l, d.input, {rows, layer.inputs}, blocks);
      put(made, "rnn.weight_hh" + l, d.recurrent, {rows, layer.hidden}, blocks);
      put(made, "rnn.bias_ih" + l, d.input_bias, {rows}, blocks);
      put(made, "rnn.bias_hh" + l, d.recurrent_bias, {rows}, blocks);
    }
    put(made, "head.weight", head_->weight, {head_->outputs, head_->inputs});
    put(made, "head.bias", head_->bias, {head_->outputs});
    return made;
  }

  const Network& network_;
  std::string path_;
  std::vector<const Part*> path_parts_;
  std::vector<const Recurrent*> layers_;
  const Dense* head_ = nullptr;
  const Embedding* embedding_ = nullptr;
  const Part* softmax_ = nullptr;
};

}  // namespace

Model to_model(const Network& network, const std::string& path) { return Conversion(network, path).run(); }

}  // namespace sluice::foreign
