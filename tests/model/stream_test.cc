// Streams: the same bits however a sequence is cut or stepped and whoever steps beside it, for every cell, random
// shapes, and models of both kinds; the state as a value; and what does not fit is refused without a trace.
#include "sluice/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <thread>

#include "kernels/pointwise.h"
#include "model/model_access.h"
#include "model/stream_samples.h"

namespace sluice::stream_test {
namespace {

using test::same_bits;
using test::StreamInput;

struct Case {
  Model model;
  std::size_t steps;
  Random random;
};

// A model of any shape, and how long a sequence for it.
Case any_case(const test::CellName& cell) {
  const bool text = *rc::gen::arbitrary<bool>();
  test::ModelSize size;
  size.layers = *rc::gen::inRange<std::size_t>(1, 4);
  size.hidden = *rc::gen::element<std::size_t>(1, 3, 8, 15, 16, 17, 33, 40);
  size.in = *rc::gen::element<std::size_t>(1, 2, 7, 16, 19);
  size.out = *rc::gen::element<std::size_t>(text ? 2 : 1, 3, 16, 21);
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto steps = *rc::gen::inRange<std::size_t>(1, 50);
  return {test::random_model(cell, text, size, seed), steps, Random(seed, 8)};
}

void expect_property(const std::function<void()>& property) {
  EXPECT_TRUE(rc::check([&] { property(); }));
}

class Streaming : public test::EveryCell {};

// All steps in one call of the network, as in training: the answers [T, V or O] and the state after them.
struct Whole {
  std::vector<float> answers;
  State state;
};
Whole whole(const Model& model, const StreamInput& input, std::size_t steps) {
  const Network& network = network_of(model);
  Workspace workspace;
  Team team(1);
  Whole out{{}, model.initial_state()};
  if (!model.reads_text()) {
    network.prepare_infer(workspace, steps, 1);
    network.infer(input.x, steps, out.state, workspace);
    out.answers.resize(steps * network.outputs());
    network.predictions_of_all_steps(workspace, out.answers);
    State trained = model.initial_state();
    network.forward(input.x, steps, 1, trained, workspace, team);
    EXPECT_EQ(trained, out.state);
    return out;
  }
  network.forward(input.tokens, steps, 1, out.state, workspace, team);
  // The probabilities that a score of every possible target would add up to stand in no window: prefix by prefix.
  for (std::size_t t = 1; t <= steps; ++t) {
    State state = model.initial_state();
    network.prepare_infer(workspace, steps, 1);
    network.infer(std::span(input.tokens).first(t), t, state, workspace);
    const std::span<const float> logits = network.outputs_of_last_step(workspace);
    AlignedVector<float> p(logits.size());
    softmax(logits.data(), logits.size(), p.data());
    out.answers.insert(out.answers.end(), p.begin(), p.begin() + static_cast<std::ptrdiff_t>(network.outputs()));
  }
  return out;
}

TEST_P(Streaming, WholeIsStepsIsChunks) {
  expect_property([] {
    Case c = any_case(GetParam());
    const StreamInput input = test::random_input(c.model, c.steps, c.random);
    const Whole expected = whole(c.model, input, c.steps);
    Stream stream(c.model);
    RC_ASSERT(same_bits(test::answers(c.model, stream, input, 0, c.steps), expected.answers));
    RC_ASSERT(same_bits(stream.state().values(), expected.state.values()));

    Stream chunked(c.model);
    const std::size_t out = network_of(c.model).outputs(), in = c.model.config().inputs;
    for (std::size_t first = 0; first < c.steps;) {
      const std::size_t last = std::min(c.steps, first + *rc::gen::inRange<std::size_t>(1, 40));
      std::vector<float> y((last - first) * out);
      const bool fed = c.model.reads_text()
                           ? chunked.feed(std::span(input.tokens).subspan(first, last - first))
                           : chunked.feed(std::span(input.x).subspan(first * in, (last - first) * in), y);
      RC_ASSERT(fed);
      if (last > first) {
        const std::span<const float> all(expected.answers);
        if (!c.model.reads_text()) RC_ASSERT(same_bits(y, all.subspan(first * out, y.size())));
        RC_ASSERT(same_bits(test::answer(c.model, chunked), all.subspan((last - 1) * out, out)));
      }
      first = last;
    }
    RC_ASSERT(same_bits(chunked.state().values(), expected.state.values()));
  });
}

TEST_P(Streaming, ManyTogetherAreAsAlone) {
  expect_property([] {
    Case c = any_case(GetParam());
    const auto count = *rc::gen::inRange<std::size_t>(1, 20);
    std::vector<StreamInput> inputs;
    std::vector<Stream> alone;
    for (std::size_t i = 0; i < count; ++i) {
      inputs.push_back(test::random_input(c.model, c.steps, c.random));
      alone.emplace_back(c.model);
    }
    StreamBatch together(c.model, count);
    RC_ASSERT(together.size() == count);
    for (std::size_t t = 0; t < c.steps; ++t) {
      std::vector<Token> tokens;
      std::vector<float> x;
      for (const StreamInput& input : inputs) {
        if (c.model.reads_text()) {
          tokens.push_back(input.tokens[t]);
        } else {
          const auto row = test::row(c.model, input, t);
          x.insert(x.end(), row.begin(), row.end());
        }
      }
      if (t == c.steps / 2) {  // one begins anew, another takes a state from outside
        together.reset(count - 1);
        alone[count - 1].reset();
        together.set_state(0, alone[count / 2].state());
        alone[0].set_state(alone[count / 2].state());
      }
      const bool stepped = c.model.reads_text() ? together.step(tokens) : together.step(x);
      RC_ASSERT(stepped);
      for (std::size_t i = 0; i < count; ++i) {
        RC_ASSERT(test::step(c.model, alone[i], inputs[i], t));
        RC_ASSERT(same_bits(test::answer(c.model, together, i), test::answer(c.model, alone[i])));
      }
    }
    for (std::size_t i = 0; i < count; ++i) RC_ASSERT(together.state(i) == alone[i].state());
  });
}

// Rolled back: the same again. A copy goes its own way by its own input alone.
TEST_P(Streaming, ACopiedStateDivergesByItsOwnInputOnly) {
  expect_property([] {
    Case c = any_case(GetParam());
    const StreamInput before = test::random_input(c.model, c.steps, c.random);
    const StreamInput one = test::random_input(c.model, 5, c.random), other = test::random_input(c.model, 5, c.random);
    Stream stream(c.model), copy(c.model);
    test::answers(c.model, stream, before, 0, c.steps);
    const State kept = State::from_bytes(stream.state().to_bytes());
    copy.set_state(kept);
    const std::vector<float> expected = test::answers(c.model, stream, one, 0, 5);
    test::answers(c.model, copy, other, 0, 5);
    copy.set_state(kept);
    RC_ASSERT(same_bits(test::answers(c.model, copy, one, 0, 5), expected));
    RC_ASSERT(copy.state() == stream.state());
    stream.set_state(kept);
    RC_ASSERT(same_bits(test::answers(c.model, stream, one, 0, 5), expected));
  });
}

TEST_P(Streaming, ResetGivesTheFirstStepAgain) {
  expect_property([] {
    Case c = any_case(GetParam());
    const StreamInput input = test::random_input(c.model, c.steps, c.random);
    Stream stream(c.model);
    const std::vector<float> first = test::answers(c.model, stream, input, 0, c.steps);
    stream.reset();
    RC_ASSERT(stream.state() == c.model.initial_state());
    RC_ASSERT(same_bits(test::answers(c.model, stream, input, 0, c.steps), first));
  });
}

// A state that is not carried changes the answer. (A rectified unit may be shut: there the state alone must differ.)
TEST_P(Streaming, TheMemoryIsAlive) {
  for (const bool text : {true, false}) {
    Random random(5);
    const Model model = test::random_model(GetParam(), text, {2, 24, 6, 9}, 5);
    const StreamInput input = test::random_input(model, 12, random);
    Stream carried(model), forgetful(model);
    std::size_t different = 0;
    for (std::size_t t = 0; t < 12; ++t) {
      forgetful.reset();
      test::step(model, carried, input, t);
      test::step(model, forgetful, input, t);
      different += !same_bits(test::answer(model, carried), test::answer(model, forgetful));
      EXPECT_EQ(carried.state() == forgetful.state(), t == 0) << t;
    }
    EXPECT_EQ(different, 11u) << (text ? "text" : "numbers");
  }
}

TEST_P(Streaming, TwoThreadsShareAModel) {
  for (const bool text : {true, false}) {
    const Model model = test::random_model(GetParam(), text, {2, 20, 6, 9}, 6);
    constexpr std::size_t kSteps = 400;
    std::vector<float> found[2];
    std::vector<std::thread> threads;
    const auto read = [&model](std::uint64_t seed) {
      Random random(seed);
      const StreamInput input = test::random_input(model, kSteps, random);
      Stream stream(model);
      return test::answers(model, stream, input, 0, kSteps);
    };
    for (std::size_t i = 0; i < 2; ++i) threads.emplace_back([&, i] { found[i] = read(i); });
    for (std::thread& thread : threads) thread.join();
    for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(same_bits(found[i], read(i)));
  }
}

TEST_P(Streaming, ATextBeginsAfterTheEndOfALine) {
  const auto model_of = [](const TextOptions& text, const std::string& end) {
    Model model({.cell = GetParam().cell, .hidden = 9, .activation = GetParam().activation},
                Vocabulary(text, {"<unk>", "a", "b", end}));
    Random random(5);
    test::randomize(network_of(model), random);
    return model;
  };
  for (const auto& [level, end] :
       {std::pair(Level::word, "\n"), {Level::character, "\n"}, {Level::pretokenized, "<eos>"}}) {
    const Model model = model_of({.level = level}, end);
    EXPECT_EQ(model.begin_tokens(), std::vector<Token>{3});
    Stream begun(model), stepped(model);
    begun.feed("b a");  // wherever it is
    EXPECT_TRUE(begun.begin());
    stepped.step(3);
    EXPECT_TRUE(same_bits(begun.probabilities(), stepped.probabilities()));
    EXPECT_EQ(begun.state(), stepped.state());
  }
  // A line end of another level is none.
  for (const auto& [level, other] : {std::pair(Level::word, "<eos>"), {Level::pretokenized, "c"}}) {
    const Model model = model_of({.level = level}, other);
    EXPECT_TRUE(model.begin_tokens().empty());
    Stream stream(model);
    stream.step(1);
    EXPECT_TRUE(stream.begin());
    EXPECT_EQ(stream.state(), model.initial_state());
  }
  const Model numbers = test::random_model(GetParam(), false, {}, 1);
  Stream stream(numbers);
  EXPECT_TRUE(numbers.begin_tokens().empty());
  EXPECT_FALSE(stream.begin());
}

INSTANTIATE_TEST_SUITE_P(Cells, Streaming, testing::ValuesIn(test::every_cell()), test::label);

// Refused calls say so and leave no trace.
class Refusing : public testing::Test {
 protected:
  const Model text_ = test::random_model({"lstm", "tanh"}, true, {1, 9, 4, 6}, 1);
  const Model numbers_ = test::random_model({"gru", "tanh"}, false, {1, 9, 2, 3}, 1);
};

TEST_F(Refusing, AStreamOfText) {
  Stream stream(text_), same(text_);
  stream.step(3);
  same.step(3);
  const std::vector<float> x(2), before(stream.probabilities().begin(), stream.probabilities().end());
  std::vector<float> y(3);
  EXPECT_FALSE(stream.step(Token{6}));
  EXPECT_FALSE(stream.step(~Token{0}));
  EXPECT_FALSE(stream.step(x));
  EXPECT_FALSE(stream.feed(std::vector<Token>{1, 2, 6}));
  EXPECT_FALSE(stream.feed(x, y));
  EXPECT_TRUE(stream.feed(std::vector<Token>{}));
  EXPECT_EQ(stream.state(), same.state());
  EXPECT_TRUE(same_bits(before, stream.probabilities()));
  EXPECT_TRUE(stream.output().empty());
}

TEST_F(Refusing, AStreamOfNumbers) {
  Stream stream(numbers_), same(numbers_);
  const std::vector<float> x = {0.5f, -1};
  stream.step(x);
  same.step(x);
  std::vector<float> y(3, 7.f);
  EXPECT_FALSE(stream.step(Token{0}));
  EXPECT_FALSE(stream.feed(std::vector<Token>{}));
  EXPECT_FALSE(stream.step(std::span(x).first(1)));
  EXPECT_FALSE(stream.step(std::vector<float>(3)));
  EXPECT_FALSE(stream.step(std::span<const float>()));
  EXPECT_FALSE(stream.feed(std::vector<float>(3), y));
  EXPECT_FALSE(stream.feed(std::vector<float>(4), y));
  EXPECT_FALSE(stream.feed(x, std::span(y).first(2)));
  EXPECT_EQ(y, std::vector<float>(3, 7.f));
  EXPECT_EQ(stream.state(), same.state());
  EXPECT_TRUE(same_bits(stream.output(), same.output()));
  EXPECT_TRUE(stream.probabilities().empty());
  EXPECT_TRUE(stream.top(3).empty());
  EXPECT_THROW(stream.sample({}, 0.5), Error);
  EXPECT_THROW(stream.feed("text"), Error);
  EXPECT_THROW(numbers_.score(std::vector<Token>{0, 1}), Error);
  EXPECT_THROW(numbers_.trace(std::vector<Token>{0, 1}), Error);
  EXPECT_THROW(numbers_.trace(std::vector<float>{0, 1, 2}), Error);
  EXPECT_THROW(text_.trace(std::vector<float>{0, 1}), Error);
  EXPECT_EQ(numbers_.trace(std::vector<float>{0, 1, 2, 3}).steps, 2u);
}

TEST_F(Refusing, ABatch) {
  EXPECT_THROW(StreamBatch(text_, 0), Error);
  StreamBatch words(text_, 2), rows(numbers_, 2);
  EXPECT_TRUE(words.step(std::vector<Token>{1, 2}));
  const State before = words.state(1);
  EXPECT_FALSE(words.step(std::vector<Token>{1, 6}));
  EXPECT_FALSE(words.step(std::vector<Token>{1}));
  EXPECT_FALSE(words.step(std::vector<float>(4)));
  EXPECT_FALSE(rows.step(std::vector<float>(3)));
  EXPECT_FALSE(rows.step(std::vector<Token>{1, 2}));
  EXPECT_EQ(words.state(1), before);
  EXPECT_THROW(words.state(2), Error);
  EXPECT_THROW(words.set_state(2, before), Error);
  State one = text_.initial_state(), two = text_.initial_state(2), other = numbers_.initial_state();
  EXPECT_TRUE(words.copy_state(1, one));
  EXPECT_EQ(one, before);
  EXPECT_FALSE(words.copy_state(2, one));
  EXPECT_FALSE(words.copy_state(1, two));
  EXPECT_FALSE(words.copy_state(1, other));
  words.reset(5);
  EXPECT_EQ(words.state(1), before);
  words.reset();
  EXPECT_EQ(words.state(1), text_.initial_state());
}

TEST_F(Refusing, AStateOfAnotherShape) {
  Stream stream(text_);
  StreamBatch batch(text_, 3);
  for (const State& wrong : {State(), State(1, 2, 2, 9), State(2, 2, 1, 9), State(1, 1, 1, 9), State(1, 2, 1, 8)}) {
    EXPECT_THROW(stream.set_state(wrong), Error);
    EXPECT_THROW(batch.set_state(0, wrong), Error);
  }
  EXPECT_NO_THROW(stream.set_state(State(1, 2, 1, 9)));
}

TEST_F(Refusing, AModelOfTheOtherKind) {
  Config config = text_.config();
  EXPECT_THROW(Model{config}, Error);
  config = numbers_.config();
  EXPECT_THROW(Model(config, test::numbered_vocabulary(4)), Error);
}

}  // namespace
}  // namespace sluice::stream_test
