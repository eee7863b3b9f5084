#include "formats/foreign/onnx_constants.h"

#include <algorithm>

namespace sluice::foreign {
namespace {

std::size_t stored(const Dim& dim) { return dim.known() ? static_cast<std::size_t>(dim.size) : 1; }

// Calls f(i) with the place of each number of the result in the source, whose strides those are.
template <class F>
void visit(const std::vector<Dim>& dims, const std::vector<std::size_t>& strides, std::size_t first, F&& f) {
  const std::size_t count = stored_count(dims);
  std::vector<std::size_t> index(dims.size());
  std::size_t at = first;
  for (std::size_t i = 0; i < count; ++i) {
    f(at);
    for (std::size_t k = dims.size(); k-- > 0;) {
      at += strides[k];
      if (++index[k] < stored(dims[k])) break;
      at -= strides[k] * stored(dims[k]);
      index[k] = 0;
    }
  }
}

std::vector<std::size_t> strides_of(const std::vector<Dim>& dims) {
  std::vector<std::size_t> strides(dims.size());
  std::size_t stride = 1;
  for (std::size_t k = dims.size(); k-- > 0; stride *= stored(dims[k])) strides[k] = stride;
  return strides;
}

// The numbers of x, whichever kind, at the places of `dims` by `strides`.
Symbol gathered(const Symbol& x, std::vector<Dim> dims, const std::vector<std::size_t>& strides, std::size_t first) {
  Symbol made = {x.kind, std::move(dims)};
  if (x.kind == SymbolKind::whole) {
    visit(made.dims, strides, first, [&](std::size_t at) { made.whole.push_back(x.whole[at]); });
    return made;
  }
  auto numbers = std::make_shared<Numbers>(stored_count(made.dims), x.numbers->wide());
  std::size_t i = 0;
  visit(made.dims, strides, first, [&](std::size_t at) { numbers->set(i++, (*x.numbers)[at]); });
  made.numbers = std::move(numbers);
  return made;
}

// The shape of both after broadcasting; false where they do not fit.
bool broadcast(const std::vector<Dim>& a, const std::vector<Dim>& b, std::vector<Dim>& dims) {
  dims.assign(std::max(a.size(), b.size()), Dim{});
  for (std::size_t k = 0; k < dims.size(); ++k) {
    const Dim one = {};
    const Dim& x = k < a.size() ? a[a.size() - 1 - k] : one;
    const Dim& y = k < b.size() ? b[b.size() - 1 - k] : one;
    if (!(x == y) && !(x == one) && !(y == one)) return false;
    dims[dims.size() - 1 - k] = x == one ? y : x;
  }
  return true;
}

// Strides of x over a shape that it is broadcast to.
std::vector<std::size_t> broadcast_strides(const Symbol& x, const std::vector<Dim>& dims) {
  const std::vector<std::size_t> own = strides_of(x.dims);
  std::vector<std::size_t> strides(dims.size());
  const std::size_t more = dims.size() - x.dims.size();
  for (std::size_t k = 0; k < x.dims.size(); ++k) strides[more + k] = stored(x.dims[k]) == 1 ? 0 : own[k];
  return strides;
}

std::int64_t whole_result(const std::string& op, std::int64_t x, std::int64_t y) {
  std::int64_t result = 0;
  // What wraps is no size and will be refused as one.
  if (op == "add") return __builtin_add_overflow(x, y, &result) ? -1 : result;
  if (op == "sub") return __builtin_sub_overflow(x, y, &result) ? -1 : result;
  if (op == "mul") return __builtin_mul_overflow(x, y, &result) ? -1 : result;
  if (op == "equal") return x == y;
  return y == 0 || (y == -1 && x == INT64_MIN) ? -1 : x / y;
}

}  // namespace

std::size_t stored_count(const std::vector<Dim>& dims) {
  std::size_t count = 1;
  for (const Dim& dim : dims) count *= stored(dim);
  return count;
}

Symbol transposed_constant(const Symbol& x, const std::vector<std::size_t>& order) {
  const std::vector<std::size_t> own = strides_of(x.dims);
  std::vector<Dim> dims;
  std::vector<std::size_t> strides;
  for (const std::size_t k : order) {
    dims.push_back(x.dims[k]);
    strides.push_back(own[k]);
  }
  return gathered(x, std::move(dims), strides, 0);
}

Symbol sliced_constant(const Symbol& x, std::size_t axis, const Range& range) {
  std::vector<Dim> dims = x.dims;
  std::vector<std::size_t> strides = strides_of(dims);
  const std::size_t first = static_cast<std::size_t>(range.first) * strides[axis];
  dims[axis].size = range.count;
  strides[axis] *= static_cast<std::size_t>(range.step);  // negative steps wrap, and their sums come out right
  return gathered(x, std::move(dims), strides, range.count > 0 ? first : 0);
}

Symbol concatenated_constants(const std::vector<const Symbol*>& parts, std::size_t axis) {
  Symbol made = {parts.front()->kind, parts.front()->dims};
  std::size_t outer = 1;
  for (std::size_t k = 0; k < axis; ++k) outer *= stored(made.dims[k]);
  made.dims[axis].size = 0;
  for (const Symbol* part : parts) made.dims[axis].size += part->dims[axis].size;
  bool wide = false;
  for (const Symbol* part : parts) wide = wide || (part->numbers && part->numbers->wide());
  const bool constants = made.kind == SymbolKind::numbers;
  auto numbers = std::make_shared<Numbers>(constants ? stored_count(made.dims) : 0, wide);
  std::size_t at = 0;
  for (std::size_t o = 0; o < outer; ++o) {
    for (const Symbol* part : parts) {
      const std::size_t count = stored_count(part->dims) / outer;
      for (std::size_t i = o * count; i < (o + 1) * count; ++i) {
        constants ? numbers->set(at++, (*part->numbers)[i]) : made.whole.push_back(part->whole[i]);
      }
    }
  }
  if (constants) made.numbers = std::move(numbers);
  return made;
}

bool combine_whole(const std::string& op, const Symbol& a, const Symbol& b, Symbol& result) {
  result = {SymbolKind::whole, {}};
  if (!broadcast(a.dims, b.dims, result.dims)) return false;
  std::vector<const Dim*> left, right;
  visit(result.dims, broadcast_strides(a, result.dims), 0, [&](std::size_t at) { left.push_back(&a.whole[at]); });
  visit(result.dims, broadcast_strides(b, result.dims), 0, [&](std::size_t at) { right.push_back(&b.whole[at]); });
  for (std::size_t i = 0; i < left.size(); ++i) {
    const Dim &x = *left[i], &y = *right[i];
    if (x.known() && y.known()) {
      result.whole.push_back({whole_result(op, x.size, y.size)});
    } else if (op == "equal" && (x.known() ? x.size < 0 : y.known() && y.size < 0)) {
      result.whole.push_back({0});  // no size is negative
    } else if (op == "mul" && x.known() && x.size == 1) {
      result.whole.push_back(y);
    } else if ((op == "mul" || op == "div") && y.known() && y.size == 1) {
      result.whole.push_back(x);
    } else {
      return false;
    }
  }
  return true;
}

bool combine_numbers(const std::string& op, const Symbol& a, const Symbol& b, Symbol& result) {
  result = {SymbolKind::numbers, {}};
  if (!broadcast(a.dims, b.dims, result.dims)) return false;
  const Symbol x = gathered(a, result.dims, broadcast_strides(a, result.dims), 0);
  const Symbol y = gathered(b, result.dims, broadcast_strides(b, result.dims), 0);
  auto numbers = std::make_shared<Numbers>(x.numbers->size(), true);
  for (std::size_t i = 0; i < numbers->size(); ++i) {
    const double p = (*x.numbers)[i], q = (*y.numbers)[i];
    numbers->set(i, op == "add" ? p + q : op == "sub" ? p - q : op == "mul" ? p * q : p / q);
  }
  result.numbers = std::move(numbers);
  return true;
}

bool expand_constant(const Symbol& x, const std::vector<Dim>& dims, Symbol& result) {
  std::vector<Dim> both;
  if (!broadcast(x.dims, dims, both)) return false;
  result = gathered(x, both, broadcast_strides(x, both), 0);
  return true;
}

}  // namespace sluice::foreign
