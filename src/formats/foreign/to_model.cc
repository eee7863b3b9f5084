#include "formats/foreign/to_model.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <span>

#include "base/json_writer.h"
#include "base/safetensors.h"
#include "base/threads.h"
#include "formats/foreign/layers.h"
#include "formats/foreign/stack.h"
#include "formats/gate_order.h"
#include "formats/model_tensors.h"
#include "model/config.h"
#include "model/model_access.h"
#include "model/network.h"

namespace sluice::foreign {
namespace {

Config config_of(const Stack& stack) {
  Config config;
  for (const StackLayer& layer : stack.layers) config.stack.push_back(layer.config);
  config.head = stack.head_config;
  if (stack.tokens > 0) {
    config.embedding = stack.inputs;
    if (!config.head.loss.empty()) config.outputs = stack.head.outputs;
  } else {
    config.inputs = stack.inputs;
    config.outputs = stack.head.outputs;
  }
  return config;
}

Vocabulary vocabulary_of(std::size_t size) {
  if (size == 0) return {};
  std::vector<std::string> tokens = {std::string(Vocabulary::unknown_text)};
  for (std::size_t i = 1; i < size; ++i) tokens.push_back(std::to_string(i));
  return Vocabulary({.level = Level::pretokenized}, std::move(tokens));
}

// The tensors of a model file.
class TensorList {
 public:
  // No numbers: zeros.
  void put(const std::string& name, const Numbers& numbers, Shape shape, std::span<const GateBlock> blocks = {}) {
    std::size_t count = 1;
    for (const std::uint64_t size : shape) count *= size;
    values_.push_back(in_file_order(numbers, count, blocks));
    file.tensors.push_back({name, "F32", std::move(shape), view_of(values_.back())});
  }

  void put_layer(const StackLayer& layer, std::size_t place) {
    const std::string l = "_l" + std::to_string(place);
    if (layer.config.kind == "dense") {
      put("dense.weight" + l, layer.dense.weight, {layer.dense.outputs, layer.dense.inputs});
      put("dense.bias" + l, layer.dense.bias, {layer.dense.outputs});
      return;
    }
    const Recurrent& part = layer.recurrent;
    const std::uint64_t rows = gates_of(part.cell) * part.hidden;
    // Only gru-reset-after stands in PyTorch's order in the file.
    const std::span<const GateBlock> blocks =
        part.cell == Cell::gru_reset_after ? std::span<const GateBlock>(gru_rzn) : std::span<const GateBlock>();
    for (std::size_t d = 0; d < part.directions.size(); ++d) {
      const Direction& direction = part.directions[d];
      const std::string at = l + (direction.backward ? "_reverse" : "");
      put("rnn.weight_ih" + at, direction.input, {rows, part.inputs}, blocks);
      put("rnn.weight_hh" + at, direction.recurrent, {rows, part.hidden}, blocks);
      put("rnn.bias_ih" + at, direction.input_bias, {rows}, blocks);
      put("rnn.bias_hh" + at, direction.recurrent_bias, {rows}, blocks);
      if (layer.config.initial_state != "learned") continue;
      const std::size_t states = part.cell == Cell::lstm ? 2 : 1;
      Numbers initial(states * part.hidden);
      for (std::size_t i = 0; i < direction.initial_h.size(); ++i) initial.set(i, direction.initial_h[i]);
      for (std::size_t i = 0; i < direction.initial_c.size(); ++i) initial.set(part.hidden + i, direction.initial_c[i]);
      put("rnn.initial" + at, initial, {states, part.hidden});
    }
  }

  TensorFileView file;

 private:
  std::deque<std::vector<float>> values_;
};

}  // namespace

Converted to_model(const Network& network, const std::string& path) {
  Stack stack = stack_of(network, path);
  const Config config = checked(config_of(stack));
  TensorList list;
  if (stack.tokens > 0) list.put("embedding.weight", stack.table, {stack.tokens, stack.inputs});
  for (std::size_t l = 0; l < stack.layers.size(); ++l) list.put_layer(stack.layers[l], l);
  list.put("head.weight", stack.head.weight, {stack.head.outputs, stack.head.inputs});
  list.put("head.bias", stack.head.bias, {stack.head.outputs});
  check_tensors(list.file, config, stack.tokens, FileNames::alike, path);
  Model model = ModelAccess::make(std::make_shared<sluice::Network>(config, stack.tokens), vocabulary_of(stack.tokens));
  from_tensors(list.file, network_of(model), FileNames::alike, path);
  Team team(1);
  network_of(model).pack(team);
  JsonWriter note;
  note.begin_object().key("file").string(path).key("format").string(network.format).end_object();
  model.notes()["imported"] = note.take();

  Converted made = {
      std::move(model), std::move(stack.remarks), stack.input, stack.output, stack.lengths, stack.logits, {}};
  made.blocks.resize(network.parts.size());
  std::size_t block = 0;
  for (const StackLayer& layer : stack.layers) {
    if (layer.config.kind != "recurrent") continue;
    made.blocks[layer.part] = block;
    block += layer.recurrent.directions.size();
  }
  return made;
}

}  // namespace sluice::foreign
