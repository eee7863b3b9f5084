// Training on many sequences: the order of the batches, what is learned, what does not matter, what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numeric>
#include <set>

#include "base/random.h"
#include "errors.h"
#include "formats/model_file.h"
#include "model/model_access.h"
#include "sluice/stream.h"
#include "sluice/train.h"
#include "train/windows.h"

namespace sluice::sequences_test {
namespace {

using test::error_of;
using ::testing::HasSubstr;

// Noise of which the label says whether the first step was above 0: whoever answers has to remember it.
Sequences remember(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  Sequences all;
  all.inputs = 2;
  all.classes = {"below", "above"};
  for (std::size_t s = 0; s < count; ++s) {
    const std::size_t length = 1 + random.below(12);
    all.starts.push_back(all.steps() + length);
    for (std::size_t i = 0; i < 2 * length; ++i) all.values.push_back(static_cast<float>(2 * random.uniform() - 1));
    all.labels.push_back(all.values[2 * all.starts[s]] > 0);
  }
  return all;
}

Config classifier(const std::string& cell = "gru", const std::string& direction = "forward",
                  const std::string& at = "last") {
  Config config;
  config.inputs = 2;
  config.outputs = 2;
  LayerConfig layer;
  layer.cell = cell;
  layer.units = 12;
  layer.direction = direction;
  config.stack = {layer};
  config.head.loss = "softmax";
  config.head.at = at;
  return config;
}

TrainOptions short_run() {
  TrainOptions options;
  options.epochs = 40;
  options.batch = 16;
  options.learning_rate = 0.02;
  options.threads = 2;
  return options;
}

bool same_weights(const Model& a, const Model& b) {
  return std::ranges::equal(network_of(a).parameters().all(), network_of(b).parameters().all());
}

TEST(Sequences, AClassIsLearned) {
  const Sequences training = remember(400, 1), test = remember(200, 2);
  for (const char* cell : {"gru", "lstm"}) {
    for (const char* direction : {"forward", "backward", "both"}) {
      for (const char* at : {"last", "mean", "max"}) {
        Model model(classifier(cell, direction, at), 3);
        const TrainResult result = train(model, training, short_run());
        EXPECT_FALSE(result.worse_than_guess);
        const SequenceEvaluation found = evaluate(model, test);
        EXPECT_EQ(found.rows, 200u);
        // A backward layer knows the first step only when it has come there, where a maximum over all steps hardly
        // looks.
        EXPECT_GT(found.accuracy, std::string(at) == "max" ? 0.75 : 0.9) << cell << ' ' << direction << ' ' << at;
      }
    }
  }
}

// With as many labels wrong as right, what is learned is what counts.
TEST(Sequences, WeightsSayHowMuchEachCounts) {
  const Sequences right = remember(300, 1), test = remember(200, 2);
  std::vector<std::size_t> twice(600);
  for (std::size_t i = 0; i < twice.size(); ++i) twice[i] = i / 2;
  Sequences both = select(right, twice);
  both.weights.assign(600, 1);
  for (std::size_t i = 1; i < 600; i += 2) {
    both.labels[i] = 1 - both.labels[i];
    both.weights[i] = 0;
  }
  Model model(classifier(), 3);
  train(model, both, short_run());
  EXPECT_GT(evaluate(model, test).accuracy, 0.9);
  // Those that count for nothing are no part of the mean; and equal weights change no bit.
  const double loss = evaluate(model, both).loss;
  EXPECT_NEAR(loss, evaluate(model, right).loss, 1e-6);
  Sequences even = right;
  even.weights.assign(300, 1);
  Model plain(classifier(), 3), weighted(classifier(), 3);
  TrainOptions options = short_run();
  options.epochs = 3;
  train(plain, right, options);
  train(weighted, even, options);
  EXPECT_TRUE(same_weights(plain, weighted));
  for (const std::vector<float>& bad : {std::vector<float>(299, 1.f), std::vector<float>(300, 0.f),
                                        std::vector<float>(300, -1.f), std::vector<float>(300, NAN)}) {
    even.weights = bad;
    EXPECT_THAT(error_of(Status::usage, [&] { train(weighted, even, options); }), HasSubstr("weight"));
  }
}

TEST(Sequences, TagsAreLearnedFromBothSides) {
  // The tag of a step is whether its token is the same as the next one.
  const auto make = [](std::uint64_t seed) {
    Random random(seed);
    Sequences all;
    all.labels_per_step = true;
    for (std::size_t s = 0; s < 200; ++s) {
      const std::size_t length = 1 + random.below(9);
      all.starts.push_back(all.steps() + length);
      for (std::size_t t = 0; t < length; ++t) all.tokens.push_back(static_cast<Token>(random.below(3)));
      for (std::size_t t = 0; t < length; ++t) {
        const std::size_t at = all.starts[s] + t;
        all.labels.push_back(t + 1 == length ? kIgnoredLabel : all.tokens[at] == all.tokens[at + 1]);
      }
    }
    return all;
  };
  const Sequences training = make(1), test = make(2);
  std::vector<std::string> names = {"<unk>", "a", "b"};
  for (const bool both : {false, true}) {
    Config config = classifier("gru", both ? "both" : "forward", "steps");
    config.inputs = 0;
    config.embedding = 8;
    Model model(config, Vocabulary({.level = Level::pretokenized}, names), 1);
    train(model, training, short_run());
    const SequenceEvaluation found = evaluate(model, test);
    EXPECT_EQ(found.rows, static_cast<std::size_t>(std::ranges::count_if(
                              test.labels, [](std::uint32_t label) { return label != kIgnoredLabel; })));
    if (both) {
      EXPECT_GT(found.accuracy, 0.99);
    } else {
      EXPECT_LT(found.accuracy, 0.8);  // it cannot know
    }
  }
}

TEST(Sequences, NumbersAreLearnedByEveryLoss) {
  // The mean and the spread of what follows depend on the last step.
  const auto make = [](std::uint64_t seed) {
    Random random(seed);
    Sequences all;
    all.inputs = 1;
    all.outputs = 1;
    for (std::size_t s = 0; s < 2000; ++s) {
      const std::size_t length = 1 + random.below(4);
      all.starts.push_back(all.steps() + length);
      for (std::size_t t = 0; t < length; ++t) all.values.push_back(static_cast<float>(random.uniform()));
      all.targets.push_back(all.values.back() * static_cast<float>(2 + random.normal() / 4));
    }
    return all;
  };
  const Sequences training = make(1), test = make(2);
  for (const char* loss : {"squared", "absolute", "huber", "quantiles", "normal", "poisson"}) {
    Config config = classifier();
    config.inputs = config.outputs = 1;
    config.head.loss = loss;
    if (config.head.loss == "quantiles") config.head.quantiles = {0.1, 0.5, 0.9};
    Model model(config, 1);
    const TrainResult result = train(model, training, short_run());
    EXPECT_FALSE(result.worse_than_guess) << loss << ' ' << result.validation_loss << ' ' << result.guess_loss;
    EXPECT_LT(evaluate(model, test).loss, result.guess_loss - 0.02) << loss;
    if (config.head.loss != "quantiles") continue;
    const std::vector<float> y = predict(model, test);
    ASSERT_EQ(y.size(), 3 * test.size());
    double below[3] = {};
    for (std::size_t s = 0; s < test.size(); ++s) {
      for (std::size_t k = 0; k < 3; ++k) below[k] += test.targets[s] < y[3 * s + k] ? 1. / 2000 : 0;
    }
    EXPECT_NEAR(below[0], 0.1, 0.05);
    EXPECT_NEAR(below[1], 0.5, 0.08);
    EXPECT_NEAR(below[2], 0.9, 0.05);
  }
}

TEST(Sequences, EveryPassReadsEachOnceInBatchesOfLikeLength) {
  const Sequences all = remember(1000, 5);
  const Network network(classifier(), 0, 1);
  SequenceWindows windows(all, network, 7, 9), in_order(all, network, 7);
  ASSERT_EQ(windows.count(), 143u);
  EXPECT_EQ(windows.rows(), 1000u);
  std::vector<std::vector<std::size_t>> passes;
  for (const std::uint64_t pass : {0u, 1u, 0u}) {
    std::vector<std::size_t> order;
    std::size_t spread = 0;
    for (std::size_t k = 0; k < windows.count(); ++k) {
      const Window window = windows.fill(k, pass);
      const auto batch = windows.sequences();
      order.insert(order.end(), batch.begin(), batch.end());
      ASSERT_TRUE(std::ranges::is_sorted(window.lengths, std::greater<>()));
      spread += window.lengths.front() - window.lengths.back();
      ASSERT_EQ(window.targets.tokens.size(), batch.size());
      for (std::size_t b = 0; b < batch.size(); ++b) {
        ASSERT_EQ(window.targets.tokens[b], all.labels[batch[b]]);
        ASSERT_EQ(window.inputs.numbers[2 * b], all.values[2 * all.starts[batch[b]]]);
      }
    }
    EXPECT_LT(spread, windows.count() * 2);  // drawn without a pool it would be 10 a window
    EXPECT_EQ(std::set(order.begin(), order.end()).size(), 1000u);
    passes.push_back(order);
  }
  EXPECT_NE(passes[0], passes[1]);
  EXPECT_EQ(passes[0], passes[2]);
  std::size_t longest = 12;
  for (std::size_t k = 0; k < in_order.count(); ++k) {
    EXPECT_LE(in_order.fill(k, k).lengths.front(), longest);
    longest = in_order.fill(k, k).lengths.back();
  }
}

TEST(Sequences, PredictionsDependNeitherOnNeighboursNorOnThreads) {
  const Sequences all = remember(60, 3);
  for (const char* at : {"last", "mean", "steps"}) {
    Model model(classifier("gru", "both", at), 4);
    const std::vector<float> expected = predict(model, all, 1, 1);
    ASSERT_EQ(expected.size(), 2 * (std::string(at) == "steps" ? all.steps() : all.size()));
    EXPECT_EQ(predict(model, all, 7, 3), expected);
    EXPECT_EQ(predict(model, all, 1000, 2), expected);
    const std::vector<std::size_t> which = {41, 3};
    const std::vector<float> two = predict(model, select(all, which), 8, 1);
    const auto rows_of = [&](std::size_t s) {
      const bool steps = std::string(at) == "steps";
      const std::size_t first = steps ? all.starts[s] : s, last = steps ? all.starts[s + 1] : s + 1;
      return std::vector<float>(expected.begin() + static_cast<std::ptrdiff_t>(2 * first),
                                expected.begin() + static_cast<std::ptrdiff_t>(2 * last));
    };
    std::vector<float> together = rows_of(41);
    const std::vector<float> second = rows_of(3);
    together.insert(together.end(), second.begin(), second.end());
    EXPECT_EQ(two, together);
  }
}

TEST(Sequences, ThreadsAndResumingDoNotChangeTheWeights) {
  const Sequences training = remember(100, 1);
  for (const char* direction : {"forward", "both"}) {
    Config config = classifier("lstm", direction, "max");
    config.stack.push_back(config.stack[0]);
    config.stack[0].units = 5;
    config.stack[0].dropout = 0.1;
    config.stack[1].initial_state = "learned";
    config.scaling = {{0.1, 0.2}, {0.5, 2}};
    TrainOptions options = short_run();
    options.epochs = 3;
    Model whole(config, 3), threads(config, 3), resumed(config, 3);
    train(whole, training, options);
    options.threads = 3;
    train(threads, training, options);
    EXPECT_TRUE(same_weights(whole, threads));
    std::string folder = ::testing::TempDir() + "sluice-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    options.checkpoint = folder + "/checkpoint";
    options.checkpoint_seconds = 0;
    std::size_t updates = 0;
    train(resumed, training, options,
          [&](const Report& report) { return report.kind != Report::Kind::update || ++updates < 15; });
    options.resume = true;
    EXPECT_FALSE(same_weights(whole, resumed));
    resumed = Model(config, 3);
    train(resumed, training, options);
    EXPECT_TRUE(same_weights(whole, resumed)) << direction;
    EXPECT_THAT(error_of(Status::bad_file, [&] { train(resumed, remember(100, 2), options); }),
                HasSubstr("sequences = "));
    std::filesystem::remove_all(folder);
  }
}

TEST(Sequences, ModelsOfEveryKindAreTheSameAfterAFile) {
  const Sequences all = remember(20, 6);
  for (const char* direction : {"forward", "backward", "both", "sum"}) {
    for (const char* at : {"last", "mean", "max", "steps"}) {
      for (const char* loss : {"softmax", "quantiles", "normal", "multilabel", "huber"}) {
        if (std::string(direction) == "sum" && std::string(at) == "last") continue;
        Config config = classifier("gru", direction, at);
        LayerConfig dense;
        dense.kind = "dense";
        dense.units = 3;
        config.stack.insert(config.stack.begin(), dense);
        config.head.loss = loss;
        config.stack[1].initial_state = "learned";
        config.scaling = {{0.25, -1e6}, {0.1, 3e5}};
        if (config.head.loss == "quantiles") config.head.quantiles = {0.25, 0.75};
        const bool numbers = config.head.loss != "softmax" && config.head.loss != "multilabel";
        if (numbers && (config.head.at == "steps" || config.head.at == "last")) config.head.residual = {1, 1};
        const Model model(config, 7);
        EXPECT_EQ(model.outputs(), config.head.loss == "quantiles" || config.head.loss == "normal" ? 4u : 2u);
        const std::string bytes = model_to_bytes(model);
        const Model again = model_from_bytes(bytes, "file");
        EXPECT_EQ(again.config().stack, config.stack);
        EXPECT_EQ(again.config().head, config.head);
        EXPECT_EQ(again.config().scaling, config.scaling);
        EXPECT_EQ(predict(again, all), predict(model, all));
        std::string damaged = bytes;
        const std::size_t digit = damaged.find("\\\"values\\\":[") + 12;
        damaged[digit] = damaged[digit] == '-' ? '1' : '-';
        EXPECT_THROW(model_from_bytes(damaged, "file"), Error) << direction << ' ' << at << ' ' << loss;
      }
    }
  }
}

TEST(Sequences, AHeadAfterTheLastStepStreams) {
  const Sequences all = remember(5, 8);
  const Model model(classifier("gru", "forward", "last"), 7);
  const std::vector<float> expected = predict(model, all);
  for (std::size_t s = 0; s < all.size(); ++s) {
    Stream stream(model);
    std::vector<float> y(all.length(s) * 2);
    ASSERT_TRUE(stream.feed(all.values_of(s), y));
    EXPECT_EQ(std::vector<float>(y.end() - 2, y.end()),
              std::vector<float>(expected.begin() + static_cast<std::ptrdiff_t>(2 * s),
                                 expected.begin() + static_cast<std::ptrdiff_t>(2 * s + 2)));
  }
  EXPECT_THROW(Stream(Model(classifier("gru", "both", "last"), 1)), Error);
  EXPECT_THROW(Stream(Model(classifier("gru", "forward", "mean"), 1)), Error);
}

// In training that is the gradient's part (tests/model/parts_test.cc).
TEST(Sequences, TargetsThatAreMissingCountForNothing) {
  Random random(3);
  Sequences all;
  all.inputs = 2;
  all.outputs = 2;
  std::vector<std::size_t> there;
  for (std::size_t s = 0; s < 20; ++s) {
    all.starts.push_back(all.steps() + 1);
    for (int i = 0; i < 2; ++i) all.values.push_back(static_cast<float>(random.uniform()));
    const bool missing = s % 3 == 0;
    if (!missing) there.push_back(s);
    for (int i = 0; i < 2; ++i) all.targets.push_back(missing ? NAN : static_cast<float>(random.uniform()));
  }
  for (const char* loss : {"squared", "absolute", "huber", "quantiles", "normal", "poisson"}) {
    Config config = classifier();
    config.head.loss = loss;
    if (config.head.loss == "quantiles") config.head.quantiles = {0.1, 0.5, 0.9};
    Model model(config, 1);
    const SequenceEvaluation some = evaluate(model, all), others = evaluate(model, select(all, there));
    EXPECT_EQ(some.rows, there.size()) << loss;
    EXPECT_NEAR(some.loss, others.loss, 1e-12) << loss;
    EXPECT_FALSE(train(model, all, short_run()).worse_than_guess) << loss;
  }
  Config config = classifier();
  config.head.loss = "multilabel";
  EXPECT_THAT(error_of(Status::usage, [&] { evaluate(Model(config, 1), all); }),
              HasSubstr("targets that are labels from 0 to 1"));
  std::ranges::fill(all.targets, NAN);
  config.head.loss = "squared";
  EXPECT_THAT(error_of(Status::usage, [&] { evaluate(Model(config, 1), all); }), HasSubstr("a target or more"));
}

TEST(Sequences, WhatDoesNotSuitIsNamed) {
  Model model(classifier(), 1);
  const auto refused = [&](auto&& change) {
    Sequences all = remember(10, 1);
    change(all);
    const std::string text = error_of(Status::usage, [&] { evaluate(model, all); });
    EXPECT_EQ(error_of(Status::usage, [&] { train(model, all, short_run()); }), text);
    return text;
  };
  EXPECT_EQ(refused([](Sequences& all) { all = Sequences(); }), "sequences: expected 1 sequence or more, found none");
  EXPECT_THAT(refused([](Sequences& all) { all.inputs = 3; }), HasSubstr("expected 2 numbers a step, found 3"));
  EXPECT_THAT(refused([](Sequences& all) { all.starts[1] = 0; }), HasSubstr("an empty one, number 1"));
  EXPECT_THAT(refused([](Sequences& all) { all.values.pop_back(); }), HasSubstr("numbers for"));
  EXPECT_THAT(refused([](Sequences& all) { all.values[4] = NAN; }),
              HasSubstr("finite numbers, found another at step 3"));
  EXPECT_THAT(refused([](Sequences& all) { all.labels[1] = 2; }), HasSubstr("labels below 2, found 2"));
  EXPECT_THAT(refused([](Sequences& all) { all.labels.pop_back(); }), HasSubstr("10 labels, found 9"));
  EXPECT_THAT(refused([](Sequences& all) { all.labels_per_step = true; }), HasSubstr("a label for every sequence"));
  EXPECT_THAT(refused([](Sequences& all) { std::ranges::fill(all.labels, kIgnoredLabel); }),
              HasSubstr("a label or more that counts, found none"));
  TrainOptions options = short_run();
  options.state_reset = 0.1;
  EXPECT_THAT(error_of(Status::usage, [&] { train(model, remember(10, 1), options); }), HasSubstr("state-reset"));
  EXPECT_THAT(error_of(Status::usage, [&] { select(remember(10, 1), std::vector<std::size_t>{10}); }),
              HasSubstr("one of 10 sequences"));
}

}  // namespace
}  // namespace sluice::sequences_test
