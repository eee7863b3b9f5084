#include "kernels/pointwise.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <string>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pointwise.cc"
#include "hwy/foreach_target.h"
// (the target list comes before the lanes)
#include "kernels/dispatch.h"
#include "kernels/lane-inl.h"
#include "sluice/error.h"

HWY_BEFORE_NAMESPACE();
namespace sluice {
namespace HWY_NAMESPACE {
namespace {

constexpr std::size_t kParts = kBlock / kLanes;

// Sums and maxima of a row run in 16 chains on every target and meet in one fixed order, so their bits do not depend on
// the width of a register.
struct Chains {
  Lane part[kParts];
  HWY_INLINE void fill(float x) {
    for (Lane& p : part) p = Lane(x);
  }
  HWY_INLINE float sum() const {
    alignas(64) float x[kBlock];
    for (std::size_t i = 0; i < kParts; ++i) store(part[i], x + i * kLanes);
    for (std::size_t half = kBlock / 2; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) x[i] += x[i + half];
    }
    return x[0];
  }
  HWY_INLINE float max() const {
    alignas(64) float x[kBlock];
    for (std::size_t i = 0; i < kParts; ++i) store(part[i], x + i * kLanes);
    float m = x[0];
    for (float y : x) m = y > m || y != y ? y : m;
    return m;
  }
};

float row_max(const float* x, std::size_t n) {
  Chains m;
  m.fill(kNoLogit);
  for (std::size_t i = 0; i < n; i += kBlock) {
    for (std::size_t j = 0; j < kParts; ++j) m.part[j] = hn::Max(m.part[j].v, load(x + i + j * kLanes).v);
  }
  return m.max();
}

// out = e^(x - m) where out is given; returns the sum. A logit of -1e30 gives e^-87, which is made zero.
float exp_row(const float* x, float m, float* out, std::size_t n) {
  Chains sum;
  sum.fill(0.f);
  const Lane shift(m), floor(-86.f);
  for (std::size_t i = 0; i < n; i += kBlock) {
    for (std::size_t j = 0; j < kParts; ++j) {
      const Lane y = load(x + i + j * kLanes) - shift;
      const Lane e = hn::IfThenZeroElse(hn::Lt(y.v, floor.v), exp(y).v);
      if (out != nullptr) store(e, out + i + j * kLanes);
      sum.part[j] = sum.part[j] + e;
    }
  }
  return sum.sum();
}

void scale_row(float* x, std::size_t n, float factor) {
  for (std::size_t i = 0; i < n; i += kLanes) store(load(x + i) * Lane(factor), x + i);
}

float gradient_row(float* logits, std::size_t n, std::size_t target, float scale) {
  const float m = row_max(logits, n);
  const float own = logits[target];
  const float sum = exp_row(logits, m, logits, n);
  scale_row(logits, n, scale / sum);
  logits[target] -= scale;
  return static_cast<float>(std::log(static_cast<double>(sum)) + static_cast<double>(m) - static_cast<double>(own));
}

float loss_row(const float* logits, std::size_t n, std::size_t target) {
  const float m = row_max(logits, n);
  const float sum = exp_row(logits, m, nullptr, n);
  return static_cast<float>(std::log(static_cast<double>(sum)) + static_cast<double>(m) -
                            static_cast<double>(logits[target]));
}

void softmax_row(const float* logits, std::size_t n, float* probabilities) {
  const float sum = exp_row(logits, row_max(logits, n), probabilities, n);
  scale_row(probabilities, n, 1.f / sum);
}

void sum_listed(const float* in, std::size_t stride, const std::uint32_t* rows, std::size_t count, float* out,
                std::size_t columns, bool add) {
  constexpr std::size_t kWide = 4 * kBlock / kLanes;  // registers at a time
  const auto sum_some = [&](std::size_t c, auto width) {
    Lane sum[width];
    for (std::size_t j = 0; j < width; ++j) sum[j] = add ? load(out + c + j * kLanes) : Lane(0.f);
    for (std::size_t i = 0; i < count; ++i) {
      const float* row = in + (rows != nullptr ? rows[i] : i) * stride + c;
      for (std::size_t j = 0; j < width; ++j) sum[j] = sum[j] + load(row + j * kLanes);
    }
    for (std::size_t j = 0; j < width; ++j) store(sum[j], out + c + j * kLanes);
  };
  std::size_t c = 0;
  for (; c + kWide * kLanes <= columns; c += kWide * kLanes) sum_some(c, std::integral_constant<std::size_t, kWide>());
  for (; c < columns; c += kLanes) sum_some(c, std::integral_constant<std::size_t, 1>());
}

void add_row(float* out, const float* in, std::size_t n) {
  for (std::size_t i = 0; i < n; i += kLanes) store(load(out + i) + load(in + i), out + i);
}

HWY_INLINE Lane activated(Activation f, Lane x) {
  switch (f) {
    case Activation::none:
      return x;
    case Activation::tanh:
      return tanh(x);
    case Activation::relu:
      return relu(x);
    case Activation::sigmoid:
      return sigmoid(x);
    case Activation::elu: {
      const Lane below = exp(x) - Lane(1.f);
      return hn::IfThenElse(hn::Gt(x.v, hn::Zero(D())), x.v, below.v);
    }
  }
  return x;
}

HWY_INLINE Lane slope(Activation f, Lane y) {
  switch (f) {
    case Activation::none:
      return Lane(1.f);
    case Activation::tanh:
      return Lane(1.f) - y * y;
    case Activation::relu:
      return is_positive(y);
    case Activation::sigmoid:
      return y * (Lane(1.f) - y);
    case Activation::elu: {
      const Lane below = y + Lane(1.f);
      return hn::IfThenElse(hn::Gt(y.v, hn::Zero(D())), hn::Set(D(), 1.f), below.v);
    }
  }
  return Lane(1.f);
}

void activate_row(Activation f, float* y, std::size_t padded) {
  for (std::size_t i = 0; i < padded; i += kLanes) store(activated(f, load(y + i)), y + i);
}

void activate_gradient_row(Activation f, const float* y, const float* dy, float* dx, std::size_t padded) {
  for (std::size_t i = 0; i < padded; i += kLanes) store(load(dy + i) * slope(f, load(y + i)), dx + i);
}

// No lanes in it: the compiler finds them, once random numbers and what they decide stand in loops of their own.
void drop(const float* in, float* out, std::size_t n, double rate, const Random& random, std::uint64_t first) {
  static_assert(std::endian::native == std::endian::little, "a random number is four shares, the lowest bits first");
  constexpr std::size_t kNumbers = 64;
  const auto threshold = static_cast<std::uint32_t>(rate * 65536);
  const float keep = static_cast<float>(1 / (1 - rate));
  for (std::size_t i = 0; i < n; i += 4 * kNumbers) {
    std::uint64_t numbers[kNumbers];
    for (std::size_t k = 0; k < kNumbers; ++k) numbers[k] = random.at((first + i) / 4 + k);
    std::uint16_t shares[4 * kNumbers];
    std::memcpy(shares, numbers, sizeof shares);
    for (std::size_t k = 0; k < std::min(4 * kNumbers, n - i); ++k) {
      out[i + k] = shares[k] < threshold ? 0.f : in[i + k] * keep;
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sluice {

SLUICE_EXPORT(gradient_row);
SLUICE_EXPORT(loss_row);
SLUICE_EXPORT(softmax_row);
SLUICE_EXPORT(sum_listed);
SLUICE_EXPORT(add_row);
SLUICE_EXPORT(drop);
SLUICE_EXPORT(activate_row);
SLUICE_EXPORT(activate_gradient_row);

float softmax_gradient(float* logits, std::size_t padded, std::size_t target, float scale) {
  return SLUICE_DISPATCH(gradient_row)(logits, padded, target, scale);
}

float softmax_loss(const float* logits, std::size_t padded, std::size_t target) {
  return SLUICE_DISPATCH(loss_row)(logits, padded, target);
}

std::uint32_t softmax_rank(const float* logits, std::size_t padded, std::size_t target) {
  const float own = logits[target];
  std::uint32_t rank = 0;
  for (std::size_t i = 0; i < padded; ++i) rank += logits[i] > own ? 1u : 0u;
  return rank;
}

void softmax(const float* logits, std::size_t padded, float* probabilities) {
  SLUICE_DISPATCH(softmax_row)(logits, padded, probabilities);
}

void sum_rows(const float* in, std::size_t stride, std::size_t rows, float* out, std::size_t columns, bool add) {
  SLUICE_DISPATCH(sum_listed)(in, stride, nullptr, rows, out, columns, add);
}

void sum_listed_rows(const float* in, std::size_t stride, std::span<const std::uint32_t> rows, float* out,
                     std::size_t columns) {
  SLUICE_DISPATCH(sum_listed)(in, stride, rows.data(), rows.size(), out, columns, false);
}

void add_to(float* out, const float* in, std::size_t n) { SLUICE_DISPATCH(add_row)(out, in, n); }

Activation find_activation(std::string_view name) {
  for (std::size_t i = 0; i < std::size(activation_names); ++i) {
    if (name == activation_names[i]) return static_cast<Activation>(i);
  }
  throw Error(Status::usage,
              "activation: expected none, tanh, relu, sigmoid or elu, found \"" + std::string(name) + "\"");
}

void activate(Activation f, float* y, std::size_t n, std::size_t padded) {
  SLUICE_DISPATCH(activate_row)(f, y, padded);
  std::fill(y + n, y + padded, 0.f);
}

void activate_gradient(Activation f, const float* y, const float* dy, float* dx, std::size_t padded) {
  SLUICE_DISPATCH(activate_gradient_row)(f, y, dy, dx, padded);
}

void dropout(const float* in, float* out, std::size_t n, double rate, const Random& random, std::uint64_t first) {
  SLUICE_DISPATCH(drop)(in, out, n, rate, random, first);
}

}  // namespace sluice
#endif  // HWY_ONCE
