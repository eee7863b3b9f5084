// The one inner loop: a tile of C += A B held in registers.
//
// Lanes run over the columns of C (output units), so no sum is ever horizontal: each element of C is one chain of fused
// multiply-adds over ascending k that starts from the value C held. Which tile an element falls into changes nothing.

#if defined(SLUICE_KERNELS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLUICE_KERNELS_TILE_INL_H_
#undef SLUICE_KERNELS_TILE_INL_H_
#else
#define SLUICE_KERNELS_TILE_INL_H_
#endif

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/lane-inl.h"

#ifndef SLUICE_UNROLL
#ifdef __clang__
#define SLUICE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define SLUICE_UNROLL _Pragma("GCC unroll 16")
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace sluice {
namespace HWY_NAMESPACE {

// Where a tile reads and writes. Strides in floats.
struct TileArguments {
  std::size_t depth;       // K
  const float* a;          // [rows, K], broadcast
  std::size_t a_row, a_k;  // strides of A; one of them is 1
  const float* b;          // panels [K, vectors * 16], packed
  std::size_t b_panel;     // from one panel to the next
  float* c;                // [panels, rows, vectors, 16]
  std::size_t c_panel, c_row, c_vector;
};

inline constexpr std::size_t kMaxVectors = 4;  // vectors of 16 in a panel
inline constexpr std::size_t kMaxRows = 12;

// As many accumulators as registers hold beside the operands: 24 of 32, 12 of 16.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
inline constexpr std::size_t kAccumulators = 24;
#else
inline constexpr std::size_t kAccumulators = 12;
#endif

constexpr std::size_t max_rows(std::size_t vectors) { return std::min(kMaxRows, kAccumulators / vectors); }

// Rows in pieces of nearly equal size, none above `most`.
struct Pieces {
  std::size_t count, rows;
  std::size_t first(std::size_t i) const { return rows * i / count; }
  std::size_t size(std::size_t i) const { return first(i + 1) - first(i); }
};
HWY_INLINE Pieces pieces(std::size_t rows, std::size_t most) { return {(rows + most - 1) / most, rows}; }

// kPanels > 1 is for few rows, where one panel alone has too few chains to hide the latency of a multiply-add.
template <std::size_t kRows, std::size_t kVectors, std::size_t kPanels, bool kTransposed>
HWY_NOINLINE void tile(const TileArguments& t) {
  const D d;
  // A target with fewer lanes than a block walks the block in slices.
  for (std::size_t slice = 0; slice < kBlock; slice += kLanes) {
    Vec acc[kPanels][kRows][kVectors];
    float* HWY_RESTRICT c = t.c + slice;
    SLUICE_UNROLL for (std::size_t p = 0; p < kPanels; ++p) SLUICE_UNROLL for (std::size_t i = 0; i < kRows; ++i)
        SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) acc[p][i][v] =
            hn::LoadU(d, c + p * t.c_panel + i * t.c_row + v * t.c_vector);
    const float* HWY_RESTRICT b = t.b + slice;
    const float* HWY_RESTRICT a = t.a;
    const std::size_t a_row = kTransposed ? 1 : t.a_row;
    const std::size_t a_k = kTransposed ? t.a_k : 1;
    for (std::size_t k = 0; k < t.depth; ++k) {
      SLUICE_UNROLL for (std::size_t p = 0; p < kPanels; ++p) {
        Vec w[kVectors];
        SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) w[v] = hn::LoadU(d, b + p * t.b_panel + v * kBlock);
        SLUICE_UNROLL for (std::size_t i = 0; i < kRows; ++i) {
          const Vec x = hn::Set(d, a[i * a_row]);
          SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) acc[p][i][v] = hn::MulAdd(x, w[v], acc[p][i][v]);
        }
      }
      a += a_k;
      b += kVectors * kBlock;
    }
    SLUICE_UNROLL for (std::size_t p = 0; p < kPanels; ++p) SLUICE_UNROLL for (std::size_t i = 0; i < kRows; ++i)
        SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v)
            hn::StoreU(acc[p][i][v], d, c + p * t.c_panel + i * t.c_row + v * t.c_vector);
  }
}

using TileFunction = void (*)(const TileArguments&);

template <std::size_t kVectors, bool kTransposed, std::size_t... kIndex>
constexpr std::array<TileFunction, kMaxRows> tile_row(std::index_sequence<kIndex...>) {
  return {tile<std::min(kIndex + 1, max_rows(kVectors)), kVectors, 1, kTransposed>...};
}

// [vectors - 1][rows - 1]
template <bool kTransposed>
inline constexpr std::array<std::array<TileFunction, kMaxRows>, kMaxVectors> kTiles = {
    tile_row<1, kTransposed>(std::make_index_sequence<kMaxRows>()),
    tile_row<2, kTransposed>(std::make_index_sequence<kMaxRows>()),
    tile_row<3, kTransposed>(std::make_index_sequence<kMaxRows>()),
    tile_row<4, kTransposed>(std::make_index_sequence<kMaxRows>())};

// One row: this many panels side by side.
constexpr std::size_t panels_of_one_row(std::size_t vectors) { return kAccumulators / 2 / vectors; }
inline constexpr std::array<TileFunction, kMaxVectors> kOneRowTiles = {
    tile<1, 1, panels_of_one_row(1), false>, tile<1, 2, panels_of_one_row(2), false>,
    tile<1, 3, panels_of_one_row(3), false>, tile<1, 4, panels_of_one_row(4), false>};

}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();

#endif  // include guard
