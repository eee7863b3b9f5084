// Operators of ONNX that compute, but for the recurrent ones.
#include <algorithm>

#include "base/shown.h"
#include "formats/foreign/layers.h"
#include "formats/foreign/onnx_graph.h"

namespace sluice::foreign {
namespace {

// [rows, columns] of constant numbers as weights.
Numbers numbers_of(const Symbol& symbol, bool turned) {
  if (!turned) return *symbol.numbers;
  return transposed(*symbol.numbers, static_cast<std::size_t>(symbol.dims[0].size),
                    static_cast<std::size_t>(symbol.dims[1].size));
}

bool all_known(const Symbol& symbol) { return std::ranges::all_of(symbol.dims, &Dim::known); }

}  // namespace

void OnnxGraph::add_dense(const Symbol& data, Dense dense) {
  // The last axis is multiplied, so no other may hold features.
  for (std::size_t k = 0; k + 1 < data.dims.size(); ++k) {
    if (data.feature[k] && data.dims[k].size != 1) refuse("one axis of features", "several");
  }
  if (data.dims.empty() || !data.feature.back()) refuse("features on the last axis", "steps or rows");
  const auto outputs = static_cast<std::int64_t>(dense.outputs);
  Symbol made = with_part(data, std::move(dense));
  made.dims.back() = {outputs};
  out(0, std::move(made));
}

void OnnxGraph::mat_mul() {
  const Symbol &a = in(0), &b = in(1);
  if (b.kind != SymbolKind::numbers || b.dims.size() != 2 || !all_known(b)) {
    refuse_symbol("a constant matrix on the right", b);
  }
  const Symbol data = as_data(a);
  add_dense(
      data,
      {static_cast<std::size_t>(b.dims[0].size), static_cast<std::size_t>(b.dims[1].size), numbers_of(b, true), {}});
}

void OnnxGraph::gemm() {
  const Symbol data = as_data(in(0));
  const Symbol& b = in(1);
  if (b.kind != SymbolKind::numbers || b.dims.size() != 2 || !all_known(b)) refuse_symbol("a constant matrix", b);
  if (node_->whole("transA", 0) != 0 || data.dims.size() != 2) refuse("rows of features", "another product");
  const bool turned = node_->whole("transB", 0) == 0;
  Dense dense = {static_cast<std::size_t>(b.dims[turned ? 0 : 1].size),
                 static_cast<std::size_t>(b.dims[turned ? 1 : 0].size),
                 numbers_of(b, turned),
                 {}};
  const double alpha = node_->real("alpha", 1), beta = node_->real("beta", 1);
  for (std::size_t i = 0; alpha != 1 && i < dense.weight.size(); ++i) dense.weight.set(i, alpha * dense.weight[i]);
  if (has_input(2)) {
    const Symbol& c = in(2);
    const bool row = c.kind == SymbolKind::numbers && all_known(c) && c.numbers->size() == dense.outputs &&
                     !c.dims.empty() && c.dims.back().size == static_cast<std::int64_t>(dense.outputs);
    if (!row) refuse_symbol("a constant bias of " + std::to_string(dense.outputs), c);
    dense.bias = numbers_of(c, false);
    for (std::size_t i = 0; beta != 1 && i < dense.bias.size(); ++i) dense.bias.set(i, beta * dense.bias[i]);
  }
  add_dense(data, std::move(dense));
}

void OnnxGraph::arithmetic() {
  const std::string op = node_->op == "Add"   ? "add"
                         : node_->op == "Sub" ? "sub"
                         : node_->op == "Mul" ? "mul"
                         : node_->op == "Div" ? "div"
                                              : "equal";
  const Symbol a = in(0), b = in(1);
  Symbol made;
  if (a.kind == SymbolKind::whole && b.kind == SymbolKind::whole) {
    if (!combine_whole(op, a, b, made)) refuse("sizes that are known", "others");
    return out(0, std::move(made));
  }
  if (op == "equal") refuse_symbol("sizes to compare", a.kind == SymbolKind::whole ? b : a);
  if (a.kind == SymbolKind::numbers && b.kind == SymbolKind::numbers) {
    if (!combine_numbers(op, a, b, made)) refuse("numbers that fit together", "others");
    return out(0, std::move(made));
  }
  if (a.kind == SymbolKind::numbers) return add_constant(as_data(b), a, op, true);
  if (b.kind == SymbolKind::numbers) return add_constant(as_data(a), b, op, false);
  const Symbol x = as_data(a), y = as_data(b);
  const bool same = x.feature == y.feature && x.sorted == y.sorted && features_of(x) == features_of(y);
  if (!same || (op != "add" && op != "mul")) refuse("a sum or product of alike values", "another");
  for (std::size_t k = 0; k < x.dims.size(); ++k) {
    if (x.feature[k] ? !(x.dims[k] == y.dims[k]) : x.dims[k].axis != y.dims[k].axis) {
      refuse("values of the same axes", "others");
    }
  }
  made = x;
  made.value = builder_.add_one(node_->outputs.front(), Combine{op == "add" ? Combination::sum : Combination::product},
                                {x.value, y.value});
  out(0, std::move(made));
}

// data op numbers, or numbers op data where swapped; the numbers stand along the last axis, or there is only one.
void OnnxGraph::add_constant(const Symbol& data, const Symbol& numbers, const std::string& op, bool swapped) {
  const std::size_t features = features_of(data), count = numbers.numbers->size();
  const bool along = count == 1 || (count == features && data.feature.back() &&
                                    data.dims.back().size == static_cast<std::int64_t>(features) &&
                                    numbers.dims.back().size == data.dims.back().size);
  if (!all_known(numbers) || !along || numbers.dims.size() > data.dims.size()) {
    refuse("one constant for each feature", "others");
  }
  if (swapped && op == "div") refuse("data divided by constants", "constants divided by data");
  const auto at = [&](std::size_t i) { return (*numbers.numbers)[count == 1 ? 0 : i]; };
  // What is added to a product is its bias.
  std::vector<Part>& parts = builder_.network().parts;
  auto* dense = parts.empty() ? nullptr : std::get_if<Dense>(&parts.back().work);
  const bool fresh = dense != nullptr && dense->bias.empty() && parts.back().outputs.front() == data.value &&
                     used_once(node_->inputs[swapped ? 1 : 0]);
  if (op == "add" && fresh) {
    dense->bias = Numbers(features, numbers.numbers->wide());
    for (std::size_t i = 0; i < features; ++i) dense->bias.set(i, at(i));
    return out(0, data);
  }
  fold_.take(2 * features);
  Scale scale = {Numbers(features, true), Numbers(features, true)};
  for (std::size_t i = 0; i < features; ++i) {
    const double value = at(i);
    scale.factor.set(i, op == "mul" ? value : op == "div" ? 1 / value : swapped && op == "sub" ? -1 : 1);
    scale.offset.set(i, op == "add" || (op == "sub" && swapped) ? value : op == "sub" ? -value : 0);
  }
  out(0, with_part(data, std::move(scale)));
}

void OnnxGraph::gather() {
  const Symbol &x = in(0), &indices = in(1);
  const std::size_t axis = axis_of(node_->whole("axis", 0), x.dims.size());
  if (x.kind == SymbolKind::whole || (x.kind == SymbolKind::numbers && indices.kind == SymbolKind::whole)) {
    // A few out of constants: one by one, joined.
    if (!x.dims[axis].known() || indices.dims.size() > 1) refuse("constants out of a row", "others");
    std::vector<Symbol> parts;
    for (const std::int64_t index : known_wholes(indices)) {
      const auto at = static_cast<std::int64_t>(axis_of(index, static_cast<std::size_t>(x.dims[axis].size)));
      parts.push_back(sliced_constant(x, axis, {at, 1, 1}));
      fold_.take(parts.back());
    }
    if (parts.empty()) refuse("constants out of a row", "none");
    std::vector<const Symbol*> pointers;
    pointers.reserve(parts.size());
    for (const Symbol& part : parts) pointers.push_back(&part);
    Symbol made = concatenated_constants(pointers, axis);
    if (indices.dims.empty()) made.dims.erase(made.dims.begin() + static_cast<std::ptrdiff_t>(axis));
    return out(0, std::move(made));
  }
  if (x.kind == SymbolKind::numbers) {
    if (axis != 0 || x.dims.size() != 2 || !all_known(x)) refuse("an embedding, [tokens, size]", "another table");
    const Symbol tokens = as_tokens(indices);
    Embedding embedding = {static_cast<std::size_t>(x.dims[0].size), static_cast<std::size_t>(x.dims[1].size),
                           numbers_of(x, false), false};
    Symbol made = tokens;
    made.kind = SymbolKind::data;
    made.value = builder_.add_one(node_->inputs[0], std::move(embedding), {tokens.value});
    made.dims.push_back(x.dims[1]);
    made.feature.push_back(true);
    return out(0, std::move(made));
  }
  Symbol data = as_data(x);
  if (indices.kind == SymbolKind::order || indices.kind == SymbolKind::inverse) {
    expect_role(data, axis, Axis::batch);
    if (data.sorted != (indices.kind == SymbolKind::inverse)) refuse("rows put in order once and back once", "another");
    data.sorted = indices.kind == SymbolKind::order;
    return out(0, std::move(data));
  }
  const std::vector<std::int64_t> wanted = known_wholes(indices);
  if (wanted.size() != 1 || indices.dims.size() > 1) refuse("one step or one feature", "several");
  const std::int64_t index = wanted[0];
  Symbol made;
  if (data.feature[axis]) {
    const auto at = static_cast<std::int64_t>(axis_of(index, static_cast<std::size_t>(data.dims[axis].size)));
    made = sliced(data, axis, {at, 1, 1}, data.dims[axis].size == 1);
  } else {
    if (!has_role(data.dims[axis], Axis::time)) refuse("a step behind a recurrent layer", "one of another axis");
    const Dim size = size_of(data, axis);
    const bool last = index == -1 || (size.known() && index == size.size - 1);
    if (!last && index != 0) refuse("the first or the last step", std::to_string(index));
    made = with_part(data, Pool{last ? Pooling::last : Pooling::first});
    made.dims[axis] = {};
    made.feature[axis] = true;
  }
  if (indices.dims.empty()) {
    made.dims.erase(made.dims.begin() + static_cast<std::ptrdiff_t>(axis));
    made.feature.erase(made.feature.begin() + static_cast<std::ptrdiff_t>(axis));
  }
  out(0, std::move(made));
}

// The mean or the maximum of all steps.
void OnnxGraph::pool() {
  const Symbol data = as_data(in(0));
  const std::vector<std::int64_t> axes = wholes(1, "axes");
  if (axes.size() != 1) refuse("one axis", std::to_string(axes.size()));
  const std::size_t axis = axis_of(axes[0], data.dims.size());
  if (data.feature[axis] || !has_role(data.dims[axis], Axis::time)) refuse("the axis of the steps", "another");
  Symbol made = with_part(data, Pool{node_->op == "ReduceMean" ? Pooling::mean : Pooling::maximum});
  made.dims[axis] = {};
  made.feature[axis] = true;
  if (node_->whole("keepdims", 1) == 0) {
    made.dims.erase(made.dims.begin() + static_cast<std::ptrdiff_t>(axis));
    made.feature.erase(made.feature.begin() + static_cast<std::ptrdiff_t>(axis));
  }
  out(0, std::move(made));
}

void OnnxGraph::activation() {
  const Symbol data = as_data(in(0));
  if (node_->op == "Softmax") {
    // Before opset 13 all axes from `axis` on were one.
    const bool old = file_.opset < 13;
    const std::size_t axis = axis_of(node_->whole("axis", old ? 1 : -1), data.dims.size());
    for (std::size_t k = 0; k + 1 < data.dims.size(); ++k) {
      if (data.feature[k] && data.dims[k].size != 1) refuse("one axis of features", "several");
    }
    if (axis + 1 != data.dims.size() || !data.feature.back()) refuse("softmax over the last axis", "over another");
    return out(0, with_part(data, Elementwise{{Function::softmax}}));
  }
  struct Named {
    std::string_view op;
    Function function;
    double alpha, beta;
  };
  static constexpr Named functions[] = {{"Sigmoid", Function::sigmoid, 0, 0},
                                        {"Tanh", Function::tanh, 0, 0},
                                        {"Relu", Function::relu, 0, 0},
                                        {"HardSigmoid", Function::hard_sigmoid, 0.2, 0.5},
                                        {"Softsign", Function::softsign, 0, 0},
                                        {"Softplus", Function::softplus, 0, 0},
                                        {"LeakyRelu", Function::leaky_relu, 0.01, 0},
                                        {"ThresholdedRelu", Function::thresholded_relu, 1, 0},
                                        {"Elu", Function::elu, 1, 0}};
  const auto* named = std::ranges::find(functions, std::string_view(node_->op), &Named::op);
  if (named == std::end(functions)) refuse("a known activation", "another");
  out(0, with_part(data, Elementwise{
                             {named->function, node_->real("alpha", named->alpha), node_->real("beta", named->beta)}}));
}

}  // namespace sluice::foreign
