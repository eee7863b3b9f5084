// A state dictionary of torch.nn: layers that are alike are one module, as torch.nn.LSTM has them.
#include <algorithm>

#include "base/safetensors.h"
#include "formats/foreign/export.h"
#include "formats/foreign/exported.h"
#include "formats/foreign/layers.h"

namespace sluice::foreign {
namespace {

const char* class_of(const StackLayer& layer) {
  switch (layer.recurrent.cell) {
    case Cell::rnn:
      return "RNN";
    case Cell::lstm:
      return "LSTM";
    default:
      return "GRU";
  }
}

class PyTorch {
 public:
  PyTorch(const Stack& stack, std::string file) : stack_(stack), file_name_(std::move(file)) {}

  Exported write() {
    if (stack_.tokens > 0) {
      module("embedding", "nn.Embedding(" + std::to_string(stack_.tokens) + ", " + std::to_string(stack_.inputs) + ")");
      put("embedding.weight", stack_.table, {stack_.tokens, stack_.inputs});
      line("h = m[\"embedding\"](tokens)", "[T, B]");
    } else {
      line("h = x", "[T, B, " + std::to_string(stack_.inputs) + "]");
    }
    for (std::size_t l = 0; l < stack_.layers.size();) {
      const std::size_t count = alike(l);
      const bool one = count == stack_.layers.size();
      if (stack_.layers[l].config.kind == "dense") {
        dense(stack_.layers[l], "dense" + std::to_string(l));
      } else {
        recurrent(l, count, one ? "rnn" : "rnn" + std::to_string(l));
      }
      l += count;
    }
    head();
    file_.metadata["format"] = "pt";
    return {format_safetensors(file_), "import torch, safetensors.torch\nfrom torch import nn\nm = nn.ModuleDict({" +
                                           modules_ + "})\nm.load_state_dict(safetensors.torch.load_file(" +
                                           python_text(file_name_) + "))\n" + lines_};
  }

 private:
  // How many layers from here on torch.nn has as one module.
  std::size_t alike(std::size_t first) const {
    const LayerConfig& layer = stack_.layers[first].config;
    std::size_t count = 1;
    if (layer.kind == "dense" || layer.direction == "sum" || layer.direction == "backward") return count;
    const auto same = [&](const LayerConfig& other) {
      return other.kind == layer.kind && other.cell == layer.cell && other.units == layer.units &&
             other.direction == layer.direction && other.activation == layer.activation;
    };
    while (first + count < stack_.layers.size() && same(stack_.layers[first + count].config)) ++count;
    return count;
  }

  void module(const std::string& name, const std::string& made) {
    modules_ += (modules_.empty() ? "\"" : ", \"") + name + "\": " + made;
  }
  void line(const std::string& text, const std::string& comment = "") {
    lines_ += text + (comment.empty() ? "" : "  # " + comment) + "\n";
  }
  void put(const std::string& name, const Numbers& numbers, Shape shape, std::span<const GateBlock> blocks = {}) {
    std::size_t count = 1;
    for (const std::uint64_t size : shape) count *= size;
    file_.tensors.push_back(
        {name, "F32", std::move(shape), std::string(view_of(in_file_order(numbers, count, blocks)))});
  }
  void put_linear(const std::string& name, const Dense& dense) {
    module(name, "nn.Linear(" + std::to_string(dense.inputs) + ", " + std::to_string(dense.outputs) + ")");
    put(name + ".weight", dense.weight, {dense.outputs, dense.inputs});
    put(name + ".bias", dense.bias, {dense.outputs});
  }

  void dense(const StackLayer& layer, const std::string& name) {
    put_linear(name, layer.dense);
    const std::string call = "m[\"" + name + "\"](h)", &f = layer.config.activation;
    line("h = " + (f == "none" ? call : (f == "elu" ? "nn.functional." : "torch.") + f + "(" + call + ")"));
  }

  void recurrent(std::size_t first, std::size_t count, const std::string& name) {
    const StackLayer& layer = stack_.layers[first];
    const std::string& direction = layer.config.direction;
    std::string made = std::string("nn.") + class_of(layer) + "(" + std::to_string(layer.recurrent.inputs) + ", " +
                       std::to_string(layer.recurrent.hidden);
    if (count > 1) made += ", num_layers=" + std::to_string(count);
    if (layer.config.cell == "rnn" && layer.config.activation == "relu") made += ", nonlinearity=\"relu\"";
    const bool two = layer.recurrent.directions.size() == 2;
    module(name, made + (two ? ", bidirectional=True)" : ")"));
    for (std::size_t k = 0; k < count; ++k) {
      const Recurrent& part = stack_.layers[first + k].recurrent;
      const std::uint64_t rows = gates_of(part.cell) * part.hidden;
      const std::span<const GateBlock> blocks = torch_order(part.cell);
      for (const Direction& d : part.directions) {
        const std::string at = "_l" + std::to_string(k) + (two && d.backward ? "_reverse" : "");
        put(name + ".weight_ih" + at, d.input, {rows, part.inputs}, blocks);
        put(name + ".weight_hh" + at, d.recurrent, {rows, part.hidden}, blocks);
        put(name + ".bias_ih" + at, d.input_bias, {rows}, blocks);
        put(name + ".bias_hh" + at, d.recurrent_bias, {rows}, blocks);
      }
    }
    const std::string call = "m[\"" + name + "\"](h";
    if (direction == "backward") return line("h = " + call + ".flip(0))[0].flip(0)");
    line("h, " + name + "_state = " + call + ")",
         direction == "forward" ? "a second argument: the state to go on from" : "");
    if (direction != "sum") return;
    const std::string H = std::to_string(layer.config.units);
    line("h = h[..., :" + H + "] + h[..., " + H + ":]");
  }

  void head() {
    put_linear("head", stack_.head);
    const LayerConfig& top = stack_.layers.back().config;
    const std::string &at = stack_.head_config.at, &loss = stack_.head_config.loss, H = std::to_string(top.units);
    const bool turned = top.kind == "recurrent";
    if (at == "last" && turned && top.direction == "both") {
      line("h = torch.cat([h[-1, :, :" + H + "], h[0, :, " + H + ":]], -1)");
    } else if (at == "last") {
      line(turned && top.direction == "backward" ? "h = h[0]" : "h = h[-1]");
    } else if (at != "steps") {
      line(at == "mean" ? "h = h.mean(0)" : "h = h.max(0).values");
    }
    const std::string call = "m[\"head\"](h)";
    line("y = " + (loss == "softmax"      ? "torch.softmax(" + call + ", -1)"
                   : loss == "multilabel" ? "torch.sigmoid(" + call + ")"
                                          : call));
  }

  const Stack& stack_;
  std::string file_name_, modules_, lines_;
  TensorFile file_;
};

}  // namespace

Exported export_pytorch(const Model& model, const std::string& file) {
  const Stack stack = stack_of(model);
  expect_writable(stack, "pytorch", {.others = "onnx, keras or c"});
  return PyTorch(stack, file).write();
}

}  // namespace sluice::foreign
