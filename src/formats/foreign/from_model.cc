// A model of ours as the layers that exporters write.
#include <cstring>
#include <map>
#include <string>

#include "base/safetensors.h"
#include "formats/fold_scaling.h"
#include "formats/foreign/layers.h"
#include "formats/foreign/stack.h"
#include "formats/gate_order.h"
#include "formats/model_tensors.h"
#include "model/layout.h"
#include "model/model_access.h"
#include "model/network.h"

namespace sluice::foreign {
namespace {

Cell cell_of(const std::string& name) {
  for (const Cell cell : {Cell::rnn, Cell::lstm, Cell::gru_reset_before, Cell::gru_reset_after}) {
    if (name == name_of(cell)) return cell;
  }
  throw Error(Status::usage,
              "export: expected a cell that other systems have, rnn, lstm, gru or gru-reset-after, found " + name);
}

// The tensors of a model file, under their names there.
class Tensors {
 public:
  explicit Tensors(const Model& model) : tensors_(to_tensors(network_of(model))) {
    for (const Tensor& tensor : tensors_) by_name_[tensor.name] = &tensor;
  }
  Numbers operator[](const std::string& name) const {
    const std::string& bytes = by_name_.at(name)->bytes;
    Numbers numbers(bytes.size() / sizeof(float));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      float value;
      std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
      numbers.set(i, static_cast<double>(value));
    }
    return numbers;
  }

 private:
  std::vector<Tensor> tensors_;
  std::map<std::string, const Tensor*> by_name_;
};

Direction direction_of(const Tensors& tensors, const std::string& suffix, const Recurrent& part, bool begins) {
  const std::span<const GateBlock> blocks =
      part.cell == Cell::gru_reset_before ? std::span<const GateBlock>(gru_zrh_keeping) : torch_order(part.cell);
  // A cell that PyTorch does not have stands under its own name.
  const std::string prefix = part.cell == Cell::gru_reset_before ? "rnn.gru." : "rnn.";
  const auto read = [&](const char* name, std::size_t columns) {
    return reordered(tensors[prefix + name + suffix], blocks, columns, "export");
  };
  Direction direction;
  direction.backward = suffix.ends_with("_reverse");
  direction.input = read("weight_ih", part.inputs);
  direction.recurrent = read("weight_hh", part.hidden);
  direction.input_bias = read("bias_ih", 1);
  direction.recurrent_bias = read("bias_hh", 1);
  if (begins) {
    const Numbers initial = tensors["rnn.initial" + suffix];
    direction.initial_h = part_of(initial, 0, part.hidden);
    if (part.cell == Cell::lstm) direction.initial_c = part_of(initial, part.hidden, part.hidden);
  }
  return direction;
}

// What no other system has a form for that we know.
void expect_exportable(const Config& config) {
  std::string found;
  if (!config.head.residual.empty()) found = "features that are added to its outputs, which c can say";
  if (config.spelling.characters > 0) found = "words that are spelt (train it with --spelling-units 0)";
  if (found.empty()) return;
  throw Error(Status::usage, "export: expected inputs as they are and outputs of the last layer alone, found " + found);
}

void fold_scaling(const ScalingConfig& scaling, Numbers& weight, Numbers& bias) {
  std::vector<double> row(scaling.mean.size());
  for (std::size_t r = 0; r < bias.size(); ++r) {
    const std::size_t first = r * row.size();
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = weight[first + i];
    bias.set(r, bias[r] + sluice::fold_scaling(scaling, row));
    for (std::size_t i = 0; i < row.size(); ++i) weight.set(first + i, row[i]);
  }
}

}  // namespace

Stack stack_of(const Model& model) {
  const Config& config = network_of(model).config();
  expect_exportable(config);
  const Tensors tensors(model);
  Stack stack;
  stack.inputs = inputs_of(config);
  if (model.reads_text()) {
    stack.tokens = model.vocabulary().size();
    stack.table = tensors["embedding.weight"];
  }
  std::size_t width = stack.inputs;
  for (const LayerConfig& layer : layers_of(config)) {
    const std::string suffix = "_l" + std::to_string(stack.layers.size());
    StackLayer made;
    made.config = layer;
    if (layer.kind == "dense") {
      made.dense = {width, layer.units, tensors["dense.weight" + suffix], tensors["dense.bias" + suffix]};
    } else {
      made.recurrent.cell = cell_of(layer.cell);
      made.recurrent.inputs = width;
      made.recurrent.hidden = layer.units;
      for (const int direction : directions_of(layer)) {
        made.recurrent.directions.push_back(direction_of(tensors, suffix + (direction < 0 ? "_reverse" : ""),
                                                         made.recurrent, layer.initial_state == "learned"));
        if (layer.cell == "rnn" && layer.activation == "relu") {
          made.recurrent.directions.back().candidate = {Function::relu};
        }
      }
    }
    width = outputs_of(layer);
    stack.layers.push_back(std::move(made));
  }
  if (config.scaling != ScalingConfig()) {
    StackLayer& first = stack.layers.front();
    if (first.config.kind == "dense") fold_scaling(config.scaling, first.dense.weight, first.dense.bias);
    for (Direction& direction : first.recurrent.directions) {
      fold_scaling(config.scaling, direction.input, direction.input_bias);
    }
  }
  const Numbers bias = tensors["head.bias"];
  stack.head = {width, bias.size(), tensors[config.tied ? "embedding.weight" : "head.weight"], bias};
  stack.head_config = config.head;
  if (stack.head_config.loss.empty()) stack.head_config.loss = model.reads_text() ? "softmax" : "squared";
  return stack;
}

}  // namespace sluice::foreign
