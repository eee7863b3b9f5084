// Named arrays as they lie in a file, read when they are asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/foreign/numbers.h"

namespace sluice::foreign {

enum class Type { f16, bf16, f32, f64, i8, u8, i16, u16, i32, u32, i64, u64, boolean };
std::size_t bytes_of(Type type);
bool is_whole(Type type);
const char* name_of(Type type);

using Shape = std::vector<std::uint64_t>;
std::string text(const Shape& shape);  // "[64, 32]"
// The product; Error (bad_file) with `where` in front when it is beyond `most`, whatever the sizes.
std::uint64_t count_of(const Shape& shape, std::uint64_t most, const std::string& where);

struct RawTensor {
  std::string name;
  Type type = Type::f32;
  Shape shape;
  std::string_view bytes;  // little-endian, from the first number on; may go on behind the last
  Shape strides;           // in numbers; none: row-major
};

struct Array {
  Shape shape;
  Numbers values;  // row-major; doubles where the file has doubles or whole numbers of 32 bits and more
};

// How much may be read out of one file, so that names for the same bytes again and again do not fill the memory.
class Budget {
 public:
  Budget(std::uint64_t file_bytes, std::string where)
      : left_(2 * file_bytes + (std::uint64_t{1} << 25)), where_(std::move(where)) {}
  void take(std::uint64_t bytes);  // throws Error (bad_file)
  void give(std::uint64_t bytes) { left_ += bytes; }

 private:
  std::uint64_t left_;
  std::string where_;
};

// The numbers of a tensor. Throws Error (bad_file): a shape or strides that reach beyond the bytes or use them twice.
Array read_tensor(const RawTensor& tensor, const std::string& where, Budget& budget);

}  // namespace sluice::foreign
