// The JSON of RTNeural and of Neural Amp Modeler.
#include "base/json_writer.h"
#include "formats/foreign/export.h"
#include "formats/foreign/exported.h"
#include "formats/foreign/layers.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

void write_row(JsonWriter& json, std::span<const float> values) {
  json.begin_array();
  for (const float value : values) json.raw(number_text(static_cast<double>(value)));
  json.end_array();
}

// [rows, columns], row after row.
void write_rows(JsonWriter& json, const std::vector<float>& values, std::size_t columns) {
  json.begin_array();
  for (std::size_t at = 0; at < values.size(); at += columns) {
    write_row(json, std::span(values).subspan(at, columns));
  }
  json.end_array();
}

void write_shape(JsonWriter& json, const char* key, std::size_t size) {
  json.key(key).begin_array().null().null().integer(size).end_array();
}

// RTNeural has matrices as Keras has them, [inputs, outputs].
class RtNeural {
 public:
  explicit RtNeural(const Stack& stack) : stack_(stack) {}

  std::string write() {
    json_.begin_object();
    write_shape(json_, "in_shape", stack_.inputs);
    json_.key("layers").begin_array();
    for (const StackLayer& layer : stack_.layers) {
      layer.config.kind == "dense" ? dense(layer.dense, layer.config.activation) : recurrent(layer.recurrent);
    }
    const std::string& loss = stack_.head_config.loss;
    dense(stack_.head, loss == "softmax" ? "softmax" : loss == "multilabel" ? "sigmoid" : "none");
    json_.end_array().end_object();
    return json_.take() + "\n";
  }

 private:
  void begin(const char* type, const std::string& activation, std::size_t size) {
    json_.begin_object().key("type").string(type).key("activation").string(activation);
    write_shape(json_, "shape", size);
    json_.key("weights").begin_array();
  }
  void end() { json_.end_array().end_object(); }

  // [rows, columns] in file order, turned.
  void turned(const std::vector<float>& values, std::size_t columns) {
    std::vector<float> made(values.size());
    const std::size_t rows = values.size() / columns;
    for (std::size_t i = 0; i < values.size(); ++i) made[i % columns * rows + i / columns] = values[i];
    write_rows(json_, made, rows);
  }

  void dense(const Dense& dense, const std::string& activation) {
    begin("dense", activation == "none" ? "" : activation, dense.outputs);
    turned(in_file_order(dense.weight, dense.weight.size()), dense.inputs);
    write_row(json_, in_file_order(dense.bias, dense.outputs));
    end();
  }

  void recurrent(const Recurrent& part) {
    const bool lstm = part.cell == Cell::lstm;
    const std::span<const GateBlock> blocks =
        lstm ? std::span<const GateBlock>(lstm_ifgo) : std::span<const GateBlock>(gru_zrh);
    const std::size_t rows = gates_of(part.cell) * part.hidden;
    const Direction& d = part.directions[0];
    begin(lstm ? "lstm" : "gru", "tanh", part.hidden);
    turned(in_file_order(d.input, rows * part.inputs, blocks), part.inputs);
    turned(in_file_order(d.recurrent, rows * part.hidden, blocks), part.hidden);
    std::vector<float> bias = in_file_order(d.input_bias, rows, blocks);
    if (lstm) {
      write_row(json_, bias);
    } else {
      const std::vector<float> recurrent = in_file_order(d.recurrent_bias, rows, blocks);
      bias.insert(bias.end(), recurrent.begin(), recurrent.end());
      write_rows(json_, bias, rows);
    }
    end();
  }

  const Stack& stack_;
  JsonWriter json_;
};

// One row of weights after another: of each layer a matrix over [x, h], biases, and the state to begin with.
std::vector<float> nam_weights(const Stack& stack) {
  std::vector<float> all;
  const auto append = [&](const std::vector<float>& values, std::size_t first, std::size_t count) {
    all.insert(all.end(), values.begin() + static_cast<std::ptrdiff_t>(first),
               values.begin() + static_cast<std::ptrdiff_t>(first + count));
  };
  for (const StackLayer& layer : stack.layers) {
    const Recurrent& part = layer.recurrent;
    const std::size_t rows = 4 * part.hidden;
    const Direction& d = part.directions[0];
    const std::vector<float> W = in_file_order(d.input, rows * part.inputs, lstm_ifgo),
                             U = in_file_order(d.recurrent, rows * part.hidden, lstm_ifgo);
    for (std::size_t row = 0; row < rows; ++row) {
      append(W, row * part.inputs, part.inputs);
      append(U, row * part.hidden, part.hidden);
    }
    append(in_file_order(d.input_bias, rows, lstm_ifgo), 0, rows);
    append(in_file_order(d.initial_h, part.hidden), 0, part.hidden);
    append(in_file_order(d.initial_c, part.hidden), 0, part.hidden);
  }
  append(in_file_order(stack.head.weight, stack.head.weight.size()), 0, stack.head.weight.size());
  append(in_file_order(stack.head.bias, stack.head.outputs), 0, stack.head.outputs);
  return all;
}

}  // namespace

Exported export_rtneural(const Model& model, const std::string&) {
  const Stack stack = stack_of(model);
  expect_writable(stack, "rtneural",
                  {.others = "onnx, keras or c", .rnn = false, .tokens = false, .directions = false, .pooling = false});
  return {RtNeural(stack).write(), {}};
}

Exported export_nam(const Model& model, const std::string&) {
  const Stack stack = stack_of(model);
  expect_writable(stack, "nam",
                  {.others = "onnx, keras or c",
                   .rnn = false,
                   .gru = false,
                   .tokens = false,
                   .dense = false,
                   .directions = false,
                   .pooling = false,
                   .probabilities = false,
                   .initial_states = true});
  const std::size_t hidden = stack.layers[0].recurrent.hidden;
  for (const StackLayer& layer : stack.layers) {
    if (layer.recurrent.hidden == hidden) continue;
    throw Error(Status::usage, "export to nam: expected layers of one size, found " + std::to_string(hidden) + " and " +
                                   std::to_string(layer.recurrent.hidden) + ", which onnx, keras or c can say");
  }
  JsonWriter json;
  json.begin_object().key("version").string("0.5.4").key("architecture").string("LSTM").key("config").begin_object();
  json.key("input_size").integer(stack.inputs).key("hidden_size").integer(hidden);
  json.key("num_layers").integer(stack.layers.size());
  if (stack.head.outputs > 1) json.key("out_channels").integer(stack.head.outputs);
  json.end_object().key("weights");
  write_row(json, nam_weights(stack));
  json.end_object();
  return {json.take() + "\n", {}};
}

}  // namespace sluice::foreign
