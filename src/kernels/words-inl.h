// Numbers of less than 32 bits in words of 32, as panels and their counterparts hold them (kernels.h, Format): how they
// are made of floats, and made floats again.

#if defined(SLUICE_KERNELS_WORDS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLUICE_KERNELS_WORDS_INL_H_
#undef SLUICE_KERNELS_WORDS_INL_H_
#else
#define SLUICE_KERNELS_WORDS_INL_H_
#endif

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/lane-inl.h"

// Whether code for this instruction set may use vdpbf16ps and vpdpbusd, which are extensions of it: if the processor at
// hand has them is asked at run time.
#undef SLUICE_DOT_INSTRUCTIONS
#if HWY_ARCH_X86 && (HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL)
#define SLUICE_DOT_INSTRUCTIONS 1
#else
#define SLUICE_DOT_INSTRUCTIONS 0
#endif

HWY_BEFORE_NAMESPACE();
namespace sluice {
namespace HWY_NAMESPACE {

using DU = hn::RebindToUnsigned<D>;
using DI = hn::RebindToSigned<D>;
using Words = hn::Vec<DU>;

// A word is two bf16: the upper half of `first`'s bits, then that of `second`'s.
struct Pair {
  Vec first, second;
};
HWY_INLINE Pair expand(Words w) {
#if SLUICE_DOT_INSTRUCTIONS
  asm("" : "+v"(w.raw));  // one load for both halves, which the compiler would make two
#endif
  return {hn::BitCast(D(), hn::And(w, hn::Set(DU(), 0xffff0000u))), hn::BitCast(D(), hn::ShiftLeft<16>(w))};
}

// The bits of x rounded to bf16 (to the nearest, ties to even; NaN stays NaN), below them what is left of x.
HWY_INLINE Words rounded_bits(Vec x) {
  const DU d;
  const Words bits = hn::BitCast(d, x), one = hn::Set(d, 1);
  const Words up = hn::Add(hn::Add(bits, hn::Set(d, 0x7fffu)), hn::And(hn::ShiftRight<16>(bits), one));
  const Words quiet = hn::Or(bits, hn::Set(d, 0x00400000u));
  return hn::IfThenElse(hn::RebindMask(d, hn::IsNaN(x)), quiet, up);
}
HWY_INLINE Words to_pair(Vec first, Vec second) {
  return hn::Or(hn::And(rounded_bits(first), hn::Set(DU(), 0xffff0000u)), hn::ShiftRight<16>(rounded_bits(second)));
}

// out [n] = pairs of first [n] and second [n]; second may be null: zeros.
HWY_INLINE void pair_rows(const float* first, const float* second, std::size_t n, std::uint32_t* out) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vec other = second == nullptr ? hn::Zero(D()) : hn::LoadU(D(), second + i);
    hn::StoreU(to_pair(hn::LoadU(D(), first + i), other), DU(), out + i);
  }
  for (; i < n; ++i) out[i] = bf16_pair(first[i], second == nullptr ? 0.f : second[i]);
}

// The same of rows 0 and 1, 2 and 3 and so on, which begin every `stride` floats; a pair of them every `step` words.
HWY_INLINE void pair_rows(const float* from, std::size_t stride, std::size_t rows, std::size_t n, std::uint32_t* out,
                          std::size_t step) {
  for (std::size_t i = 0; i < rows; i += 2) {
    const float* first = from + i * stride;
    pair_rows(first, i + 1 < rows ? first + stride : nullptr, n, out + i / 2 * step);
  }
}

// out [(n + 1) / 2] = pairs of neighbours in x [n].
HWY_INLINE void pair_neighbours(const float* x, std::size_t n, std::uint32_t* out) {
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    const Vec low = hn::LoadU(D(), x + i), high = hn::LoadU(D(), x + i + kLanes);
    hn::StoreU(to_pair(hn::ConcatEven(D(), high, low), hn::ConcatOdd(D(), high, low)), DU(), out + i / 2);
  }
#endif
  for (; i < n; i += 2) out[i / 2] = bf16_pair(x[i], i + 1 < n ? x[i + 1] : 0.f);
}

// out [(n + 3) / 4] = bytes round(x / s) + 128 for x [n], and s = max |x| / 127; padding is 128. Where x holds what is
// not finite, s is NaN.
HWY_INLINE float quantize_row(const float* x, std::size_t n, std::uint32_t* out) {
  const D d;
  const DI di;
  // Of numbers without a sign the bits are in the order of the numbers, above infinity NaN.
  const auto no_sign = hn::Set(di, 0x7fffffff);
  auto most = hn::Zero(di);
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    most = hn::Max(most, hn::And(hn::BitCast(di, hn::LoadU(d, x + i)), no_sign));
  }
  std::int32_t bits = hn::GetLane(hn::MaxOfLanes(di, most));
  for (; i < n; ++i) bits = std::max(bits, std::bit_cast<std::int32_t>(x[i]) & 0x7fffffff);
  const float greatest = std::bit_cast<float>(bits);
  auto* bytes = reinterpret_cast<std::uint8_t*>(out);
  if (!(greatest > 1e-30f && greatest < std::numeric_limits<float>::infinity())) {
    std::memset(bytes, 128, round_up(n, 4));
    return greatest <= 1e-30f ? 0.f : std::numeric_limits<float>::quiet_NaN();
  }
  const float factor = 127.f / greatest;
  const hn::Rebind<std::uint8_t, D> d8;
  for (i = 0; i + kLanes <= n; i += kLanes) {
    const auto whole = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), hn::Set(d, factor)));
    hn::StoreU(hn::DemoteTo(d8, hn::Add(whole, hn::Set(DI(), 128))), d8, bytes + i);
  }
  for (; i < n; ++i) bytes[i] = static_cast<std::uint8_t>(std::nearbyint(x[i] * factor) + 128);
  for (; i % 4 != 0; ++i) bytes[i] = 128;
  return greatest / 127.f;
}

// sum + the four products of unsigned bytes of x by signed bytes of w in every word.
HWY_INLINE hn::Vec<DI> add_products_of_bytes(Words x, Words w, hn::Vec<DI> sum) {
  const DI d;
  const auto bytes = hn::BitCast(d, w);
  const Words low = hn::Set(DU(), 0xffu);
  const auto product = [&](Words from, hn::Vec<DI> weight) {
    return hn::Mul(hn::BitCast(d, hn::And(from, low)), hn::ShiftRight<24>(weight));
  };
  sum = hn::Add(sum, product(x, hn::ShiftLeft<24>(bytes)));
  sum = hn::Add(sum, product(hn::ShiftRight<8>(x), hn::ShiftLeft<16>(bytes)));
  sum = hn::Add(sum, product(hn::ShiftRight<16>(x), hn::ShiftLeft<8>(bytes)));
  return hn::Add(sum, product(hn::ShiftRight<24>(x), bytes));
}

}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();

#endif  // include guard
