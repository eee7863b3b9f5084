#include "formats/foreign/onnx_graph.h"

#include <algorithm>
#include <array>

#include "base/file.h"
#include "base/shown.h"
#include "formats/foreign/check.h"
#include "sluice/error.h"

namespace sluice::foreign {

struct OnnxGraph::Operator {
  std::string_view name;
  void (OnnxGraph::*read)();
};

const OnnxGraph::Operator* OnnxGraph::find_operator(const std::string& name) {
  static constexpr std::array<Operator, 42> operators = {{{"Identity", &OnnxGraph::keep},
                                                          {"Cast", &OnnxGraph::keep},
                                                          {"Dropout", &OnnxGraph::keep},
                                                          {"Constant", &OnnxGraph::fold_constant},
                                                          {"Transpose", &OnnxGraph::transpose},
                                                          {"Squeeze", &OnnxGraph::squeeze},
                                                          {"Unsqueeze", &OnnxGraph::unsqueeze},
                                                          {"Reshape", &OnnxGraph::reshape},
                                                          {"Slice", &OnnxGraph::slice},
                                                          {"Split", &OnnxGraph::split},
                                                          {"Concat", &OnnxGraph::concat},
                                                          {"Shape", &OnnxGraph::shape},
                                                          {"ConstantOfShape", &OnnxGraph::constant_of_shape},
                                                          {"Expand", &OnnxGraph::expand},
                                                          {"Add", &OnnxGraph::arithmetic},
                                                          {"Sub", &OnnxGraph::arithmetic},
                                                          {"Mul", &OnnxGraph::arithmetic},
                                                          {"Div", &OnnxGraph::arithmetic},
                                                          {"Equal", &OnnxGraph::arithmetic},
                                                          {"Where", &OnnxGraph::where},
                                                          {"Range", &OnnxGraph::range},
                                                          {"ReduceProd", &OnnxGraph::product_of_sizes},
                                                          {"ReduceMean", &OnnxGraph::pool},
                                                          {"ReduceMax", &OnnxGraph::pool},
                                                          {"TopK", &OnnxGraph::top_k},
                                                          {"ScatterElements", &OnnxGraph::scatter},
                                                          {"Gather", &OnnxGraph::gather},
                                                          {"MatMul", &OnnxGraph::mat_mul},
                                                          {"Gemm", &OnnxGraph::gemm},
                                                          {"Sigmoid", &OnnxGraph::activation},
                                                          {"Tanh", &OnnxGraph::activation},
                                                          {"Relu", &OnnxGraph::activation},
                                                          {"HardSigmoid", &OnnxGraph::activation},
                                                          {"Softsign", &OnnxGraph::activation},
                                                          {"Softplus", &OnnxGraph::activation},
                                                          {"LeakyRelu", &OnnxGraph::activation},
                                                          {"ThresholdedRelu", &OnnxGraph::activation},
                                                          {"Elu", &OnnxGraph::activation},
                                                          {"Softmax", &OnnxGraph::activation},
                                                          {"RNN", &OnnxGraph::recurrent},
                                                          {"GRU", &OnnxGraph::recurrent},
                                                          {"LSTM", &OnnxGraph::recurrent}}};
  const auto found = std::ranges::find(operators, std::string_view(name), &Operator::name);
  return found == operators.end() || found->read == nullptr ? nullptr : &*found;
}

namespace {
constexpr std::uint64_t most_size = std::uint64_t{1} << 40;
}

OnnxGraph::OnnxGraph(OnnxFile file, std::uint64_t file_bytes, const std::string& path, const Options& options)
    : file_(std::move(file)),
      path_(path),
      options_(options),
      fold_(file_bytes, path),
      budget_(file_bytes, path),
      builder_(path) {
  if (!options.constants.empty()) {
    const RawVector<char> bytes = read_file(options.constants);
    for (NamedArray& array : read_arrays({bytes.data(), bytes.size()}, options.constants)) {
      const std::string name = array.name.starts_with("in_") ? array.name.substr(3) : array.name;
      given_.emplace(name, std::move(array.array));
    }
  }
}

void OnnxGraph::refuse(const std::string& expected, const std::string& found) const {
  const std::string name = node_->name.empty() && !node_->outputs.empty() ? node_->outputs.front() : node_->name;
  throw Error(Status::bad_file, path_ + ": node " + shown(name) + " (" + shown(node_->op) + "): expected " + expected +
                                    ", found " + found);
}

void OnnxGraph::refuse_symbol(const std::string& expected, const Symbol& found) const {
  constexpr const char* kinds[] = {"constant numbers", "whole numbers",    "an input",         "data",
                                   "lengths",          "an order of rows", "an order of rows", "numbers of rows"};
  refuse(expected, kinds[static_cast<int>(found.kind)]);
}

Network OnnxGraph::read() {
  if (file_.opset < 7) {
    throw Error(Status::bad_file, path_ + ": expected opset 7 or later, found " + std::to_string(file_.opset));
  }
  std::set<std::string> initialized;
  for (const RawTensor& tensor : file_.initializers) initialized.insert(tensor.name);
  for (std::size_t i = 0; i < file_.inputs.size(); ++i) {
    const OnnxValue& value = file_.inputs[i];
    if (initialized.contains(value.name)) continue;  // before IR 4 these stand among the inputs
    Symbol symbol = {SymbolKind::input, {}};
    symbol.input = i;
    for (const std::int64_t size : value.dims) symbol.dims.push_back(axis_dim(size, value.name));
    symbols_[value.name] = symbol;
  }
  for (const OnnxNode& node : file_.nodes) {
    for (const std::string& input : node.inputs) ++uses_[input];
  }
  for (const OnnxValue& value : file_.outputs) ++uses_[value.name];
  states_ = find_state_inputs();
  const std::set<const OnnxNode*> wanted = needed();
  check_operators(wanted);
  for (const OnnxNode& node : file_.nodes) {
    for (const std::string& input : node.inputs) left_[input] += wanted.contains(&node) ? 1 : 0;
  }
  for (const OnnxValue& value : file_.outputs) ++left_[value.name];
  std::map<std::string, const RawTensor*> raw;
  for (const RawTensor& tensor : file_.initializers) raw[tensor.name] = &tensor;
  for (const OnnxNode& node : file_.nodes) {
    if (!wanted.contains(&node)) continue;
    node_ = &node;
    for (const std::string& input : node.inputs) {
      const auto found = raw.find(input);
      if (found == raw.end() || symbols_.contains(input)) continue;
      Symbol symbol = constant(*found->second);
      fold_.take(symbol);
      symbols_[input] = std::move(symbol);
    }
    (this->*find_operator(node.op)->read)();
    for (const std::string& input : node.inputs) forget(input);
  }
  add_outputs();
  const std::string producer =
      file_.producer.substr(0, 40) + (file_.version.empty() ? "" : " ") + file_.version.substr(0, 40);
  return builder_.finish("ONNX, " + (producer.empty() ? "" : producer + ", ") + "opset " + std::to_string(file_.opset));
}

std::set<const OnnxNode*> OnnxGraph::needed() const {
  std::map<std::string, const OnnxNode*> maker;
  for (const OnnxNode& node : file_.nodes) {
    for (const std::string& output : node.outputs) {
      if (!output.empty()) maker[output] = &node;
    }
  }
  std::set<const OnnxNode*> wanted;
  std::vector<std::string> open;
  for (const OnnxValue& value : file_.outputs) open.push_back(value.name);
  while (!open.empty()) {
    const auto found = maker.find(open.back());
    open.pop_back();
    if (found == maker.end() || !wanted.insert(found->second).second) continue;
    open.insert(open.end(), found->second->inputs.begin(), found->second->inputs.end());
  }
  return wanted;
}

// Loops first, as what stands around them is only there for their sake.
void OnnxGraph::check_operators(const std::set<const OnnxNode*>& wanted) {
  bool recurrent = false;
  for (const OnnxNode& node : file_.nodes) {
    node_ = &node;
    if (!wanted.contains(&node)) continue;
    if (node.op == "Loop" || node.op == "Scan" || node.op == "If") refuse("no graphs within the graph", "one");
  }
  for (const OnnxNode& node : file_.nodes) {
    node_ = &node;
    if (!wanted.contains(&node)) continue;
    const bool known_domain = node.domain.empty() || node.domain == "ai.onnx";
    if (!known_domain || find_operator(node.op) == nullptr) {
      refuse("an operator of a chain of recurrent and dense layers", "another one");
    }
    recurrent = recurrent || node.op == "RNN" || node.op == "GRU" || node.op == "LSTM";
  }
  if (recurrent) return;
  throw Error(Status::bad_file, path_ +
                                    ": expected a node RNN, GRU or LSTM, found none (exporters unroll cells that run " +
                                    "in a loop of the program)");
}

// Inputs that reach initial_h or initial_c of a recurrent node through nothing but turns and cuts.
std::set<std::string> OnnxGraph::find_state_inputs() const {
  const std::set<std::string_view> turns = {"Slice",    "Squeeze", "Unsqueeze", "Transpose", "Reshape",
                                            "Identity", "Split",   "Cast",      "Gather"};
  std::map<std::string, std::set<std::string>> from;  // tensor -> graph inputs
  for (const auto& [name, symbol] : symbols_) from[name] = {name};
  std::set<std::string> states;
  for (const OnnxNode& node : file_.nodes) {
    if (node.op == "RNN" || node.op == "GRU" || node.op == "LSTM") {
      for (std::size_t i = 5; i < node.inputs.size() && i < 7; ++i) {
        const auto found = from.find(node.inputs[i]);
        if (found != from.end()) states.insert(found->second.begin(), found->second.end());
      }
    } else if (turns.contains(node.op) && !node.inputs.empty() && from.contains(node.inputs[0])) {
      for (const std::string& output : node.outputs) from[output] = from[node.inputs[0]];
    }
  }
  return states;
}

void OnnxGraph::add_outputs() {
  for (const OnnxValue& value : file_.outputs) {
    const auto found = symbols_.find(value.name);
    if (found == symbols_.end()) {
      throw Error(Status::bad_file,
                  path_ + ": output " + shown(value.name) + ": expected a node that makes it, found none");
    }
    const Symbol& symbol = found->second;
    if (symbol.kind != SymbolKind::data || symbol.sorted) {
      throw Error(Status::bad_file, path_ + ": output " + shown(value.name) +
                                        ": expected data in the order of the input, " +
                                        "found constants or another order");
    }
    builder_.output(value.name, symbol.value);
  }
  // Only now all axes are known.
  const auto port_axes = [&](const Symbol& symbol) {
    std::vector<PortAxis> axes;
    for (std::size_t k = 0; k < symbol.dims.size(); ++k) {
      const bool feature = k < symbol.feature.size() && symbol.feature[k];
      if (feature) {
        axes.push_back({Axis::feature, static_cast<std::size_t>(symbol.dims[k].size)});
        continue;
      }
      const AxisInfo& axis = axes_[static_cast<std::size_t>(symbol.dims[k].axis)];
      if (!axis.has_role) {
        throw Error(Status::bad_file, path_ + ": input " + shown(axis.input) +
                                          ": expected an axis of steps or of rows, " +
                                          "found one that no recurrent layer tells apart");
      }
      axes.push_back({axis.role, 0});
    }
    return axes;
  };
  Network& network = builder_.network();
  for (Port& port : network.outputs) port.axes = port_axes(symbols_.at(port.name));
  for (const auto& [input, symbol] : made_inputs_) {
    for (Port& port : network.inputs) {
      if (port.value == symbol.value) port.axes = port_axes(symbol);
    }
  }
}

const Symbol& OnnxGraph::in(std::size_t i) const {
  if (!has_input(i)) refuse("input " + std::to_string(i), "none");
  const auto found = symbols_.find(node_->inputs[i]);
  if (found == symbols_.end()) refuse("its input made before it", shown(node_->inputs[i]));
  return found->second;
}

void OnnxGraph::out(std::size_t i, Symbol symbol) {
  if (i >= node_->outputs.size() || node_->outputs[i].empty()) return;
  fold_.take(symbol);
  if (!symbols_.emplace(node_->outputs[i], std::move(symbol)).second) {
    refuse("each tensor made once", shown(node_->outputs[i]) + " twice");
  }
}

// Constants are let go after their last use, so that the way from a file's weights to a layer's takes no more than one
// matrix at a time.
void OnnxGraph::forget(const std::string& tensor) {
  const auto left = left_.find(tensor);
  const auto found = symbols_.find(tensor);
  if (left == left_.end() || --left->second > 0 || found == symbols_.end()) return;
  fold_.give(found->second);
  symbols_.erase(found);
}

bool OnnxGraph::used_once(const std::string& tensor) const {
  const auto found = uses_.find(tensor);
  return found != uses_.end() && found->second == 1;
}

std::vector<std::int64_t> OnnxGraph::known_wholes(const Symbol& symbol) const {
  if (symbol.kind != SymbolKind::whole) refuse_symbol("constant whole numbers", symbol);
  std::vector<std::int64_t> numbers;
  for (const Dim& dim : symbol.whole) {
    if (!dim.known()) refuse("whole numbers that the file says", "the size of an axis");
    numbers.push_back(dim.size);
  }
  return numbers;
}

std::vector<std::int64_t> OnnxGraph::wholes(std::size_t i, const std::string& attribute) const {
  if (has_input(i)) return known_wholes(in(i));
  const OnnxAttribute* found = node_->find(attribute);
  return found == nullptr ? std::vector<std::int64_t>() : found->wholes;
}

std::size_t OnnxGraph::axis_of(std::int64_t axis, std::size_t rank) const {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    refuse("an axis of " + std::to_string(rank), std::to_string(axis));
  }
  return static_cast<std::size_t>(axis < 0 ? axis + signed_rank : axis);
}

Symbol OnnxGraph::constant(const RawTensor& tensor) {
  Array array = read_tensor(tensor, path_, budget_);
  Symbol symbol;
  for (const std::uint64_t size : tensor.shape) {
    // Beside a size of 0 any other may stand.
    if (size > most_size) refuse("sizes up to " + std::to_string(most_size), std::to_string(size));
    symbol.dims.push_back({static_cast<std::int64_t>(size)});
  }
  if (is_whole(tensor.type)) {
    symbol.kind = SymbolKind::whole;
    for (std::size_t i = 0; i < array.values.size(); ++i) {
      // Ends such as 2^63 - 1 mean "to the end"; a double of that size does not fit again.
      const double value = std::clamp(array.values[i], -9e18, 9e18);
      symbol.whole.push_back({static_cast<std::int64_t>(value)});
    }
  } else {
    symbol.numbers = std::make_shared<const Numbers>(std::move(array.values));
  }
  return symbol;
}

Network read_onnx(std::string_view bytes, const std::string& path, const Options& options) {
  return OnnxGraph(read_onnx_file(bytes, path), bytes.size(), path, options).read();
}

}  // namespace sluice::foreign
