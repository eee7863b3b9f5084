// Inputs of an ONNX graph, and which of their axes are steps, rows and features.
#include <algorithm>

#include "base/shown.h"
#include "formats/foreign/onnx_graph.h"
#include "sluice/error.h"

namespace sluice::foreign {

Dim OnnxGraph::axis_dim(std::int64_t size, const std::string& input) {
  AxisInfo axis;
  axis.size = size < 0 || size > INT32_MAX ? -1 : size;
  axis.input = input;
  axes_.push_back(axis);
  return {axis.size, static_cast<AxisId>(axes_.size() - 1)};
}

Symbol OnnxGraph::make_input(const Symbol& symbol, Kind kind) {
  const OnnxValue& input = file_.inputs[symbol.input];
  const auto made = made_inputs_.find(symbol.input);
  if (made != made_inputs_.end()) {
    if (builder_[made->second.value].kind != kind) refuse("one use of input " + shown(input.name), "two");
    return made->second;
  }
  const bool state = states_.contains(input.name), real = kind == Kind::sequence;
  Symbol data = {SymbolKind::data, symbol.dims};
  data.feature.assign(data.dims.size(), false);
  if (!input.has_shape || (real && data.dims.empty())) refuse("a shape of input " + shown(input.name), "none");
  if (real && state) {
    // The rows are the axis of unknown size, else the second of three, else one of size 1.
    const std::size_t rank = data.dims.size();
    std::size_t batch = rank;
    for (std::size_t k = rank; k-- > 0;) {
      if (data.dims[k].size < 0) batch = k;
    }
    if (batch == rank && rank == 3) batch = 1;
    for (std::size_t k = 0; batch == rank && k < rank; ++k) {
      if (data.dims[k].size == 1) batch = k;
    }
    for (std::size_t k = 0; k < rank; ++k) data.feature[k] = k != batch;
    if (batch < rank) set_role(data.dims[batch], Axis::batch);
  } else if (real) {
    data.feature.back() = true;
  }
  std::size_t features = 1, others = 0;
  for (std::size_t k = 0; k < data.dims.size(); ++k) {
    if (!data.feature[k]) {
      ++others;
      continue;
    }
    const std::int64_t size = data.dims[k].size;
    if (size < 1 || size > (1 << 24) || features * static_cast<std::size_t>(size) > (1 << 24)) {
      refuse("sizes of input " + shown(input.name) + " that the file says", "others");
    }
    data.dims[k].axis = no_axis;
    features *= static_cast<std::size_t>(size);
  }
  const std::size_t most = kind == Kind::lengths || state ? 1 : 2;
  if (others > most) refuse("at most " + std::to_string(most) + " axes of steps and rows", std::to_string(others));
  const Value value = !real ? Value{kind, 0} : state ? Value{Kind::vector, features} : Value{Kind::sequence, features};
  data.value = builder_.input(input.name, value, {}, state || kind == Kind::lengths);
  if (kind == Kind::lengths) {
    data.kind = SymbolKind::lengths;
    if (data.dims.size() == 1) set_role(data.dims[0], Axis::batch);
  }
  return made_inputs_[symbol.input] = data;
}

Symbol OnnxGraph::as_data(const Symbol& symbol) {
  if (symbol.kind == SymbolKind::data) return symbol;
  if (symbol.kind != SymbolKind::input) refuse_symbol("data", symbol);
  const int type = file_.inputs[symbol.input].type;
  const auto made = made_inputs_.find(symbol.input);
  if (made != made_inputs_.end() && made->second.kind == SymbolKind::data &&
      builder_[made->second.value].kind != Kind::tokens) {
    return made->second;
  }
  if (type != onnx_float && type != onnx_double && type != onnx_float16) {
    refuse("numbers in input " + shown(file_.inputs[symbol.input].name), "data type " + std::to_string(type));
  }
  return make_input(symbol, Kind::sequence);
}

Symbol OnnxGraph::as_tokens(const Symbol& symbol) {
  const bool whole = symbol.kind == SymbolKind::input &&
                     (file_.inputs[symbol.input].type == onnx_int64 || file_.inputs[symbol.input].type == onnx_int32);
  if (!whole) refuse_symbol("an input of tokens", symbol);
  return make_input(symbol, Kind::tokens);
}

Symbol OnnxGraph::as_lengths(const Symbol& symbol) {
  if (symbol.kind == SymbolKind::lengths) return symbol;
  const bool whole = symbol.kind == SymbolKind::input && symbol.dims.size() == 1;
  if (!whole) refuse_symbol("an input of lengths", symbol);
  return make_input(symbol, Kind::lengths);
}

void OnnxGraph::set_role(const Dim& dim, Axis role) {
  AxisInfo& axis = axes_[static_cast<std::size_t>(dim.axis)];
  if (axis.has_role && axis.role != role) {
    const std::string what = "one meaning of an axis of input " + shown(axis.input);
    if (node_ == nullptr) throw Error(Status::bad_file, path_ + ": expected " + what + ", found two");
    refuse(what, "steps and rows");
  }
  axis.has_role = true;
  axis.role = role;
}

bool OnnxGraph::has_role(const Dim& dim, Axis role) const {
  if (dim.axis == no_axis) return false;
  const AxisInfo& axis = axes_[static_cast<std::size_t>(dim.axis)];
  return axis.has_role && axis.role == role;
}

Dim OnnxGraph::size_of(const Symbol& symbol, std::size_t axis) const {
  const Dim& dim = symbol.dims[axis];
  if (dim.axis == no_axis) return dim;
  const AxisInfo& info = axes_[static_cast<std::size_t>(dim.axis)];
  return info.size >= 0 ? Dim{info.size} : Dim{-1, dim.axis};
}

void OnnxGraph::expect_role(Symbol& data, std::size_t axis, Axis role) {
  if (!data.feature[axis]) return set_role(data.dims[axis], role);
  if (data.dims[axis].size != 1) refuse(role == Axis::time ? "steps" : "rows", "features in their place");
  for (std::size_t k = 0; k < data.dims.size(); ++k) {
    if (data.feature[k] || !has_role(data.dims[k], role)) continue;
    // The rows stand elsewhere. Where there is only one, both axes are of size 1 and change places.
    if (size_of(data, k).size != 1) refuse(role == Axis::time ? "steps" : "rows", "them on another axis");
    data.feature[k] = true;
    std::swap(data.dims[axis], data.dims[k]);
    data.feature[axis] = false;
    return;
  }
}

std::size_t OnnxGraph::features_of(const Symbol& data) const { return builder_[data.value].features; }

Symbol OnnxGraph::with_part(const Symbol& data, Work work) {
  Symbol made = data;
  made.value =
      builder_.add_one(node_->name.empty() ? node_->outputs.front() : node_->name, std::move(work), {data.value});
  return made;
}

Symbol OnnxGraph::selected(Symbol data, std::vector<Dim> dims, const std::vector<std::size_t>& features) {
  bool same = features.size() == features_of(data);
  for (std::size_t i = 0; same && i < features.size(); ++i) same = features[i] == i;
  Symbol made = same ? std::move(data) : with_part(data, Select{features});
  made.dims = std::move(dims);
  return made;
}

}  // namespace sluice::foreign
