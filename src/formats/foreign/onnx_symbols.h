// What is known about each tensor of an ONNX graph while it is read: constants are folded, shapes are followed with
// sizes that may be unknown, and what carries data is known by its axes, whatever way they were turned.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "formats/foreign/network.h"
#include "formats/foreign/tensors.h"

namespace sluice::foreign {

// An axis along which the graph's user decides the size: time or batch. Two that turn out to be the same stay two
// numbers with one meaning.
using AxisId = int;
inline constexpr AxisId no_axis = -1;

// A size: a number, or that of an axis.
struct Dim {
  std::int64_t size = 1;
  AxisId axis = no_axis;
  bool known() const { return axis == no_axis; }
  bool operator==(const Dim&) const = default;
};

enum class SymbolKind {
  numbers,  // constant numbers; a size that is an axis means: the same all along it
  whole,    // constant whole numbers, among them sizes
  input,    // an input of the graph that nothing has read yet
  data,     // a value of the network
  lengths,  // sequence lengths, perhaps in falling order
  order,    // rows by falling length
  inverse,  // the way back from that order
  rows,     // 0, 1, 2, ... along the batch axis
};

struct Symbol {
  SymbolKind kind = SymbolKind::numbers;
  std::vector<Dim> dims;
  std::shared_ptr<const Numbers> numbers = nullptr;  // row-major, one number along an axis of unknown size
  std::vector<Dim> whole = {};                       // the same
  std::size_t input = 0;                             // an input of the graph
  ValueId value = no_value;                          // data, lengths
  // data: which axes are features, in the order in which the value's features are counted; the others are time and
  // batch, dims say which
  std::vector<bool> feature = {};
  bool sorted = false;  // rows are in the order of falling lengths
};

inline bool is_constant(const Symbol& symbol) {
  return symbol.kind == SymbolKind::numbers || symbol.kind == SymbolKind::whole;
}

}  // namespace sluice::foreign
