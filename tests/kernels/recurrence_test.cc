// One recurrent layer by the kernels against the reference in double, for every cell: the forward tape and states, and
// every gradient, the weights' by the products that the network uses.
#include "kernels/recurrence.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/each_target.h"
#include "kernels/layer_run.h"
#include "kernels/samples.h"

namespace sluice::recurrence_test {
namespace {

using reference::Numbers;
using test::LayerRun;

struct Size {
  std::size_t steps, batch, inputs, hidden;
};

class Recurrence : public test::EveryCell {
 protected:
  void run(const Size& size, std::uint64_t seed) {
    Random random(seed);
    const reference::Layer layer = test::random_layer(GetParam(), size.inputs, size.hidden, random);
    const std::size_t rows = size.steps * size.batch;
    const std::size_t states = static_cast<std::size_t>(shape().states) * size.batch * size.hidden;
    const Numbers input = test::random_numbers(random, rows * size.inputs, 1);
    const Numbers state = test::random_numbers(random, states, 0.9);
    const Numbers dy = test::random_numbers(random, rows * size.hidden, 1);
    truth = reference::forward(layer, size.steps, size.batch, input, state);
    slopes = reference::backward(layer, truth, dy);
    kernels = test::run_layer(shape(), layer, size.steps, size.batch, input, state, dy);
  }

  void expect_near(const Numbers& expected, const std::vector<float>& found, const char* what) const {
    EXPECT_LE(test::largest_difference(expected, found), 1e-5 * test::largest(expected)) << what;
  }

  void expect_equal() const {
    EXPECT_LE(test::largest_difference(truth.states, kernels.states), 5e-6);
    EXPECT_LE(test::largest_difference(truth.tape, kernels.tape), 5e-6 * std::max(1.0, test::largest(truth.tape)));
    expect_near(slopes.weights.weight_ih, kernels.weight_ih, "weight_ih");
    expect_near(slopes.weights.weight_hh, kernels.weight_hh, "weight_hh");
    expect_near(slopes.weights.bias, kernels.bias, "bias");
    expect_near(slopes.weights.bias_hn, kernels.bias_hn, "bias_hn");
    expect_near(slopes.input, kernels.input, "input");
  }

  reference::LayerRun truth;
  reference::LayerGradients slopes;
  LayerRun kernels;
};

TEST_P(Recurrence, EqualsTheReferenceAtEverySize) {
  std::uint64_t seed = 0;
  for (const Size size : {Size{1, 1, 1, 1}, Size{5, 1, 3, 1}, Size{4, 2, 1, 15}, Size{3, 1, 7, 16}, Size{6, 3, 5, 17},
                          Size{1, 13, 16, 33}, Size{7, 25, 20, 31}, Size{4, 1, 9, 130}, Size{3, 8, 33, 96},
                          Size{2, 61, 2, 47}, Size{9, 5, 70, 66}, Size{2, 3, 2, 345}}) {
    SCOPED_TRACE(testing::Message() << "T " << size.steps << " B " << size.batch << " I " << size.inputs << " H "
                                    << size.hidden);
    run(size, ++seed);
    expect_equal();
  }
}

// The bound of the numerical contract.
TEST_P(Recurrence, StaysNearTheReferenceOverAHundredSteps) {
  run({100, 8, 20, 64}, 1);
  expect_equal();
}

// However a sequence is given out, over rows or over units, in one thread or several, back as a whole or in parts, the
// bits are the same.
TEST_P(Recurrence, AnyDivisionGivesTheSameBits) {
  Random random(7);
  for (const std::size_t batch : {1u, 3u, 11u}) {
    const std::size_t steps = 6, inputs = 5, hidden = batch == 3 ? 150 : 37;
    const reference::Layer layer = test::random_layer(GetParam(), inputs, hidden, random);
    const Numbers input = test::random_numbers(random, steps * batch * inputs, 1);
    const Numbers state = test::random_numbers(random, static_cast<std::size_t>(shape().states) * batch * hidden, 0.9);
    const Numbers dy = test::random_numbers(random, steps * batch * hidden, 1);
    const LayerRun whole = test::run_layer(shape(), layer, steps, batch, input, state, dy);
    std::vector<test::Division> divisions = {{{}, 1}, {{}, 2}, {{}, 3}, {{}, 4}, {{}, 1, 1}, {{}, 2, 4}};
    if (batch == 11) divisions.insert(divisions.end(), {{{1}}, {{4, 5}}, {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}});
    for (const test::Division& division : divisions) {
      EXPECT_TRUE(test::same_bits(whole, test::run_layer(shape(), layer, steps, batch, input, state, dy, division)))
          << "batch " << batch << ", " << division.threads << " threads, " << division.cuts.size() << " cuts, "
          << division.steps << " steps at once";
    }
  }
}

// Two blocks of units are taken on every target that fuses, three where registers are many.
TEST_P(Recurrence, ASmallLayerInRegistersHasTheSameBits) {
  Random random(11);
  for (const std::int64_t target : test::all_targets()) {
    const test::WithTarget with(target);
    for (const std::size_t hidden : {1u, 15u, 16u, 17u, 32u, 33u, 48u, 49u}) {
      for (const std::size_t inputs : {1u, 6u, 21u}) {
        SCOPED_TRACE(testing::Message() << hwy::TargetName(target) << " I " << inputs << " H " << hidden);
        constexpr std::size_t kSteps = 3;
        const reference::Layer layer = test::random_layer(GetParam(), inputs, hidden, random);
        const Numbers input = test::random_numbers(random, kSteps * inputs, 1);
        const Numbers state = test::random_numbers(random, static_cast<std::size_t>(shape().states) * hidden, 0.9);
        const Numbers dy = test::random_numbers(random, kSteps * hidden, 1);
        test::LayerBuffersOnTrial buffers(shape(), layer, kSteps, 1);
        const std::vector<float> found = buffers.run_small(input, state);
        const bool fused = std::ranges::count(test::fused_targets(), target) > 0;
        EXPECT_TRUE(hidden > 32 || found.empty() == !fused);
        EXPECT_TRUE(hidden <= 48 || found.empty());
        EXPECT_TRUE(found.empty() || test::same_bits(buffers.run(input, state, dy, {}).states, found));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, Recurrence, testing::ValuesIn(test::every_cell()), test::label);

}  // namespace
}  // namespace sluice::recurrence_test
