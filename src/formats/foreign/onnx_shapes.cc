// Operators of ONNX that turn, cut and join: on constants and on data.
#include <algorithm>
#include <numeric>

#include "formats/foreign/onnx_graph.h"

namespace sluice::foreign {
namespace {

// The features of data as numbers along its feature axes, in the order of `axes`.
std::vector<std::size_t> feature_order(const std::vector<std::int64_t>& sizes, const std::vector<std::size_t>& axes) {
  std::vector<std::size_t> strides(sizes.size()), order, index(axes.size());
  std::size_t count = 1;
  for (std::size_t k = sizes.size(); k-- > 0;) strides[k] = count, count *= static_cast<std::size_t>(sizes[k]);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t at = 0;
    for (std::size_t k = 0; k < axes.size(); ++k) at += index[k] * strides[axes[k]];
    order.push_back(at);
    for (std::size_t k = axes.size(); k-- > 0;) {
      if (++index[k] < static_cast<std::size_t>(sizes[axes[k]])) break;
      index[k] = 0;
    }
  }
  return order;
}

}  // namespace

void OnnxGraph::keep() {
  if (node_->op == "Cast" && in(0).kind == SymbolKind::numbers) {
    const std::int64_t to = node_->whole("to", 0);
    if (to != onnx_float && to != onnx_double && to != onnx_float16) refuse("a cast between numbers", "another");
  }
  if (node_->op == "Cast" && (in(0).kind == SymbolKind::whole || in(0).kind == SymbolKind::lengths)) {
    const std::int64_t to = node_->whole("to", 0);
    if (to != onnx_int64 && to != onnx_int32) refuse("a cast between whole numbers", "another");
  }
  out(0, in(0));
}

void OnnxGraph::fold_constant() {
  if (const OnnxAttribute* value = node_->find("value"); value != nullptr && value->holds_tensor) {
    return out(0, constant(value->tensor));
  }
  Symbol symbol;
  const auto list = [&](const auto& values, bool scalar) {
    const bool whole = symbol.kind == SymbolKind::whole;
    auto numbers = std::make_shared<Numbers>(whole ? 0 : values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      whole ? symbol.whole.push_back({static_cast<std::int64_t>(values[i])})
            : numbers->set(i, static_cast<double>(values[i]));
    }
    if (!whole) symbol.numbers = numbers;
    if (!scalar) symbol.dims.push_back({static_cast<std::int64_t>(values.size())});
  };
  if (const OnnxAttribute* one = node_->find("value_float")) {
    list(std::vector<double>{one->real}, true);
  } else if (const OnnxAttribute* some = node_->find("value_floats")) {
    list(some->reals, false);
  } else if (const OnnxAttribute* whole = node_->find("value_int")) {
    symbol.kind = SymbolKind::whole;
    list(std::vector<std::int64_t>{whole->whole}, true);
  } else if (const OnnxAttribute* several = node_->find("value_ints")) {
    symbol.kind = SymbolKind::whole;
    list(several->wholes, false);
  } else {
    refuse("a constant of numbers", "another");
  }
  out(0, std::move(symbol));
}

void OnnxGraph::transpose() {
  Symbol x = in(0);
  if (!is_constant(x)) x = as_data(x);
  const std::size_t rank = x.dims.size();
  std::vector<std::size_t> order;
  if (const OnnxAttribute* perm = node_->find("perm")) {
    for (const std::int64_t axis : perm->wholes) order.push_back(axis_of(axis, rank));
  } else {
    for (std::size_t k = rank; k-- > 0;) order.push_back(k);
  }
  std::vector<bool> seen(rank);
  for (const std::size_t axis : order) seen[axis] = true;
  if (order.size() != rank || std::ranges::find(seen, false) != seen.end()) refuse("each axis once", "another order");
  if (is_constant(x)) return out(0, transposed_constant(x, order));
  fold_.take(features_of(x));
  std::vector<Dim> dims;
  std::vector<bool> feature;
  std::vector<std::size_t> number(rank), axes;  // which feature axis each axis is
  std::vector<std::int64_t> sizes;
  for (std::size_t k = 0; k < rank; ++k) {
    number[k] = sizes.size();
    if (x.feature[k]) sizes.push_back(x.dims[k].size);
  }
  for (const std::size_t axis : order) {
    dims.push_back(x.dims[axis]);
    feature.push_back(x.feature[axis]);
    if (x.feature[axis]) axes.push_back(number[axis]);
  }
  Symbol made = selected(x, std::move(dims), feature_order(sizes, axes));
  made.feature = std::move(feature);
  out(0, std::move(made));
}

void OnnxGraph::squeeze() {
  Symbol x = in(0);
  if (!is_constant(x)) x = as_data(x);
  std::vector<bool> gone(x.dims.size());
  const std::vector<std::int64_t> axes = wholes(1, "axes");
  for (const std::int64_t axis : axes) gone[axis_of(axis, x.dims.size())] = true;
  if (axes.empty()) {
    for (std::size_t k = 0; k < gone.size(); ++k) gone[k] = size_of(x, k) == Dim{1};
  }
  Symbol made = x;
  made.dims.clear();
  made.feature.clear();
  for (std::size_t k = 0; k < gone.size(); ++k) {
    if (gone[k] && !(size_of(x, k) == Dim{1})) refuse("an axis of size 1 to squeeze", "another size");
    if (gone[k]) continue;
    made.dims.push_back(x.dims[k]);
    if (!x.feature.empty()) made.feature.push_back(x.feature[k]);
  }
  out(0, std::move(made));
}

void OnnxGraph::unsqueeze() {
  Symbol x = in(0);
  if (!is_constant(x)) x = as_data(x);
  const std::vector<std::int64_t> axes = wholes(1, "axes");
  const std::size_t rank = x.dims.size() + axes.size();
  std::vector<bool> fresh(rank);
  for (const std::int64_t axis : axes) fresh[axis_of(axis, rank)] = true;
  if (static_cast<std::size_t>(std::ranges::count(fresh, true)) != axes.size()) refuse("each axis once", "one twice");
  Symbol made = x;
  made.dims.clear();
  made.feature.clear();
  for (std::size_t k = 0, old = 0; k < rank; ++k) {
    made.dims.push_back(fresh[k] ? Dim{} : x.dims[old]);
    if (x.kind == SymbolKind::data) made.feature.push_back(fresh[k] || x.feature[old]);
    old += fresh[k] ? 0 : 1;
  }
  out(0, std::move(made));
}

void OnnxGraph::reshape() {
  Symbol x = in(0);
  if (!is_constant(x)) x = as_data(x);
  const Symbol& wanted = in(1);
  if (wanted.kind != SymbolKind::whole) refuse_symbol("a shape", wanted);
  std::vector<Dim> dims = wanted.whole;
  // First the sizes: 0 copies, -1 is what is left.
  std::vector<Dim> left;
  std::int64_t product = 1;
  for (std::size_t k = 0; k < x.dims.size(); ++k) {
    const Dim size = size_of(x, k);
    if (!size.known()) {
      left.push_back(size);
    } else if (size.size < 1 || __builtin_mul_overflow(product, size.size, &product)) {
      refuse("something to reshape", "nothing or too much");
    }
  }
  std::size_t open = dims.size();
  for (std::size_t k = 0; k < dims.size(); ++k) {
    if (dims[k] == Dim{0} && node_->whole("allowzero", 0) == 0 && k < x.dims.size()) dims[k] = size_of(x, k);
    if (dims[k] == Dim{-1}) {
      if (open < dims.size()) refuse("one size of -1", "two");
      open = k;
      continue;
    }
    if (dims[k].known()) {
      if (dims[k].size < 1 || product % dims[k].size != 0) refuse("sizes that make as many numbers", "others");
      product /= dims[k].size;
    } else {
      const auto same = std::ranges::find(left, dims[k]);
      if (same == left.end()) refuse("sizes of its own axes", "another axis");
      left.erase(same);
    }
  }
  if (open < dims.size()) {
    if (left.size() > 1 || (left.size() == 1 && product != 1)) refuse("steps and rows left apart", "them joined");
    dims[open] = left.empty() ? Dim{product} : left.front();
  } else if (!left.empty() || product != 1) {
    refuse("sizes that make as many numbers", "others");
  }
  Symbol made = x;
  made.dims = dims;
  if (is_constant(x)) return out(0, std::move(made));
  // Then the axes, from left to right: steps and rows as they are, features joined, parted, or new of size 1.
  made.feature.assign(dims.size(), true);
  std::size_t k = 0;
  std::int64_t rest = 0;  // of the feature axis k that is not used up; 0: untouched
  for (std::size_t o = 0; o < dims.size(); ++o) {
    if (rest == 0 && k < x.dims.size() && !x.feature[k] && size_of(x, k) == dims[o]) {
      made.dims[o] = x.dims[k++];
      made.feature[o] = false;
      continue;
    }
    if (!dims[o].known()) refuse("steps and rows in their order", "another");
    for (std::int64_t need = dims[o].size; need > 1;) {
      if (k >= x.dims.size() || !x.feature[k]) refuse("features joined with features alone", "others");
      if (rest == 0) rest = x.dims[k].size;
      const std::int64_t common = std::gcd(rest, need);
      if (common == 1 && rest != 1) refuse("axes that are joined or parted whole", "others");
      rest /= common;
      need /= common;
      if (rest == 1) rest = 0, ++k;
    }
  }
  while (k < x.dims.size() && x.feature[k] && x.dims[k].size == 1) ++k;
  if (k < x.dims.size() || rest != 0) refuse("all axes in the new shape", "fewer");
  out(0, std::move(made));
}

Symbol OnnxGraph::sliced_time(const Symbol& x, std::size_t axis, std::int64_t start, std::int64_t end,
                              std::int64_t step) {
  const std::int64_t size = size_of(x, axis).known() ? size_of(x, axis).size : INT64_MAX;
  const std::int64_t far = std::min<std::int64_t>(size, INT32_MAX);  // what writers put for "to the end", at least
  const bool to_end = end >= far;
  if (step == 1 && (start == 0 || start == -size) && to_end) return x;
  if (!has_role(x.dims[axis], Axis::time)) refuse("a cut of steps, behind a recurrent layer", "another axis");
  if (step == -1 && start == -1 && end <= -far) {
    return with_part(x, Reverse{});
  }
  const bool last = step == 1 && start == -1 && to_end, first = step == 1 && start == 0 && end == 1;
  if (!last && !first) refuse("all steps, the first or the last", "others");
  Symbol made = with_part(x, Pool{last ? Pooling::last : Pooling::first});
  made.dims[axis] = {};
  made.feature[axis] = true;
  return made;
}

Symbol OnnxGraph::sliced(const Symbol& x, std::size_t axis, const Range& range, bool whole_axis) {
  if (whole_axis) return x;
  if (is_constant(x)) return sliced_constant(x, axis, range);
  std::vector<std::size_t> features;
  std::size_t inner = 1, outer = 1;
  for (std::size_t k = 0; k < x.dims.size(); ++k) {
    if (x.feature[k] && k < axis) outer *= static_cast<std::size_t>(x.dims[k].size);
    if (x.feature[k] && k > axis) inner *= static_cast<std::size_t>(x.dims[k].size);
  }
  const auto size = static_cast<std::size_t>(x.dims[axis].size);
  fold_.take(outer * static_cast<std::size_t>(range.count) * inner);
  for (std::size_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < range.count; ++i) {
      const auto at = static_cast<std::size_t>(range.first + i * range.step);
      for (std::size_t j = 0; j < inner; ++j) features.push_back((o * size + at) * inner + j);
    }
  }
  std::vector<Dim> dims = x.dims;
  dims[axis] = {range.count};
  return selected(x, std::move(dims), features);
}

void OnnxGraph::slice() {
  Symbol x = in(0);
  if (!is_constant(x)) x = as_data(x);
  const std::vector<std::int64_t> starts = wholes(1, "starts"), ends = wholes(2, "ends"), steps = wholes(4, "steps");
  std::vector<std::int64_t> axes = wholes(3, "axes");
  for (std::size_t i = axes.size(); axes.size() < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      (!steps.empty() && steps.size() != starts.size())) {
    refuse("as many starts, ends and axes", "other numbers of them");
  }
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::size_t axis = axis_of(axes[i], x.dims.size());
    const std::int64_t step = steps.empty() ? 1 : steps[i];
    if (step == 0) refuse("a step", "0");
    if (x.kind == SymbolKind::data && !x.feature[axis]) {
      x = sliced_time(x, axis, starts[i], ends[i], step);
      continue;
    }
    if (!x.dims[axis].known()) refuse("a cut of known sizes", "another");
    const std::int64_t size = x.dims[axis].size;
    if (size < 1) refuse("something to cut", "nothing");
    const auto placed = [&](std::int64_t at, std::int64_t least, std::int64_t most) {
      return std::clamp(at < 0 ? (at < -size ? least : at + size) : at, least, most);
    };
    const std::int64_t first = step > 0 ? placed(starts[i], 0, size) : placed(starts[i], 0, size - 1);
    const std::int64_t last = step > 0 ? placed(ends[i], 0, size) : placed(ends[i], -1, size - 1);
    const std::int64_t count = step > 0 ? (last - first + step - 1) / step : (first - last + (-step) - 1) / -step;
    if (count < 1 && x.kind == SymbolKind::data) refuse("features", "an empty cut");
    x = sliced(x, axis, {first, std::max<std::int64_t>(count, 0), step}, first == 0 && count == size && step == 1);
  }
  out(0, std::move(x));
}

void OnnxGraph::split() {
  Symbol x = in(0);
  if (!is_constant(x)) x = as_data(x);
  const std::size_t axis = axis_of(node_->whole("axis", 0), x.dims.size());
  if (!x.dims[axis].known() || (x.kind == SymbolKind::data && !x.feature[axis])) {
    refuse("a split of features", "one of steps or rows");
  }
  const auto parts = static_cast<std::int64_t>(node_->outputs.size());
  std::vector<std::int64_t> sizes = wholes(1, "split");
  const std::int64_t each = (x.dims[axis].size + parts - 1) / parts;
  for (std::int64_t left = x.dims[axis].size; sizes.empty() || (left > 0 && sizes.size() < node_->outputs.size());) {
    if (has_input(1) || node_->find("split") != nullptr) break;
    sizes.push_back(std::min(each, left));
    left -= each;
  }
  std::int64_t first = 0;
  if (sizes.size() != node_->outputs.size()) refuse("a size for each output", "another number of them");
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 1 || sizes[i] > x.dims[axis].size - first) refuse("sizes that make the whole", "others");
    out(i, sliced(x, axis, {first, sizes[i], 1}, sizes[i] == x.dims[axis].size));
    first += sizes[i];
  }
  if (first != x.dims[axis].size) refuse("sizes that make the whole", "others");
}

void OnnxGraph::concat() {
  std::vector<Symbol> parts;
  for (std::size_t i = 0; i < node_->inputs.size(); ++i) parts.push_back(in(i));
  if (parts.empty()) refuse("something to join", "nothing");
  const bool constants = std::ranges::all_of(parts, is_constant);
  for (Symbol& part : parts) {
    if (!constants) part = as_data(part);
    if (part.dims.size() != parts[0].dims.size() || part.kind != parts[0].kind) refuse("parts of one kind", "several");
  }
  const std::size_t rank = parts[0].dims.size(), axis = axis_of(node_->whole("axis", 0), rank);
  std::int64_t whole = 0;
  for (Symbol& part : parts) {
    for (std::size_t k = 0; k < rank; ++k) {
      if (k != axis && !(size_of(part, k) == size_of(parts[0], k)) && (constants || part.feature[k])) {
        refuse("parts of one size but along the axis", "several");
      }
    }
    if (!part.dims[axis].known()) refuse("features joined", "steps or rows");
    whole += part.dims[axis].size;
  }
  if (constants) {
    std::vector<const Symbol*> pointers;
    pointers.reserve(parts.size());
    for (const Symbol& part : parts) pointers.push_back(&part);
    return out(0, concatenated_constants(pointers, axis));
  }
  std::vector<ValueId> values;
  for (const Symbol& part : parts) {
    if (part.feature != parts[0].feature || part.sorted != parts[0].sorted)
      refuse("parts that lie the same way", "others");
    values.push_back(part.value);
  }
  Symbol made = parts[0];
  made.value = values.size() == 1 ? values[0] : builder_.add_one(node_->outputs.front(), Combine{}, values);
  made.dims[axis].size = whole;
  // Joined part after part; the graph's order counts the axes before the joined one first.
  std::size_t outer = 1;
  for (std::size_t k = 0; k < axis; ++k) outer *= made.feature[k] ? static_cast<std::size_t>(made.dims[k].size) : 1;
  std::vector<std::size_t> order;
  fold_.take(features_of(made));
  for (std::size_t o = 0; o < outer; ++o) {
    std::size_t first = 0;
    for (const Symbol& part : parts) {
      const std::size_t size = features_of(part) / outer;
      for (std::size_t i = 0; i < size; ++i) order.push_back(first + o * size + i);
      first += features_of(part);
    }
  }
  std::vector<Dim> dims = made.dims;
  out(0, selected(std::move(made), std::move(dims), order));
}

}  // namespace sluice::foreign
