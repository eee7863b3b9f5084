// Rows as lanes, on every instruction set: each number at its place, and nothing else touched.
#include "kernels/transpose.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/each_target.h"
#include "kernels/kernels.h"

namespace sluice::transpose_test {
namespace {

constexpr std::size_t kStep = 2 * kBlock + 3, kStride = 40;
constexpr float kUntouched = -1;
constexpr std::uint32_t kNone = 0xdeadbeef;

class Transpose : public test::EachTarget {
 protected:
  // f(rows, depth, what they are made from): numbers that say where they stand and that bf16 cannot hold.
  template <class F>
  static void for_sizes(F&& f) {
    std::vector<float> from(kBlock * kStride);
    for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<float>(i) + 1.0078125f;
    for (const std::size_t rows : {1u, 7u, 15u, 16u}) {
      for (const std::size_t depth : {1u, 2u, 3u, 4u, 7u, 16u, 37u}) {
        SCOPED_TRACE(testing::Message() << rows << " rows, depth " << depth);
        f(rows, depth, from);
      }
    }
  }
};

TEST_P(Transpose, Floats) {
  for_sizes([](std::size_t rows, std::size_t depth, const std::vector<float>& from) {
    std::vector<float> out(depth * kStep, kUntouched);
    rows_to_lanes(from.data(), kStride, rows, depth, out.data(), kStep);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t k = i / kStep, lane = i % kStep;
      ASSERT_EQ(out[i], lane < rows ? from[lane * kStride + k] : kUntouched) << k << ", " << lane;
    }
  });
}

TEST_P(Transpose, PairsOfBf16) {
  for_sizes([](std::size_t rows, std::size_t depth, const std::vector<float>& from) {
    std::vector<std::uint32_t> out((depth + 1) / 2 * kStep, kNone);
    rows_to_lanes(from.data(), kStride, rows, depth, out.data(), kStep);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t k = i / kStep * 2, lane = i % kStep;
      const float* row = &from[lane < rows ? lane * kStride : 0];
      ASSERT_EQ(out[i], lane < rows ? bf16_pair(row[k], k + 1 < depth ? row[k + 1] : 0.f) : kNone) << k << ", " << lane;
    }
  });
}

TEST_P(Transpose, PairsOfRows) {
  for_sizes([](std::size_t rows, std::size_t n, const std::vector<float>& from) {
    std::vector<std::uint32_t> out((rows + 1) / 2 * kStride, kNone);
    rows_to_pairs(from.data(), kStride, rows, n, out.data(), kStride);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t row = i / kStride * 2, k = i % kStride;
      const float second = row + 1 < rows ? from[(row + 1) * kStride + k] : 0.f;
      ASSERT_EQ(out[i], k < n ? bf16_pair(from[row * kStride + k], second) : kNone) << row << ", " << k;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Targets, Transpose, testing::ValuesIn(test::all_targets()), test::target_label);

}  // namespace
}  // namespace sluice::transpose_test
