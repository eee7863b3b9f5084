// Matrix products: by weights that are packed once, and of two plain matrices packed on the way.
#include <algorithm>
#include <cstring>

#include "hwy/cache_control.h"
#include "kernels/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/product.cc"
#include "hwy/foreach_target.h"
// (the target list comes before the lanes)
#include "kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sluice {
namespace HWY_NAMESPACE {
namespace {

// K in slices of this many, so that a panel's slice stays in the L1 or L2 cache. The chains of the numerical contract
// run through memory between slices and keep their order, so no bit depends on these numbers.
constexpr std::size_t kDepth = 256;
constexpr std::size_t kWidth = kMaxVectors * kBlock;
// Of two plain matrices: longer slices, because C is read and written once a slice, and rows in groups, because those
// of A are read once for every panel of B and should come from the L2 cache.
constexpr std::size_t kSlice = 512, kGroup = 192;

void fill_rows(const float* init, float* c, std::size_t c_row, std::size_t rows, std::size_t floats) {
  for (std::size_t i = 0; i < rows; ++i) std::memcpy(c + i * c_row, init, floats * sizeof(float));
}

void multiply_rows(const Panels& w, const float* a, std::size_t a_row, float* c, std::size_t c_row, const float* init,
                   std::size_t first_row, std::size_t last_row, std::size_t first_panel, std::size_t last_panel) {
  for (std::size_t p = first_panel; p < last_panel; ++p) {
    const std::size_t vectors = std::min(w.vectors, w.blocks() - p * w.vectors);
    const float* panel = w.data.data() + p * w.stride();
    const std::size_t column = p * w.vectors * kBlock;
    for (std::size_t k = 0; k < w.depth; k += kDepth) {
      const Pieces piece = pieces(last_row - first_row, max_rows(vectors));
      for (std::size_t i = 0; i < piece.count; ++i) {
        const std::size_t row = first_row + piece.first(i), rows = piece.size(i);
        float* out = c + row * c_row + column;
        if (k == 0 && init != nullptr) fill_rows(init + column, out, c_row, rows, vectors * kBlock);
        kTiles<false>[vectors - 1][rows - 1]({std::min(kDepth, w.depth - k), a + row * a_row + k, a_row, 1,
                                              panel + k * vectors * kBlock, 0, out, 0, c_row, kBlock});
      }
    }
  }
}

// One row against several panels side by side: enough chains to hide the latency of a multiply-add.
void multiply_one_row(const Panels& w, const float* a, float* c, const float* init, std::size_t first_panel,
                      std::size_t last_panel) {
  const std::size_t together = panels_of_one_row(w.vectors);
  std::size_t p = first_panel;
  const std::size_t whole = w.blocks() / w.vectors;  // panels that are not cut
  for (; p + together <= std::min(last_panel, whole); p += together) {
    const std::size_t column = p * w.vectors * kBlock;
    if (init != nullptr) std::memcpy(c + column, init + column, together * w.vectors * kBlock * sizeof(float));
    kOneRowTiles[w.vectors - 1](
        {w.depth, a, 0, 1, w.data.data() + p * w.stride(), w.stride(), c + column, w.vectors * kBlock, 0, kBlock});
  }
  if (p < last_panel) multiply_rows(w, a, 0, c, 0, init, 0, 1, p, last_panel);
}

void multiply_any(const Panels& w, const float* a, std::size_t a_row, float* c, std::size_t c_row, const float* init,
                  std::size_t first_row, std::size_t last_row, std::size_t first_panel, std::size_t last_panel) {
  if (last_row == first_row + 1) {
    multiply_one_row(w, a + first_row * a_row, c + first_row * c_row, init, first_panel, last_panel);
  } else {
    multiply_rows(w, a, a_row, c, c_row, init, first_row, last_row, first_panel, last_panel);
  }
}

// B's rows [k, k + depth), columns [column, column + width) as a panel; columns beyond N are zero.
void pack_slice(const Product& p, std::size_t k, std::size_t depth, std::size_t column, std::size_t width,
                float* panel) {
  const std::size_t real = std::min(width, p.columns - column);
  for (std::size_t i = 0; i < depth; ++i) {
    std::memcpy(panel + i * width, p.b + (k + i) * p.b_row + column, real * sizeof(float));
    std::memset(panel + i * width + real, 0, (width - real) * sizeof(float));
  }
}

struct Slice {
  std::size_t k, depth, column, width;
};

// A tile at the right edge of a C that has no padding: computed aside, its real columns copied in and out.
void edge_tile(const Product& p, const Slice& s, std::size_t row, std::size_t rows, const TileArguments& t,
               TileFunction function) {
  alignas(64) float aside[kMaxRows * kWidth] = {};
  const std::size_t real = p.columns - s.column;
  float* c = p.c + row * p.c_row + s.column;
  if (s.k > 0 || p.add) {
    for (std::size_t i = 0; i < rows; ++i) std::memcpy(aside + i * s.width, c + i * p.c_row, real * sizeof(float));
  }
  TileArguments edge = t;
  edge.c = aside;
  edge.c_row = s.width;
  function(edge);
  for (std::size_t i = 0; i < rows; ++i) std::memcpy(c + i * p.c_row, aside + i * s.width, real * sizeof(float));
}

// C is nowhere in the caches when a tile comes back to it a slice later.
void prefetch_rows(const float* c, std::size_t c_row, std::size_t rows, std::size_t vectors) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t v = 0; v < vectors; ++v) hwy::Prefetch(c + r * c_row + v * kBlock);
  }
}

template <bool kTransposed>
void product_slice(const Product& p, const Slice& s, std::size_t first_row, std::size_t last_row, const float* panel) {
  const std::size_t vectors = s.width / kBlock;
  const bool edge = s.column + s.width > p.columns;
  const Pieces piece = pieces(last_row - first_row, max_rows(vectors));
  for (std::size_t i = 0; i < piece.count; ++i) {
    const std::size_t row = first_row + piece.first(i), rows = piece.size(i);
    float* c = p.c + row * p.c_row + s.column;
    if (i + 1 < piece.count) prefetch_rows(c + rows * p.c_row, p.c_row, piece.size(i + 1), vectors);
    const TileFunction function = kTiles<kTransposed>[vectors - 1][rows - 1];
    const TileArguments t = {s.depth, p.a + row * p.a_row + s.k * p.a_k, p.a_row, p.a_k, panel, 0, c, 0, p.c_row,
                             kBlock};
    if (edge) {
      edge_tile(p, s, row, rows, t, function);
      continue;
    }
    if (s.k == 0 && !p.add) {
      for (std::size_t r = 0; r < rows; ++r) std::memset(c + r * p.c_row, 0, s.width * sizeof(float));
    }
    function(t);
  }
}

void product_group(const Product& p, std::size_t k, std::size_t first_row, std::size_t last_row,
                   std::size_t first_column, std::size_t last_column, float* scratch) {
  for (std::size_t column = first_column; column < last_column; column += kWidth) {
    const Slice s = {k, std::min(kSlice, p.depth - k), column,
                     std::min(kWidth, round_up(std::min(last_column, p.columns) - column, kBlock))};
    pack_slice(p, s.k, s.depth, s.column, s.width, scratch);
    if (p.a_row == 1) {
      product_slice<true>(p, s, first_row, last_row, scratch);
    } else {
      product_slice<false>(p, s, first_row, last_row, scratch);
    }
  }
}

void product_rows(const Product& p, std::size_t first_row, std::size_t last_row, std::size_t first_column,
                  std::size_t last_column, float* scratch) {
  const Pieces group = pieces(last_row - first_row, kGroup);
  for (std::size_t k = 0; k < p.depth; k += kSlice) {
    for (std::size_t i = 0; i < group.count; ++i) {
      product_group(p, k, first_row + group.first(i), first_row + group.first(i + 1), first_column, last_column,
                    scratch);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sluice {

HWY_EXPORT(multiply_any);
HWY_EXPORT(product_rows);

void multiply(const Panels& weights, const float* a, std::size_t a_row, float* c, std::size_t c_row, const float* init,
              std::size_t first_row, std::size_t last_row, std::size_t first_panel, std::size_t last_panel) {
  if (first_row == last_row || first_panel == last_panel) return;
  HWY_DYNAMIC_DISPATCH(multiply_any)
  (weights, a, a_row, c, c_row, init, first_row, last_row, first_panel, last_panel);
}

std::size_t product_scratch() { return HWY_NAMESPACE::kSlice * HWY_NAMESPACE::kWidth; }

void product(const Product& p, std::size_t first_row, std::size_t last_row, std::size_t first_column,
             std::size_t last_column, float* scratch) {
  if (first_row == last_row || first_column == last_column) return;
  HWY_DYNAMIC_DISPATCH(product_rows)(p, first_row, last_row, first_column, last_column, scratch);
}

}  // namespace sluice
#endif  // HWY_ONCE
