// Training and evaluation of a model on numbers: the same loop as for text, with the mean squared error as its loss.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "errors.h"
#include "sluice/stream.h"
#include "train/training.h"

namespace sluice::series_test {
namespace {

using test::error_of;
using test::same_weights;
using test::small_options;
using ::testing::HasSubstr;

// What came three steps before, and its sum with what is now: only memory can answer.
Series echoes(std::size_t steps, std::uint64_t seed = 1) {
  Random random(seed);
  std::vector<float> x, y;
  for (std::size_t t = 0; t < steps; ++t) {
    x.push_back(static_cast<float>(2 * random.uniform() - 1));
    const float before = t < 3 ? 0 : x[t - 3];
    y.push_back(before);
    y.push_back(before + x[t]);
  }
  return {std::move(x), 1, std::move(y), 2, "echoes"};
}

Model echo_model(const std::string& cell = "gru", double dropout = 0) {
  return Model({.cell = cell,
                .layers = 2,
                .hidden = 16,
                .dropout = dropout,
                .input_dropout = dropout / 2,
                .inputs = 1,
                .outputs = 2});
}

// The variance of y is 1/3 and 2/3: a network without memory leaves 1/3 of each, one that only remembers, nothing.
TEST(SeriesTraining, Learns) {
  for (const char* cell : {"rnn", "lstm", "gru", "gru-reset-after"}) {
    Model model = echo_model(cell);
    TrainOptions options = small_options();
    options.epochs = 60;
    options.batch = 8;
    options.steps = 16;
    options.learning_rate = 0.01;
    const TrainResult result = train(model, echoes(2000), options);
    EXPECT_LT(result.validation_loss, 0.1) << cell;
    EXPECT_EQ(result.tokens, 60u * 1800) << cell;
    const SeriesEvaluation fresh = evaluate(model, echoes(500, 9), 1, 1);
    EXPECT_LT(fresh.mean_squared_error, 0.1) << cell;
    EXPECT_EQ(fresh.steps, 500u);
  }
}

TEST(SeriesTraining, EvaluationIsTheMeanSquareOfTheErrorsOfAStream) {
  const Model model = echo_model("lstm");
  const Series series = echoes(301);
  Stream stream(model);
  std::vector<float> y(602);
  ASSERT_TRUE(stream.feed(series.inputs(), y));
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) sum += std::pow(double{y[i]} - double{series.targets()[i]}, 2);
  EXPECT_NEAR(evaluate(model, series).mean_squared_error, sum / 602, 1e-7);
  EXPECT_NE(evaluate(model, series, 4).mean_squared_error, evaluate(model, series).mean_squared_error);
  EXPECT_EQ(evaluate(model, series, 4, 1).mean_squared_error, evaluate(model, series, 4, 3).mean_squared_error);
}

TEST(SeriesTraining, IsTheSameForAnyNumberOfThreads) {
  TrainOptions options = small_options();
  options.epochs = 1;
  Model one = echo_model("gru", 0.2);
  train(one, echoes(400), options);
  Model fresh = echo_model("gru", 0.2);
  EXPECT_FALSE(same_weights(one, fresh));
  for (options.threads = 2; options.threads <= 3; ++options.threads) {
    Model again = echo_model("gru", 0.2);
    train(again, echoes(400), options);
    EXPECT_TRUE(same_weights(one, again)) << options.threads;
  }
}

TEST(SeriesTraining, ResumedItEndsWithTheSameBits) {
  namespace fs = std::filesystem;
  const fs::path path = fs::temp_directory_path() / ("sluice-series-" + std::to_string(getpid()) + ".safetensors");
  TrainOptions options = small_options();
  Model whole = echo_model("lstm", 0.1);
  train(whole, echoes(400), options);
  for (const std::size_t stop_at : {5u, 37u}) {
    fs::remove(path);
    options.checkpoint = path.string();
    options.resume = false;
    Model part = echo_model("lstm", 0.1);
    std::size_t reports = 0;
    EXPECT_TRUE(train(part, echoes(400), options, [&](const Report&) { return ++reports < stop_at; }).stopped);
    options.resume = true;
    Model resumed = echo_model("lstm", 0.1);
    train(resumed, echoes(400), options);
    EXPECT_TRUE(same_weights(whole, resumed)) << stop_at;
    EXPECT_THAT(error_of(Status::bad_file, [&] { train(resumed, echoes(400, 2), options); }), HasSubstr("series = "));
  }
  fs::remove(path);
}

TEST(SeriesTraining, ALearningRateBeyondReasonEndsInAnError) {
  Model model = echo_model("rnn");
  TrainOptions options = small_options();
  options.optimizer = Optimizer::sgd;
  options.clip_norm = 0;
  options.learning_rate = 1e30;
  EXPECT_THAT(error_of(Status::diverged, [&] { train(model, echoes(400), options); }), HasSubstr("diverged"));
}

TEST(SeriesTraining, WhatDoesNotFitIsNamed) {
  Model model = echo_model(), text = test::small_model();
  const Series narrow = Series::forecast(std::vector<float>(100, 1.f));
  const TrainOptions options = small_options();
  EXPECT_THAT(error_of(Status::usage, [&] { train(model, narrow, options); }), HasSubstr("1 in and 1 out"));
  EXPECT_THAT(error_of(Status::usage, [&] { evaluate(model, narrow); }), HasSubstr("1 in and 2 out"));
  EXPECT_THAT(error_of(Status::usage, [&] { train(text, echoes(100), options); }), HasSubstr("found one of text"));
  EXPECT_THAT(error_of(Status::usage, [&] { evaluate(text, echoes(100)); }), HasSubstr("found one of text"));
  EXPECT_THAT(error_of(Status::usage, [&] { train(model, test::letters(100), options); }), HasSubstr("of numbers"));
  EXPECT_THAT(error_of(Status::usage, [&] { evaluate(model, test::letters(100)); }), HasSubstr("of numbers"));
  TrainOptions biased = options;
  biased.frequency_bias = true;
  EXPECT_THAT(error_of(Status::usage, [&] { train(model, echoes(100), biased); }), HasSubstr("frequency-bias"));
  EXPECT_THAT(error_of(Status::bad_file, [&] { train(model, echoes(5), options); }), HasSubstr("5 steps"));
  TrainOptions whole = options;
  whole.validation_split = 0;
  EXPECT_THAT(error_of(Status::bad_file, [&] { train(model, echoes(2), whole); }), HasSubstr("series too short"));
}

}  // namespace
}  // namespace sluice::series_test
