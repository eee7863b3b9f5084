#include "kernels/transpose.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/transpose.cc"
#include "hwy/foreach_target.h"
// (the target list comes before the lanes)
#include "kernels/dispatch.h"
#include "kernels/words-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sluice {
namespace HWY_NAMESPACE {
namespace {

constexpr std::size_t kQuad = 4;  // floats in 128 bits, within which registers of every width interleave alike

#if HWY_TARGET == HWY_SCALAR
// Nothing here without registers.
template <class Put>
std::size_t transpose(const float*, std::size_t, std::size_t, Put&&) {
  return 0;
}
#else
// Numbers [0, 4) of rows 0, 4, 8 and so on, side by side in kWidth floats.
template <std::size_t kWidth>
HWY_INLINE auto load_quads(const float* from, std::size_t stride) {
  const hn::FixedTag<float, kWidth> d;
  if constexpr (kWidth == kQuad) {
    return hn::LoadU(d, from);
  } else {
    return hn::Combine(d, load_quads<kWidth / 2>(from + kWidth / 2 * stride, stride),
                       load_quads<kWidth / 2>(from, stride));
  }
}

// put(k, lane, four vectors) for depths k to k + 3 of 16 rows, lanes [lane, lane + kLanes). Returns the first depth
// that is left.
template <class Put>
HWY_INLINE std::size_t transpose(const float* from, std::size_t stride, std::size_t depth, Put&& put) {
  const D d;
  const hn::RepartitionToWide<D> wide;
  const auto pairs = [&](Vec x) { return hn::BitCast(wide, x); };
  std::size_t k = 0;
  for (; k + kQuad <= depth; k += kQuad) {
    for (std::size_t lane = 0; lane < kBlock; lane += kLanes) {
      const float* rows = from + lane * stride + k;
      const auto quads = [&](std::size_t row) { return load_quads<kLanes>(rows + row * stride, stride); };
      const Vec a = quads(0), b = quads(1), c = quads(2), e = quads(3);
      const auto ab = pairs(hn::InterleaveLower(d, a, b)), ce = pairs(hn::InterleaveLower(d, c, e));
      const auto ab2 = pairs(hn::InterleaveUpper(d, a, b)), ce2 = pairs(hn::InterleaveUpper(d, c, e));
      put(k, lane, hn::BitCast(d, hn::InterleaveLower(wide, ab, ce)), hn::BitCast(d, hn::InterleaveUpper(wide, ab, ce)),
          hn::BitCast(d, hn::InterleaveLower(wide, ab2, ce2)), hn::BitCast(d, hn::InterleaveUpper(wide, ab2, ce2)));
    }
  }
  return k;
}
#endif

void lanes_of_floats(const float* from, std::size_t stride, std::size_t rows, std::size_t depth, float* out,
                     std::size_t step) {
  std::size_t k = 0;
  if (rows == kBlock) {
    k = transpose(from, stride, depth, [&](std::size_t at, std::size_t lane, Vec a, Vec b, Vec c, Vec e) {
      float* to = out + at * step + lane;
      hn::StoreU(a, D(), to);
      hn::StoreU(b, D(), to + step);
      hn::StoreU(c, D(), to + 2 * step);
      hn::StoreU(e, D(), to + 3 * step);
    });
  }
  for (std::size_t lane = 0; lane < rows; ++lane) {
    for (std::size_t i = k; i < depth; ++i) out[i * step + lane] = from[lane * stride + i];
  }
}

void lanes_of_pairs(const float* from, std::size_t stride, std::size_t rows, std::size_t depth, std::uint32_t* out,
                    std::size_t step) {
  std::size_t k = 0;
  if (rows == kBlock) {
    k = transpose(from, stride, depth, [&](std::size_t at, std::size_t lane, Vec a, Vec b, Vec c, Vec e) {
      std::uint32_t* to = out + at / 2 * step + lane;
      hn::StoreU(to_pair(a, b), DU(), to);
      hn::StoreU(to_pair(c, e), DU(), to + step);
    });
  }
  for (std::size_t lane = 0; lane < rows; ++lane) {
    const float* row = from + lane * stride;
    for (std::size_t i = k; i < depth; i += 2) {
      out[i / 2 * step + lane] = bf16_pair(row[i], i + 1 < depth ? row[i + 1] : 0.f);
    }
  }
}

void pairs_of_rows(const float* from, std::size_t stride, std::size_t rows, std::size_t n, std::uint32_t* out,
                   std::size_t step) {
  pair_rows(from, stride, rows, n, out, step);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sluice {

SLUICE_EXPORT(lanes_of_floats);
SLUICE_EXPORT(lanes_of_pairs);
SLUICE_EXPORT(pairs_of_rows);

void rows_to_lanes(const float* from, std::size_t stride, std::size_t rows, std::size_t depth, float* out,
                   std::size_t step) {
  SLUICE_DISPATCH(lanes_of_floats)(from, stride, rows, depth, out, step);
}

void rows_to_lanes(const float* from, std::size_t stride, std::size_t rows, std::size_t depth, std::uint32_t* out,
                   std::size_t step) {
  SLUICE_DISPATCH(lanes_of_pairs)(from, stride, rows, depth, out, step);
}

void rows_to_pairs(const float* from, std::size_t stride, std::size_t rows, std::size_t n, std::uint32_t* out,
                   std::size_t step) {
  SLUICE_DISPATCH(pairs_of_rows)(from, stride, rows, n, out, step);
}

}  // namespace sluice
#endif  // HWY_ONCE
