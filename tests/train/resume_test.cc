// Training that is stopped and goes on ends with the bits of training that was not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "base/watch.h"
#include "files.h"
#include "train/training.h"

namespace sluice::resume_test {
namespace {

namespace fs = std::filesystem;
using test::letters;
using test::same_weights;
using test::small_model;
using test::small_options;
using test::text_of;
using testing::HasSubstr;
using Kind = Report::Kind;

struct Case {
  const char* name;
  Config config;
  TrainOptions options;
};

Case adam_cosine_dropout() {
  Case c = {"adam",
            {.cell = "lstm", .layers = 2, .hidden = 6, .dropout = 0.3, .input_dropout = 0.1, .weight_dropout = 0.2},
            small_options()};
  c.options.warmup = 15;
  return c;
}

Case averaged() {
  Case c = {"averaged", {.cell = "gru", .hidden = 8}, small_options()};
  c.options.ema_decay = 0.95;
  c.options.calibrate_temperature = true;
  return c;
}

Case bf16() {
  Case c = averaged();
  c.name = "bf16";
  c.options.precision = Precision::bf16;
  return c;
}

Case averaged_without_validation() {
  Case c = averaged();
  c.name = "averaged_without_validation";
  c.options.validation_split = 0;
  c.options.calibrate_temperature = false;
  return c;
}

Case sgd_plateau() {
  Case c = {"sgd", {.cell = "gru", .hidden = 8}, small_options()};
  c.options.optimizer = Optimizer::sgd;
  c.options.momentum = 0.9;
  c.options.epochs = 5;
  c.options.learning_rate = 3;  // jumps about, so that validations do not improve
  c.options.schedule = Schedule::plateau;
  c.options.patience = 3;
  return c;
}

Case rmsprop_without_validation() {
  Case c = {"rmsprop", {.cell = "rnn", .hidden = 8}, small_options()};
  c.options.optimizer = Optimizer::rmsprop;
  c.options.schedule = Schedule::constant;
  c.options.state_reset = 0.3;
  c.options.validation_split = 0;
  return c;
}

// Goes back to an earlier point several times (see the tests of the guard).
Case with_recoveries() {
  Case c = {"recoveries", {.cell = "rnn", .hidden = 10, .activation = "relu"}, small_options()};
  c.options.epochs = 6;
  c.options.steps = 12;
  c.options.optimizer = Optimizer::sgd;
  c.options.schedule = Schedule::constant;
  c.options.clip_norm = 0;
  c.options.learning_rate = 8;
  c.options.warmup = 60;
  return c;
}

std::string case_name(const testing::TestParamInfo<Case>& info) { return info.param.name; }

class Resume : public testing::TestWithParam<Case> {
 protected:
  Resume() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    options_.checkpoint = (folder_ / "c.safetensors").string();
  }
  ~Resume() override { fs::remove_all(folder_); }

  // Trains until report number `stop_at` and returns whether that was before the end.
  bool train_until(Model& model, std::size_t stop_at, TrainResult* result = nullptr) {
    std::size_t reports = 0;
    const TrainResult r = train(model, corpus_, options_, [&](const Report&) { return ++reports != stop_at; });
    if (result != nullptr) *result = r;
    return r.stopped;
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("resume_test_" + std::to_string(::getpid()));
  const Corpus corpus_ = letters(500);
  TrainOptions options_ = GetParam().options;
};

TEST(ResumeCases, AreWhatTheyClaimToBe) {
  const auto run = [](const Case& c, Kind kind) {
    std::vector<Report> found;
    Model model = small_model(c.config);
    train(model, letters(500), c.options, [&](const Report& r) {
      if (r.kind == kind) found.push_back(r);
      return true;
    });
    return found;
  };
  const std::vector<Report> recoveries = run(with_recoveries(), Kind::recovery);
  EXPECT_GE(recoveries.size(), 2u);
  EXPECT_GT(recoveries.back().update, 0u) << "back to a point on the way, not to the start";
  EXPECT_LT(run(sgd_plateau(), Kind::update).back().learning_rate, sgd_plateau().options.learning_rate);
}

TEST_P(Resume, EndsWithTheSameBitsWhereverItWasStopped) {
  TrainOptions plain = GetParam().options;
  Model whole = small_model(GetParam().config);
  const TrainResult expected = train(whole, corpus_, plain);
  const std::vector<std::size_t> stops = {1, 2, 9, 11, 17, 22, 23, 24, 35, 47, 60};
  for (const std::size_t stop : stops) {
    SCOPED_TRACE("stopped at report " + std::to_string(stop));
    options_.resume = false;
    options_.threads = 1;
    Model model = small_model(GetParam().config);
    if (!train_until(model, stop)) continue;
    options_.resume = true;
    options_.threads = stop == 11 || stop == 35 ? 2 : 1;
    // Another seed for the first weights: they must all come from the file.
    Model resumed = small_model(GetParam().config, 99);
    TrainResult result;
    ASSERT_FALSE(train_until(resumed, 0, &result));
    EXPECT_TRUE(same_weights(whole, resumed));
    EXPECT_EQ(result.train_loss, expected.train_loss);
    EXPECT_EQ(result.validation_loss, expected.validation_loss);
    EXPECT_EQ(result.tokens, expected.tokens);
    EXPECT_EQ(result.updates, expected.updates);
    EXPECT_EQ(result.epochs, expected.epochs);
    EXPECT_EQ(result.stopped_early, expected.stopped_early);
  }
}

TEST_P(Resume, EndsWithTheSameBitsAfterManyStops) {
  Model whole = small_model(GetParam().config);
  train(whole, corpus_, GetParam().options);
  std::size_t runs = 0;
  for (bool stopped = true; stopped; ++runs) {
    ASSERT_LT(runs, 20u);
    Model model = small_model(GetParam().config, runs);
    if (runs == 0) model = small_model(GetParam().config);
    options_.resume = runs > 0;
    stopped = train_until(model, 13);
    if (!stopped) {
      EXPECT_TRUE(same_weights(whole, model));
    }
  }
  EXPECT_GT(runs, 2u);
}

// In the middle of an update, of a validation and of the calibration at the end.
TEST_P(Resume, EndsWithTheSameBitsWhereverItWasGivenUp) {
  Model whole = small_model(GetParam().config);
  std::size_t asked = 0;
  {
    const Watch watch([&] { return ++asked > 0; });
    train(whole, corpus_, options_);
  }
  EXPECT_GT(asked, 300u);
  fs::remove(options_.checkpoint);
  constexpr std::size_t kParts = 9;
  for (std::size_t part = 0; part <= kParts; ++part) {
    const std::size_t at = part == 0 ? 1 : asked * part / kParts;
    SCOPED_TRACE("given up when it asked for the " + std::to_string(at) + ". time");
    options_.resume = false;
    Model model = small_model(GetParam().config);
    std::size_t count = 0;
    {
      const Watch watch([&] { return ++count < at; });
      ASSERT_TRUE(train_until(model, 0));
    }
    EXPECT_EQ(count, at);
    Model resumed = small_model(GetParam().config, 99);
    options_.resume = true;
    ASSERT_FALSE(train_until(resumed, 0));
    EXPECT_TRUE(same_weights(whole, resumed));
    fs::remove(options_.checkpoint);
  }
}

// What a kill leaves behind: the checkpoints written on the way.
TEST_P(Resume, EndsWithTheSameBitsFromEveryCheckpointOnTheWay) {
  options_.checkpoint_seconds = 0;
  Model whole = small_model(GetParam().config);
  std::vector<std::string> files;
  train(whole, corpus_, options_, [&](const Report& r) {
    if (r.kind == Kind::checkpoint) files.push_back(text_of(r.message));
    return true;
  });
  EXPECT_GT(files.size(), 3u);
  options_.resume = true;
  for (const std::string& file : files) {
    write_file(options_.checkpoint, file, /*force=*/true);
    Model resumed = small_model(GetParam().config, 99);
    train(resumed, corpus_, options_);
    EXPECT_TRUE(same_weights(whole, resumed));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Resume,
                         testing::Values(adam_cosine_dropout(), averaged(), averaged_without_validation(), bf16(),
                                         sgd_plateau(), rmsprop_without_validation(), with_recoveries()),
                         case_name);

class ResumeOnce : public Resume {};
INSTANTIATE_TEST_SUITE_P(All, ResumeOnce, testing::Values(rmsprop_without_validation()), case_name);

TEST_P(ResumeOnce, AFinishedRunIsFinished) {
  Model whole = small_model(GetParam().config);
  train(whole, corpus_, options_);
  options_.resume = true;
  Model again = small_model(GetParam().config, 99);
  std::size_t updates = 0;
  train(again, corpus_, options_, [&](const Report& r) {
    updates += r.kind == Kind::update;
    return true;
  });
  EXPECT_EQ(updates, 0u);
  EXPECT_TRUE(same_weights(whole, again));
}

TEST_P(ResumeOnce, AFinishedRunCanGoOnForMoreEpochs) {
  Model model = small_model(GetParam().config), resumed = model;
  train(resumed, corpus_, options_);
  options_.epochs = 5;
  options_.resume = true;
  train(resumed, corpus_, options_);
  TrainOptions plain = GetParam().options;
  plain.epochs = 5;
  train(model, corpus_, plain);
  EXPECT_TRUE(same_weights(model, resumed));
}

TEST_P(ResumeOnce, WritesAtTheEndOfAnEpochAndWhenStopped) {
  Model model = small_model(GetParam().config);
  std::vector<std::uint64_t> written;
  train(model, corpus_, options_, [&](const Report& r) {
    if (r.kind == Kind::checkpoint) {
      EXPECT_EQ(r.message, options_.checkpoint);
      written.push_back(r.update);
    }
    return true;
  });
  // The second epoch may be too short for one of its own.
  std::erase(written, 48);
  EXPECT_EQ(written, (std::vector<std::uint64_t>{24, 72}));
  fs::remove(options_.checkpoint);
  EXPECT_TRUE(train_until(model, 3));
  EXPECT_TRUE(fs::exists(options_.checkpoint));
}

// Writing takes at least a tenth of a millisecond, and an epoch of two updates hardly more.
TEST(ShortEpochs, AreNotSpentOnWriting) {
  TrainOptions options = small_options();
  options.checkpoint = (fs::path(testing::TempDir()) / ("short_epochs_" + std::to_string(::getpid()))).string();
  options.epochs = 300;
  std::size_t written = 0;
  Model model = small_model();
  train(model, letters(45), options, [&](const Report& r) {
    written += r.kind == Kind::checkpoint;
    return true;
  });
  fs::remove(options.checkpoint);
  EXPECT_GE(written, 2u);
  EXPECT_LT(written, options.epochs / 3);
}

std::string refusal(Model& model, const Corpus& corpus, const TrainOptions& options) {
  try {
    train(model, corpus, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::bad_file);
    return error.what();
  }
  ADD_FAILURE() << "was accepted";
  return {};
}

TEST_P(ResumeOnce, RefusesWhatDoesNotFit) {
  options_.resume = true;
  Model model = small_model(GetParam().config);
  EXPECT_THAT(refusal(model, corpus_, options_), HasSubstr(options_.checkpoint)) << "no such file";
  options_.resume = false;
  train_until(model, 5);
  options_.resume = true;
  TrainOptions other = options_;
  other.batch = 4;
  EXPECT_THAT(refusal(model, corpus_, other), HasSubstr("batch = 3 (now 4)"));
  EXPECT_THAT(refusal(model, letters(500, 2), options_), HasSubstr("text"));
  Model larger = small_model({.cell = "rnn", .hidden = 9});
  EXPECT_THAT(refusal(larger, corpus_, options_), HasSubstr("hidden = 8 (now 9)"));
}

TEST_P(ResumeOnce, AFolderThatCannotBeWrittenIsSaidBeforeTraining) {
  options_.checkpoint = (folder_ / "missing" / "c").string();
  Model model = small_model(GetParam().config);
  std::size_t reports = 0;
  try {
    train(model, corpus_, options_, [&](const Report&) { return ++reports > 0; });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::failed);
  }
  EXPECT_EQ(reports, 0u);
}

}  // namespace
}  // namespace sluice::resume_test
