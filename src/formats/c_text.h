// Pieces of C that do not depend on the cell: names, arrays of numbers, functions that every exported file carries.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// "@" becomes the prefix, "@@" the prefix in capitals.
std::string with_prefix(std::string_view text, std::string_view prefix);

// Definitions of constant arrays. Each float is the shortest decimal that gives it back; throws Error (failed) for
// numbers that are not finite, naming the array and which.
std::string float_array(const std::string& name, std::span<const float> values);
std::string int8_array(const std::string& name, std::span<const std::int8_t> values);
std::string token_array(const std::string& name, std::span<const std::uint32_t> values);
// Any bytes but none that end a C string; every text below 4096 bytes, the longest literal C99 promises.
std::string string_array(const std::string& name, std::span<const std::string> texts);

// A matrix in 8 bits: the largest magnitude of a row becomes 127, row r is values * scales[r]. Throws as above.
struct Int8Rows {
  std::vector<std::int8_t> values;
  std::vector<float> scales;
};
Int8Rows to_int8(const std::string& name, std::span<const float> matrix, std::size_t rows);

// C of @_exp, @_sigmoid (calls @_exp), @_tanh, @_relu: the formulas of src/kernels/lane-inl.h.
extern const std::string_view c_exp, c_sigmoid, c_tanh, c_relu;
// C of @_product (and @_quantize) for weights in float and in 8 bits, and of @_softmax.
extern const std::string_view c_product_f32, c_product_int8, c_softmax;

}  // namespace sluice
