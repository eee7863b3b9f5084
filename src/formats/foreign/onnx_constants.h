// Operators of ONNX on constants: shapes and weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/foreign/onnx_symbols.h"

namespace sluice::foreign {

// How many numbers constants may have together, so that a small file cannot unfold.
class FoldBudget {
 public:
  FoldBudget(std::uint64_t file_bytes, std::string where) : budget_(file_bytes, std::move(where)) {}
  // Room for so many whole numbers or sizes.
  void take(std::uint64_t numbers) {
    budget_.take(numbers < (std::uint64_t{1} << 60) ? numbers * sizeof(double) : numbers);
  }
  void take(const Symbol& symbol) { budget_.take(bytes_of(symbol)); }
  void give(const Symbol& symbol) { budget_.give(bytes_of(symbol)); }

 private:
  static std::uint64_t bytes_of(const Symbol& symbol) {
    const std::uint64_t numbers = symbol.numbers ? symbol.numbers->size() : 0;
    const std::uint64_t bytes = symbol.numbers && symbol.numbers->wide() ? sizeof(double) : sizeof(float);
    return symbol.whole.size() * sizeof(Dim) + numbers * bytes;
  }

  Budget budget_;
};

// Numbers stored for sizes: 1 along an axis of unknown size.
std::size_t stored_count(const std::vector<Dim>& dims);

// The symbol with its axes in another order; data besides in Graph.
Symbol transposed_constant(const Symbol& x, const std::vector<std::size_t>& order);
// x[begin:end:step] along one axis of known size.
struct Range {
  std::int64_t first = 0, count = 0, step = 1;
};
Symbol sliced_constant(const Symbol& x, std::size_t axis, const Range& range);
Symbol concatenated_constants(const std::vector<const Symbol*>& parts, std::size_t axis);
// a op b for whole numbers, "add", "sub", "mul", "div", "equal"; false where a size is not known.
bool combine_whole(const std::string& op, const Symbol& a, const Symbol& b, Symbol& result);
// The same for numbers.
bool combine_numbers(const std::string& op, const Symbol& a, const Symbol& b, Symbol& result);
// The numbers repeated to sizes, along known ones as well; false where they do not fit.
bool expand_constant(const Symbol& x, const std::vector<Dim>& dims, Symbol& result);

}  // namespace sluice::foreign
