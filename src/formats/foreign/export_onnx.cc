// ONNX: one node RNN, LSTM or GRU a layer, steps and rows of any number. A model that runs step by step has its states
// as inputs and outputs.
#include <algorithm>

#include "formats/foreign/export.h"
#include "formats/foreign/exported.h"
#include "formats/foreign/layers.h"
#include "formats/foreign/onnx_writer.h"

namespace sluice::foreign {
namespace {

constexpr std::int64_t opset = 17;
using Node = OnnxWriter::Node;

class OnnxExport {
 public:
  OnnxExport(const Stack& stack, bool streams) : stack_(stack), streams_(streams) {}

  std::string write() {
    writer_.wholes("axis_1", {1});
    if (stack_.tokens > 0) {
      writer_.input("tokens", {"T", "B"}, true);
      writer_.constant("embedding", {stack_.tokens, stack_.inputs},
                       in_file_order(stack_.table, stack_.tokens * stack_.inputs));
      now_ = step(Node("Gather", {"embedding", "tokens"}, {"embedded"}), "embedded");
    } else {
      writer_.input("x", {"T", "B", stack_.inputs});
      now_ = "x";
    }
    recurrent_ = static_cast<std::size_t>(
        std::ranges::count_if(stack_.layers, [](const StackLayer& layer) { return layer.config.kind == "recurrent"; }));
    for (const StackLayer& layer : stack_.layers) {
      const std::string number = std::to_string(layer_++);
      layer.config.kind == "dense" ? dense(layer.dense, layer.config.activation, "dense_" + number)
                                   : recurrent(layer, number);
    }
    head();
    return writer_.done(opset, "sluice");
  }

 private:
  // Adds a node; its first output.
  std::string step(const Node& node, const std::string& output) {
    writer_.node(node);
    return output;
  }

  void dense(const Dense& dense, const std::string& f, const std::string& name) {
    writer_.constant(name + "_weight", {dense.inputs, dense.outputs},
                     in_file_order(transposed(dense.weight, dense.outputs, dense.inputs), dense.weight.size()));
    writer_.constant(name + "_bias", {dense.outputs}, in_file_order(dense.bias, dense.outputs));
    const std::string product = step(Node("MatMul", {now_, name + "_weight"}, {name + "_product"}), name + "_product");
    now_ = step(Node("Add", {product, name + "_bias"}, {name}), name);
    constexpr std::pair<const char*, const char*> operators[] = {
        {"tanh", "Tanh"}, {"relu", "Relu"}, {"sigmoid", "Sigmoid"}, {"elu", "Elu"}};
    for (const auto& [ours, theirs] : operators) {
      if (f == ours) now_ = step(Node(theirs, {now_}, {name + "_" + f}), name + "_" + f);
    }
  }

  void recurrent(const StackLayer& layer, const std::string& number) {
    const Recurrent& part = layer.recurrent;
    const std::size_t D = part.directions.size(), H = part.hidden, rows = gates_of(part.cell) * H;
    const bool lstm = part.cell == Cell::lstm, gru = gates_of(part.cell) == 3;
    const std::span<const GateBlock> blocks = lstm  ? std::span<const GateBlock>(lstm_iofg)
                                              : gru ? std::span<const GateBlock>(gru_zrh)
                                                    : std::span<const GateBlock>(one_gate);
    std::vector<float> W, R, B;
    const auto append = [&](std::vector<float>& all, const Numbers& numbers, std::size_t columns) {
      const std::vector<float> values = in_file_order(numbers, rows * columns, blocks);
      all.insert(all.end(), values.begin(), values.end());
    };
    for (const Direction& d : part.directions) {
      append(W, d.input, part.inputs);
      append(R, d.recurrent, H);
      append(B, d.input_bias, 1);
      append(B, d.recurrent_bias, 1);
    }
    const std::string name = "layer_" + number;
    writer_.constant(name + "_W", {D, rows, part.inputs}, W);
    writer_.constant(name + "_R", {D, rows, H}, R);
    writer_.constant(name + "_B", {D, 2 * rows}, B);
    std::vector<std::string> inputs = {now_, name + "_W", name + "_R", name + "_B"}, outputs = {name, last_h(number)};
    if (lstm) outputs.push_back(state("c", number) + "_out");
    if (streams_) {
      inputs.emplace_back();
      for (const char* which : {"h", "c"}) {
        if (*which == 'c' && !lstm) continue;
        const std::string in = state(which, number);
        writer_.input(in, {D, "B", H});
        inputs.push_back(in);
        states_.emplace_back(in + "_out", H);
      }
    }
    Node node(lstm ? "LSTM" : gru ? "GRU" : "RNN", inputs, outputs);
    node.whole("hidden_size", static_cast<std::int64_t>(H));
    node.text("direction", D == 2 ? "bidirectional" : part.directions[0].backward ? "reverse" : "forward");
    if (part.cell == Cell::gru_reset_after) node.whole("linear_before_reset", 1);
    if (part.directions[0].candidate.function == Function::relu) {
      node.texts("activations", std::vector<std::string>(D, "Relu"));
    }
    writer_.node(node);
    last_recurrent_ = number;
    if (D == 1) {
      now_ = step(Node("Squeeze", {name, "axis_1"}, {name + "_rows"}), name + "_rows");
      return;
    }
    writer_.wholes(name + "_shape", {0, 0, static_cast<std::int64_t>(2 * H)});
    const std::string turned = name + "_turned", both = name + "_both";
    writer_.node(Node("Transpose", {name}, {turned}).wholes("perm", {0, 2, 1, 3}));
    now_ = step(Node("Reshape", {turned, name + "_shape"}, {both}), both);
    if (layer.config.direction != "sum") return;
    writer_.node(Node("Split", {both}, {name + "_forward", name + "_backward"}).whole("axis", 2));
    now_ = step(Node("Add", {name + "_forward", name + "_backward"}, {name + "_sum"}), name + "_sum");
  }

  std::string state(const std::string& which, const std::string& number) const {
    return recurrent_ == 1 ? which : which + number;
  }
  std::string last_h(const std::string& number) const { return state("h", number) + "_out"; }

  void head() {
    const std::string& at = stack_.head_config.at;
    const StackLayer& top = stack_.layers.back();
    if (at == "last" && top.config.kind == "recurrent") {
      // What every direction ends with, [D, B, H].
      const auto width = static_cast<std::int64_t>(top.recurrent.hidden * top.recurrent.directions.size());
      writer_.wholes("last_shape", {-1, width});
      writer_.node(Node("Transpose", {last_h(last_recurrent_)}, {"last_turned"}).wholes("perm", {1, 0, 2}));
      now_ = step(Node("Reshape", {"last_turned", "last_shape"}, {"last"}), "last");
    } else if (at == "last") {
      writer_.wholes("last_step", {-1}, true);
      now_ = step(Node("Gather", {now_, "last_step"}, {"last"}).whole("axis", 0), "last");
    } else if (at != "steps") {
      Node node(at == "mean" ? "ReduceMean" : "ReduceMax", {now_}, {"pooled"});
      now_ = step(node.wholes("axes", {0}).whole("keepdims", 0), "pooled");
    }
    dense(stack_.head, "none", "head");
    const std::string& loss = stack_.head_config.loss;
    Node last(loss == "softmax" ? "Softmax" : loss == "multilabel" ? "Sigmoid" : "Identity", {now_}, {"y"});
    if (loss == "softmax") last.whole("axis", -1);
    writer_.node(last);
    writer_.output("y", at == "steps" ? std::vector<OnnxWriter::Size>{"T", "B", stack_.head.outputs}
                                      : std::vector<OnnxWriter::Size>{"B", stack_.head.outputs});
    for (const auto& [name, hidden] : states_) writer_.output(name, {std::size_t{1}, "B", hidden});
  }

  const Stack& stack_;
  bool streams_;
  OnnxWriter writer_;
  std::string now_, last_recurrent_;
  std::size_t layer_ = 0, recurrent_ = 0;
  std::vector<std::pair<std::string, std::size_t>> states_;
};

}  // namespace

Exported export_onnx(const Model& model, const std::string& file) {
  const Stack stack = stack_of(model);
  expect_writable(stack, "onnx", {.others = "c", .reset_before = true});
  const bool streams = model.streams();
  std::string usage = "import numpy, onnxruntime\nm = onnxruntime.InferenceSession(" + python_text(file) + ")\n";
  if (streams) {
    usage += "states = {i.name: numpy.zeros([1, B, i.shape[2]], \"float32\") for i in m.get_inputs()[1:]}\n";
  }
  usage += "y" + std::string(streams ? ", *new_states" : ", ") + " = m.run(None, {m.get_inputs()[0].name: x" +
           std::string(streams ? ", **states" : "") + "})  # x: ";
  usage += stack.tokens > 0 ? "tokens [T, B], int64" : "[T, B, " + std::to_string(stack.inputs) + "], float32";
  return {OnnxExport(stack, streams).write(), usage + "\n"};
}

}  // namespace sluice::foreign
