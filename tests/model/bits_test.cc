// The numerical contract by memcmp, for every cell: any number of threads, any batch, any cutting into windows,
// streaming, and any instruction set give the same bits.
#include <gtest/gtest.h>

#include "base/threads.h"
#include "kernels/each_target.h"
#include "kernels/pointwise.h"
#include "model/model_access.h"
#include "model/network_samples.h"
#include "sluice/stream.h"

namespace sluice::bits_test {
namespace {

using test::NetworkSize;
using test::Sample;

class Bits : public test::EveryCell {
 protected:
  Sample sample(const NetworkSize& size, double dropout = 0) const {
    Config config = test::config_of(GetParam(), size);
    config.dropout = config.input_dropout = config.weight_dropout = dropout;
    return Sample(config, size, size.steps * 100 + size.batch);
  }
};

TEST_P(Bits, TrainingIsTheSameOnOneToFourThreads) {
  for (const double dropout : {0.0, 0.3}) {
    for (const NetworkSize& size : {NetworkSize{7, 5, 2, 19, 12, 37}, NetworkSize{3, 21, 1, 66, 9, 140},
                                    NetworkSize{4, 1, 2, 24, 24, 9, true}, NetworkSize{2, 3, 1, 16, 4, 300}}) {
      const Sample s = sample(size, dropout);
      const test::Trained one = test::train(s, 1, {5, 6});
      for (std::size_t threads = 2; threads <= 4; ++threads) {
        EXPECT_TRUE(test::same_bits(one, test::train(s, threads, {5, 6})))
            << threads << " threads, H " << size.hidden << ", dropout " << dropout;
      }
    }
  }
}

// Numbers so small that they are flushed on workers must be flushed on the caller too; and the caller's mode comes
// back.
TEST_P(Bits, TinyNumbersAreTheSameOnAnyThread) {
  Sample s = sample({6, 7, 1, 20, 5, 11});
  for (std::size_t i = 0; i < s.network.parameters().shapes().size(); ++i) {
    for (float& v : s.network.parameters()[i]) v *= 1e-20f;
  }
  for (float& v : s.state.values()) v *= 1e-38f;
  Team team(1);
  s.network.pack(team);
  const test::Trained one = test::train(s, 1);
  for (std::size_t threads = 2; threads <= 4; ++threads) EXPECT_TRUE(test::same_bits(one, test::train(s, threads)));
  volatile float tiny = 1e-38f;
  EXPECT_GT(tiny / 16, 0.f);
}

TEST_P(Bits, AStreamInABatchIsAsAlone) {
  for (const std::size_t batch : {2u, 9u, 27u}) {
    const NetworkSize size = {6, batch, 2, 35, 10, 70};
    const Sample s = sample(size);
    const test::Scored together = test::score(s.network, s.window(), s.state, 3);
    for (std::size_t b = 0; b < batch; ++b) {
      reference::Text one{size.steps, 1, {}, {}};
      State state = s.network.initial_state(1);
      for (std::size_t t = 0; t < size.steps; ++t) {
        one.inputs.push_back(s.text.inputs[t * batch + b]);
        one.targets.push_back(s.text.targets[t * batch + b]);
      }
      const auto copy_row = [&](const State& from, std::size_t row, State& to) {
        for (std::size_t l = 0; l < from.layers(); ++l) {
          for (std::size_t k = 0; k < from.states(); ++k) {
            std::ranges::copy(from.of(l, k).subspan(row * size.hidden, size.hidden), to.of(l, k).begin());
          }
        }
      };
      copy_row(s.state, b, state);
      const test::Scored alone = test::score(s.network, {one.inputs, one.targets, size.steps, 1}, state);
      State last = s.network.initial_state(1);
      copy_row(together.state, b, last);
      ASSERT_TRUE(test::same_bits(last.values(), alone.state.values())) << "stream " << b << " of " << batch;
      for (std::size_t t = 0; t < size.steps; ++t) {
        ASSERT_EQ(together.nats[t * batch + b], alone.nats[t]) << "stream " << b << " of " << batch;
        ASSERT_EQ(together.rank[t * batch + b], alone.rank[t]);
      }
    }
  }
}

TEST_P(Bits, AnyCuttingIntoWindowsIsTheSame) {
  const NetworkSize size = {12, 3, 2, 22, 7, 40};
  const Sample s = sample(size);
  const test::Scored whole = test::score(s.network, s.window(), s.state);
  for (const std::vector<std::size_t>& cut :
       {std::vector<std::size_t>{1, 11}, {5, 4, 3}, std::vector<std::size_t>(12, 1)}) {
    State state = s.state;
    std::vector<float> nats;
    std::size_t first = 0;
    for (const std::size_t steps : cut) {
      const std::size_t from = first * size.batch, count = steps * size.batch;
      const std::span<const Token> inputs(s.text.inputs), targets(s.text.targets);
      const test::Scored part =
          test::score(s.network, {inputs.subspan(from, count), targets.subspan(from, count), steps, size.batch}, state);
      nats.insert(nats.end(), part.nats.begin(), part.nats.end());
      state = part.state;
      first += steps;
    }
    EXPECT_TRUE(test::same_bits(whole.nats, nats));
    EXPECT_TRUE(test::same_bits(whole.state.values(), state.values()));
  }
}

TEST_P(Bits, SteppingIsTheSameAsAWindow) {
  for (const std::size_t hidden : {1u, 16u, 75u, 210u}) {
    const NetworkSize size = {9, 1, 2, hidden, 11, 52};
    const Sample s = sample(size);
    const test::Scored window = test::score(s.network, s.window(), s.state);
    Workspace workspace;
    s.network.prepare_infer(workspace, 1, 1);
    State state = s.state;
    for (std::size_t t = 0; t < size.steps; ++t) {
      s.network.infer(std::span(s.text.inputs).subspan(t, 1), 1, state, workspace);
      const std::span<const float> logits = s.network.outputs_of_last_step(workspace);
      EXPECT_EQ(softmax_loss(logits.data(), logits.size(), s.text.targets[t]), window.nats[t]);
    }
    EXPECT_TRUE(test::same_bits(window.state.values(), state.values())) << "H " << hidden;
  }
}

TEST_P(Bits, AStreamIsTheSameAsAScore) {
  std::vector<std::string> tokens = {"<unk>"};
  for (char c = 'a'; c <= 'z'; ++c) tokens.emplace_back(1, c);
  const NetworkSize size = {10, 1, 1, 30, 8, tokens.size()};
  Model model(test::config_of(GetParam(), size), Vocabulary({}, tokens), 3);
  Random random(3);
  test::randomize(network_of(model), random);
  const reference::Text text = test::random_text(size.steps, 1, size.vocabulary, random);
  const Scores scores = model.score(text.inputs);
  ASSERT_EQ(scores.nats.size(), size.steps - 1);
  Stream stream(model);
  for (std::size_t t = 0; t + 1 < size.steps; ++t) {
    stream.step(text.inputs[t]);
    const double p = static_cast<double>(stream.probabilities()[text.inputs[t + 1]]);
    EXPECT_NEAR(-std::log(p), static_cast<double>(scores.nats[t]), 2e-6);
  }
  const test::Scored window = test::score(network_of(model),
                                          {std::span<const Token>(text.inputs).first(size.steps - 1),
                                           std::span<const Token>(text.inputs).subspan(1), size.steps - 1, 1},
                                          model.initial_state());
  EXPECT_TRUE(test::same_bits(scores.nats, window.nats));
  EXPECT_TRUE(test::same_bits(stream.state().values(), window.state.values()));
}

TEST_P(Bits, TrainingIsTheSameOnEveryInstructionSet) {
  const std::vector<std::int64_t> targets = test::fused_targets();
  if (targets.size() < 2) GTEST_SKIP() << "this machine has one instruction set with fused multiply-add";
  const Sample s = sample({8, 6, 2, 43, 13, 71}, 0.2);
  std::vector<test::Trained> all;
  for (const std::int64_t target : targets) {
    const test::WithTarget with(target);
    all.push_back(test::train(s, 1));
    EXPECT_TRUE(test::same_bits(all.front(), all.back())) << hwy::TargetName(target);
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, Bits, testing::ValuesIn(test::every_cell()), test::label);

}  // namespace
}  // namespace sluice::bits_test
