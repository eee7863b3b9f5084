// A SIMD register of floats that behaves like a number, and the activations on it.
//
// Everything here gives the same bits on every target that has fused multiply-add: IEEE operations, explicit MulAdd,
// real division, exponents built from integers. NaN passes through (min and max take their operands in that order).

#if defined(SLUICE_KERNELS_LANE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLUICE_KERNELS_LANE_INL_H_
#undef SLUICE_KERNELS_LANE_INL_H_
#else
#define SLUICE_KERNELS_LANE_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace sluice {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
inline constexpr std::size_t kLanes = hn::MaxLanes(D());
using Vec = hn::Vec<D>;

struct Lane {
  Vec v;
  Lane() = default;
  HWY_INLINE Lane(Vec x) : v(x) {}
  HWY_INLINE explicit Lane(float x) : v(hn::Set(D(), x)) {}
};
HWY_INLINE Lane operator+(Lane a, Lane b) { return hn::Add(a.v, b.v); }
HWY_INLINE Lane operator-(Lane a, Lane b) { return hn::Sub(a.v, b.v); }
HWY_INLINE Lane operator*(Lane a, Lane b) { return hn::Mul(a.v, b.v); }
HWY_INLINE Lane operator/(Lane a, Lane b) { return hn::Div(a.v, b.v); }
HWY_INLINE Lane load(const float* p) { return hn::LoadU(D(), p); }
HWY_INLINE void store(Lane x, float* p) { hn::StoreU(x.v, D(), p); }
HWY_INLINE Lane fma(Lane a, Lane b, Lane c) { return hn::MulAdd(a.v, b.v, c.v); }

// On targets of plain C++ the smaller and the greater of NaN and a number is the number, and NaN must not be converted.
inline constexpr bool kLosesNan = HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128;

// y, or x where x is NaN that the way to y has lost.
HWY_INLINE Lane keep_nan(Lane x, Lane y) {
  if constexpr (kLosesNan) return hn::IfThenElse(hn::IsNaN(x.v), x.v, y.v);
  return y;
}

HWY_INLINE Lane clamp(Lane x, float low, float high) {
  return keep_nan(x, hn::Max(hn::Set(D(), low), hn::Min(hn::Set(D(), high), x.v)));
}

// e^x for x in [-87, 88], clamped to it. x = n ln 2 + r, |r| <= ln 2 / 2 (Cody & Waite 1980), a polynomial for e^r and
// n put into the exponent. Max error 2.7 ulp.
HWY_INLINE Lane exp(Lane x) {
  const Lane given = x;
  if constexpr (kLosesNan) x = hn::IfThenZeroElse(hn::IsNaN(x.v), x.v);
  x = clamp(x, -87.f, 88.f);
  const Lane n = hn::Round((x * Lane(1.44269504f)).v);
  Lane r = fma(n, Lane(-0.693359375f), x);
  r = fma(n, Lane(2.12194440e-4f), r);
  Lane p = Lane(1.38888889e-3f);  // Taylor to degree 6: 1/720 ... ; the remainder is below 1.2e-7 of e^r
  p = fma(p, r, Lane(8.33333333e-3f));
  p = fma(p, r, Lane(4.16666667e-2f));
  p = fma(p, r, Lane(1.66666667e-1f));
  p = fma(p, r, Lane(0.5f));
  p = fma(p, r, Lane(1.f));
  p = fma(p, r, Lane(1.f));
  const hn::RebindToSigned<D> di;
  const auto exponent = hn::ShiftLeft<23>(hn::ConvertTo(di, n.v));
  const Vec y = hn::BitCast(D(), hn::Add(hn::BitCast(di, p.v), exponent));
  return hn::IfThenElse(hn::IsNaN(given.v), given.v, y);  // the integer add would make a number of a NaN
}

// Max absolute error 1e-7.
HWY_INLINE Lane sigmoid(Lane x) { return Lane(1.f) / (Lane(1.f) + exp(Lane(0.f) - x)); }

// x P(x^2) / Q(x^2), coefficients by scripts/fit-tanh.py: max absolute error 2.9e-7, 4.9 ulp.
HWY_INLINE Lane tanh(Lane x) {
  x = clamp(x, -8.6f, 8.6f);
  const Lane u = x * x;
  Lane p = fma(Lane(1.408240802e-08f), u, Lane(2.112233150e-05f));
  p = fma(p, u, Lane(3.526398363e-03f));
  p = fma(p, u, Lane(1.340687254e-01f));
  p = fma(p, u, Lane(9.999999867e-01f)) * x;
  Lane q = fma(Lane(8.070609677e-07f), u, Lane(3.336265111e-04f));
  q = fma(q, u, Lane(2.599388753e-02f));
  q = fma(q, u, Lane(4.674019408e-01f));
  q = fma(q, u, Lane(1.f));
  return clamp(p / q, -1.f, 1.f);
}

HWY_INLINE Lane relu(Lane x) { return keep_nan(x, hn::Max(hn::Zero(D()), x.v)); }
HWY_INLINE Lane is_positive(Lane x) { return hn::IfThenElseZero(hn::Gt(x.v, hn::Zero(D())), hn::Set(D(), 1.f)); }

}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();

#endif  // include guard
