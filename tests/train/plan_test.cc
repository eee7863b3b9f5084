// The rules that make a plan of a text: what they must be whatever their numbers are.
#include "train/plan.h"

#include <gtest/gtest.h>

#include "kernels/kernels.h"
#include "model/config.h"
#include "train/options.h"
#include "train/training.h"

namespace sluice::plan_test {
namespace {

constexpr std::size_t kTokens[] = {100, 5000, 30000, 200000, 1000000, 20000000, 1000000000};

TextKind kind(std::size_t tokens, Level level = Level::character) { return {level, tokens, 90}; }

// What a person may have given.
Choices given(const char* name, std::function<void(Config&, TrainOptions&)> apply) {
  return {std::move(apply), [name](std::string_view asked) { return asked == name; }};
}

TEST(Plan, IsOneThatCanBeTrained) {
  for (const Level level : {Level::character, Level::word, Level::pretokenized}) {
    std::size_t hidden = 0;
    for (const std::size_t tokens : kTokens) {
      const Plan plan = plan_for({level, tokens, 5000}, {});
      EXPECT_NO_THROW(checked(plan.config)) << tokens;
      EXPECT_NO_THROW(check_options(plan.train, true)) << tokens;
      EXPECT_EQ(plan.train.updates, plan.updates);
      EXPECT_GE(plan.config.hidden, hidden) << "a longer text has the larger network";
      hidden = plan.config.hidden;
      EXPECT_EQ(plan.train.precision, Precision::f32) << "or the bits would depend on the machine";
    }
  }
}

TEST(Plan, KeepsWhatIsGiven) {
  const Plan plain = plan_for(kind(1000000), {});
  const Plan large = plan_for(kind(1000000), given("hidden", [](Config& c, TrainOptions&) { c.hidden = 1536; }));
  EXPECT_EQ(large.config.hidden, 1536u);
  EXPECT_LT(large.updates, plain.updates) << "in the same time";
  EXPECT_LT(large.config.dropout, plain.config.dropout) << "for it is read less often";
  const Plan epochs = plan_for(kind(1000000), given("epochs", [](Config&, TrainOptions& o) { o.epochs = 2; }));
  EXPECT_EQ(epochs.train.updates, 0u) << "epochs say how many";
  EXPECT_NEAR(epochs.passes, 2, 0.05);
  const Plan updates = plan_for(kind(1000000), given("updates", [](Config&, TrainOptions& o) { o.updates = 777; }));
  EXPECT_EQ(updates.train.updates, 777u);
  EXPECT_LT(updates.train.cooldown, 777u);
}

TEST(Plan, OfMoreTimeHasNoSmallerNetwork) {
  std::size_t hidden = 0;
  for (const double minutes : {0.1, 1., 5., 60.}) {
    const auto asked = [=](Config&, TrainOptions& o) { o.minutes = minutes; };
    const Plan plan = plan_for(kind(3000000), given("minutes", asked), 60 * minutes, 2e10);
    EXPECT_NO_THROW(check_options(plan.train, true));
    EXPECT_EQ(plan.train.updates, 0u) << "the clock decides";
    EXPECT_GE(plan.config.hidden, hidden);
    hidden = plan.config.hidden;
    EXPECT_EQ(plan.train.precision == Precision::bf16, dot_instructions().bf16);
  }
  EXPECT_EQ(hidden, plan_for(kind(3000000), {}).config.hidden);
  const auto short_time = [](Config&, TrainOptions& o) { o.minutes = 0.1; };
  EXPECT_LT(plan_for(kind(3000000), given("minutes", short_time), 6, 2e10).config.hidden, hidden);
}

TEST(Plan, MeasuresASpeed) {
  TrainOptions options = test::small_options();
  const Corpus corpus = test::letters(500);
  const double speed = measured_speed(corpus, {.cell = "gru", .hidden = 32}, options, 0.01);
  EXPECT_GT(speed, 1e6);
  EXPECT_LT(speed, 1e13);
}

}  // namespace
}  // namespace sluice::plan_test
