// Operators of ONNX that compute with sizes, and the order of rows by their lengths.
#include <algorithm>

#include "formats/foreign/onnx_graph.h"

namespace sluice::foreign {
void OnnxGraph::shape() {
  const Symbol& x = in(0);
  const auto rank = static_cast<std::int64_t>(x.dims.size());
  const auto placed = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank); };
  Symbol made = {SymbolKind::whole, {}};
  for (std::int64_t k = placed(node_->whole("start", 0)); k < placed(node_->whole("end", rank)); ++k) {
    made.whole.push_back(size_of(x, static_cast<std::size_t>(k)));
  }
  made.dims.push_back({static_cast<std::int64_t>(made.whole.size())});
  out(0, std::move(made));
}

void OnnxGraph::constant_of_shape() {
  const Symbol& shape = in(0);
  if (shape.kind != SymbolKind::whole) refuse_symbol("a shape", shape);
  Symbol one;
  one.numbers = std::make_shared<const Numbers>(1);
  if (const OnnxAttribute* value = node_->find("value"); value != nullptr && value->holds_tensor) {
    one = constant(value->tensor);
    one.dims.clear();
    if ((one.kind == SymbolKind::whole ? one.whole.size() : one.numbers->size()) != 1) refuse("one value", "several");
  }
  std::uint64_t count = 1;
  for (const Dim& dim : shape.whole) {
    const std::int64_t size = dim.known() ? dim.size : 1;
    if (size < 0 || __builtin_mul_overflow(count, static_cast<std::uint64_t>(size), &count)) refuse("sizes", "others");
  }
  fold_.take(count);
  Symbol made;
  if (!expand_constant(one, shape.whole, made)) refuse("sizes", "others");
  out(0, std::move(made));
}

void OnnxGraph::expand() {
  const Symbol &x = in(0), &shape = in(1);
  if (shape.kind != SymbolKind::whole) refuse_symbol("a shape", shape);
  if (!is_constant(x)) refuse_symbol("constants to expand", x);
  std::uint64_t count = std::max<std::size_t>(1, stored_count(x.dims));
  for (const Dim& dim : shape.whole) {
    const std::int64_t size = dim.known() ? dim.size : 1;
    if (size < 1 || __builtin_mul_overflow(count, static_cast<std::uint64_t>(size), &count)) refuse("sizes", "others");
  }
  Symbol made;
  fold_.take(count);
  if (!expand_constant(x, shape.whole, made)) refuse("sizes that fit", "others");
  out(0, std::move(made));
}

void OnnxGraph::where() {
  const Symbol &condition = in(0), &yes = in(1), &no = in(2);
  const bool plain = condition.kind == SymbolKind::whole && yes.kind == SymbolKind::whole &&
                     no.kind == SymbolKind::whole && yes.dims == condition.dims && no.dims == condition.dims;
  if (!plain) refuse("a choice between shapes", "another");
  Symbol made = yes;
  for (std::size_t i = 0; i < made.whole.size(); ++i) {
    if (!condition.whole[i].known()) refuse("a known choice", "one that depends on a size");
    if (condition.whole[i].size == 0) made.whole[i] = no.whole[i];
  }
  out(0, std::move(made));
}

void OnnxGraph::range() {
  const Symbol &first = in(0), &end = in(1), &step = in(2);
  const auto is = [](const Symbol& symbol, std::int64_t number) {
    return symbol.kind == SymbolKind::whole && symbol.whole.size() == 1 && symbol.whole[0] == Dim{number};
  };
  const bool rows = end.kind == SymbolKind::whole && end.whole.size() == 1 && !end.whole[0].known();
  if (!is(first, 0) || !is(step, 1) || !rows) refuse("the numbers of rows, 0, 1, 2, ...", "another range");
  out(0, {SymbolKind::rows, {end.whole[0]}});
}

void OnnxGraph::product_of_sizes() {
  const Symbol& x = in(0);
  if (x.kind != SymbolKind::whole || x.whole.size() != 1) refuse_symbol("one size", x);
  Symbol made = x;
  made.dims.clear();
  if (node_->whole("keepdims", 1) != 0) made.dims.push_back({1});
  out(0, std::move(made));
}

void OnnxGraph::top_k() {
  const Symbol lengths = as_lengths(in(0));
  const Symbol& count = in(1);
  const bool all = count.kind == SymbolKind::whole && count.whole.size() == 1 && lengths.dims.size() == 1 &&
                   count.whole[0] == size_of(lengths, 0);
  if (!all || lengths.sorted || node_->whole("largest", 1) == 0 || node_->whole("sorted", 1) == 0) {
    refuse("all lengths in falling order", "another");
  }
  Symbol sorted = lengths;
  sorted.sorted = true;
  out(0, std::move(sorted));
  out(1, {SymbolKind::order, lengths.dims});
}

void OnnxGraph::scatter() {
  const Symbol &zeros = in(0), &order = in(1), &rows = in(2);
  const bool inverse = zeros.kind == SymbolKind::whole && order.kind == SymbolKind::order &&
                       rows.kind == SymbolKind::rows && zeros.dims.size() == 1 && size_of(order, 0) == rows.dims[0];
  if (!inverse) refuse("the way back from an order of rows", "another");
  out(0, {SymbolKind::inverse, order.dims});
}

}  // namespace sluice::foreign
