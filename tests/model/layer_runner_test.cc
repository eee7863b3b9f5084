// A recurrent layer on rows of numbers: against the reference in double, and the same bits whichever way it is run.
#include "model/layer_runner.h"

#include <gtest/gtest.h>

#include <memory>

#include "kernels/samples.h"

namespace sluice::layer_runner_test {
namespace {

using reference::Numbers;

struct Size {
  std::size_t steps, batch, inputs, hidden;
};

class LayerOf : public test::EveryCell {
 protected:
  // A layer with weights of its own, an input, a state and a gradient of the outputs.
  void make(const Size& size, std::uint64_t seed) {
    Random random(seed);
    reference = test::random_layer(GetParam(), size.inputs, size.hidden, random);
    input = test::random_numbers(random, size.steps * size.batch * size.inputs, 1);
    start = test::random_numbers(random, shape_states() * size.batch * size.hidden, 0.9);
    output_gradient = test::random_numbers(random, size.steps * size.batch * size.hidden, 1);
    layer = std::make_unique<LayerRunner>(runner(size));
    x = test::to_float(input);
    dy = test::to_float(output_gradient);
    y.assign(dy.size(), -1.f);
    dx.assign(x.size(), -1.f);
    state = first_state(size);
  }

  LayerRunner runner(const Size& size) const {
    LayerRunner made({.cell = GetParam().cell, .units = size.hidden, .activation = GetParam().activation}, size.inputs);
    const Numbers* tensors[] = {&reference.weight_ih, &reference.weight_hh, &reference.bias, &reference.bias_hn};
    for (std::size_t i = 0; i < made.parameters().shapes().size(); ++i) {
      std::ranges::copy(test::to_float(*tensors[i]), made.parameters()[i].begin());
    }
    Team team(1);
    made.pack(team);
    return made;
  }

  std::size_t shape_states() const { return static_cast<std::size_t>(shape().states); }
  State first_state(const Size& size) const {
    State s = layer->initial_state(size.batch);
    std::ranges::copy(test::to_float(start), s.values().begin());
    return s;
  }

  reference::Layer reference;
  Numbers input, start, output_gradient;
  std::unique_ptr<LayerRunner> layer;
  std::vector<float> x, y, dy, dx;
  State state;
};

// H and I that are and are not multiples of a block; windows shorter and longer than what is projected at once, and one
// that gated cells go back through in parts.
constexpr Size kSizes[] = {{1, 1, 1, 1},   {3, 2, 5, 17},   {7, 3, 16, 16},   {5, 4, 33, 32},
                           {300, 2, 3, 5}, {40, 16, 8, 24}, {600, 1, 16, 16}, {130, 80, 4, 64},
                           {20, 1, 7, 32}, {20, 1, 3, 48},  {9, 1, 5, 24},    {9, 1, 4, 40}};

TEST_P(LayerOf, EqualsTheReference) {
  for (const Size& size : kSizes) {
    SCOPED_TRACE(testing::Message() << "T " << size.steps << " B " << size.batch << " I " << size.inputs << " H "
                                    << size.hidden);
    make(size, 1);
    // Over 300 steps single precision itself drifts from double.
    const double bound = size.steps > 100 ? 2e-5 : 5e-6, slope_bound = size.steps > 100 ? 1e-4 : 1e-5;
    const reference::LayerRun run = reference::forward(reference, size.steps, size.batch, input, start);
    const reference::LayerGradients slopes = reference::backward(reference, run, output_gradient);
    Team team(2);
    Parameters gradients = layer->parameters().zeros_like();
    layer->forward(x, state, y, team);
    layer->backward(x, dy, gradients, dx, team);

    const std::size_t unit = size.batch * size.hidden, all = shape_states() * unit;
    Numbers outputs;
    for (std::size_t t = 1; t <= size.steps; ++t) {
      outputs.insert(outputs.end(), run.states.begin() + static_cast<std::ptrdiff_t>(t * all),
                     run.states.begin() + static_cast<std::ptrdiff_t>(t * all + unit));
    }
    EXPECT_LE(test::largest_difference(outputs, y), bound);
    EXPECT_LE(test::largest_difference(Numbers(run.states.end() - static_cast<std::ptrdiff_t>(all), run.states.end()),
                                       state.values()),
              bound);
    const Numbers* expected[] = {&slopes.weights.weight_ih, &slopes.weights.weight_hh, &slopes.weights.bias,
                                 &slopes.weights.bias_hn};
    for (std::size_t i = 0; i < gradients.shapes().size(); ++i) {
      EXPECT_LE(test::largest_difference(*expected[i], gradients[i]), slope_bound * test::largest(*expected[i]))
          << gradients.shapes()[i].name;
    }
    EXPECT_LE(test::largest_difference(slopes.input, dx), slope_bound * test::largest(slopes.input));
  }
}

TEST_P(LayerOf, InferenceStepsAndThreadsGiveTheSameBits) {
  for (const Size& size : kSizes) {
    SCOPED_TRACE(testing::Message() << "T " << size.steps << " B " << size.batch << " I " << size.inputs << " H "
                                    << size.hidden);
    make(size, 2);
    Team one(1), three(3);
    LayerRunner other = runner(size);
    Parameters gradients = layer->parameters().zeros_like(), same = gradients;
    layer->forward(x, state, y, one);
    layer->backward(x, dy, gradients, dx, one);

    State again = first_state(size);
    std::vector<float> outputs(y.size(), -2.f), input_gradient(dx.size(), -2.f);
    other.forward(x, again, outputs, three);
    other.backward(x, dy, same, input_gradient, three);
    EXPECT_EQ(outputs, y);
    EXPECT_EQ(again, state);
    EXPECT_EQ(input_gradient, dx);
    EXPECT_TRUE(std::ranges::equal(gradients.all(), same.all()));

    again = first_state(size);
    std::ranges::fill(outputs, -3.f);
    other.infer(x, again, outputs, three);
    EXPECT_EQ(outputs, y);
    EXPECT_EQ(again, state);

    if (size.batch > 1) continue;
    again = first_state(size);
    layer->prepare_step();
    for (std::size_t t = 0; t < size.steps; ++t) {
      layer->step(std::span(x).subspan(t * size.inputs, size.inputs), again);
      EXPECT_TRUE(std::ranges::equal(again.of(0, 0), std::span(y).subspan(t * size.hidden, size.hidden))) << t;
    }
    EXPECT_EQ(again, state);
  }
}

// Not asking for dx leaves the rest as it is, and a window may be cut in two.
TEST_P(LayerOf, WindowsMayBeCutAndInputGradientsLeftOut) {
  const Size size = {9, 5, 11, 20};
  make(size, 3);
  Team team(2);
  Parameters gradients = layer->parameters().zeros_like(), same = gradients;
  layer->forward(x, state, y, team);
  layer->backward(x, dy, gradients, dx, team);
  State again = first_state(size);
  std::vector<float> outputs(y.size());
  layer->forward(x, again, outputs, team);
  layer->backward(x, dy, same, {}, team);
  EXPECT_TRUE(std::ranges::equal(gradients.all(), same.all()));

  again = first_state(size);
  const std::size_t cut = 4 * size.batch;
  layer->forward(std::span(x).first(cut * size.inputs), again, std::span(outputs).first(cut * size.hidden), team);
  layer->infer(std::span(x).subspan(cut * size.inputs), again, std::span(outputs).subspan(cut * size.hidden), team);
  EXPECT_EQ(outputs, y);
  EXPECT_EQ(again, state);
}

// A window that is gone back through in two parts, the gradient of the states between them handed on.
TEST_P(LayerOf, GradientsOfStatesComeInAndGoOut) {
  const Size size = {9, 5, 11, 20};
  make(size, 5);
  Team team(2);
  const reference::LayerRun run = reference::forward(reference, size.steps, size.batch, input, start);
  const reference::LayerGradients slopes = reference::backward(reference, run, output_gradient);
  LayerRunner second = runner(size);
  const std::size_t cut = 4 * size.batch, rest = size.steps * size.batch - cut;
  const auto inputs = [&](auto&& all, bool later) {
    return later ? std::span(all).last(rest * size.inputs) : std::span(all).first(cut * size.inputs);
  };
  const auto outputs = [&](auto&& all, bool later) {
    return later ? std::span(all).last(rest * size.hidden) : std::span(all).first(cut * size.hidden);
  };
  layer->forward(inputs(x, false), state, outputs(y, false), team);
  second.forward(inputs(x, true), state, outputs(y, true), team);
  Parameters gradients = layer->parameters().zeros_like(), earlier = gradients;
  State between = layer->initial_state(size.batch);
  second.backward(inputs(x, true), outputs(dy, true), gradients, inputs(dx, true), team, &between);
  EXPECT_NE(between, layer->initial_state(size.batch));
  layer->backward(inputs(x, false), outputs(dy, false), earlier, inputs(dx, false), team, &between);
  EXPECT_LE(test::largest_difference(slopes.state, between.values()), 1e-5 * test::largest(slopes.state));
  EXPECT_LE(test::largest_difference(slopes.input, dx), 1e-5 * test::largest(slopes.input));
  for (std::size_t i = 0; i < gradients.all().size(); ++i) gradients.all()[i] += earlier.all()[i];
  EXPECT_LE(test::largest_difference(slopes.weights.weight_hh, gradients[1]),
            1e-5 * test::largest(slopes.weights.weight_hh));
  State wrong = layer->initial_state(size.batch + 1);
  layer->forward(x, state, y, team);
  EXPECT_THROW(layer->backward(x, dy, gradients, dx, team, &wrong), Error);
}

INSTANTIATE_TEST_SUITE_P(Cells, LayerOf, testing::ValuesIn(test::every_cell()), test::label);

TEST(LayerRunner, RefusesWhatDoesNotFit) {
  EXPECT_THROW(LayerRunner({.cell = "grue", .units = 4}, 3), Error);
  EXPECT_THROW(LayerRunner({.cell = "rnn", .units = 4, .activation = "cubic"}, 3), Error);
  EXPECT_THROW(LayerRunner({.cell = "gru", .units = 4}, 0), Error);
  EXPECT_THROW(LayerRunner({.cell = "gru", .units = 0}, 3), Error);
  LayerRunner layer({.cell = "lstm", .units = 4}, 3);
  Team team(1);
  State state = layer.initial_state(2);
  std::vector<float> x(2 * 5 * 3), y(2 * 5 * 4), dy(y), dx(x);
  Parameters gradients = layer.parameters().zeros_like();
  layer.forward(x, state, y, team);
  EXPECT_THROW(layer.forward(std::span(x).first(29), state, y, team), Error);
  EXPECT_THROW(layer.forward(x, state, std::span(y).first(39), team), Error);
  EXPECT_THROW(layer.backward(std::span(x).first(27), dy, gradients, dx, team), Error);
  EXPECT_THROW(layer.backward(x, std::span(dy).first(36), gradients, dx, team), Error);
  EXPECT_THROW(layer.backward(x, dy, gradients, std::span(dx).first(27), team), Error);
  State wrong = LayerRunner({.cell = "lstm", .units = 5}, 3).initial_state(2);
  EXPECT_THROW(layer.forward(x, wrong, y, team), Error);
  layer.infer(x, state, y, team);  // which keeps nothing to go back through
  EXPECT_THROW(layer.backward(x, dy, gradients, dx, team), Error);
}

}  // namespace
}  // namespace sluice::layer_runner_test
