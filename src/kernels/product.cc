// Matrix products: by weights that are packed once, and of two plain matrices packed on the way.
#include <algorithm>
#include <cstring>

#include "hwy/cache_control.h"
#include "kernels/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/product.cc"
#include "hwy/foreach_target.h"
// (the target list comes before the lanes)
#include "kernels/dispatch.h"
#include "kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sluice {
namespace HWY_NAMESPACE {
namespace {

// K in slices of this many, so that a panel's slice stays in the L1 or L2 cache. The chains of the numerical contract
// run through memory between slices and keep their order, so no bit depends on these numbers.
constexpr std::size_t kDepth = 256;
constexpr std::size_t kWidth = kMaxVectors * kBlock;
// Of two plain matrices: longer slices, because C is read and written once a slice; rows in groups, because those of A
// are read once for every panel of B and should come from the L2 cache; and the panels of up to so many columns are
// packed once for all groups.
constexpr std::size_t kSlice = 512, kGroup = 192, kColumns = 1024;
// Rows rounded for multiply(), in words: what leaves room for a panel in the L2 cache.
constexpr std::size_t kRowWords = std::size_t{1} << 16;

void fill_rows(const float* init, float* c, std::size_t c_row, std::size_t rows, std::size_t floats) {
  for (std::size_t i = 0; i < rows; ++i) std::memcpy(c + i * c_row, init, floats * sizeof(float));
}

// Depths [k, k + depth) of rows against panels; at the first of them C begins as init says, if there is one.
void multiply_slice(const Panels& w, const Factor& a, std::size_t k, std::size_t depth, float* c, std::size_t c_row,
                    const float* init, std::size_t all_rows, std::size_t first_panel, std::size_t last_panel) {
  const TileRows& table = tiles(w.format).plain;
  for (std::size_t p = first_panel; p < last_panel; ++p) {
    const std::size_t vectors = std::min(w.vectors, w.blocks() - p * w.vectors);
    const std::size_t column = p * w.vectors * kBlock, word = k / per_word(w.format);
    const Pieces piece = pieces(all_rows, table.most[vectors - 1]);
    for (std::size_t i = 0; i < piece.count; ++i) {
      const std::size_t row = piece.first(i), rows = piece.size(i);
      float* out = c + row * c_row + column;
      if (k == 0 && init != nullptr) fill_rows(init + column, out, c_row, rows, vectors * kBlock);
      TileArguments tile = {depth, a.row(row), a.stride, 1,     advance(panel_of(w, p), word * vectors * kBlock),
                            0,     out,        0,        c_row, kBlock};
      set_scales(tile, a, row, w, column);
      table.of[vectors - 1][rows - 1](tile);
    }
  }
}

// A panel's slice for all rows, then the next slice of it.
void multiply_floats(const Panels& w, const float* a, std::size_t a_row, float* c, std::size_t c_row, const float* init,
                     std::size_t rows, std::size_t first_panel, std::size_t last_panel) {
  for (std::size_t p = first_panel; p < last_panel; ++p) {
    for (std::size_t k = 0; k < w.depth; k += kDepth) {
      multiply_slice(w, {a + k, a_row}, k, std::min(kDepth, w.depth - k), c, c_row, init, rows, p, p + 1);
    }
  }
}

// As many rows as the scratch holds of a slice are rounded, then used for every panel.
void multiply_bf16(const Panels& w, const float* a, std::size_t a_row, float* c, std::size_t c_row, const float* init,
                   std::size_t all_rows, std::size_t first_panel, std::size_t last_panel, Scratch& scratch) {
  std::uint32_t* words = scratch.words.data();
  const std::size_t stride = words_of(w.format, std::min(kSlice, w.depth));
  const Pieces piece = pieces(all_rows, scratch.words.size() / stride);
  for (std::size_t i = 0; i < piece.count; ++i) {
    const std::size_t row = piece.first(i), rows = piece.size(i);
    for (std::size_t k = 0; k < w.depth; k += kSlice) {
      const std::size_t depth = std::min(kSlice, w.depth - k);
      for (std::size_t r = 0; r < rows; ++r) pair_neighbours(a + (row + r) * a_row + k, depth, words + r * stride);
      multiply_slice(w, {words, stride}, k, depth, c + row * c_row, c_row, init, rows, first_panel, last_panel);
    }
  }
}

// One row against several panels side by side: enough chains to hide the latency of a multiply-add.
void multiply_one_row(const Panels& w, const Factor& a, float* c, const float* init, std::size_t first_panel,
                      std::size_t last_panel) {
  const std::size_t together = panels_of_one_row(w.vectors);
  const TileFunction function = tiles(w.format).one_row[w.vectors - 1];
  std::size_t p = first_panel;
  const std::size_t whole = w.blocks() / w.vectors;  // panels that are not cut
  for (; p + together <= std::min(last_panel, whole); p += together) {
    const std::size_t column = p * w.vectors * kBlock;
    if (init != nullptr) std::memcpy(c + column, init + column, together * w.vectors * kBlock * sizeof(float));
    TileArguments tile = {w.depth, a.rows, 0, 1, panel_of(w, p), w.stride(), c + column, w.vectors * kBlock, 0, kBlock};
    set_scales(tile, a, 0, w, column);
    function(tile);
  }
  if (p < last_panel) multiply_slice(w, a, 0, w.depth, c, 0, init, 1, p, last_panel);
}

void multiply_int8(const Panels& w, const float* a, std::size_t a_row, float* c, std::size_t c_row, const float* init,
                   std::size_t all_rows, std::size_t first_panel, std::size_t last_panel, Scratch& scratch) {
  std::uint32_t* words = scratch.words.data();
  float* scales = scratch.floats.data();
  const Pieces piece = pieces(all_rows, std::min(scratch.words.size() / w.steps(), scratch.floats.size()));
  for (std::size_t i = 0; i < piece.count; ++i) {
    const std::size_t row = piece.first(i), rows = piece.size(i);
    for (std::size_t r = 0; r < rows; ++r) {
      scales[r] = quantize_row(a + (row + r) * a_row, w.depth, words + r * w.steps());
    }
    const Factor factor = {words, w.steps(), scales};
    if (rows == 1) {
      multiply_one_row(w, factor, c + row * c_row, init, first_panel, last_panel);
    } else {
      multiply_slice(w, factor, 0, w.depth, c + row * c_row, c_row, init, rows, first_panel, last_panel);
    }
  }
}

void multiply_any(const Panels& w, const float* a, std::size_t a_row, float* c, std::size_t c_row, const float* init,
                  std::size_t rows, std::size_t first_panel, std::size_t last_panel, Scratch* scratch) {
  switch (w.format) {
    case Format::f32:
    case Format::bf16_weights:
      if (rows == 1) return multiply_one_row(w, {a, a_row}, c, init, first_panel, last_panel);
      return multiply_floats(w, a, a_row, c, c_row, init, rows, first_panel, last_panel);
    case Format::bf16:
      return multiply_bf16(w, a, a_row, c, c_row, init, rows, first_panel, last_panel, *scratch);
    case Format::int8:
      return multiply_int8(w, a, a_row, c, c_row, init, rows, first_panel, last_panel, *scratch);
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
void pack_slice(const Product& p, std::size_t k, std::size_t depth, std::size_t column, std::size_t width,
                std::uint32_t* panel) {
  const std::size_t real = std::min(width, p.columns - column);
  pair_rows(p.b + k * p.b_row + column, p.b_row, depth, real, panel, width);
  for (std::size_t i = 0; i < words_of(p.format, depth); ++i) {
    std::memset(panel + i * width + real, 0, (width - real) * sizeof(std::uint32_t));
  }
}

// A group of A's rows over a slice of K as words: [words of K, rows] where A is transposed, else [rows, words of K].
Factor pack_group(const Product& p, std::size_t k, std::size_t depth, std::size_t first_row, std::size_t rows,
                  std::uint32_t* out) {
  const float* a = p.a + first_row * p.a_row + k * p.a_k;
  if (p.a_row != 1) {
    const std::size_t stride = words_of(p.format, depth);
    for (std::size_t r = 0; r < rows; ++r) pair_neighbours(a + r * p.a_row, depth, out + r * stride);
    return {out, stride};
  }
  pair_rows(a, p.a_k, depth, rows, out, rows);
  return {out, rows};
}

struct Slice {
  std::size_t k, depth, column, width;
};
Slice slice_at(const Product& p, std::size_t k, std::size_t depth, std::size_t column, std::size_t last_column) {
  return {k, depth, column, std::min(kWidth, round_up(std::min(last_column, p.columns) - column, kBlock))};
}

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

// Only whole products have an A that runs along its rows, so programs without them do without these tiles.
template <class Operation>
inline constexpr TileRows kTransposedTiles = tile_rows<Operation, true>();

const TileRows& transposed_tiles(Format format) {
  if (format == Format::f32) return kTransposedTiles<Floats>;
#if SLUICE_DOT_INSTRUCTIONS
  if (dot_instructions().bf16) return kTransposedTiles<Bf16Dot>;
#endif
  return kTransposedTiles<Bf16>;
}

// Rows [first_row, first_row + count), of which `a` holds the slice, against a panel.
void product_slice(const Product& p, const Slice& s, bool transposed, const Factor& a, std::size_t first_row,
                   std::size_t count, const void* panel) {
  const std::size_t vectors = s.width / kBlock;
  const std::size_t a_row = transposed ? 1 : a.stride, a_k = transposed ? a.stride : 1;
  const bool edge = s.column + s.width > p.columns;
  const TileRows& table = transposed ? transposed_tiles(p.format) : tiles(p.format).plain;
  const Pieces piece = pieces(count, table.most[vectors - 1]);
  for (std::size_t i = 0; i < piece.count; ++i) {
    const std::size_t row = first_row + piece.first(i), rows = piece.size(i);
    float* c = p.c + row * p.c_row + s.column;
    if (i + 1 < piece.count) prefetch_rows(c + rows * p.c_row, p.c_row, piece.size(i + 1), vectors);
    const TileFunction function = table.of[vectors - 1][rows - 1];
    const TileArguments t = {s.depth, advance(a.rows, piece.first(i) * a_row), a_row, a_k, panel, 0, c, 0, p.c_row,
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

// A slice's panels of columns [first_column, last_column) lie packed one after another.
template <class Operation>
void product_group(const Product& p, std::size_t k, std::size_t depth, std::size_t first_row, std::size_t rows,
                   std::size_t first_column, std::size_t last_column, const typename Operation::B* panels,
                   Scratch& scratch) {
  const bool transposed = p.a_row == 1;
  Factor a;
  if constexpr (Operation::kFormat == Format::bf16) {
    a = pack_group(p, k, depth, first_row, rows, scratch.words.data());
  } else {
    a = {p.a + first_row * p.a_row + k * p.a_k, transposed ? p.a_k : p.a_row};
  }
  for (std::size_t column = first_column; column < last_column; column += kWidth) {
    const Slice s = slice_at(p, k, depth, column, last_column);
    product_slice(p, s, transposed, a, first_row, rows, panels);
    panels += words_of(p.format, depth) * s.width;
  }
}

template <class Operation>
void product_rows(const Product& p, std::size_t first_row, std::size_t last_row, std::size_t first_column,
                  std::size_t last_column, Scratch& scratch) {
  const Pieces group = pieces(last_row - first_row, kGroup);
  typename Operation::B* panels;
  std::size_t room;  // in columns
  if constexpr (Operation::kFormat == Format::bf16) {
    panels = scratch.words.data() + kSlice / 2 * kGroup;
    room = scratch.words.size() / (kSlice / 2) - kGroup;
  } else {
    panels = scratch.floats.data();
    room = scratch.floats.size() / kSlice;
  }
  for (std::size_t column = first_column; column < last_column; column += room) {
    const std::size_t end = std::min(last_column, column + room);
    for (std::size_t k = 0; k < p.depth; k += kSlice) {
      const std::size_t depth = std::min(kSlice, p.depth - k);
      auto* panel = panels;
      for (std::size_t c = column; c < end; c += kWidth) {
        const Slice s = slice_at(p, k, depth, c, end);
        pack_slice(p, s.k, s.depth, s.column, s.width, panel);
        panel += words_of(p.format, depth) * s.width;
      }
      for (std::size_t i = 0; i < group.count; ++i) {
        product_group<Operation>(p, k, depth, first_row + group.first(i), group.size(i), column, end, panels, scratch);
      }
    }
  }
}

void product_any(const Product& p, std::size_t first_row, std::size_t last_row, std::size_t first_column,
                 std::size_t last_column, Scratch& scratch) {
  const auto run = p.format == Format::bf16 ? product_rows<Bf16> : product_rows<Floats>;
  run(p, first_row, last_row, first_column, last_column, scratch);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sluice {

SLUICE_EXPORT(multiply_any);
SLUICE_EXPORT(product_any);

void multiply(const Panels& weights, const float* a, std::size_t a_row, float* c, std::size_t c_row, const float* init,
              std::size_t first_row, std::size_t last_row, std::size_t first_panel, std::size_t last_panel,
              Scratch* scratch) {
  if (first_row == last_row || first_panel == last_panel) return;
  SLUICE_DISPATCH(multiply_any)
  (weights, a + first_row * a_row, a_row, c + first_row * c_row, c_row, init, last_row - first_row, first_panel,
   last_panel, scratch);
}

void Scratch::prepare_multiply(Format format, std::size_t rows, std::size_t depth) {
  using namespace HWY_NAMESPACE;  // NOLINT: the numbers are those of every target
  if (format != Format::bf16 && format != Format::int8) return;
  dot_instructions();  // which its first call looks up
  const std::size_t row = words_of(format, format == Format::bf16 ? std::min(depth, kSlice) : depth);
  grow(words, std::max(row, std::min(rows * row, kRowWords)));
  if (format == Format::int8) grow(floats, std::min(rows, kRowWords / row + 1));
}

void Scratch::prepare_product(Format format, std::size_t columns) {
  using namespace HWY_NAMESPACE;  // NOLINT
  const std::size_t room = std::min(kColumns, round_up(columns, kWidth));
  if (format == Format::bf16) {
    grow(words, kSlice / 2 * (kGroup + room));
  } else {
    grow(floats, kSlice * room);
  }
}

void product(const Product& p, std::size_t first_row, std::size_t last_row, std::size_t first_column,
             std::size_t last_column, Scratch& scratch) {
  if (first_row == last_row || first_column == last_column) return;
  SLUICE_DISPATCH(product_any)(p, first_row, last_row, first_column, last_column, scratch);
}

}  // namespace sluice
#endif  // HWY_ONCE
