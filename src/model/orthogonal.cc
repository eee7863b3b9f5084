#include "model/orthogonal.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/watch.h"

namespace sluice {
namespace {

// Of kCount matrices, number g of which has its element [i, k] at (i n + k) kCount + g. An addition waits for the one
// before it, and those of several matrices do not wait for each other: four take little more time than one.
template <std::size_t kCount>
void orthogonalize(double* m, std::size_t n) {
  const std::size_t width = n * kCount;
  for (std::size_t i = 0; i < n; ++i) {
    double* const row = m + i * width;
    Watch::ask();
    for (int round = 0; round < 2; ++round) {
      for (std::size_t j = 0; j < i; ++j) {
        const double* const other = m + j * width;
        double dot[kCount] = {};
        for (std::size_t k = 0; k < width; k += kCount) {
          for (std::size_t g = 0; g < kCount; ++g) dot[g] += row[k + g] * other[k + g];
        }
        for (std::size_t k = 0; k < width; k += kCount) {
          for (std::size_t g = 0; g < kCount; ++g) row[k + g] -= dot[g] * other[k + g];
        }
      }
    }
    double scale[kCount] = {};
    for (std::size_t k = 0; k < width; k += kCount) {
      for (std::size_t g = 0; g < kCount; ++g) scale[g] += row[k + g] * row[k + g];
    }
    for (double& s : scale) s = s > 0 ? 1 / std::sqrt(s) : 0;
    for (std::size_t k = 0; k < width; k += kCount) {
      for (std::size_t g = 0; g < kCount; ++g) row[k + g] *= scale[g];
    }
  }
}

constexpr std::size_t kMost = 4;

}  // namespace

void fill_orthogonal(std::span<float> values, std::size_t count, std::size_t n, Random& random) {
  using Orthogonalize = void (*)(double*, std::size_t);
  constexpr Orthogonalize kOf[kMost] = {orthogonalize<1>, orthogonalize<2>, orthogonalize<3>, orthogonalize<4>};
  const std::size_t size = n * n;
  for (std::size_t first = 0; first < count; first += kMost) {
    const std::size_t together = std::min(kMost, count - first);
    std::vector<double> m(size * together);
    for (std::size_t g = 0; g < together; ++g) {
      for (std::size_t i = 0; i < size; ++i) m[i * together + g] = random.normal();
    }
    kOf[together - 1](m.data(), n);
    for (std::size_t g = 0; g < together; ++g) {
      for (std::size_t i = 0; i < size; ++i) {
        values[(first + g) * size + i] = static_cast<float>(m[i * together + g]);
      }
    }
  }
}

}  // namespace sluice
