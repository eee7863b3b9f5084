// Gates held and the gradient of one prediction, for every cell: against the reference in double and central
// differences.
#include <gtest/gtest.h>

#include <numeric>

#include "kernels/held.h"
#include "model/layer_pass.h"
#include "model/network.h"
#include "model/network_samples.h"

namespace sluice::network_explain_test {
namespace {

using test::NetworkSize;
using test::Numbers;
using test::Sample;

constexpr NetworkSize kSize = {9, 1, 2, 21, 7, 13};

class Explained : public test::EveryCell {
 protected:
  Explained() : sample(test::config_of(GetParam(), kSize), kSize, 21) {}

  const Network& network() const { return sample.network; }
  Numbers start() const { return {sample.state.values().begin(), sample.state.values().end()}; }

  // The trace of the text with those gates held, and the state after it.
  GateTrace held(std::span<const GateHold> holds, State& state) const {
    Workspace workspace;
    Team team(1);
    state = sample.state;
    network().forward_held(sample.text.inputs, holds, state, workspace, team);
    return network().trace(workspace);
  }
  GateTrace free(State& state) const {
    Workspace workspace;
    Team team(1);
    state = sample.state;
    network().forward(sample.text.inputs, kSize.steps, 1, state, workspace, team);
    return network().trace(workspace);
  }

  Sample sample;
};

TEST_P(Explained, HoldingNothingChangesNothing) {
  State expected, found;
  free(expected);
  held({}, found);
  EXPECT_TRUE(test::same_bits(expected.values(), found.values()));
}

// The slow path, with every gate free.
TEST_P(Explained, TheHeldPathIsTheSameFunction) {
  const reference::Layer layer = test::random_layer(GetParam(), 5, 37, sample.random);
  const std::vector<float> w = test::to_float(layer.weight_ih), u = test::to_float(layer.weight_hh),
                           b = test::to_float(layer.bias), own = test::to_float(layer.bias_hn);
  Team team(1);
  PackedLayer packed;
  pack_layer(shape(), 37, 5, {w, u, b, own}, Format::f32, packed, team);
  const LayerShape size{&shape(), 5, 37};
  const std::vector<float> x = test::to_float(test::random_numbers(sample.random, 20 * 5, 1));
  const std::vector<float> state = test::to_float(test::random_numbers(sample.random, 37, 0.9));
  LayerBuffers fast, slow;
  const std::vector<float> free(20 * size.tape_stride(), std::nanf(""));
  std::vector<Scratch> scratch(1);
  for (LayerBuffers* buffers : {&fast, &slow}) {
    buffers->prepare(size, Format::f32, {20, 1}, 1, false);
    const Sequence sequence = buffers->sequence(size, Format::f32, {20, 1});
    for (std::size_t s = 0; s < size.states(); ++s) load_rows(size, state.data(), 1, sequence.state_at(int(s), 0, 0));
    project_input(packed, x.data(), 5, sequence, {nullptr, scratch, Format::f32}, team);
    if (buffers == &fast) recur_forward(shape(), packed.recurrent, sequence, team);
    if (buffers == &slow) recur_held(shape(), packed.recurrent, sequence, free.data());
  }
  for (std::size_t s = 0; s < size.states(); ++s) {
    EXPECT_LE(test::largest_difference(fast.states[s], slow.states[s]), 2e-6);
  }
  EXPECT_LE(test::largest_difference(fast.tape, slow.tape), 2e-6);
}

// A gate held at v is the gate of a layer whose rows for it are zero but for the bias, logit(v).
TEST_P(Explained, AHeldGateIsAGateOfConstantPreActivation) {
  const std::vector<ShownRow> shown = shown_rows(network().cell().name);
  const std::size_t h = kSize.hidden;
  for (std::size_t g = 0; g < shown.size(); ++g) {
    for (std::size_t layer = 0; layer < kSize.layers; ++layer) {
      const double value = 0.3, inside = shown[g].complement ? 1 - value : value;
      reference::Network other = test::in_double(network());
      const std::string suffix = "_l" + std::to_string(layer);
      const auto row = static_cast<std::size_t>(shown[g].row);
      Numbers& w = other.tensors.at("rnn.weight_ih" + suffix);
      const std::size_t inputs = layer == 0 ? kSize.embedding : h;
      std::fill_n(w.begin() + std::ptrdiff_t(row * h * inputs), h * inputs, 0.0);
      std::fill_n(other.tensors.at("rnn.bias" + suffix).begin() + std::ptrdiff_t(row * h), h,
                  std::log(inside / (1 - inside)));
      std::size_t recurrent = 0;  // the row's place among those that U feeds
      for (int stage = 0; stage < shape().stages; ++stage) {
        if (shown[g].row < shape().first[stage] || shown[g].row >= shape().first[stage] + shape().count[stage]) {
          recurrent += stage == 0 ? static_cast<std::size_t>(shape().count[0]) : 0;
          continue;
        }
        recurrent += static_cast<std::size_t>(shown[g].row - shape().first[stage]);
        break;
      }
      std::fill_n(other.tensors.at("rnn.weight_hh" + suffix).begin() + std::ptrdiff_t(recurrent * h * h), h * h, 0.0);
      const reference::Result truth = run(other, sample.text, start(), false);
      State found;
      held(std::vector<GateHold>{{layer, g, {}, 0, kSize.steps, static_cast<float>(value)}}, found);
      EXPECT_LE(test::largest_difference(truth.state, found.values()), 5e-6)
          << network().cell().gates[g].name << " of layer " << layer;
    }
  }
}

// Only the units and the steps asked for, in that layer and no other; what was before is untouched to the bit.
TEST_P(Explained, OnlyWhatIsHeldIsHeld) {
  State end;
  const GateTrace before = free(end);
  const std::size_t h = kSize.hidden;
  for (std::size_t g = 0; g < before.layers[1].gates.size(); ++g) {
    const GateTrace after = held(std::vector<GateHold>{{1, g, {2, 20}, 3, 6, 0.25f}}, end);
    EXPECT_TRUE(test::same_bits(before.layers[0].hidden, after.layers[0].hidden));
    for (std::size_t i = 0; i < kSize.steps * h; ++i) {
      const std::size_t t = i / h, unit = i % h;
      const bool is_held = t >= 3 && t < 6 && (unit == 2 || unit == 20);
      const float was = before.layers[1].gates[g][i], is = after.layers[1].gates[g][i];
      if (is_held) {
        EXPECT_FLOAT_EQ(is, 0.25f);
      } else if (t <= 3) {
        EXPECT_NEAR(is, was, 2e-6);
      } else {
        EXPECT_NE(is, 0.25f);
      }
    }
    EXPECT_GT(
        test::largest_difference(std::vector(before.layers[1].hidden.begin() + 3 * h, before.layers[1].hidden.end()),
                                 std::vector(after.layers[1].hidden.begin() + 3 * h, after.layers[1].hidden.end())),
        1e-3);
  }
}

TEST_P(Explained, ALaterHoldOverrulesAnEarlierOne) {
  if (network().cell().gates.empty()) return;
  State end;
  const GateTrace trace = held(std::vector<GateHold>{{0, 0, {}, 0, 9, 0.75f}, {0, 0, {4}, 2, 3, 0.5f}}, end);
  EXPECT_FLOAT_EQ(trace.layers[0].gates[0][2 * kSize.hidden + 4], 0.5f);
  EXPECT_FLOAT_EQ(trace.layers[0].gates[0][2 * kSize.hidden + 5], 0.75f);
  EXPECT_FLOAT_EQ(trace.layers[0].gates[0][3 * kSize.hidden + 4], 0.75f);
}

// log p(target) after the last step, moved by each number of each embedded input in turn. Every word occurs once, so
// that a row of the embedding is one input.
TEST_P(Explained, TheGradientOfAPredictionIsThatOfCentralDifferences) {
  for (const bool tied : {false, true}) {
    const NetworkSize size = {8, 1, 2, 18, tied ? 18u : 5u, 12, tied};
    Sample one(test::config_of(GetParam(), size), size, 22);
    std::iota(one.text.inputs.begin(), one.text.inputs.end(), 2u);
    const Token target = 1;
    reference::Network wide = test::in_double(one.network);
    if (tied) wide.tensors["head.weight"] = wide.tensors.at("embedding.weight");  // so that only the input moves
    wide.tied = false;
    one.text.targets.assign(size.steps, target);
    const Numbers state(one.state.values().begin(), one.state.values().end());
    const auto log_p = [&] { return -run(wide, one.text, state, false).nats.back(); };
    const std::size_t e = one.network.config().embedding;
    Numbers expected;
    for (const Token token : one.text.inputs) {
      for (std::size_t i = 0; i < e; ++i) {
        double& x = wide.tensors.at("embedding.weight")[token * e + i];
        const double was = x, step = 1e-5;
        x = was + step;
        const double above = log_p();
        x = was - step;
        expected.push_back((above - log_p()) / (2 * step));
        x = was;
      }
    }
    std::vector<float> found(size.steps * e, 77.f);
    Workspace workspace;
    Team team(2);
    const double value = one.network.input_gradient(one.text.inputs, target, one.state, found, workspace, team);
    EXPECT_NEAR(value, log_p(), 1e-5);
    EXPECT_LE(test::largest_difference(expected, found), 2e-5 * test::largest(expected)) << "tied " << tied;
    EXPECT_GT(test::largest(expected), 1e-3);
  }
}

TEST_P(Explained, LogitsOfAnyStepAreThoseOfTheReference) {
  const reference::Result truth = run(test::in_double(network()), sample.text, start(), false);
  Workspace workspace;
  Team team(1);
  State state = sample.state;
  network().forward(sample.text.inputs, kSize.steps, 1, state, workspace, team);
  const std::span<const float> logits = network().logits(2, 5, workspace, team);
  const std::size_t stride = logits.size() / 5;
  ASSERT_GE(stride, kSize.vocabulary);
  for (std::size_t i = 0; i < 5 * kSize.vocabulary; ++i) {
    const std::size_t t = i / kSize.vocabulary, v = i % kSize.vocabulary;
    EXPECT_NEAR(logits[t * stride + v], truth.logits[(t + 2) * kSize.vocabulary + v], 1e-5);
  }
}

// The candidate is what the gates let in: h' - retain * h in a GRU, c' - forget * c in an LSTM.
TEST_P(Explained, TheCandidateIsWhatTheGatesLetIn) {
  State end;
  const GateTrace trace = free(end);
  const std::size_t h = kSize.hidden;
  for (const LayerTrace& layer : trace.layers) {
    if (trace.layers[0].gates.empty()) {
      EXPECT_TRUE(layer.candidate.empty());
      continue;
    }
    const bool lstm = !layer.memory.empty();
    const std::vector<float>& memory = lstm ? layer.memory : layer.hidden;
    for (std::size_t i = h; i < kSize.steps * h; ++i) {
      const float keep = lstm ? layer.gates[1][i] : layer.gates[0][i];
      const float write = lstm ? layer.gates[0][i] : 1 - keep;
      EXPECT_NEAR(keep * memory[i - h] + write * layer.candidate.at(i), memory[i], 2e-6);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, Explained, testing::ValuesIn(test::every_cell()), test::label);

}  // namespace
}  // namespace sluice::network_explain_test
