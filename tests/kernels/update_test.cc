// The update kernels against plain loops in double, and the promise of equal bits on every instruction set.
#include "kernels/update.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include "base/random.h"
#include "kernels/each_target.h"

namespace sluice::update_test {
namespace {

constexpr std::size_t kNumbers = 1003;  // no multiple of any register

struct Arrays {
  std::vector<float> gradient, weight, first, second;
};

Arrays arrays(std::uint64_t seed) {
  Random random(seed);
  Arrays a;
  for (std::size_t i = 0; i < kNumbers; ++i) {
    a.gradient.push_back(static_cast<float>(random.normal()));
    a.weight.push_back(static_cast<float>(random.normal()));
    a.first.push_back(static_cast<float>(0.1 * random.normal()));
    a.second.push_back(static_cast<float>(0.1 * random.uniform()));
  }
  return a;
}

using Kernel = std::function<void(Arrays&, std::size_t from, std::size_t to)>;

const SgdStep kSgd{0.1f, 0.9f, 0.01f, 0.5f};
const RmsPropStep kRmsProp{0.01f, 1e-8f, 0.01f, 0.5f, 0.99};
const AdamStep kAdam{0.02f, 0.3f, 0.9, 0.99, 1e-8f, 0.01f, 0.999f, 0.5f};

const std::vector<std::pair<const char*, Kernel>> kKernels = {
    {"sgd", [](Arrays& a, std::size_t from,
               std::size_t to) { sgd_step(kSgd, to - from, &a.gradient[from], &a.weight[from], &a.first[from]); }},
    {"sgd without momentum",
     [](Arrays& a, std::size_t from, std::size_t to) {
       sgd_step({0.1f, 0, 0.01f, 0.5f}, to - from, &a.gradient[from], &a.weight[from], nullptr);
     }},
    {"rmsprop",
     [](Arrays& a, std::size_t from, std::size_t to) {
       rmsprop_step(kRmsProp, to - from, &a.gradient[from], &a.weight[from], &a.second[from]);
     }},
    {"adam",
     [](Arrays& a, std::size_t from, std::size_t to) {
       adam_step(kAdam, to - from, &a.gradient[from], &a.weight[from], &a.first[from], &a.second[from]);
     }},
    {"average", [](Arrays& a, std::size_t from,
                   std::size_t to) { average_step(0.25f, to - from, &a.weight[from], &a.first[from]); }},
    {"sgd with Nesterov's momentum",
     [](Arrays& a, std::size_t from, std::size_t to) {
       sgd_step({0.1f, 0.9f, 0.01f, 0.5f, true}, to - from, &a.gradient[from], &a.weight[from], &a.first[from]);
     }},
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

bool same_bits(const Arrays& a, const Arrays& b) {
  return same_bits(a.weight, b.weight) && same_bits(a.first, b.first) && same_bits(a.second, b.second);
}

// Runs body once on each instruction set of this machine, also those without fused multiply-add.
void on_every_target(const std::function<void()>& body) {
  for (const std::int64_t t : test::all_targets()) {
    SCOPED_TRACE(hwy::TargetName(t));
    const test::WithTarget with(t);
    body();
  }
}

void expect_near(double expected, float found, std::size_t i) {
  EXPECT_NEAR(expected, static_cast<double>(found), 1e-6 * (1 + std::abs(expected))) << "at " << i;
}

TEST(Update, SgdIsThePrintedEquation) {
  Arrays a = arrays(1);
  const Arrays old = a;
  kKernels[0].second(a, 0, kNumbers);
  for (std::size_t i = 0; i < kNumbers; ++i) {
    const double w = old.weight[i], g = 0.5 * old.gradient[i] + 0.01 * w;
    const double m = 0.9 * old.first[i] + g;
    expect_near(m, a.first[i], i);
    expect_near(w - 0.1 * m, a.weight[i], i);
  }
  a = old;
  kKernels[1].second(a, 0, kNumbers);
  for (std::size_t i = 0; i < kNumbers; ++i) {
    const double w = old.weight[i];
    expect_near(w - 0.1 * (0.5 * old.gradient[i] + 0.01 * w), a.weight[i], i);
  }
  EXPECT_TRUE(same_bits(a.first, old.first));
}

TEST(Update, NesterovsMomentumIsThePrintedEquation) {
  Arrays a = arrays(6);
  const Arrays old = a;
  kKernels[5].second(a, 0, kNumbers);
  for (std::size_t i = 0; i < kNumbers; ++i) {
    const double w = old.weight[i], g = 0.5 * old.gradient[i] + 0.01 * w;
    const double m = 0.9 * old.first[i] + g;
    expect_near(m, a.first[i], i);
    expect_near(w - 0.1 * (g + 0.9 * m), a.weight[i], i);
  }
}

TEST(Update, RmsPropIsThePrintedEquation) {
  Arrays a = arrays(2);
  const Arrays old = a;
  kKernels[2].second(a, 0, kNumbers);
  for (std::size_t i = 0; i < kNumbers; ++i) {
    const double w = old.weight[i], g = 0.5 * old.gradient[i] + 0.01 * w;
    const double v = 0.99 * old.second[i] + 0.01 * g * g;
    expect_near(v, a.second[i], i);
    expect_near(w - 0.01 * g / (std::sqrt(v) + 1e-8), a.weight[i], i);
  }
}

TEST(Update, AdamIsThePrintedEquation) {
  Arrays a = arrays(3);
  const Arrays old = a;
  kKernels[3].second(a, 0, kNumbers);
  for (std::size_t i = 0; i < kNumbers; ++i) {
    const double w = old.weight[i], g = 0.5 * old.gradient[i] + 0.01 * w;
    const double m = 0.9 * old.first[i] + 0.1 * g, v = 0.99 * old.second[i] + 0.01 * g * g;
    expect_near(m, a.first[i], i);
    expect_near(v, a.second[i], i);
    expect_near(0.999 * w - 0.02 * m / (std::sqrt(v) / 0.3 + 1e-8), a.weight[i], i);
  }
}

TEST(Update, AverageIsThePrintedEquation) {
  Arrays a = arrays(5);
  const Arrays old = a;
  kKernels[4].second(a, 0, kNumbers);
  for (std::size_t i = 0; i < kNumbers; ++i) {
    const double before = old.first[i], w = old.weight[i];
    expect_near(before + 0.25 * (w - before), a.first[i], i);
  }
}

TEST(Update, HasTheSameBitsOnEveryTargetAndForAnyCutting) {
  for (const auto& [name, kernel] : kKernels) {
    SCOPED_TRACE(name);
    Arrays expected = arrays(4);
    kernel(expected, 0, kNumbers);
    on_every_target([&, &run = kernel] {
      Arrays whole = arrays(4), cut = arrays(4);
      run(whole, 0, kNumbers);
      EXPECT_TRUE(same_bits(whole, expected));
      for (std::size_t from = 0, to = 0; from < kNumbers; from = to) {
        to = std::min(kNumbers, from + 1 + from % 61);
        run(cut, from, to);
      }
      EXPECT_TRUE(same_bits(cut, expected));
    });
  }
}

TEST(SumsOfSquares, AreRightInEveryBlock) {
  Random random(5);
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{15}, std::size_t{17}, kSquareBlock,
                              kSquareBlock + 1, 3 * kSquareBlock - 5}) {
    std::vector<float> values(n);
    for (float& value : values) value = static_cast<float>(random.normal() * 1e15);
    std::vector<double> blocks(square_blocks(n), -1);
    sums_of_squares(n, values.data(), blocks.data());
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      double sum = 0;
      for (std::size_t i = b * kSquareBlock; i < std::min(n, (b + 1) * kSquareBlock); ++i) {
        sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
      }
      EXPECT_NEAR(blocks[b] / sum, 1, 1e-13) << n << " numbers, block " << b;
    }
  }
}

TEST(SumsOfSquares, HaveTheSameBitsOnEveryTarget) {
  Random random(6);
  std::vector<float> values(2 * kSquareBlock + 777);
  for (float& value : values) value = static_cast<float>(random.normal());
  std::vector<double> expected(square_blocks(values.size()));
  sums_of_squares(values.size(), values.data(), expected.data());
  on_every_target([&] {
    std::vector<double> blocks(expected.size());
    sums_of_squares(values.size(), values.data(), blocks.data());
    EXPECT_EQ(std::memcmp(blocks.data(), expected.data(), expected.size() * sizeof(double)), 0);
  });
}

TEST(SumsOfSquares, ShowNotANumberAndInfinityWhereverTheyStand) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (std::size_t at = 0; at < 40; ++at) {
      std::vector<float> values(40, 1.f);
      values[at] = bad;
      double sum = 0;
      sums_of_squares(values.size(), values.data(), &sum);
      EXPECT_FALSE(std::isfinite(sum)) << bad << " at " << at;
    }
  }
}

}  // namespace
}  // namespace sluice::update_test
