#include "formats/foreign/tensors.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/shown.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

struct TypeInfo {
  std::size_t bytes;
  bool whole;
  const char* name;
};
constexpr TypeInfo types[] = {
    {2, false, "float16"}, {2, false, "bfloat16"}, {4, false, "float32"}, {8, false, "float64"}, {1, true, "int8"},
    {1, true, "uint8"},    {2, true, "int16"},     {2, true, "uint16"},   {4, true, "int32"},    {4, true, "uint32"},
    {8, true, "int64"},    {8, true, "uint64"},    {1, true, "bool"}};

const TypeInfo& info(Type type) { return types[static_cast<int>(type)]; }

template <class T>
T at(std::string_view bytes, std::uint64_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
  return value;
}

double half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double magnitude =
      exponent == 31  ? (fraction ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity())
      : exponent == 0 ? std::ldexp(fraction, -24)
                      : std::ldexp(1024 + fraction, exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

double number(Type type, std::string_view bytes, std::uint64_t i) {
  switch (type) {
    case Type::f16:
      return half(at<std::uint16_t>(bytes, i));
    case Type::bf16:
      return std::bit_cast<float>(static_cast<std::uint32_t>(at<std::uint16_t>(bytes, i)) << 16);
    case Type::f32:
      return at<float>(bytes, i);
    case Type::f64:
      return at<double>(bytes, i);
    case Type::i8:
      return at<std::int8_t>(bytes, i);
    case Type::u8:
      return at<std::uint8_t>(bytes, i);
    case Type::i16:
      return at<std::int16_t>(bytes, i);
    case Type::u16:
      return at<std::uint16_t>(bytes, i);
    case Type::i32:
      return at<std::int32_t>(bytes, i);
    case Type::u32:
      return at<std::uint32_t>(bytes, i);
    case Type::i64:
      return static_cast<double>(at<std::int64_t>(bytes, i));
    case Type::u64:
      return static_cast<double>(at<std::uint64_t>(bytes, i));
    case Type::boolean:
      return at<std::uint8_t>(bytes, i) != 0;
  }
  return 0;
}

// One more than the number farthest from the first one, which is within the bytes as each step is checked.
std::uint64_t extent_of(const RawTensor& tensor, std::uint64_t most, const std::string& where) {
  std::uint64_t last = 0;
  for (std::size_t k = 0; k < tensor.shape.size(); ++k) {
    if (tensor.shape[k] == 0) return 0;
    std::uint64_t reach = 0;
    if (__builtin_mul_overflow(tensor.shape[k] - 1, tensor.strides[k], &reach) ||
        __builtin_add_overflow(last, reach, &last) || last >= most) {
      throw Error(Status::bad_file, where + ": expected strides that stay within its " + std::to_string(most) +
                                        " numbers, found " + text(tensor.strides) + " for shape " + text(tensor.shape));
    }
  }
  return last + 1;
}

}  // namespace

std::size_t bytes_of(Type type) { return info(type).bytes; }
bool is_whole(Type type) { return info(type).whole; }
const char* name_of(Type type) { return info(type).name; }

std::string text(const Shape& shape) {
  std::string line;
  for (std::size_t i = 0; i < shape.size() && i < 8; ++i) line += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return "[" + line + (shape.size() > 8 ? ", ...]" : "]");
}

std::uint64_t count_of(const Shape& shape, std::uint64_t most, const std::string& where) {
  std::uint64_t count = 1;
  bool beyond = false;
  for (const std::uint64_t size : shape) {
    if (size == 0) return 0;
    beyond = beyond || __builtin_mul_overflow(count, size, &count) || count > most;
  }
  if (!beyond) return count;
  throw Error(Status::bad_file,
              where + ": expected at most " + std::to_string(most) + " numbers there, found the shape " + text(shape));
}

void Budget::take(std::uint64_t bytes) {
  if (bytes > left_) {
    throw Error(Status::bad_file, where_ +
                                      ": expected tensors that hold no more than the file, found the same bytes used "
                                      "again and again");
  }
  left_ -= bytes;
}

Array read_tensor(const RawTensor& tensor, const std::string& where, Budget& budget) {
  const std::string place = where + ": tensor " + shown(tensor.name);
  const std::uint64_t there = tensor.bytes.size() / bytes_of(tensor.type);
  const std::uint64_t count = count_of(tensor.shape, there, place);
  const bool wide = tensor.type == Type::f64 || (is_whole(tensor.type) && bytes_of(tensor.type) >= 4);
  budget.take(count * (wide ? sizeof(double) : sizeof(float)));
  if (tensor.type == Type::f32 && tensor.strides.empty()) {
    std::vector<float> floats(count);
    if (count > 0) std::memcpy(floats.data(), tensor.bytes.data(), count * sizeof(float));
    return {tensor.shape, Numbers(std::move(floats))};
  }
  Array array = {tensor.shape, Numbers(count, wide)};
  if (tensor.strides.empty()) {
    for (std::uint64_t i = 0; i < count; ++i) array.values.set(i, number(tensor.type, tensor.bytes, i));
    return array;
  }
  if (count == 0) return array;
  extent_of(tensor, there, place);
  std::vector<std::uint64_t> index(tensor.shape.size());
  std::uint64_t source = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    array.values.set(i, number(tensor.type, tensor.bytes, source));
    for (std::size_t k = index.size(); k-- > 0;) {
      source += tensor.strides[k];
      if (++index[k] < tensor.shape[k]) break;
      source -= tensor.strides[k] * tensor.shape[k];
      index[k] = 0;
    }
  }
  return array;
}

}  // namespace sluice::foreign
