#include "model/orthogonal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sluice::orthogonal_test {
namespace {

// Their sums run side by side and stay apart.
TEST(Orthogonal, MatricesTogetherHaveTheBitsOfEachAlone) {
  for (const std::size_t n : {1, 2, 7, 33}) {
    for (const std::size_t count : {1, 2, 3, 4, 5, 9}) {
      std::vector<float> together(count * n * n), alone(count * n * n);
      Random random(3), same(3);
      fill_orthogonal(together, count, n, random);
      for (std::size_t g = 0; g < count; ++g) fill_orthogonal(std::span(alone).subspan(g * n * n, n * n), 1, n, same);
      EXPECT_EQ(together, alone) << count << " of " << n;
    }
  }
}

TEST(Orthogonal, RowsAreOrthonormal) {
  constexpr std::size_t kCount = 3, kSize = 40;
  std::vector<float> values(kCount * kSize * kSize);
  Random random(5);
  fill_orthogonal(values, kCount, kSize, random);
  for (std::size_t g = 0; g < kCount; ++g) {
    const float* m = values.data() + g * kSize * kSize;
    for (std::size_t i = 0; i < kSize; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        double dot = 0;
        for (std::size_t k = 0; k < kSize; ++k) {
          dot += static_cast<double>(m[i * kSize + k]) * static_cast<double>(m[j * kSize + k]);
        }
        EXPECT_NEAR(dot, i == j ? 1 : 0, 1e-6);
      }
    }
  }
}

}  // namespace
}  // namespace sluice::orthogonal_test
