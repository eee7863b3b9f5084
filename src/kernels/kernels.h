// The kernels as the rooms above see them: plain functions, the instruction set chosen at run time.
#pragma once

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

// A weight matrix M [N, K], repacked for the tile: panels of up to 4 vectors of 16 outputs, each panel
// [K][vectors][16]. Outputs beyond N are zero.
struct Panels {
  std::size_t depth = 0;    // K
  std::size_t outputs = 0;  // N, a multiple of 16 after packing
  std::size_t vectors = 0;  // in a panel; the last one may have fewer
  AlignedVector<float> data;

  std::size_t blocks() const { return outputs / kBlock; }
  std::size_t panels() const { return vectors == 0 ? 0 : (blocks() + vectors - 1) / vectors; }
  std::size_t stride() const { return depth * vectors * kBlock; }
};

// C [M, N] = init + A [M, K] M^T, rows [first_row, last_row) and panels [first_panel, last_panel). C has N columns,
// padding included. init: a vector [N] for every row, or nullptr: what C holds.
void multiply(const Panels& weights, const float* a, std::size_t a_row, float* c, std::size_t c_row, const float* init,
              std::size_t first_row, std::size_t last_row, std::size_t first_panel, std::size_t last_panel);

// C [M, N] = (add ? C : 0) + A B with A(m, k) = a[m * a_row + k * a_k] (one of the strides is 1) and B [K, N]
// row-major. Only columns below N of C are touched. Rows [first_row, last_row) and columns [first_column, last_column),
// the latter at multiples of 16. scratch holds product_scratch() floats.
struct Product {
  std::size_t columns, depth;  // N, K
  const float* a;
  std::size_t a_row, a_k;
  const float* b;
  std::size_t b_row;
  float* c;
  std::size_t c_row;
  bool add;
};
std::size_t product_scratch();
void product(const Product& p, std::size_t first_row, std::size_t last_row, std::size_t first_column,
             std::size_t last_column, float* scratch);

}  // namespace sluice
