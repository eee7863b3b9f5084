// The one inner loop: a tile of C += A B held in registers.
//
// Lanes run over the columns of C (output units), so no sum is ever horizontal: each element of C is one chain of fused
// multiply-adds over ascending k that starts from the value C held. Which tile an element falls into changes nothing.
//
// What is multiplied is an Operation: how numbers lie in A and in a panel, and how they are added up. A panel holds
// words of 32 bits, each a float or, along k, two bf16 or four int8 (kernels.h, Format).

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
#include "kernels/words-inl.h"

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

// Where a tile reads and writes. Strides in elements, which have 32 bits whatever they hold.
struct TileArguments {
  std::size_t depth;       // K
  const void* a;           // [rows, K] floats or [rows, words of K], broadcast
  std::size_t a_row, a_k;  // strides of A; one of them is 1
  const void* b;           // panels [words of K, vectors * 16], packed
  std::size_t b_panel;     // from one panel to the next
  float* c;                // [panels, rows, vectors, 16]
  std::size_t c_panel, c_row, c_vector;
  const float* row_scales = nullptr;      // of int8: [rows] of A
  const float* scales = nullptr;          // [panels, vectors, 16] of the weights
  const std::int32_t* offsets = nullptr;  // [panels, vectors, 16] by how much a sum is too high
};
HWY_INLINE const void* advance(const void* from, std::size_t elements) {
  return static_cast<const std::byte*>(from) + elements * sizeof(float);
}

// An operation has tiles of up to kMostRows rows: each is code in every program that streams, so only those that pay.

// Floats by floats.
struct Floats {
  using A = float;
  using B = float;
  using Sum = Vec;
  using Weights = Vec;
  static constexpr Format kFormat = Format::f32;
  static constexpr std::size_t kMostRows = 12;
  static HWY_INLINE Weights load(const float* b) { return hn::LoadU(D(), b); }
  static HWY_INLINE Vec broadcast(const float* a) { return hn::Set(D(), *a); }
  static HWY_INLINE Sum add(Vec x, Weights w, Sum sum) { return hn::MulAdd(x, w, sum); }
};

// Pairs of bf16 by pairs of bf16, on any machine: exact products (two significands of 8 bits), so the chain has the
// bits of Floats on the rounded numbers.
struct Bf16 {
  using A = std::uint32_t;
  using B = std::uint32_t;
  using Sum = Vec;
  using Weights = Pair;
  static constexpr Format kFormat = Format::bf16;
  static constexpr std::size_t kMostRows = 6;
  static HWY_INLINE Weights load(const std::uint32_t* b) { return expand(hn::LoadU(DU(), b)); }
  static HWY_INLINE Pair broadcast(const std::uint32_t* a) { return expand(hn::Set(DU(), *a)); }
  static HWY_INLINE Sum add(const Pair& x, const Weights& w, Sum sum) {
    return hn::MulAdd(x.second, w.second, hn::MulAdd(x.first, w.first, sum));
  }
};

// Floats by pairs of bf16.
struct Bf16Weights : Bf16 {
  using A = float;
  static constexpr Format kFormat = Format::bf16_weights;
  static constexpr std::size_t kMostRows = 4;
  static HWY_INLINE Pair broadcast(const float* a) { return {hn::Set(D(), a[0]), hn::Set(D(), a[1])}; }
};

// Fours of bytes by fours of int8, sums exact in 32 bits: A's bytes are 128 too high, so that x86 can multiply them.
struct Int8 {
  using A = std::uint32_t;
  using B = std::uint32_t;
  using Sum = hn::Vec<DI>;
  using Weights = hn::Vec<DU>;
  static constexpr Format kFormat = Format::int8;
  static constexpr std::size_t kMostRows = 2;
  static HWY_INLINE Weights load(const std::uint32_t* b) { return hn::LoadU(DU(), b); }
  static HWY_INLINE Weights broadcast(const std::uint32_t* a) { return hn::Set(DU(), *a); }
  static HWY_INLINE Sum add(Weights x, Weights w, Sum sum) { return add_products_of_bytes(x, w, sum); }
};

#if SLUICE_DOT_INSTRUCTIONS
// The same with the instructions that some processors with AVX-512 have for it: their two roundings are those of Bf16.
struct Bf16Dot : Bf16 {
  static constexpr std::size_t kMostRows = 12;
  using Weights = hn::Vec<DU>;
  static HWY_INLINE Weights load(const std::uint32_t* b) { return hn::LoadU(DU(), b); }
  static HWY_INLINE Weights broadcast(const std::uint32_t* a) { return hn::Set(DU(), *a); }
  static HWY_INLINE Sum add(Weights x, Weights w, Sum sum) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(x.raw), "v"(w.raw));
    return sum;
  }
};

struct Int8Dot : Int8 {
  static constexpr std::size_t kMostRows = 4;
  static HWY_INLINE Sum add(Weights x, Weights w, Sum sum) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(x.raw), "v"(w.raw));
    return sum;
  }
};
#endif

// Where a panel lies.
HWY_INLINE const void* panel_of(const Panels& w, std::size_t panel) {
  return advance(w.format == Format::f32 ? static_cast<const void*>(w.data.data()) : w.words.data(),
                 panel * w.stride());
}

// Rows of A as tiles of a format read them.
struct Factor {
  const void* rows;
  std::size_t stride;
  const float* scales = nullptr;  // of int8, [rows]

  const void* row(std::size_t r) const { return advance(rows, r * stride); }
};

// Fills in what int8 needs besides, for rows of `factor` from `row` on and outputs of w from `output` on.
HWY_INLINE void set_scales(TileArguments& t, const Factor& factor, std::size_t row, const Panels& w,
                           std::size_t output) {
  if (w.format != Format::int8) return;
  t.row_scales = factor.scales + row;
  t.scales = w.scales.data() + output;
  t.offsets = w.offsets.data() + output;
}

inline constexpr std::size_t kMaxVectors = 4;  // vectors of 16 in a panel
inline constexpr std::size_t kMaxRows = 12;    // of a tile of any operation

// As many accumulators as registers hold beside the operands: 24 of 32, 12 of 16.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
inline constexpr std::size_t kAccumulators = 24;
#else
inline constexpr std::size_t kAccumulators = 12;
#endif

template <class Operation>
constexpr std::size_t max_rows(std::size_t vectors) {
  return std::min(Operation::kMostRows, kAccumulators / vectors);
}

// Rows in pieces of nearly equal size, none above `most`.
struct Pieces {
  std::size_t count, rows;
  std::size_t first(std::size_t i) const { return rows * i / count; }
  std::size_t size(std::size_t i) const { return first(i + 1) - first(i); }
};
HWY_INLINE Pieces pieces(std::size_t rows, std::size_t most) { return {(rows + most - 1) / most, rows}; }

// kPanels > 1 is for few rows, where one panel alone has too few chains to hide the latency of a multiply-add.
template <class Operation, std::size_t kRows, std::size_t kVectors, std::size_t kPanels, bool kTransposed>
HWY_NOINLINE void tile(const TileArguments& t) {
  constexpr bool kInt8 = Operation::kFormat == Format::int8;
  // What A holds is one element a word, except floats beside pairs of bf16.
  constexpr std::size_t kElements = std::is_same_v<typename Operation::A, float> ? per_word(Operation::kFormat) : 1;
  const D d;
  // A target with fewer lanes than a block walks the block in slices.
  for (std::size_t slice = 0; slice < kBlock; slice += kLanes) {
    typename Operation::Sum sum[kPanels][kRows][kVectors];
    float* HWY_RESTRICT c = t.c + slice;
    SLUICE_UNROLL for (std::size_t p = 0; p < kPanels; ++p) SLUICE_UNROLL for (std::size_t i = 0; i < kRows; ++i)
        SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) {
      if constexpr (kInt8) {
        sum[p][i][v] = hn::Zero(DI());
      } else {
        sum[p][i][v] = hn::LoadU(d, c + p * t.c_panel + i * t.c_row + v * t.c_vector);
      }
    }
    const auto* HWY_RESTRICT b = static_cast<const typename Operation::B*>(t.b) + slice;
    const auto* HWY_RESTRICT a = static_cast<const typename Operation::A*>(t.a);
    const std::size_t a_row = kTransposed ? 1 : t.a_row;
    const std::size_t a_k = kTransposed ? t.a_k : kElements;
    const std::size_t words = kElements > 1 ? t.depth / kElements : words_of(Operation::kFormat, t.depth);
    for (std::size_t k = 0; k < words; ++k) {
      SLUICE_UNROLL for (std::size_t p = 0; p < kPanels; ++p) {
        typename Operation::Weights w[kVectors];
        SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) w[v] = Operation::load(b + p * t.b_panel + v * kBlock);
        SLUICE_UNROLL for (std::size_t i = 0; i < kRows; ++i) {
          const auto x = Operation::broadcast(a + i * a_row);
          SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) sum[p][i][v] = Operation::add(x, w[v], sum[p][i][v]);
        }
      }
      a += a_k;
      b += kVectors * kBlock;
    }
    if constexpr (kElements > 1) {
      if (t.depth % kElements != 0) {  // one number is left, and A ends with it
        SLUICE_UNROLL for (std::size_t p = 0; p < kPanels; ++p) SLUICE_UNROLL for (std::size_t i = 0; i < kRows; ++i)
            SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) {
          const Vec w = Operation::load(b + p * t.b_panel + v * kBlock).first;
          sum[p][i][v] = hn::MulAdd(hn::Set(d, a[i * a_row]), w, sum[p][i][v]);
        }
      }
    }
    SLUICE_UNROLL for (std::size_t p = 0; p < kPanels; ++p) SLUICE_UNROLL for (std::size_t i = 0; i < kRows; ++i)
        SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) {
      float* HWY_RESTRICT to = c + p * t.c_panel + i * t.c_row + v * t.c_vector;
      if constexpr (kInt8) {
        const std::size_t at = (p * kVectors + v) * kBlock + slice;
        const Vec whole = hn::ConvertTo(d, hn::Sub(sum[p][i][v], hn::LoadU(DI(), t.offsets + at)));
        const Vec scale = hn::Mul(hn::Set(d, t.row_scales[i]), hn::LoadU(d, t.scales + at));
        hn::StoreU(hn::MulAdd(whole, scale, hn::LoadU(d, to)), d, to);
      } else {
        hn::StoreU(sum[p][i][v], d, to);
      }
    }
  }
}

using TileFunction = void (*)(const TileArguments&);

// One row: this many panels side by side.
constexpr std::size_t panels_of_one_row(std::size_t vectors) { return kAccumulators / 2 / vectors; }

// The tiles of one operation: [vectors - 1][rows - 1], rows below the number in `most`.
struct TileRows {
  std::array<std::size_t, kMaxVectors> most;
  std::array<std::array<TileFunction, kMaxRows>, kMaxVectors> of;
};
struct TileTable {
  TileRows plain;
  std::array<TileFunction, kMaxVectors> one_row;
};

template <class Operation, std::size_t kVectors, bool kTransposed, std::size_t... kIndex>
constexpr std::array<TileFunction, kMaxRows> tile_row(std::index_sequence<kIndex...>) {
  return {tile<Operation, std::min(kIndex + 1, max_rows<Operation>(kVectors)), kVectors, 1, kTransposed>...};
}

template <class Operation, bool kTransposed>
constexpr TileRows tile_rows() {
  constexpr auto kRows = std::make_index_sequence<kMaxRows>();
  return {
      {max_rows<Operation>(1), max_rows<Operation>(2), max_rows<Operation>(3), max_rows<Operation>(4)},
      {tile_row<Operation, 1, kTransposed>(kRows), tile_row<Operation, 2, kTransposed>(kRows),
       tile_row<Operation, 3, kTransposed>(kRows), tile_row<Operation, 4, kTransposed>(kRows)},
  };
}

template <class Operation>
inline constexpr TileTable kTiles = {
    tile_rows<Operation, false>(),
    {tile<Operation, 1, 1, panels_of_one_row(1), false>, tile<Operation, 1, 2, panels_of_one_row(2), false>,
     tile<Operation, 1, 3, panels_of_one_row(3), false>, tile<Operation, 1, 4, panels_of_one_row(4), false>},
};

// The tiles of a format that are the fastest on this machine.
HWY_INLINE const TileTable& tiles(Format format) {
  switch (format) {
    case Format::bf16:
#if SLUICE_DOT_INSTRUCTIONS
      if (dot_instructions().bf16) return kTiles<Bf16Dot>;
#endif
      return kTiles<Bf16>;
    case Format::int8:
#if SLUICE_DOT_INSTRUCTIONS
      if (dot_instructions().int8) return kTiles<Int8Dot>;
#endif
      return kTiles<Int8>;
    case Format::bf16_weights:
      return kTiles<Bf16Weights>;
    case Format::f32:
      break;
  }
  return kTiles<Floats>;
}

}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();

#endif  // include guard
