// What a training keeps and when it gives up: the best of all weights it had, the first among them; loss that is far
// above the start's; a model worse than a guess; the limit of time; checkpoints that cannot be written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <numbers>

#include "errors.h"
#include "model/model_access.h"
#include "train/calibrate.h"
#include "train/guess.h"
#include "train/stopwatch.h"
#include "train/training.h"

namespace sluice::kept_test {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::letters;
using test::of_kind;
using test::run;
using test::same_weights;
using test::small_model;
using test::small_options;
using test::Training;
using testing::HasSubstr;
using Kind = Report::Kind;

TEST(Divergence, ALossFarAboveTheStartsForLongEndsTraining) {
  for (const char* cell : {"gru", "lstm"}) {
    for (const double split : {0.1, 0.}) {
      TrainOptions options = small_options();
      options.epochs = 50;
      options.learning_rate = 100;
      options.validation_split = split;
      Model model = small_model({.cell = cell, .hidden = 24});
      std::size_t updates = 0;
      const std::string message = error_of(Status::diverged, [&] {
        train(model, letters(500), options, [&](const Report& r) {
          updates += r.kind == Kind::update;
          return true;
        });
      });
      EXPECT_THAT(message, HasSubstr("try a much lower learning rate"));
      EXPECT_THAT(message, HasSubstr("updates in a row"));
      EXPECT_GE(updates, 100u);
      EXPECT_LT(updates, 200u) << "of 1100";
    }
  }
}

// A run of fewer updates than that is judged by its last epoch.
TEST(Divergence, AShortRunIsJudgedByItsLastEpoch) {
  TrainOptions options = small_options();
  options.learning_rate = 100;
  Model model = small_model({.cell = "gru", .hidden = 24});
  const std::string message = error_of(Status::diverged, [&] { train(model, letters(500), options); });
  EXPECT_THAT(message, HasSubstr("after update 66 "));
  EXPECT_THAT(message, HasSubstr("the mean loss of the last epoch is"));
  EXPECT_TRUE(same_weights(model, small_model({.cell = "gru", .hidden = 24})));
}

// However it ended: here each gradient after the second epoch is none, until smaller steps are given up.
TEST(Divergence, OfNumbersThatAreNotFiniteKeepsTheBestWeightsToo) {
  const Corpus corpus = letters(2000);
  TrainOptions options = small_options();
  options.epochs = 20;
  Model model = small_model({.cell = "gru", .hidden = 24});
  std::string warning;
  std::size_t recoveries = 0;
  double best = 0;
  const TrainResult result = train(model, corpus, options, [&](const Report& r) {
    recoveries += r.kind == Kind::recovery;
    if (r.kind == Kind::warning) warning = r.message;
    if (r.kind == Kind::validation && r.best) best = r.validation_loss;
    if (r.epoch > 2 && r.kind == Kind::update) {
      Parameters& weights = network_of(model).parameters();
      for (std::size_t i = 0; i < weights.shapes().size(); ++i) weights[i][0] = std::nanf("");
    }
    return true;
  });
  EXPECT_EQ(recoveries, 8u);
  EXPECT_TRUE(result.diverged);
  EXPECT_THAT(warning, HasSubstr("training diverged"));
  EXPECT_THAT(warning, HasSubstr("the best weights, with a validation loss of"));
  EXPECT_EQ(result.validation_loss, best);
  const std::span<const float> left = network_of(std::as_const(model)).parameters().all();
  EXPECT_TRUE(std::ranges::all_of(left, [](float w) { return std::isfinite(w); }));
}

// What it had learned before is not thrown away.
TEST(Divergence, TheBestWeightsAreKeptWhereTheyAreOfUse) {
  const Corpus corpus = letters(2000);
  TrainOptions options = small_options();
  options.epochs = 10;
  const Training good = run(small_model({.cell = "gru", .hidden = 24}), corpus, options);
  options.epochs = 50;
  options.learning_rate = 100;
  const Training kept = run(good.model, corpus, options);
  EXPECT_LT(kept.result.updates, 400u);
  EXPECT_TRUE(same_weights(kept.model, good.model));
  const std::vector<Report> warnings = of_kind(kept.reports, Kind::warning);
  ASSERT_FALSE(warnings.empty());
  EXPECT_THAT(warnings.back().message, HasSubstr("the best weights, with a validation loss of "));
}

// In a burst the loss is as high as the burst is loud, and that says nothing about the weights.
TEST(Divergence, ALoudPartOfASeriesIsNone) {
  std::vector<float> x, y;
  Random random(1);
  for (std::size_t i = 0; i < 6000; ++i) {
    const float loud = i % 2000 > 1500 ? 30.f : 0.1f;
    x.push_back(loud * static_cast<float>(random.uniform() - 0.5));
    y.push_back(2 * x.back());
  }
  const Series series(x, 1, y, 1);
  Model model({.cell = "gru", .hidden = 4, .inputs = 1, .outputs = 1});
  TrainOptions options = small_options();
  options.batch = 1;
  options.steps = 4;
  options.learning_rate = 1e-9;
  options.validation_split = 0;
  const TrainResult result = train(model, series, options);
  EXPECT_EQ(result.updates, 3u * 1500);
}

TEST(Kept, WeightsFromBeforeTheFirstUpdateAreCandidates) {
  const Corpus corpus = letters(2000);
  TrainOptions options = small_options();
  options.epochs = 10;
  const Training good = run(small_model({.cell = "gru", .hidden = 24}), corpus, options);
  ASSERT_LT(good.result.validation_loss, 1.2);
  options.epochs = 1;
  options.learning_rate = 0.2;  // ruins it, and stays well below what is called divergence
  for (const double average : {0., 0.9}) {
    options.ema_decay = average;
    const Training ruined = run(good.model, corpus, options);
    EXPECT_TRUE(same_weights(ruined.model, good.model));
    EXPECT_EQ(ruined.result.validation_loss, good.result.validation_loss);
    const std::vector<Report> warnings = of_kind(ruined.reports, Kind::warning);
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_THAT(warnings[0].message, HasSubstr("the weights before the first update were better"));
    const std::vector<Report> validations = of_kind(ruined.reports, Kind::validation);
    ASSERT_EQ(validations.size(), 1u);
    EXPECT_GT(validations[0].validation_loss, good.result.validation_loss);
  }
}

// Noise of which nothing can be learned, with steps that only make it worse.
TEST(Kept, FreshWeightsAreCandidatesToo) {
  TrainOptions options = small_options();
  options.learning_rate = 0.2;
  options.schedule = Schedule::constant;
  const Training trained = run(small_model({.cell = "gru", .hidden = 32}), letters(500, 1, 1), options);
  EXPECT_TRUE(same_weights(trained.model, small_model({.cell = "gru", .hidden = 32})));
  EXPECT_TRUE(trained.result.worse_than_guess);
}

TEST(Guess, IsWhatCountingGives) {
  const Corpus corpus = letters(1000, 3);
  StreamWindows training(Batches(corpus.tokens().first(900), 3, 7));
  StreamWindows validation(Batches::parts(corpus.tokens().subspan(900), 3, 7));
  const Network network({.hidden = 1}, 6);
  std::vector<double> count(6, 1);
  double n = 6, sum = 0;
  const std::size_t each = 900 / 3;
  for (std::size_t i = 0; i < 900; ++i) {
    if (i % each == 0) continue;  // the first of a stream is no target
    ++count[corpus.tokens()[i]];
    ++n;
  }
  for (const Token token : corpus.tokens().subspan(901)) sum += std::log(n / count[token]);
  EXPECT_NEAR(Guess(training, network).loss(validation, validation.count()), sum / 99, 1e-12);
  // Tokens that training has hardly seen: all evenly costs less.
  const std::vector<Token> ones(900, 1), twos(100, 2);
  StreamWindows of_ones(Batches(ones, 3, 7)), of_twos(Batches::parts(twos, 3, 7));
  EXPECT_NEAR(Guess(of_ones, network).loss(of_twos, 100), std::log(6), 1e-12);
}

TEST(Guess, OfNumbersIsTheirMean) {
  const std::vector<float> x(8), y = {1, 10, 3, 10, 1, 10, 3, 10};
  const Series series(x, 2, y, 2);
  StreamWindows windows(Batches(series, 1, 3));
  const Network network({.hidden = 1, .inputs = 2, .outputs = 2}, 0);
  EXPECT_NEAR(Guess(windows, network).loss(windows, windows.count()), 0.5, 1e-6);
}

TEST(Guess, AModelThatIsNoBetterIsNotKeptWithoutAWord) {
  for (const double split : {0.1, 0.}) {
    TrainOptions options = small_options();
    options.validation_split = split;
    options.learning_rate = 1e-9;
    const Training useless = run(small_model(), letters(500), options);
    EXPECT_TRUE(useless.result.worse_than_guess);
    const std::vector<Report> warnings = of_kind(useless.reports, Kind::warning);
    ASSERT_EQ(warnings.size(), 1u) << warnings[0].message;
    EXPECT_THAT(warnings[0].message, HasSubstr("no better than a guess"));
    options.learning_rate = 0.02;
    options.epochs = 12;
    const Training learned = run(small_model(), letters(500), options);
    EXPECT_FALSE(learned.result.worse_than_guess);
    EXPECT_LT(learned.result.train_loss, learned.result.guess_loss);
    EXPECT_TRUE(of_kind(learned.reports, Kind::warning).empty());
  }
}

// Golden-section search with a pass over the text for each factor.
double factor_by_passes(const Model& model, const Corpus& text) {
  const auto loss_at = [&](double factor) {
    Model scaled = model;
    for (const char* name : {"head.weight", "head.bias"}) {
      for (float& weight : test::tensor(scaled, name)) weight *= static_cast<float>(factor);
    }
    Team team(1);
    network_of(scaled).pack(team);
    return evaluate(scaled, text, 3, 1).nats_per_token;
  };
  constexpr double kGolden = std::numbers::phi - 1;
  double low = 0.5, high = 1.5;
  while (high - low > 0.01) {
    const double left = high - kGolden * (high - low), right = low + kGolden * (high - low);
    (loss_at(left) < loss_at(right) ? high : low) = loss_at(left) < loss_at(right) ? right : left;
  }
  return (low + high) / 2;
}

TEST(Calibration, OnePassFindsWhatAPassForEachFactorFinds) {
  const Corpus corpus = letters(2000);
  const Training trained = run(small_model({.cell = "gru", .hidden = 24}), corpus, small_options());
  for (const float sureness : {0.7f, 0.9f, 1.f, 1.2f, 1.4f}) {
    Model model = trained.model;
    for (const char* name : {"head.weight", "head.bias"}) {
      for (float& weight : test::tensor(model, name)) weight *= sureness;
    }
    for (const std::size_t threads : {1u, 3u}) {
      Team team(threads);
      network_of(model).pack(team);
      Workspace workspace;
      StreamWindows text(Batches::parts(corpus.tokens().subspan(1800), 3, 7));
      EXPECT_NEAR(calibration_factor(network_of(model), text, {}, workspace, team),
                  factor_by_passes(model, corpus.slice(1800, 2000)), 1e-9)
          << sureness;
    }
  }
}

TEST(MaxSeconds, IncludesValidationAndCalibration) {
  const Corpus corpus = letters(4000000);  // to validate on all of it takes seconds, to calibrate more
  TrainOptions options = small_options();
  options.validation_split = 0.9;
  options.calibrate_temperature = true;
  options.batch = 32;
  options.max_seconds = 0.5;
  const Stopwatch clock;
  const Training trained = run(small_model({.cell = "gru", .hidden = 128}), corpus, options);  // an epoch takes seconds
  EXPECT_LT(clock.seconds(), 0.75);
  EXPECT_EQ(trained.result.epochs, 0u);
  EXPECT_GT(trained.result.updates, 0u);
  EXPECT_GT(trained.result.validation_tokens, 0u);
  EXPECT_LT(trained.result.validation_tokens, 3600000u / 4);
  const std::vector<Report> warnings = of_kind(trained.reports, Kind::warning);
  ASSERT_FALSE(warnings.empty());
  EXPECT_THAT(warnings[0].message, HasSubstr("of 3599999"));
  EXPECT_EQ(trained.reports.back().kind, Kind::done);
}

// Where there is time for all of it nothing is left out.
// To split sequences, to hash them and to find what guessing costs takes a while too.
TEST(MaxSeconds, IncludesWhatIsDoneBeforeTheFirstUpdate) {
  constexpr std::size_t kNumbers = 88, kSteps = 100, kSequences = 400;
  Sequences many;
  many.inputs = many.outputs = kNumbers;
  many.targets_per_step = true;
  Random random(1);
  many.values.resize(kNumbers * kSteps * kSequences);
  for (float& value : many.values) value = static_cast<float>(random.uniform());
  many.targets = many.values;
  for (std::size_t s = 1; s <= kSequences; ++s) many.starts.push_back(s * kSteps);
  Model model({.cell = "gru", .hidden = 128, .inputs = kNumbers, .outputs = kNumbers});
  for (const double split : {0.1, 0.}) {
    TrainOptions options = small_options();
    options.validation_split = split;
    options.epochs = 100000;
    options.max_seconds = 1e-6;
    const Stopwatch before;
    EXPECT_THAT(error_of(Status::failed, [&] { train(model, many, options); }), HasSubstr("max-seconds"));
    const double takes = before.seconds();
    options.max_seconds = 3 * takes;
    const Stopwatch clock;
    EXPECT_GT(train(model, many, options).updates, 0u);
    EXPECT_LT(clock.seconds(), options.max_seconds + 0.6 * takes) << takes << ' ' << split;
  }
}

TEST(MaxSeconds, AShortValidationIsWhole) {
  const Corpus corpus = letters(500);
  TrainOptions options = small_options();
  options.epochs = 100000;
  options.max_seconds = 0.5;
  const Training trained = run(small_model(), corpus, options);
  EXPECT_EQ(trained.result.validation_tokens, 49u);
  EXPECT_EQ(evaluate(trained.model, corpus.slice(450, 500), 3, 1).nats_per_token, trained.result.validation_loss);
}

TEST(MaxSeconds, WithoutTimeForAnUpdateNothingIsTrained) {
  TrainOptions options = small_options();
  options.max_seconds = 1e-6;
  Model model = small_model();
  EXPECT_THAT(error_of(Status::failed, [&] { train(model, letters(500), options); }), HasSubstr("max-seconds"));
  EXPECT_TRUE(same_weights(model, small_model()));
}

// A limit on the size of files stands for a full disk.
class CheckpointOnAFullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "sluice-kept-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_), 0);
    options_ = small_options();
    options_.checkpoint = folder_ / "m.checkpoint";
    options_.checkpoint_seconds = 0;
  }
  void TearDown() override {
    full(false);
    std::signal(SIGXFSZ, handler_);
    fs::remove_all(folder_);
  }
  void full(bool is) const {
    rlimit small = old_;
    if (is) small.rlim_cur = 1000;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  }

  fs::path folder_;
  rlimit old_{};
  TrainOptions options_;
  void (*handler_)(int) = nullptr;
};

TEST_F(CheckpointOnAFullDisk, IsSaidAndTriedAgain) {
  Model model = small_model();
  std::vector<std::string> warnings;
  std::size_t written = 0;
  full(true);
  train(model, letters(500), options_, [&](const Report& r) {
    if (r.kind == Kind::warning) warnings.push_back(r.message);
    written += r.kind == Kind::checkpoint;
    if (r.update == 30) full(false);
    return true;
  });
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_THAT(warnings[0], HasSubstr("no checkpoint after update 0, training goes on and tries again: "));
  EXPECT_THAT(warnings[0], HasSubstr("too large"));
  EXPECT_THAT(warnings[1], HasSubstr("there is a checkpoint again"));
  EXPECT_GT(written, 2u);
  Model plain = small_model();
  options_.checkpoint.clear();
  train(plain, letters(500), options_);
  EXPECT_TRUE(same_weights(model, plain));
}

TEST_F(CheckpointOnAFullDisk, TheLastOneOfAStoppedRunMustBeWritten) {
  Model model = small_model();
  full(true);
  const auto stop = [&] { train(model, letters(500), options_, [](const Report& r) { return r.update < 20; }); };
  EXPECT_THAT(error_of(Status::failed, stop), HasSubstr("too large"));
  full(false);
  EXPECT_TRUE(fs::is_empty(folder_)) << "neither a temporary file nor a lock";
}

}  // namespace
}  // namespace sluice::kept_test
