// The kernels as the rooms above see them: plain functions, the instruction set chosen at run time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/aligned.h"

namespace sluice {

inline constexpr std::size_t kBlock = 16;  // floats; units are stored and packed in blocks of this many

// The instruction sets that this machine and this build share, best first. The first is used unless SLUICE_TARGET in
// the environment names another.
std::vector<std::string> targets();
// The one in use; its first call reads SLUICE_TARGET and throws Error (usage) for a name that targets() lacks.
std::string target();

// In what numbers a product is computed. Sums are floats everywhere, one chain over ascending k; rounding is to the
// nearest, ties to even.
enum class Format {
  f32,
  bf16,          // weights and what they multiply rounded to bf16: the bits of f32 on the rounded numbers
  bf16_weights,  // weights alone rounded to bf16
  int8,          // weights as int8, a scale an output; what they multiply as int8, a scale a row; whole sums in between
};
constexpr bool has_gradients(Format format) { return format == Format::f32 || format == Format::bf16; }
constexpr std::size_t per_word(Format format) { return format == Format::f32 ? 1 : format == Format::int8 ? 4 : 2; }
// Words of `depth` numbers.
constexpr std::size_t words_of(Format format, std::size_t depth) {
  return (depth + per_word(format) - 1) / per_word(format);
}

// Instructions for products of short numbers that this processor has beyond its instruction set's name.
struct DotInstructions {
  bool bf16 = false, int8 = false;
};
const DotInstructions& dot_instructions();
// For tests, which compare what has the same bits. Not while others compute.
void set_dot_instructions(const DotInstructions& use);

// x rounded to bf16, as the upper half of a word; a word of two.
inline std::uint32_t bf16_bits(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t up = x != x ? bits | 0x00400000u : bits + 0x7fffu + (bits >> 16 & 1);
  return up & 0xffff0000u;
}
inline std::uint32_t bf16_pair(float first, float second) { return bf16_bits(first) | bf16_bits(second) >> 16; }

// A weight matrix M [N, K], repacked for the tile: panels of up to 4 vectors of 16 outputs, each panel
// [K / per_word][vectors][16]. Outputs beyond N and depths beyond K are zero.
struct Panels {
  Format format = Format::f32;
  std::size_t depth = 0;                // K
  std::size_t outputs = 0;              // N, a multiple of 16 after packing
  std::size_t vectors = 0;              // in a panel; the last one may have fewer
  AlignedVector<float> data;            // of f32
  AlignedVector<std::uint32_t> words;   // of the others
  AlignedVector<float> scales;          // of int8, in the order of the panels: [N], and
  AlignedVector<std::int32_t> offsets;  // [N]: 128 times the sum of an output's weights

  std::size_t blocks() const { return outputs / kBlock; }
  std::size_t panels() const { return vectors == 0 ? 0 : (blocks() + vectors - 1) / vectors; }
  std::size_t steps() const { return words_of(format, depth); }
  std::size_t stride() const { return steps() * vectors * kBlock; }
  std::size_t bytes() const { return data.size() * sizeof(float) + words.size() * sizeof(std::uint32_t); }
};

// What a thread needs for products: room for packed operands. Preparing it allocates, nothing else does.
struct Scratch {
  AlignedVector<float> floats;
  AlignedVector<std::uint32_t> words;

  // For multiply() of rows with this many columns; more rows than prepared for are multiplied in turn.
  void prepare_multiply(Format format, std::size_t rows, std::size_t depth);
  // For product() with up to this many columns; of more, a part at a time.
  void prepare_product(Format format, std::size_t columns);
};

// C [M, N] = init + A [M, K] M^T, rows [first_row, last_row) and panels [first_panel, last_panel). C has N columns,
// padding included. init: a vector [N] for every row, or nullptr: what C holds. scratch: prepared, for bf16 and int8.
void multiply(const Panels& weights, const float* a, std::size_t a_row, float* c, std::size_t c_row, const float* init,
              std::size_t first_row, std::size_t last_row, std::size_t first_panel, std::size_t last_panel,
              Scratch* scratch = nullptr);

// C [M, N] = (add ? C : 0) + A B with A(m, k) = a[m * a_row + k * a_k] (one of the strides is 1) and B [K, N]
// row-major. Only columns below N of C are touched. Rows [first_row, last_row) and columns [first_column, last_column),
// the latter at multiples of 16. format: f32 or bf16, for which scratch is prepared.
struct Product {
  std::size_t columns, depth;  // N, K
  const float* a;
  std::size_t a_row, a_k;
  const float* b;
  std::size_t b_row;
  float* c;
  std::size_t c_row;
  bool add;
  Format format = Format::f32;
};
void product(const Product& p, std::size_t first_row, std::size_t last_row, std::size_t first_column,
             std::size_t last_column, Scratch& scratch);

}  // namespace sluice
