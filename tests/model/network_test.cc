// A whole network against the reference in double: the loss and every gradient, for every cell; scores, ranks and the
// trace of the gates; not-a-number reaching the loss.
#include "model/network.h"

#include <gtest/gtest.h>

#include <bit>

#include "model/network_samples.h"

namespace sluice::network_test {
namespace {

using test::NetworkSize;
using test::Numbers;
using test::Sample;

class Networks : public test::EveryCell {
 protected:
  void expect_near_reference(const NetworkSize& size, std::uint64_t seed) const {
    expect_near_reference(test::config_of(GetParam(), size), size, seed);
  }
  void expect_near_reference_on_numbers(const NetworkSize& size, std::uint64_t seed) const {
    expect_near_reference(test::numbers_config_of(GetParam(), size), size, seed);
  }
  void expect_near_reference(const Config& config, const NetworkSize& size, std::uint64_t seed) const {
    SCOPED_TRACE(testing::Message() << "T " << size.steps << " B " << size.batch << " L " << size.layers << " H "
                                    << size.hidden << " E " << size.embedding << " V " << size.vocabulary
                                    << (size.tied ? " tied" : ""));
    const Sample sample(config, size, seed);
    const Numbers state(sample.state.values().begin(), sample.state.values().end());
    const reference::Result truth = run(test::in_double(sample.network), sample.text, state, true);
    const test::Trained found = test::train(sample, 2);
    EXPECT_NEAR(found.loss, truth.loss, 1e-5 * truth.loss);
    EXPECT_LE(test::largest_difference(truth.state, found.state.values()), 5e-6);
    const std::vector<Shape>& shapes = found.gradients.shapes();
    ASSERT_EQ(shapes.size(), truth.gradients.size());
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const Numbers& gradient = truth.gradients.at(shapes[i].name);
      EXPECT_LE(test::largest_difference(gradient, found.gradients[i]), 1e-5 * test::largest(gradient))
          << shapes[i].name << ", largest " << test::largest(gradient);
    }
  }
};

TEST_P(Networks, LossAndGradientsEqualTheReference) {
  expect_near_reference({6, 5, 1, 19, 7, 37}, 1);
  expect_near_reference({1, 1, 1, 1, 1, 2}, 2);
  expect_near_reference({9, 3, 2, 16, 33, 16}, 3);
  expect_near_reference({5, 17, 2, 20, 20, 33, true}, 4);
  expect_near_reference({20, 8, 2, 50, 31, 130}, 5);
  expect_near_reference({1, 9, 3, 15, 15, 5, true}, 6);
  expect_near_reference({2, 3, 1, 260, 9, 270}, 7);
}

TEST_P(Networks, OnNumbersLossAndGradientsEqualTheReference) {
  expect_near_reference_on_numbers({6, 5, 1, 19, 7, 3}, 21);
  expect_near_reference_on_numbers({1, 1, 1, 1, 1, 1}, 22);
  expect_near_reference_on_numbers({9, 3, 2, 16, 33, 16}, 23);
  expect_near_reference_on_numbers({20, 8, 2, 50, 2, 40}, 24);
  expect_near_reference_on_numbers({1, 9, 3, 15, 15, 5}, 25);
  expect_near_reference_on_numbers({2, 3, 1, 260, 9, 270}, 26);
}

TEST_P(Networks, OnNumbersErrorsAndAnswersEqualTheReference) {
  const NetworkSize size = {7, 4, 2, 21, 9, 3};
  const Sample sample(test::numbers_config_of(GetParam(), size), size, 27);
  const Numbers start(sample.state.values().begin(), sample.state.values().end());
  const reference::Result truth = run(test::in_double(sample.network), sample.text, start, false);
  const test::Scored found = test::score(sample.network, sample.window(), sample.state, 2);
  EXPECT_LE(test::largest_difference(truth.nats, found.nats), 1e-5);
  Workspace workspace;
  sample.network.prepare_infer(workspace, size.steps, size.batch);
  State state = sample.state;
  sample.network.infer(sample.x, size.steps, state, workspace);
  std::vector<float> y(sample.y.size());
  sample.network.predictions_of_all_steps(workspace, y);
  EXPECT_LE(test::largest_difference(truth.logits, y), 1e-5);
  EXPECT_TRUE(test::same_bits(state.values(), found.state.values()));
}

TEST_P(Networks, ScoresEqualTheReference) {
  const NetworkSize size = {7, 4, 2, 21, 9, 35};
  const Sample sample(test::config_of(GetParam(), size), size, 8);
  const Numbers state(sample.state.values().begin(), sample.state.values().end());
  const reference::Result truth = run(test::in_double(sample.network), sample.text, state, false);
  const test::Scored found = test::score(sample.network, sample.window(), sample.state, 2);
  EXPECT_LE(test::largest_difference(truth.nats, found.nats), 1e-5);
  for (std::size_t i = 0; i < truth.nats.size(); ++i) {
    const double* logits = &truth.logits[i * size.vocabulary];
    const double own = logits[sample.text.targets[i]];
    const auto likelier = std::count_if(logits, logits + size.vocabulary, [own](double x) { return x > own + 1e-5; });
    const auto near = std::count_if(logits, logits + size.vocabulary, [own](double x) { return x > own - 1e-5; });
    EXPECT_GE(found.rank[i], likelier);
    EXPECT_LT(found.rank[i], near);
  }
}

// The gates people are shown are those of the reference's tape: retain is 1 - z.
TEST_P(Networks, TheTraceShowsTheGates) {
  const NetworkSize size = {6, 1, 2, 18, 5, 11};
  const Sample sample(test::config_of(GetParam(), size), size, 9);
  const Numbers start(sample.state.values().begin(), sample.state.values().end());
  const reference::Result truth = run(test::in_double(sample.network), sample.text, start, false);
  Workspace workspace;
  Team team(1);
  State state = sample.state;
  sample.network.forward(sample.text.inputs, size.steps, 1, state, workspace, team);
  const GateTrace trace = sample.network.trace(workspace);
  const CellInfo& info = sample.network.cell();
  const std::vector<ShownRow> shown = shown_rows(info.name);
  ASSERT_EQ(trace.steps, size.steps);
  ASSERT_EQ(trace.layers.size(), size.layers);
  for (std::size_t l = 0; l < size.layers; ++l) {
    const LayerTrace& layer = trace.layers[l];
    const reference::LayerRun& expected = truth.layers[l];
    ASSERT_EQ(layer.gates.size(), info.gates.size());
    for (std::size_t i = 0; i < size.steps * size.hidden; ++i) {
      const std::size_t t = i / size.hidden, u = i % size.hidden;
      for (std::size_t g = 0; g < shown.size(); ++g) {
        const std::size_t row = t * static_cast<std::size_t>(shape().rows) + static_cast<std::size_t>(shown[g].row);
        const double gate = expected.tape[row * size.hidden + u];
        EXPECT_NEAR(layer.gates[g][i], shown[g].complement ? 1 - gate : gate, 5e-6) << info.gates[g].name;
      }
      const std::size_t after = (t + 1) * info.states.size() * size.hidden + u;
      EXPECT_NEAR(layer.hidden[i], expected.states[after], 5e-6);
      if (info.states.size() > 1) {
        EXPECT_NEAR(layer.memory[i], expected.states[after + size.hidden], 5e-6);
      }
    }
    EXPECT_EQ(layer.memory.empty(), info.states.size() == 1);
  }
}

// Of either sign, wherever it stands: the trainer's guard looks at the loss and the gradients.
TEST_P(Networks, NotANumberReachesTheLoss) {
  const NetworkSize size = {4, 3, 2, 9, 6, 12};
  const Sample sound(test::config_of(GetParam(), size), size, 10);
  for (std::size_t tensor = 0; tensor < sound.network.parameters().shapes().size(); ++tensor) {
    for (const std::uint32_t bits : {0x7fc00000u, 0xffc00000u, 0x7fffffffu}) {
      Sample sample = sound;
      const Shape shape = sample.network.parameters().shapes()[tensor];
      std::ranges::fill(sample.network.parameters()[tensor].first(shape.columns), std::bit_cast<float>(bits));
      if (tensor == 0) sample.text.inputs.assign(sample.text.inputs.size(), 0);
      Team team(1);
      sample.network.pack(team);
      EXPECT_TRUE(std::isnan(test::train(sample, 1).loss)) << shape.name << " " << std::hex << bits;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, Networks, testing::ValuesIn(test::every_cell()), test::label);

// A vocabulary so large that the logits of a window are made in more than one piece.
TEST(LargeVocabulary, LossAndGradientsEqualTheReference) {
  const NetworkSize size = {10, 13, 1, 3, 2, 132000};
  const Sample sample(test::config_of({"gru", "tanh"}, size), size, 11);
  const Numbers state(sample.state.values().begin(), sample.state.values().end());
  const reference::Result truth = run(test::in_double(sample.network), sample.text, state, true);
  const test::Trained found = test::train(sample, 2);
  EXPECT_NEAR(found.loss, truth.loss, 1e-5 * truth.loss);
  for (std::size_t i = 0; i < found.gradients.shapes().size(); ++i) {
    const Numbers& gradient = truth.gradients.at(found.gradients.shapes()[i].name);
    EXPECT_LE(test::largest_difference(gradient, found.gradients[i]), 1e-5 * test::largest(gradient))
        << found.gradients.shapes()[i].name;
  }
  EXPECT_TRUE(test::same_bits(found, test::train(sample, 3)));
}

// Other tokens than before: their rows of the embedding's gradient are zero again.
TEST(Gradients, KeepNothingFromOneWindowToTheNext) {
  const NetworkSize size = {5, 4, 1, 19, 6, 300};
  for (const double input_dropout : {0.0, 0.25}) {
    Config config = test::config_of({"gru", "tanh"}, size);
    config.input_dropout = input_dropout;
    const Sample sample(config, size, 12);
    Window window = sample.window();
    std::vector<Token> others(window.inputs.tokens.begin(), window.inputs.tokens.end());
    for (Token& token : others) token = (token + 1) % Token{300};
    const auto train = [&](const Rows& inputs, test::Trained& out) {
      Team team(2);
      Workspace workspace;
      window.inputs = inputs;
      out.state = sample.state;
      out.loss = sample.network.train(window, {}, out.state, out.gradients, workspace, team);
    };
    test::Trained fresh{0, Gradients(sample.network.parameters()), sample.state}, used = fresh;
    train(sample.window().inputs, used);
    train(others, used);
    train(others, fresh);
    EXPECT_TRUE(test::same_bits(fresh, used));
    EXPECT_LE(used.gradients.touched.size(), size.steps * size.batch);
  }
}

// A workspace may have served another network, or a pass that ended in not-a-number.
TEST(Workspaces, KeepNothingFromOnePassToTheNext) {
  const NetworkSize size = {5, 4, 2, 19, 6, 21}, other = {3, 9, 2, 40, 33, 50};
  Config config = test::config_of({"gru", "tanh"}, size);
  config.dropout = config.input_dropout = config.weight_dropout = 0.25;
  const Sample sample(config, size, 12);
  Sample poison(config, size, 13);
  const Sample larger(test::config_of({"lstm", "tanh"}, other), other, 14);
  std::ranges::fill(poison.network.parameters()[1], std::nanf(""));
  Team team(2);
  poison.network.pack(team);
  const test::Trained expected = test::train(sample, 2);

  Workspace workspace;
  for (const Sample* before : std::vector<const Sample*>{&poison, &larger}) {
    Gradients gradients(before->network.parameters());
    State state = before->state;
    before->network.train(before->window(), {}, state, gradients, workspace, team);
    test::Trained again{0, Gradients(sample.network.parameters()), sample.state};
    again.loss = sample.network.train(sample.window(), {}, again.state, again.gradients, workspace, team);
    EXPECT_TRUE(test::same_bits(expected, again));
  }
}

}  // namespace
}  // namespace sluice::network_test
