// The same bits on every instruction set that has fused multiply-add: forward, backward, products and activations.
#include <gtest/gtest.h>

#include <cstring>

#include "kernels/each_target.h"
#include "kernels/layer_run.h"
#include "kernels/pointwise.h"
#include "kernels/samples.h"

namespace sluice::targets_test {
namespace {

class TargetBits : public test::EveryCell {};

TEST_P(TargetBits, OfALayerAreTheSame) {
  const std::vector<std::int64_t> targets = test::fused_targets();
  if (targets.size() < 2) GTEST_SKIP() << "this machine has one instruction set with fused multiply-add";
  Random random(3);
  for (const std::size_t batch : {1u, 7u, 26u}) {
    const std::size_t steps = 9, inputs = 21, hidden = 75;
    const reference::Layer layer = test::random_layer(GetParam(), inputs, hidden, random);
    const auto states = static_cast<std::size_t>(shape().states);
    const test::Numbers input = test::random_numbers(random, steps * batch * inputs, 2);
    const test::Numbers state = test::random_numbers(random, states * batch * hidden, 0.9);
    const test::Numbers dy = test::random_numbers(random, steps * batch * hidden, 1);
    std::vector<test::LayerRun> runs;
    for (const std::int64_t target : targets) {
      const test::WithTarget with(target);
      runs.push_back(test::run_layer(shape(), layer, steps, batch, input, state, dy));
      EXPECT_TRUE(test::same_bits(runs.front(), runs.back()))
          << "batch " << batch << ": " << hwy::TargetName(target) << " and " << hwy::TargetName(targets.front());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, TargetBits, testing::ValuesIn(test::every_cell()), test::label);

TEST(TargetBitsOfRows, SoftmaxAndSumsAreTheSame) {
  const std::vector<std::int64_t> targets = test::fused_targets();
  if (targets.size() < 2) GTEST_SKIP() << "this machine has one instruction set with fused multiply-add";
  Random random(4);
  constexpr std::size_t vocabulary = 77, padded = 80;
  std::vector<float> logits = test::to_float(test::random_numbers(random, vocabulary, 9));
  logits.resize(padded, kNoLogit);
  const std::vector<float> matrix = test::to_float(test::random_numbers(random, 33 * padded, 1));
  std::vector<float> first;
  for (const std::int64_t target : targets) {
    const test::WithTarget with(target);
    std::vector<float> all(3 * padded);
    softmax(logits.data(), padded, all.data());
    std::copy(logits.begin(), logits.end(), all.begin() + padded);
    const float loss = softmax_gradient(all.data() + padded, padded, 5, 0.3f);
    sum_rows(matrix.data(), padded, 33, all.data() + 2 * padded, padded, false);
    all.push_back(loss);
    all.push_back(softmax_loss(logits.data(), padded, 5));
    EXPECT_EQ(all[3 * padded], all[3 * padded + 1]);
    if (first.empty()) first = all;
    EXPECT_TRUE(test::same_bits(first, all)) << hwy::TargetName(target);
  }
}

}  // namespace
}  // namespace sluice::targets_test
