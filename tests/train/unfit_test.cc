// Data and networks that do not fit each other: each is refused with a sentence, and none is read past its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "errors.h"
#include "sluice/stream.h"
#include "train/training.h"

namespace sluice::unfit_test {
namespace {

using test::error_of;
using test::small_model;
using test::small_options;
using testing::HasSubstr;

Config of_numbers(const std::string& loss, const std::string& at = "steps", const std::string& direction = "forward") {
  Config config;
  config.inputs = 1;
  config.outputs = 1;
  LayerConfig layer;
  layer.cell = "gru";
  layer.units = 4;
  layer.direction = direction;
  config.stack = {layer};
  config.head.loss = loss;
  config.head.at = at;
  return config;
}

Sequences labelled(std::vector<std::uint32_t> labels) {
  Sequences all;
  all.inputs = 1;
  all.classes = {"a", "b"};
  for (std::size_t s = 0; s < labels.size(); ++s) {
    all.starts.push_back(s + 1);
    all.values.push_back(static_cast<float>(s) / 8);
  }
  all.labels = std::move(labels);
  return all;
}

TEST(Unfit, ASeriesNeedsNumbersAtEveryStepByLayersThatReadForward) {
  const Series series = Series::forecast(std::vector<float>(40, 0.5f));
  const auto refused = [&](const Config& config) {
    Model model(config, 1);
    const std::string text = error_of(Status::usage, [&] { evaluate(model, series, 1, 1); });
    EXPECT_EQ(error_of(Status::usage, [&] { train(model, series, small_options()); }), text);
    return text;
  };
  EXPECT_THAT(refused(of_numbers("softmax")), HasSubstr("a model that predicts numbers"));
  EXPECT_THAT(refused(of_numbers("squared", "last")), HasSubstr("at every step"));
  EXPECT_THAT(refused(of_numbers("squared", "mean")), HasSubstr("at every step"));
  for (const char* direction : {"backward", "both", "sum"}) {
    EXPECT_THAT(refused(of_numbers("squared", "steps", direction)), HasSubstr("layers that read forward"));
  }
  Model counts(of_numbers("poisson"), 1);
  EXPECT_THAT(error_of(Status::usage,
                       [&] {
                         evaluate(counts, Series::forecast({1, 2, -3, 4}), 1, 1);
                       }),
              HasSubstr("counts of 0 or more, found -3 in row 2"));
}

TEST(Unfit, ClassWeightsAreOneForEachTokenAndNotAllZero) {
  Config config{.cell = "gru", .hidden = 4};
  config.head.loss = "softmax";
  config.head.class_weights = {1, 2};
  EXPECT_THAT(error_of(Status::usage, [&] { small_model(config); }), HasSubstr("for each of 6 tokens, found 2"));
  config.head.class_weights = {1, 2, 1, 2, 1, 2};
  EXPECT_EQ(small_model(config).config().head.class_weights.size(), 6u);
  config.head.class_weights.assign(6, 0);
  EXPECT_THAT(error_of(Status::usage, [&] { small_model(config); }), HasSubstr("one above 0"));
}

TEST(Unfit, AModelOfTextHasATokenOrMoreAndKnowsWhatItReads) {
  EXPECT_THAT(error_of(Status::usage, [] { Model({.hidden = 4}, Vocabulary()); }), HasSubstr("vocabulary"));
  const Model model = small_model();
  const std::vector<Token> unknown = {1, 6, 2}, last = {1, 2, 6};
  for (const std::vector<Token>& tokens : {unknown, last}) {
    EXPECT_THAT(error_of(Status::usage, [&] { model.score(tokens); }), HasSubstr("tokens below 6, found 6"));
    EXPECT_THAT(error_of(Status::usage, [&] { model.trace(tokens); }), HasSubstr("tokens below 6, found 6"));
  }
}

TEST(Unfit, SequencesThatAreNotThereCannotBeSelected) {
  Sequences all = labelled({0, 1, 0});
  const std::vector<std::size_t> last = {2};
  EXPECT_EQ(select(all, last).values.size(), 1u);
  all.starts = {0, 1, 2, 900};
  EXPECT_THAT(error_of(Status::usage, [&] { select(all, last); }), HasSubstr("rows up to 3"));
  all.starts = {0, 1, 3, 2};
  EXPECT_THAT(error_of(Status::usage, [&] { select(all, last); }), HasSubstr("ascending"));
}

TEST(Unfit, SomethingMustCount) {
  Config config = of_numbers("softmax", "last");
  config.outputs = 2;
  config.head.class_weights = {0, 1};
  EXPECT_THAT(error_of(Status::usage,
                       [&] {
                         evaluate(Model(config, 1), labelled({0, 0, 0}));
                       }),
              HasSubstr("a label or more that counts"));
  EXPECT_EQ(evaluate(Model(config, 1), labelled({0, 1, 0})).rows, 3u);
  config.head.class_weights.clear();
  Sequences all = labelled({0, 1, 0});
  all.weights = {1e-45f, 0, 0};
  EXPECT_THAT(error_of(Status::usage, [&] { evaluate(Model(config, 1), all); }), HasSubstr("a weight above 0"));
}

TEST(Unfit, NumbersAreAddedOnlyToNumbersOfTheirKind) {
  for (const char* loss : {"poisson", "multilabel", "softmax"}) {
    Config config = of_numbers(loss);
    config.head.residual = {0};
    EXPECT_THAT(error_of(Status::usage, [&] { Model(config, 1); }), HasSubstr("residual")) << loss;
  }
}

TEST(Unfit, NumbersThatAreNoneAreNamed) {
  Config config{.hidden = 4};
  config.dropout = std::nan("");
  EXPECT_THAT(error_of(Status::usage, [&] { small_model(config); }), HasSubstr("found nan"));
  config.dropout = -INFINITY;
  EXPECT_THAT(error_of(Status::usage, [&] { small_model(config); }), HasSubstr("found -inf"));
}

// What a stream gives follows from what is predicted, and not from what is read.
TEST(Outputs, AreProbabilitiesWhereClassesArePredicted) {
  const Vocabulary letters = small_model().vocabulary();
  const auto config_of = [](const std::string& loss) {
    Config config{.cell = "gru", .hidden = 4, .outputs = 3};
    config.head.loss = loss;
    return config;
  };
  Stream numbers(Model(config_of("squared"), letters, 1)), classes(Model(config_of("softmax"), letters, 1));
  for (Stream* stream : {&numbers, &classes}) {
    stream->step(1);
    EXPECT_EQ(stream->output().size(), 3u);
    EXPECT_THROW(stream->sample({}, 0.5), Error);
  }
  EXPECT_TRUE(numbers.probabilities().empty());
  EXPECT_TRUE(numbers.top(2).empty());
  EXPECT_THAT(classes.probabilities(), testing::ElementsAreArray(classes.output()));
  Config config = config_of("softmax");
  config.inputs = 1;
  Stream read(Model(config, 1));
  read.step(std::vector<float>{1});
  EXPECT_THAT(read.probabilities(), testing::ElementsAreArray(read.output()));
  Stream language(small_model());
  language.step(1);
  EXPECT_TRUE(language.output().empty());
  EXPECT_EQ(language.probabilities().size(), 6u);
}

// The loss of an epoch is the mean over what counts, as evaluate() has it, however it is spread over the batches.
TEST(TrainLoss, IsOfWhatCounts) {
  Config config = of_numbers("softmax", "last");
  config.outputs = 2;
  TrainOptions options = small_options();
  options.epochs = 1;
  options.batch = 1;
  options.learning_rate = 1e-12;
  options.validation_split = 0;
  std::vector<std::uint32_t> labels;
  for (std::uint32_t s = 0; s < 20; ++s) labels.push_back(s % 2 == 0 ? kIgnoredLabel : s / 2 % 2);
  Sequences all = labelled(labels);
  Model model(config, 1);
  EXPECT_NEAR(train(model, all, options).train_loss, evaluate(model, all).loss, 1e-5);
  for (std::size_t s = 0; s < 20; ++s) all.weights.push_back(s % 4 == 1 ? 1.f : 0.01f);
  EXPECT_NEAR(train(model, all, options).train_loss, evaluate(model, all).loss, 1e-5);
}

// Without validation the loss at the end is measured where it is near that of a guess.
TEST(TrainLoss, OfTheEndSaysWhetherAGuessIsBetter) {
  Config config = of_numbers("softmax", "last");
  config.outputs = 2;
  TrainOptions options = small_options();
  options.epochs = 1;
  options.batch = 1;
  options.validation_split = 0;
  // The last labels of the epoch's order are as the first weights have it, so the loss of the last updates is low.
  std::vector<std::uint32_t> labels;
  for (std::uint32_t s = 0; s < 20; ++s) labels.push_back(s % 2);
  const Sequences all = labelled(labels);
  Model model(config, 1);
  const TrainResult result = train(model, all, options);
  const double loss = evaluate(model, all).loss;
  EXPECT_EQ(result.worse_than_guess, !(loss < result.guess_loss)) << loss << ' ' << result.guess_loss;
}

}  // namespace
}  // namespace sluice::unfit_test
