// Layers and models in bf16 and int8: how near to float32, over long sequences too, and the same bits every way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "kernels/each_target.h"
#include "model/layer_runner.h"
#include "model/model_access.h"
#include "model/network_samples.h"
#include "model/stream_samples.h"
#include "sluice/explain.h"

namespace sluice::precision_test {
namespace {

using reference::Numbers;
using test::NetworkSize;
using test::Sample;

constexpr Precision kShort[] = {Precision::bf16, Precision::int8};

class PrecisionOf : public test::EveryCell {
 protected:
  // Only a rectified unit can grow beyond 1, and the rounding of what it multiplies with it.
  bool bounded() const { return GetParam().activation == "tanh"; }
};

// Makes the layer of a reference, in some format.
LayerRunner layer_of(const test::CellName& name, const reference::Layer& from, Format format, Team& team) {
  LayerRunner layer({.cell = name.cell, .units = from.hidden, .activation = name.activation}, from.inputs);
  const Numbers* tensors[] = {&from.weight_ih, &from.weight_hh, &from.bias, &from.bias_hn};
  for (std::size_t i = 0; i < layer.parameters().shapes().size(); ++i) {
    std::ranges::copy(test::to_float(*tensors[i]), layer.parameters()[i].begin());
  }
  layer.set_format(format, team);
  return layer;
}

std::vector<float> outputs(LayerRunner layer, const std::vector<float>& x, std::size_t steps, std::size_t batch,
                           Team& team) {
  State state = layer.initial_state(batch);
  std::vector<float> y(steps * batch * layer.layer().outputs());
  layer.infer(x, state, y, team);
  return y;
}

double cosine(std::span<const float> found, const Numbers& expected) {
  double dot = 0, a = 0, b = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double f = static_cast<double>(found[i]);
    dot += f * expected[i];
    a += f * f;
    b += expected[i] * expected[i];
  }
  return dot / std::sqrt(a * b);
}

// The bounds of the numerical contract, over 100 steps with weights as initialisation makes them; and over few of a
// layer so large that its gradients are products in several slices.
TEST_P(PrecisionOf, StaysWithinItsBounds) {
  if (!bounded()) GTEST_SKIP() << "no bound is promised for a unit that has none";
  struct Size {
    std::size_t steps, hidden;
  };
  for (const Size& size : {Size{100, 64}, Size{3, 345}}) {
    SCOPED_TRACE(size.hidden);
    const std::size_t T = size.steps, H = size.hidden, B = 4, I = 24;
    Random random(1);
    const reference::Layer layer = test::random_layer(GetParam(), I, H, random);
    const Numbers input = test::random_numbers(random, T * B * I, 1), dy = test::random_numbers(random, T * B * H, 1);
    const std::size_t states = static_cast<std::size_t>(shape().states);
    const reference::LayerRun truth = reference::forward(layer, T, B, input, Numbers(states * B * H, 0.0));
    Numbers expected;
    for (std::size_t t = 1; t <= T; ++t) {
      const auto h = truth.states.begin() + static_cast<std::ptrdiff_t>(t * states * B * H);
      expected.insert(expected.end(), h, h + B * H);
    }
    const std::vector<float> x = test::to_float(input);
    Team team(2);
    const auto error = [&](Format format) {
      return test::largest_difference(expected, outputs(layer_of(GetParam(), layer, format, team), x, T, B, team));
    };
    EXPECT_LE(error(Format::bf16_weights), 2e-2);
    EXPECT_LE(error(Format::bf16), 3e-2);
    EXPECT_LE(error(Format::int8), 3e-2);
    EXPECT_GT(error(Format::bf16_weights), 1e-6) << "as if nothing had been rounded";

    LayerRunner rounded = layer_of(GetParam(), layer, Format::bf16, team);
    State state = rounded.initial_state(B);
    std::vector<float> y(T * B * H), dx(x.size());
    Parameters gradients = rounded.parameters().zeros_like();
    rounded.forward(x, state, y, team);
    rounded.backward(x, test::to_float(dy), gradients, dx, team);
    const reference::LayerGradients slopes = reference::backward(layer, truth, dy);
    EXPECT_GE(cosine(gradients[0], slopes.weights.weight_ih), 0.999);
    EXPECT_GE(cosine(gradients[1], slopes.weights.weight_hh), 0.999);
    EXPECT_GE(cosine(gradients[2], slopes.weights.bias), 0.999);
    EXPECT_GE(cosine(dx, slopes.input), 0.999);
  }
}

// Errors must not add up: after 10,000 steps they are what they were after 100.
TEST_P(PrecisionOf, DoesNotDrift) {
  if (!bounded()) GTEST_SKIP() << "no bound is promised for a unit that has none";
  constexpr std::size_t T = 10000, I = 8, H = 48;
  Random random(2);
  const reference::Layer layer = test::random_layer(GetParam(), I, H, random);
  const std::vector<float> x = test::to_float(test::random_numbers(random, T * I, 1));
  Team team(1);
  const std::vector<float> expected = outputs(layer_of(GetParam(), layer, Format::f32, team), x, T, 1, team);
  for (const Format format : {Format::bf16_weights, Format::bf16, Format::int8}) {
    const std::vector<float> found = outputs(layer_of(GetParam(), layer, format, team), x, T, 1, team);
    EXPECT_LE(test::largest_difference(expected, found), 4e-2) << static_cast<int>(format);
    const auto tail = [](const std::vector<float>& y) { return std::span(y).last(100 * H); };
    EXPECT_LE(test::largest_difference(tail(expected), tail(found)), 3e-2) << static_cast<int>(format);
  }
}

TEST_P(PrecisionOf, Bf16WeightsAreThoseOfARoundedModel) {
  for (const bool text : {true, false}) {
    Model model = test::random_model(GetParam(), text, {2, 37, 7, 21}, 3), rounded = model;
    Parameters& p = network_of(rounded).parameters();
    for (std::size_t i = 0; i < p.shapes().size(); ++i) {
      const std::string& name = p.shapes()[i].name;
      if (!name.starts_with("rnn.weight") && name != "head.weight") continue;
      for (float& w : p[i]) w = std::bit_cast<float>(bf16_bits(w));
    }
    rounded.set_precision(Precision::f32);
    model.set_precision(Precision::bf16);
    EXPECT_EQ(model.precision(), Precision::bf16);
    Random random(4);
    const test::StreamInput input = test::random_input(model, 30, random);
    Stream a(model), b(rounded);
    const std::vector<float> expected = test::answers(rounded, b, input, 0, 30);
    EXPECT_TRUE(test::same_bits(test::answers(model, a, input, 0, 30), expected));
  }
}

// A stream alone, in chunks, in a batch; and scoring by any number of threads.
TEST_P(PrecisionOf, EveryWayToInferHasTheSameBits) {
  constexpr std::size_t T = 23, kStreams = 5;
  for (const Precision precision : kShort) {
    for (const bool text : {true, false}) {
      Model model = test::random_model(GetParam(), text, {2, 35, 6, 19}, 5);
      model.set_precision(precision);
      Random random(6);
      const test::StreamInput input = test::random_input(model, T, random);
      Stream alone(model), chunks(model);
      const std::vector<float> expected = test::answers(model, alone, input, 0, T);
      if (text) {
        ASSERT_TRUE(chunks.feed(input.tokens));
      } else {
        std::vector<float> y(expected.size());
        ASSERT_TRUE(chunks.feed(input.x, y));
        EXPECT_TRUE(test::same_bits(y, expected));
      }
      EXPECT_TRUE(chunks.state() == alone.state());
      StreamBatch batch(model, kStreams);
      for (std::size_t t = 0; t < T; ++t) {
        if (text) {
          ASSERT_TRUE(batch.step(std::vector<Token>(kStreams, input.tokens[t])));
        } else {
          std::vector<float> rows;
          for (std::size_t b = 0; b < kStreams; ++b) {
            const auto x = test::row(model, input, t);
            rows.insert(rows.end(), x.begin(), x.end());
          }
          ASSERT_TRUE(batch.step(rows));
        }
      }
      for (std::size_t b = 0; b < kStreams; ++b) EXPECT_TRUE(batch.state(b) == alone.state()) << b;
    }
  }
}

TEST_P(PrecisionOf, ScoringIsTheSameOnOneToFourThreads) {
  for (const Format format : {Format::bf16, Format::bf16_weights, Format::int8}) {
    for (const NetworkSize& size : {NetworkSize{7, 5, 2, 19, 12, 37}, NetworkSize{5, 2, 1, 150, 9, 300}}) {
      Sample s(test::config_of(GetParam(), size), size, 7);
      Team team(1);
      s.network.set_format(format, team);
      const test::Scored one = test::score(s.network, s.window(), s.state, 1);
      for (std::size_t threads = 2; threads <= 4; ++threads) {
        const test::Scored more = test::score(s.network, s.window(), s.state, threads);
        EXPECT_TRUE(test::same_bits(one.nats, more.nats)) << threads;
        EXPECT_TRUE(test::same_bits(one.state.values(), more.state.values())) << threads;
      }
    }
  }
}

TEST_P(PrecisionOf, Bf16TrainingHasTheSameBitsOnAnyThreadsAndTargets) {
  for (const NetworkSize& size :
       {NetworkSize{7, 5, 2, 19, 12, 37}, NetworkSize{4, 21, 1, 66, 9, 140}, NetworkSize{4, 1, 2, 24, 24, 9, true}}) {
    Config config = test::config_of(GetParam(), size);
    config.dropout = config.input_dropout = config.weight_dropout = size.tied ? 0 : 0.3;
    Sample s(config, size, 8);
    Team team(1);
    s.network.set_format(Format::bf16, team);
    const test::Trained one = test::train(s, 1, {5, 6});
    for (std::size_t threads = 2; threads <= 4; ++threads) {
      EXPECT_TRUE(test::same_bits(one, test::train(s, threads, {5, 6}))) << threads << " threads, H " << size.hidden;
    }
    for (const std::int64_t t : test::fused_targets()) {
      const test::WithTarget with(t);
      EXPECT_TRUE(test::same_bits(one, test::train(s, 1, {5, 6}))) << hwy::TargetName(t);
    }
    const DotInstructions own = dot_instructions();
    set_dot_instructions({});
    EXPECT_TRUE(test::same_bits(one, test::train(s, 1, {5, 6}))) << "without dot instructions";
    set_dot_instructions(own);
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, PrecisionOf, testing::ValuesIn(test::every_cell()), test::label);

TEST(Precision, StreamsKeepTheOneTheyWereMadeIn) {
  Model model = test::random_model({"gru", "tanh"}, true, {}, 1);
  Stream stream(model), same(model);
  StreamBatch batch(model, 2);
  model.set_precision(Precision::int8);
  Stream rough(model);
  for (const Token token : {1, 2, 3}) {
    ASSERT_TRUE(stream.step(token) && same.step(token) && rough.step(token));
    ASSERT_TRUE(batch.step(std::vector<Token>{token, token}));
  }
  EXPECT_EQ(stream.model().precision(), Precision::f32);
  EXPECT_EQ(rough.model().precision(), Precision::int8);
  EXPECT_TRUE(test::same_bits(batch.probabilities(1), stream.probabilities()));
  EXPECT_TRUE(test::same_bits(same.probabilities(), stream.probabilities()));
  EXPECT_FALSE(test::same_bits(rough.probabilities(), stream.probabilities()));
}

TEST(Precision, IsKeptByACopyAndNotByTheWeights) {
  Model model = test::random_model({"lstm", "tanh"}, false, {}, 1);
  const std::vector<float> before(network_of(model).parameters().all().begin(),
                                  network_of(model).parameters().all().end());
  model.set_precision(Precision::int8);
  EXPECT_TRUE(test::same_bits(network_of(model).parameters().all(), before));
  const Model copy = model;
  EXPECT_EQ(copy.precision(), Precision::int8);
}

}  // namespace
}  // namespace sluice::precision_test
