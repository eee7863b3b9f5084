// The element-wise updates of update.h, compiled once for every instruction set Highway knows on this machine's family.
#include "kernels/update.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/update.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
#include "hwy/highway.h"
#include "kernels/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace sluice::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Applies body(d, i) to [0, n): whole registers first, then single numbers.
template <class Body>
void each(std::size_t n, const Body& body) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) body(d, i);
  for (; i < n; ++i) body(hn::CappedTag<float, 1>(), i);
}

// g = k * dw + l * w
template <class D, class V = hn::Vec<D>>
V decayed(D d, float clip, float decay, const float* gradient, V weight) {
  return hn::Add(hn::Mul(hn::Set(d, clip), hn::LoadU(d, gradient)), hn::Mul(hn::Set(d, decay), weight));
}

// v' = beta2 * v + (1 - beta2) * g^2, stored and returned.
template <class D, class V = hn::Vec<D>>
V second_moment(D d, double beta2, V g, float* second) {
  const V old_share = hn::Set(d, static_cast<float>(beta2)), new_share = hn::Set(d, static_cast<float>(1 - beta2));
  const V v = hn::Add(hn::Mul(old_share, hn::LoadU(d, second)), hn::Mul(new_share, hn::Mul(g, g)));
  hn::StoreU(v, d, second);
  return v;
}

struct SgdBody {
  SgdStep s;
  const float* gradient;
  float *weight, *moment;
  template <class D>
  void operator()(D d, std::size_t i) const {
    const auto w = hn::LoadU(d, weight + i);
    auto step = decayed(d, s.clip, s.decay, gradient + i, w);
    if (moment != nullptr) {
      const auto g = step, mu = hn::Set(d, s.momentum);
      step = hn::Add(hn::Mul(mu, hn::LoadU(d, moment + i)), g);
      hn::StoreU(step, d, moment + i);
      if (s.nesterov) step = hn::Add(g, hn::Mul(mu, step));
    }
    hn::StoreU(hn::Sub(w, hn::Mul(hn::Set(d, s.rate), step)), d, weight + i);
  }
};

struct RmsPropBody {
  RmsPropStep s;
  const float* gradient;
  float *weight, *second;
  template <class D>
  void operator()(D d, std::size_t i) const {
    const auto w = hn::LoadU(d, weight + i);
    const auto g = decayed(d, s.clip, s.decay, gradient + i, w);
    const auto v = second_moment(d, s.beta2, g, second + i);
    const auto divisor = hn::Add(hn::Sqrt(v), hn::Set(d, s.epsilon));
    hn::StoreU(hn::Sub(w, hn::Mul(hn::Set(d, s.rate), hn::Div(g, divisor))), d, weight + i);
  }
};

struct AdamBody {
  AdamStep s;
  const float* gradient;
  float *weight, *first, *second;
  template <class D>
  void operator()(D d, std::size_t i) const {
    const auto w = hn::LoadU(d, weight + i);
    const auto g = decayed(d, s.clip, s.decay, gradient + i, w);
    auto m = hn::LoadU(d, first + i);
    m = hn::Add(m, hn::Mul(hn::Set(d, static_cast<float>(1 - s.beta1)), hn::Sub(g, m)));
    hn::StoreU(m, d, first + i);
    const auto v = second_moment(d, s.beta2, g, second + i);
    const auto divisor = hn::Add(hn::Div(hn::Sqrt(v), hn::Set(d, s.scale)), hn::Set(d, s.epsilon));
    const auto kept = hn::Mul(hn::Set(d, s.keep), w);
    hn::StoreU(hn::Sub(kept, hn::Mul(hn::Set(d, s.rate), hn::Div(m, divisor))), d, weight + i);
  }
};

struct AverageBody {
  float share;
  const float* weight;
  float* average;
  template <class D>
  void operator()(D d, std::size_t i) const {
    const auto a = hn::LoadU(d, average + i);
    hn::StoreU(hn::Add(a, hn::Mul(hn::Set(d, share), hn::Sub(hn::LoadU(d, weight + i), a))), d, average + i);
  }
};

void sgd(const SgdStep& step, std::size_t n, const float* gradient, float* weight, float* moment) {
  each(n, SgdBody{step, gradient, weight, moment});
}

void rmsprop(const RmsPropStep& step, std::size_t n, const float* gradient, float* weight, float* second) {
  each(n, RmsPropBody{step, gradient, weight, second});
}

void adam(const AdamStep& step, std::size_t n, const float* gradient, float* weight, float* first, float* second) {
  each(n, AdamBody{step, gradient, weight, first, second});
}

void average(float share, std::size_t n, const float* weight, float* average) {
  each(n, AverageBody{share, weight, average});
}

// One block: sixteen running sums whatever the register holds, so that the order does not depend on the target. The
// square of a float is exact in double, so fused or not makes no difference here.
double sum_of_squares(std::size_t n, const float* values) {
  constexpr std::size_t kSums = 16;
  const hn::CappedTag<double, kSums> d;
  const hn::Rebind<float, decltype(d)> half;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN double sums[kSums] = {};
  const std::size_t whole = n / kSums * kSums;
  for (std::size_t part = 0; part < kSums; part += lanes) {
    auto sum = hn::Zero(d);
    for (std::size_t i = part; i < whole; i += kSums) {
      const auto x = hn::PromoteTo(d, hn::LoadU(half, values + i));
      sum = hn::MulAdd(x, x, sum);
    }
    hn::StoreU(sum, d, sums + part);
  }
  for (std::size_t i = whole; i < n; ++i) {
    const double x = static_cast<double>(values[i]);
    sums[i - whole] += x * x;
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

void squares(std::size_t n, const float* values, double* blocks) {
  for (std::size_t first = 0; first < n; first += kSquareBlock) {
    *blocks++ = sum_of_squares(n - first < kSquareBlock ? n - first : kSquareBlock, values + first);
  }
}

bool fuses() {
  const hn::CappedTag<float, 1> d;
  const auto x = hn::Set(d, 1 + 0x1p-12f);  // its square has a bit more than fits a float
  return hn::GetLane(hn::MulSub(x, x, hn::Mul(x, x))) != 0;
}

}  // namespace sluice::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sluice {

SLUICE_EXPORT(sgd);
SLUICE_EXPORT(rmsprop);
SLUICE_EXPORT(adam);
SLUICE_EXPORT(average);
SLUICE_EXPORT(squares);
SLUICE_EXPORT(fuses);

void sgd_step(const SgdStep& step, std::size_t n, const float* gradient, float* weight, float* moment) {
  SLUICE_DISPATCH(sgd)(step, n, gradient, weight, moment);
}

void rmsprop_step(const RmsPropStep& step, std::size_t n, const float* gradient, float* weight, float* second) {
  SLUICE_DISPATCH(rmsprop)(step, n, gradient, weight, second);
}

void adam_step(const AdamStep& step, std::size_t n, const float* gradient, float* weight, float* first, float* second) {
  SLUICE_DISPATCH(adam)(step, n, gradient, weight, first, second);
}

void average_step(float share, std::size_t n, const float* weight, float* average) {
  SLUICE_DISPATCH(average)(share, n, weight, average);
}

void sums_of_squares(std::size_t n, const float* values, double* blocks) {
  SLUICE_DISPATCH(squares)(n, values, blocks);
}

bool fuses_multiply_add() { return SLUICE_DISPATCH(fuses)(); }

}  // namespace sluice
#endif
