// The activations on every instruction set of this machine: accuracy on dense grids, and NaN goes through.

// (foreach_target.h includes this file again for every instruction set)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lane_test.cc"
#include "hwy/foreach_target.h"
// (the target list comes before the lanes)
#include "kernels/dispatch.h"
#include "kernels/lane-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sluice::HWY_NAMESPACE {
namespace {

enum class Function { exp, sigmoid, tanh, relu, is_positive };

// n is a multiple of 16.
void apply(int function, const float* in, float* out, std::size_t n) {
  for (std::size_t i = 0; i < n; i += kLanes) {
    const Lane x = load(in + i);
    switch (static_cast<Function>(function)) {
      case Function::exp:
        store(exp(x), out + i);
        break;
      case Function::sigmoid:
        store(sigmoid(x), out + i);
        break;
      case Function::tanh:
        store(tanh(x), out + i);
        break;
      case Function::relu:
        store(relu(x), out + i);
        break;
      case Function::is_positive:
        store(is_positive(x), out + i);
        break;
    }
  }
}

}  // namespace
}  // namespace sluice::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/each_target.h"

namespace sluice {
namespace {

SLUICE_EXPORT(apply);

enum class Function { exp, sigmoid, tanh, relu, is_positive };

std::vector<float> applied(Function function, std::vector<float> x) {
  const std::size_t n = x.size();
  x.resize(round_up(n, kBlock));
  std::vector<float> y(x.size());
  SLUICE_DISPATCH(apply)(static_cast<int>(function), x.data(), y.data(), x.size());
  y.resize(n);
  return y;
}

// Evenly from -limit to limit, and both signs of every size from 1e-30 on.
std::vector<float> grid(float limit) {
  std::vector<float> x = {0.f, -0.f};
  constexpr int kSteps = 400000;
  for (int i = -kSteps; i <= kSteps; ++i) x.push_back(limit * static_cast<float>(i) / kSteps);
  for (float small = 1e-30f; small < limit; small *= 1.001f) x.insert(x.end(), {small, -small});
  return x;
}

struct Errors {
  double absolute = 0, ulp = 0;
};

template <class True>
Errors errors(Function function, const std::vector<float>& x, True truth) {
  const std::vector<float> y = applied(function, x);
  Errors e;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = truth(static_cast<double>(x[i])), error = std::abs(static_cast<double>(y[i]) - expected);
    const float near = std::abs(static_cast<float>(expected));
    const double unit = static_cast<double>(std::nextafter(near, HUGE_VALF) - near);
    e.absolute = std::isnan(error) ? HUGE_VAL : std::max(e.absolute, error);
    e.ulp = std::isnan(error) ? HUGE_VAL : std::max(e.ulp, error / unit);
  }
  return e;
}

class Lanes : public test::EachTarget {};

TEST_P(Lanes, Exponential) {
  const Errors e = errors(Function::exp, grid(87), [](double x) { return std::exp(x); });
  EXPECT_LE(e.ulp, 3);
  const std::vector<float> ends = applied(Function::exp, {-1e30f, -HUGE_VALF, 89.f, HUGE_VALF, 0.f});
  EXPECT_LT(ends[0], 1e-37f);
  EXPECT_LT(ends[1], 1e-37f);
  EXPECT_GT(ends[2], 1e38f);
  EXPECT_GT(ends[3], 1e38f);
  EXPECT_EQ(ends[4], 1.f);
}

TEST_P(Lanes, Sigmoid) {
  const Errors e = errors(Function::sigmoid, grid(100), [](double x) { return 1 / (1 + std::exp(-x)); });
  EXPECT_LE(e.absolute, 1.5e-7);
  const std::vector<float> ends = applied(Function::sigmoid, {-HUGE_VALF, HUGE_VALF, 0.f, 1e30f});
  EXPECT_LT(ends[0], 1e-37f);
  EXPECT_EQ(ends[1], 1.f);
  EXPECT_EQ(ends[2], 0.5f);
  EXPECT_EQ(ends[3], 1.f);
}

TEST_P(Lanes, HyperbolicTangent) {
  const Errors e = errors(Function::tanh, grid(12), [](double x) { return std::tanh(x); });
  EXPECT_LE(e.absolute, 3e-7);
  EXPECT_LE(e.ulp, 6);
  const std::vector<float> ends = applied(Function::tanh, {-HUGE_VALF, HUGE_VALF, 0.f, 1e30f});
  EXPECT_NEAR(ends[0], -1.f, 1.2e-7f);
  EXPECT_NEAR(ends[1], 1.f, 1.2e-7f);
  EXPECT_EQ(ends[2], 0.f);
  EXPECT_NEAR(ends[3], 1.f, 1.2e-7f);
  for (const float y : applied(Function::tanh, grid(12))) ASSERT_LE(std::abs(y), 1.f);
}

TEST_P(Lanes, Rectifier) {
  EXPECT_EQ(applied(Function::relu, {-2.f, -0.f, 0.f, 3.f, HUGE_VALF, -HUGE_VALF}),
            (std::vector<float>{0.f, 0.f, 0.f, 3.f, HUGE_VALF, 0.f}));
  EXPECT_EQ(applied(Function::is_positive, {-2.f, -0.f, 0.f, 3.f, HUGE_VALF, 1e-30f}),
            (std::vector<float>{0.f, 0.f, 0.f, 1.f, 1.f, 1.f}));
}

// Of either sign and with any payload: Inf - Inf makes a negative one on x86, a file may hold any.
TEST_P(Lanes, NanGoesThrough) {
  for (const std::uint32_t bits : {0x7fc00000u, 0xffc00000u, 0x7fc12345u, 0xffffffffu, 0x7fffffffu}) {
    const float nan = std::bit_cast<float>(bits);
    for (const Function f : {Function::exp, Function::sigmoid, Function::tanh, Function::relu}) {
      for (const float y : applied(f, std::vector<float>(kBlock, nan))) {
        ASSERT_TRUE(std::isnan(y)) << "function " << static_cast<int>(f) << " makes " << y << " of " << std::hex
                                   << bits;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Lanes, testing::ValuesIn(test::all_targets()), test::target_label);

}  // namespace
}  // namespace sluice
#endif  // HWY_ONCE
