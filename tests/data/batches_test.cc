// Windows over streams of text: shape, order, what is left out and what is counted.
#include "data/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <numeric>
#include <string>
#include <vector>

#include "sluice/error.h"

namespace sluice::batches_test {
namespace {

using testing::ElementsAre;

std::vector<Token> numbers(std::size_t count) {
  std::vector<Token> tokens(count);
  std::iota(tokens.begin(), tokens.end(), Token{0});
  return tokens;
}

std::string refusal(std::size_t tokens, std::size_t batch, std::size_t steps, Status status, bool parts = false) {
  try {
    const std::vector<Token> text = numbers(tokens);
    parts ? Batches::parts(text, batch, steps, "file") : Batches(text, batch, steps, "file");
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), status);
    return error.what();
  }
  return "no error";
}

TEST(Batches, StreamsAreContiguousAndTimeMajor) {
  const std::vector<Token> text = numbers(13);
  const Batches batches(text, 2, 3);  // streams 0..5 and 6..11; 12 is left out
  EXPECT_EQ(batches.batch(), 2u);
  EXPECT_EQ(batches.windows(), 2u);
  EXPECT_EQ(batches.tokens(), 10u);
  EXPECT_EQ(batches.steps_of(0), 3u);
  EXPECT_EQ(batches.steps_of(1), 2u);
  EXPECT_EQ(batches.steps_of(2), 0u);
  std::vector<Token> inputs, targets;
  batches.window(1, inputs, targets);
  EXPECT_THAT(inputs, ElementsAre(3, 9, 4, 10));
  EXPECT_THAT(targets, ElementsAre(4, 10, 5, 11));
  batches.window(0, inputs, targets);
  EXPECT_THAT(inputs, ElementsAre(0, 6, 1, 7, 2, 8));
  EXPECT_THAT(targets, ElementsAre(1, 7, 2, 8, 3, 9));
}

TEST(Batches, PartsPredictEveryTokenButTheFirst) {
  const std::vector<Token> text = numbers(9);  // 8 predictions in parts of 3, 3 and 2
  const Batches batches = Batches::parts(text, 3, 2);
  EXPECT_EQ(batches.windows(), 2u);
  EXPECT_EQ(batches.tokens(), 8u);
  std::vector<Token> inputs, targets;
  batches.window(0, inputs, targets);
  EXPECT_THAT(inputs, ElementsAre(0, 3, 6, 1, 4, 7));
  batches.window(1, inputs, targets);
  EXPECT_THAT(inputs, ElementsAre(2, 5, 7));
  EXPECT_THAT(targets, ElementsAre(3, 6, 8));
  EXPECT_TRUE(batches.counted(1, 0, 0));
  EXPECT_TRUE(batches.counted(1, 0, 1));
  EXPECT_FALSE(batches.counted(1, 0, 2));
}

TEST(Batches, EveryPredictionIsCountedOnceAndFollowsItsInput) {
  EXPECT_TRUE(rc::check([] {
    const bool parts = *rc::gen::arbitrary<bool>();
    const auto batch = *rc::gen::inRange<std::size_t>(1, 9), steps = *rc::gen::inRange<std::size_t>(1, 12);
    const std::vector<Token> text = numbers(2 * batch + *rc::gen::inRange<std::size_t>(0, 100));
    const Batches batches = parts ? Batches::parts(text, batch, steps) : Batches(text, batch, steps);
    std::vector<int> seen(text.size());
    std::vector<Token> inputs, targets, last(batch);
    std::uint64_t counted = 0;
    for (std::size_t k = 0; k < batches.windows(); ++k) {
      batches.window(k, inputs, targets);
      const std::size_t length = batches.steps_of(k);
      RC_ASSERT(length >= 1 && length <= steps && (length == steps || k + 1 == batches.windows()));
      RC_ASSERT(inputs.size() == length * batch && targets.size() == inputs.size());
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        RC_ASSERT(targets[i] == inputs[i] + 1);
        if (!batches.counted(k, i / batch, i % batch)) continue;
        RC_ASSERT((k == 0 && i < batch) || inputs[i] == last[i % batch]);
        last[i % batch] = targets[i];
        ++seen[targets[i]];
        ++counted;
      }
    }
    RC_ASSERT(counted == batches.tokens());
    RC_ASSERT(counted == (parts ? text.size() - 1 : (text.size() / batch - 1) * batch));
    for (const int times : seen) RC_ASSERT(times <= 1);
  }));
}

TEST(Batches, FewerPredictionsThanPartsMakeFewerParts) {
  const std::vector<Token> text = numbers(3);
  const Batches batches = Batches::parts(text, 8, 1000);
  EXPECT_EQ(batches.batch(), 2u);
  EXPECT_EQ(batches.windows(), 1u);
  EXPECT_EQ(batches.tokens(), 2u);
}

TEST(Batches, RefusesTextsTooShortForOneWindow) {
  EXPECT_EQ(refusal(63, 32, 64, Status::bad_file),
            "file: text too short for one window: 63 tokens, batch 32 x steps 64 needs at least 64");
  EXPECT_EQ(refusal(64, 32, 64, Status::bad_file), "no error");
  EXPECT_EQ(refusal(1, 4, 5, Status::bad_file, true),
            "file: text too short for one window: 1 tokens, batch 4 x steps 5 needs at least 2");
  EXPECT_EQ(refusal(9, 0, 5, Status::usage), "batch: expected at least 1, found 0");
  EXPECT_EQ(refusal(9, 1, 0, Status::usage), "steps: expected at least 1, found 0");
}

TEST(Batches, TakesWindowsOfAnyLength) {
  const std::vector<Token> text = numbers(10);
  const Batches batches(text, 1, SIZE_MAX);
  EXPECT_EQ(batches.windows(), 1u);
  EXPECT_EQ(batches.steps_of(0), 9u);
}

// Every prediction but the first counts once, in the stream whose part it is in, and what is read before a part is what
// stands before it.
TEST(WarmParts, CountEveryTokenOnceAndReadWhatStandsBefore) {
  const std::vector<Token> text = numbers(50);
  for (const std::size_t context : {0u, 3u, 12u}) {
    for (const std::size_t streams : {1u, 2u, 4u, 60u}) {
      const Batches batches = Batches::warm_parts(text, context, streams, 4, 10);
      std::vector<int> seen(text.size(), 0);
      std::vector<Token> inputs, targets;
      for (std::size_t k = 0; k < batches.windows(); ++k) {
        batches.window(k, inputs, targets);
        for (std::size_t i = 0; i < inputs.size(); ++i) {
          if (!batches.counted(k, i / batches.batch(), i % batches.batch())) continue;
          EXPECT_EQ(targets[i], inputs[i] + 1);
          ++seen[targets[i] - text.front()];
        }
      }
      for (std::size_t at = 0; at < text.size(); ++at) EXPECT_EQ(seen[at], at > context ? 1 : 0) << at;
      EXPECT_EQ(batches.tokens(), text.size() - context - 1);
      EXPECT_EQ(batches.uncounted(),
                std::min<std::size_t>(context, 10) / 4);  // windows of 4; the first stream has the fewest before it
      batches.window(0, inputs, targets);
      EXPECT_EQ(inputs[0], text[context < 10 ? 0 : context - 10]);
    }
  }
}

}  // namespace
}  // namespace sluice::batches_test
