// Is the memory alive: the state matters, is carried from window to window, and a reset gives the first step again.
// And dropout: drawn by key, right in expectation, part of the gradient, away when scoring.
#include <gtest/gtest.h>

#include "model/network_samples.h"
#include "sluice/stream.h"

namespace sluice::memory_test {
namespace {

using test::NetworkSize;
using test::Sample;

class Memory : public test::EveryCell {};

Window first_steps(const reference::Text& text, std::size_t steps) {
  return {std::span<const Token>(text.inputs).first(steps * text.batch),
          std::span<const Token>(text.targets).first(steps * text.batch), steps, text.batch};
}

TEST_P(Memory, WhatWasReadBeforeMattersLater) {
  const NetworkSize size = {8, 1, 2, 20, 10, 13};
  const Sample sample(test::config_of(GetParam(), size), size, 1);
  reference::Text other = sample.text;
  other.inputs[0] = (other.inputs[0] + 1) % static_cast<Token>(size.vocabulary);
  const test::Scored a = test::score(sample.network, sample.window(), sample.state);
  const test::Scored b = test::score(sample.network, first_steps(other, size.steps), sample.state);
  for (std::size_t t = 0; t < 4; ++t) EXPECT_NE(a.nats[t], b.nats[t]) << "step " << t;
  EXPECT_FALSE(a.state == b.state);
}

// Every number of the state has a part in what comes next, c of the LSTM as much as h.
TEST_P(Memory, EveryPartOfTheStateMatters) {
  const NetworkSize size = {1, 1, 2, 9, 5, 7};
  Config config = test::config_of(GetParam(), size);
  const Sample sample(config, size, 2);
  const test::Scored before = test::score(sample.network, sample.window(), sample.state);
  for (std::size_t i = 0; i < sample.state.values().size(); ++i) {
    State state = sample.state;
    state.values()[i] += 0.5f;
    const test::Scored after = test::score(sample.network, sample.window(), state);
    if (GetParam().activation == "tanh") {  // a rectified unit may be shut
      EXPECT_FALSE(before.state == after.state) << "number " << i << " of the state";
    }
  }
}

TEST_P(Memory, TrainingCarriesTheState) {
  const NetworkSize size = {5, 3, 1, 17, 6, 9};
  const Sample sample(test::config_of(GetParam(), size), size, 3);
  Team team(1);
  Workspace workspace;
  Gradients gradients(sample.network.parameters());
  State state = sample.network.initial_state(size.batch);
  const double first = sample.network.train(sample.window(), {}, state, gradients, workspace, team);
  EXPECT_TRUE(test::same_bits(
      state.values(),
      test::score(sample.network, sample.window(), sample.network.initial_state(size.batch)).state.values()));
  const double carried = sample.network.train(sample.window(), {}, state, gradients, workspace, team);
  EXPECT_NE(first, carried);
  state.reset();
  EXPECT_EQ(state, sample.network.initial_state(size.batch));
  EXPECT_EQ(sample.network.train(sample.window(), {}, state, gradients, workspace, team), first);
}

TEST_P(Memory, AResetStreamBeginsAgain) {
  const NetworkSize size = {6, 1, 2, 14, 6, 8};
  Model model(test::config_of(GetParam(), size), Vocabulary({}, {"<unk>", "a", "b", "c", "d", "e", "f", "g"}), 4);
  Stream stream(model);
  const auto after = [&stream](Token token) {
    stream.step(token);
    return std::vector<float>(stream.probabilities().begin(), stream.probabilities().end());
  };
  const std::vector<float> first = after(1);
  const State kept = stream.state();
  const std::vector<float> second = after(1);
  EXPECT_NE(first, second);
  stream.set_state(kept);
  EXPECT_EQ(after(1), second);
  stream.reset();
  EXPECT_EQ(after(1), first);
}

INSTANTIATE_TEST_SUITE_P(Cells, Memory, testing::ValuesIn(test::every_cell()), test::label);

class Dropout : public test::EveryCell {
 protected:
  struct Rates {
    double outputs, input, weights;
  };

  Sample sample(const NetworkSize& size, const Rates& rates, bool numbers = false) const {
    Config config = numbers ? test::numbers_config_of(GetParam(), size) : test::config_of(GetParam(), size);
    config.dropout = rates.outputs;
    config.input_dropout = rates.input;
    config.weight_dropout = rates.weights;
    return Sample(config, size, 5);
  }

  static void expect_slopes(const Sample& s) {
    const DropoutKey key{3, 4};
    const test::Trained at = test::train(s, 1, key);
    for (std::size_t tensor = 0; tensor < at.gradients.shapes().size(); ++tensor) {
      const std::span<const float> gradient = at.gradients[tensor];
      double squares = 0;
      for (const float g : gradient) squares += static_cast<double>(g) * static_cast<double>(g);
      const double length = std::sqrt(squares), way = 0.04;
      const auto loss_at = [&](double distance) {
        Sample moved = s;
        const std::span<float> w = moved.network.parameters()[tensor];
        for (std::size_t i = 0; i < w.size(); ++i) w[i] += static_cast<float>(distance / length) * gradient[i];
        Team team(1);
        moved.network.pack(team);
        return test::train(moved, 1, key).loss;
      };
      EXPECT_NEAR((loss_at(way) - loss_at(-way)) / (2 * way * length), 1, 0.01)
          << at.gradients.shapes()[tensor].name << ", dropout " << s.network.config().dropout << ", "
          << s.network.config().input_dropout << " and " << s.network.config().weight_dropout;
    }
  }
};

TEST_P(Dropout, IsDrawnByItsKeyAlone) {
  const Sample s = sample({4, 3, 2, 18, 7, 10}, {0.4, 0.3, 0.2});
  const test::Trained a = test::train(s, 1, {1, 1});
  EXPECT_TRUE(test::same_bits(a, test::train(s, 1, {1, 1})));
  EXPECT_NE(a.loss, test::train(s, 1, {1, 2}).loss);
  EXPECT_NE(a.loss, test::train(s, 1, {2, 1}).loss);
}

// The gradient under a mask is the slope of the loss under the same mask, tensor by tensor: going a little way along a
// tensor's gradient and back changes the loss by its length.
TEST_P(Dropout, IsPartOfTheGradient) {
  if (GetParam().activation == "relu") GTEST_SKIP() << "a rectified unit has no slope where it opens";
  for (const bool numbers : {false, true}) {
    for (const Rates& rates : {Rates{0.5, 0, 0}, {0, 0.5, 0}, {0, 0, 0.5}, {0.3, 0.2, 0.4}}) {
      const NetworkSize size = {5, 4, 2, 15, 15, 11, rates.outputs == 0.3 && !numbers};
      expect_slopes(sample(size, rates, numbers));
    }
  }
}

// With a head of zeros the gradient of the head is linear in its input, so the mean over masks must be the gradient
// without them. The bound is five standard errors, measured on the spot.
TEST_P(Dropout, IsRightInExpectation) {
  Sample dropped = sample({2, 4, 1, 16, 5, 3}, {0.5, 0, 0});
  std::ranges::fill(dropped.network.parameters()[dropped.network.parameters().shapes().size() - 2], 0.f);
  Team team(1);
  dropped.network.pack(team);
  Sample plain = sample({2, 4, 1, 16, 5, 3}, {0, 0, 0});
  std::ranges::copy(dropped.network.parameters().all(), plain.network.parameters().all().begin());
  plain.network.pack(team);
  const std::size_t head = dropped.network.parameters().shapes().size() - 2;
  ASSERT_EQ(dropped.network.parameters().shapes()[head].name, "head.weight");

  constexpr int kDraws = 400;
  const test::Trained expected = test::train(plain, 1);
  std::vector<double> sum(expected.gradients[head].size()), squares(sum.size());
  for (std::uint64_t k = 0; k < kDraws; ++k) {
    const test::Trained drawn = test::train(dropped, 1, {9, k});
    ASSERT_TRUE(test::same_bits(drawn.state.values(), expected.state.values())) << "dropout reached the recurrence";
    for (std::size_t i = 0; i < sum.size(); ++i) {
      const double g = static_cast<double>(drawn.gradients[head][i]);
      sum[i] += g;
      squares[i] += g * g;
    }
  }
  for (std::size_t i = 0; i < sum.size(); ++i) {
    const double mean = sum[i] / kDraws, variance = squares[i] / kDraws - mean * mean;
    EXPECT_NEAR(mean, static_cast<double>(expected.gradients[head][i]), 5 * std::sqrt(variance / kDraws) + 1e-7);
  }
}

TEST_P(Dropout, OfTheInputHidesItsShareOfTheEmbedding) {
  const NetworkSize size = {1, 1, 1, 8, 40, 3};
  const Sample s = sample(size, {0, 0.25, 0});
  double zeros = 0, seen = 0;
  for (std::uint64_t k = 0; k < 100; ++k) {
    const test::Trained drawn = test::train(s, 1, {9, k});
    const std::span<const float> row = drawn.gradients[0].subspan(s.text.inputs[0] * size.embedding, size.embedding);
    zeros += static_cast<double>(std::ranges::count(row, 0.f));
    seen += static_cast<double>(row.size());
  }
  EXPECT_NEAR(zeros / seen, 0.25, 0.04);
}

// What is dropped of U gets no gradient, and nothing else of the layer lacks one.
TEST_P(Dropout, OfTheWeightsHidesItsShareOfThem) {
  const NetworkSize size = {3, 2, 1, 24, 20, 9};
  const Sample s = sample(size, {0, 0, 0.25});
  double zeros = 0, seen = 0;
  for (std::uint64_t k = 0; k < 20; ++k) {
    const test::Trained drawn = test::train(s, 1, {9, k});
    const std::span<const float> u = drawn.gradients[2];
    ASSERT_EQ(drawn.gradients.shapes()[2].name, "rnn.weight_hh_l0");
    zeros += static_cast<double>(std::ranges::count(u, 0.f));
    seen += static_cast<double>(u.size());
  }
  const bool relu = GetParam().activation == "relu";  // its units that are shut have no gradient either
  EXPECT_GE(zeros / seen, 0.24);
  EXPECT_LE(zeros / seen, relu ? 1 : 0.26);
}

TEST_P(Dropout, IsOffWhenScoring) {
  const NetworkSize size = {4, 3, 2, 18, 7, 10};
  const Sample with = sample(size, {0.5, 0.5, 0.5}), without = sample(size, {0, 0, 0});
  const test::Scored a = test::score(with.network, with.window(), with.state);
  const test::Scored b = test::score(without.network, without.window(), without.state);
  EXPECT_TRUE(test::same_bits(a.nats, b.nats));
  EXPECT_NE(test::train(with, 1).loss, test::train(without, 1).loss);
}

INSTANTIATE_TEST_SUITE_P(Cells, Dropout, testing::ValuesIn(test::every_cell()), test::label);

}  // namespace
}  // namespace sluice::memory_test
