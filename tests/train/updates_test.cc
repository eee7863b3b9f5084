// Training by updates and by the clock: where a run ends, when it validates and on what, and that what a clock decided
// gives the same bits without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "errors.h"
#include "train/options.h"
#include "train/stopwatch.h"
#include "train/training.h"

namespace sluice::updates_test {
namespace {

using Kind = Report::Kind;
using test::letters;
using test::of_kind;
using test::run;
using test::same_weights;
using test::small_model;
using test::Training;

TrainOptions by_updates(std::uint64_t updates) {
  TrainOptions options = test::small_options();
  options.schedule = Schedule::trapezoid;
  options.updates = updates;
  return options;
}

TEST(Updates, EndARunInTheMiddleOfAnEpoch) {
  const Training trained = run(small_model(), letters(500), by_updates(100));  // of 22 an epoch
  EXPECT_EQ(trained.result.updates, 100u);
  EXPECT_EQ(trained.result.epochs, 4u);
  const std::vector<Report> validations = of_kind(trained.reports, Kind::validation);
  ASSERT_EQ(validations.size(), 15u);
  for (std::size_t i = 0; i + 1 < validations.size(); ++i) EXPECT_EQ(validations[i].update, 7 * (i + 1));
  EXPECT_EQ(validations.back().update, 100u);
  EXPECT_EQ(trained.reports.back().updates, 100u);
}

TEST(Updates, AreWhatEpochsWouldHaveBeen) {
  TrainOptions epochs = test::small_options();
  epochs.validation_split = 0;
  TrainOptions updates = epochs;
  updates.updates = 66;
  EXPECT_TRUE(
      same_weights(run(small_model(), letters(450), epochs).model, run(small_model(), letters(450), updates).model));
}

TEST(Updates, OfTheConstantPartDoNotDependOnTheEnd) {
  const auto losses = [](std::uint64_t updates) {
    TrainOptions options = by_updates(updates);
    options.cooldown = 20;
    std::vector<double> all;
    for (const Report& r : of_kind(run(small_model(), letters(500), options).reports, Kind::update)) {
      all.push_back(r.loss);
    }
    return all;
  };
  const std::vector<double> shorter = losses(60), longer = losses(80);
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.begin() + 41, longer.begin()));
  EXPECT_NE(shorter[45], longer[45]);
}

TEST(Updates, StopBeforeOrAfterTheEndOfTheSchedule) {
  for (const std::uint64_t last : {33u, 50u}) {
    TrainOptions options = by_updates(40);
    options.stop_after = last;
    const Training trained = run(small_model(), letters(500), options);
    EXPECT_EQ(trained.result.updates, last);
    const std::vector<Report> updates = of_kind(trained.reports, Kind::update);
    EXPECT_EQ(updates[20].learning_rate, options.learning_rate);
    if (last > 40) {
      EXPECT_DOUBLE_EQ(updates.back().learning_rate, options.learning_rate * options.final_rate);
    } else {
      EXPECT_GT(updates.back().learning_rate, options.learning_rate * options.final_rate);
    }
  }
}

TEST(Updates, GoOnFromACheckpointWithTheSameBits) {
  const Corpus corpus = letters(500);
  TrainOptions options = by_updates(100);
  options.validation_streams = 2;
  options.ema_decay = 0.9;
  const Training whole = run(small_model(), corpus, options);
  const std::string checkpoint =
      (std::filesystem::path(testing::TempDir()) / ("updates_" + std::to_string(::getpid()))).string();
  options.checkpoint = checkpoint;
  for (const std::uint64_t stop : {5u, 21u, 43u, 95u}) {
    options.resume = false;
    std::filesystem::remove(checkpoint);
    Model model = small_model();
    EXPECT_TRUE(train(model, corpus, options, [&](const Report& r) { return r.update < stop; }).stopped);
    options.resume = true;
    const Training resumed = run(small_model({.cell = "gru", .hidden = 10}, 99), corpus, options);
    EXPECT_TRUE(same_weights(resumed.model, whole.model)) << stop;
    EXPECT_EQ(resumed.result.validation_loss, whole.result.validation_loss) << stop;
  }
  std::filesystem::remove(checkpoint);
}

TEST(Updates, ValidateOnASampleAndInTheEndOnAll) {
  const Corpus corpus = letters(40000);
  TrainOptions options = by_updates(32);
  options.validation_split = 0.9;
  for (const bool calibrates : {false, true}) {
    options.calibrate_temperature = calibrates;
    const Training trained = run(small_model(), corpus, options);
    EXPECT_EQ(trained.result.validation_tokens, 35999u);
    EXPECT_EQ(evaluate(trained.model, corpus.slice(4000, 40000), 3, 1).nats_per_token, trained.result.validation_loss);
    const double sampled = of_kind(trained.reports, Kind::validation).back().validation_loss;
    EXPECT_NE(sampled, trained.result.validation_loss);
    EXPECT_NEAR(sampled, trained.result.validation_loss, 0.1);
  }
}

// The tokens before a part are read and do not count: the loss is that of the text read from there on.
TEST(WarmValidation, GoesOnFromTheTrainingText) {
  const Corpus corpus = letters(500);
  TrainOptions options = test::small_options();
  options.validation_streams = 1;
  const Training trained = run(small_model(), corpus, options);
  EXPECT_EQ(trained.result.validation_tokens, 49u);
  const auto sum = [&](std::size_t first, std::size_t last) {
    const Evaluation e = evaluate(trained.model, corpus.slice(first, last), 1, 1);
    return e.nats_per_token * static_cast<double>(e.tokens);
  };
  EXPECT_NEAR(trained.result.validation_loss, (sum(194, 500) - sum(194, 451)) / 49, 1e-9);
}

// However little time there is, something of the text is read that counts.
TEST(WarmValidation, WithoutTimeReadsMoreThanItsLead) {
  TrainOptions options = test::small_options();
  options.validation_streams = 2;
  options.validation_split = 0.5;
  options.calibrate_temperature = true;
  options.max_seconds = 0.2;
  const Training trained = run(small_model(), letters(400000), options);
  EXPECT_GT(trained.result.validation_tokens, 0u);
  EXPECT_LT(trained.result.validation_tokens, 199999u);
  EXPECT_LT(trained.result.validation_loss, 5);
}

TEST(WarmValidation, OfATextOfItsOwnBeginsCold) {
  const Corpus corpus = letters(500), apart = letters(300, 2);
  TrainOptions options = test::small_options();
  options.validation_streams = 1;
  Model model = small_model();
  const TrainResult result = train(model, corpus, apart, options);
  EXPECT_EQ(result.validation_loss, evaluate(model, apart, 1, 1).nats_per_token);
}

struct Clocked {
  const char* name;
  Schedule schedule;
  bool calibrates, becomes_slower;
  std::size_t patience;
};

class Minutes : public testing::TestWithParam<Clocked> {};

TEST_P(Minutes, AreKeptAndWhatWasDoneGivesTheSameBits) {
  const Clocked& clocked = GetParam();
  const Corpus corpus = letters(20000);
  TrainOptions options = test::small_options();
  options.schedule = clocked.schedule;
  options.calibrate_temperature = clocked.calibrates;
  options.patience = clocked.patience;
  options.ema_decay = 0.9;
  options.minutes = 0.025;
  Model model = small_model();
  const Stopwatch clock;
  const TrainResult result = train(model, corpus, options, [&](const Report& r) {
    const bool slow = clocked.becomes_slower && clock.seconds() > 0.7 && r.kind == Kind::update;
    if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return true;
  });
  EXPECT_LT(clock.seconds(), 1.05 * 60 * options.minutes);
  if (clocked.patience == 0) {
    EXPECT_GT(clock.seconds(), 0.8 * 60 * options.minutes);
  }
  EXPECT_EQ(result.options.minutes, 0);
  EXPECT_GT(result.options.updates, 0u);
  Model again = small_model();
  const TrainResult same = train(again, corpus, result.options);
  EXPECT_EQ(same.updates, result.updates);
  EXPECT_EQ(same.train_loss, result.train_loss) << "of the last weights, which need not be those that are kept";
  EXPECT_TRUE(same_weights(again, model));
}

INSTANTIATE_TEST_SUITE_P(All, Minutes,
                         testing::Values(Clocked{"trapezoid", Schedule::trapezoid, false, false, 0},
                                         Clocked{"slower", Schedule::trapezoid, true, true, 0},
                                         Clocked{"constant", Schedule::constant, false, false, 0},
                                         Clocked{"plateau", Schedule::plateau, false, false, 0},
                                         Clocked{"patience", Schedule::trapezoid, false, false, 1}),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(Minutes, AreRefusedWithWhatAlsoSaysHowLong) {
  const auto refused = [](auto change) {
    TrainOptions options;
    options.schedule = Schedule::trapezoid;
    options.minutes = 1;
    change(options);
    return test::error_of(Status::usage, [&] { check_options(options, true); });
  };
  EXPECT_THAT(refused([](TrainOptions& o) { o.schedule = Schedule::cosine; }), testing::HasSubstr("schedule: "));
  EXPECT_THAT(refused([](TrainOptions& o) { o.updates = 5; }), testing::HasSubstr("updates: "));
  EXPECT_THAT(refused([](TrainOptions& o) { o.stop_after = 5; }), testing::HasSubstr("stop-after: "));
  EXPECT_THAT(refused([](TrainOptions& o) { o.max_seconds = 5; }), testing::HasSubstr("max-seconds: "));
}

}  // namespace
}  // namespace sluice::updates_test
