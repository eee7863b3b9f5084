// The training loop: what it computes, what it reports, when it stops, and the guard.
#include "train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "model/model_access.h"
#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/training.h"

namespace sluice::trainer_test {
namespace {

using test::letters;
using test::of_kind;
using test::run;
using test::same_weights;
using test::small_model;
using test::small_options;
using test::tensor;
using test::Training;
using testing::HasSubstr;
using Kind = Report::Kind;

// The loop once more, without anything around it: the state is carried from window to window, starts empty in each
// epoch, and the short window at the end counts.
TEST(Trainer, IsTheLoopItClaimsToBe) {
  const Corpus corpus = letters(500);
  TrainOptions options = small_options();
  options.validation_split = 0;
  options.weight_decay = 0.01;
  options.clip_norm = 0.1;  // below the norms that occur
  const Config config = {.cell = "lstm", .layers = 2, .hidden = 6, .dropout = 0.2, .input_dropout = 0.1};
  const Training trained = run(small_model(config), corpus, options);

  Model expected = small_model(config);
  Network& network = network_of(expected);
  const Batches batches(corpus.tokens(), options.batch, options.steps);
  ASSERT_LT(batches.steps_of(batches.windows() - 1), options.steps) << "the text must have a tail";
  Team team(1);
  Workspace workspace;
  Gradients gradients(network.parameters());
  std::vector<Parameters> moments = fresh_moments(options, network.parameters());
  std::vector<Token> inputs, targets;
  std::uint64_t update = 0;
  std::vector<double> losses;
  for (std::size_t epoch = 0; epoch < options.epochs; ++epoch) {
    State state = network.initial_state(options.batch);
    for (std::size_t k = 0; k < batches.windows(); ++k, ++update) {
      batches.window(k, inputs, targets);
      losses.push_back(network.train({inputs, targets, batches.steps_of(k), options.batch}, {options.seed, update},
                                     state, gradients, workspace, team));
      const double rate = learning_rate_at(options, update, options.epochs * batches.windows());
      apply_update(options, update, rate, clip_factor(options.clip_norm, global_norm(gradients, team)), gradients,
                   moments, network.parameters(), team);
      network.pack(team);
    }
  }
  EXPECT_TRUE(same_weights(trained.model, expected));
  const std::vector<Report> updates = of_kind(trained.reports, Kind::update);
  ASSERT_EQ(updates.size(), losses.size());
  for (std::size_t i = 0; i < losses.size(); ++i) EXPECT_EQ(updates[i].loss, losses[i]) << "update " << i;
}

TEST(Trainer, Learns) {
  const Corpus corpus = letters(3000);
  TrainOptions options = small_options();
  options.epochs = 12;
  const Training trained = run(small_model({.cell = "gru", .hidden = 24}), corpus, options);
  // Chance is log(5) = 1.61 nats; knowing the rule leaves 0.92 * log(1 / 0.92) + 0.08 * log(4 / 0.08) = 0.39.
  EXPECT_LT(trained.result.validation_loss, 0.75);
  EXPECT_LT(trained.result.train_loss, 0.75);
}

TEST(Trainer, ReportsWhatItDoes) {
  const Corpus corpus = letters(500);
  const TrainOptions options = small_options();
  const Training trained = run(small_model(), corpus, options);
  const std::uint64_t windows = 22, tokens = 149 * 3;
  const std::vector<Report> updates = of_kind(trained.reports, Kind::update);
  ASSERT_EQ(updates.size(), 3 * windows);
  for (std::size_t i = 0; i < updates.size(); ++i) {
    EXPECT_EQ(updates[i].update, i + 1);
    EXPECT_EQ(updates[i].updates, 3 * windows);
    EXPECT_EQ(updates[i].epoch, i / windows + 1);
    EXPECT_EQ(updates[i].epochs, 3u);
    EXPECT_DOUBLE_EQ(updates[i].learning_rate, learning_rate_at(options, i, 3 * windows));
    EXPECT_GT(updates[i].gradient_norm, 0);
    EXPECT_GT(updates[i].tokens_per_second, 0);
    EXPECT_GE(updates[i].seconds_left, 0);
  }
  EXPECT_EQ(updates.back().tokens, 3 * tokens);
  const std::vector<Report> validations = of_kind(trained.reports, Kind::validation);
  ASSERT_EQ(validations.size(), 3u);
  double sum = 0;
  for (std::size_t i = 2 * windows; i < 3 * windows; ++i) {
    sum += updates[i].loss * static_cast<double>(updates[i].tokens - updates[i - 1].tokens);
  }
  EXPECT_NEAR(validations[2].loss, sum / static_cast<double>(tokens), 1e-12);
  EXPECT_EQ(validations[2].epoch, 3u);
  EXPECT_EQ(trained.reports.back().kind, Kind::done);
  EXPECT_EQ(trained.reports.back().validation_loss, trained.result.validation_loss);
  EXPECT_EQ(trained.result.updates, 3 * windows);
  EXPECT_EQ(trained.result.tokens, 3 * tokens);
  EXPECT_EQ(trained.result.epochs, 3u);
  EXPECT_EQ(trained.result.train_loss, validations[2].loss);
  EXPECT_FALSE(trained.result.stopped);
  EXPECT_FALSE(trained.result.stopped_early);
}

TEST(Trainer, ValidatesOnTheLastShareOfTheText) {
  const Corpus corpus = letters(500);
  const Training trained = run(small_model(), corpus, small_options());
  EXPECT_EQ(evaluate(trained.model, corpus.slice(450, 500), 3, 1).nats_per_token, trained.result.validation_loss);
  // The same with that share as a text of its own.
  Model other = small_model();
  train(other, corpus.slice(0, 450), corpus.slice(450, 500), small_options());
  EXPECT_TRUE(same_weights(trained.model, other));
}

TEST(Trainer, HasTheSameBitsForAnyNumberOfThreads) {
  const Corpus corpus = letters(200);
  const Config config = {.cell = "gru", .layers = 2, .hidden = 20, .dropout = 0.3};
  TrainOptions options = small_options();
  options.batch = 5;
  options.epochs = 2;
  const Training one = run(small_model(config), corpus, options);
  for (const std::size_t threads : {2u, 3u, 4u}) {
    options.threads = threads;
    const Training more = run(small_model(config), corpus, options);
    EXPECT_TRUE(same_weights(one.model, more.model)) << threads << " threads";
    EXPECT_EQ(one.result.validation_loss, more.result.validation_loss);
    EXPECT_EQ(one.result.train_loss, more.result.train_loss);
  }
}

TEST(Trainer, KeepsTheAverageOfTheWeights) {
  const Corpus corpus = letters(500);
  TrainOptions options = small_options();
  options.validation_split = 0;
  options.epochs = 1;
  const std::size_t windows = Batches(corpus.tokens(), options.batch, options.steps).windows();
  // The weights after each update, from runs that stop there: without cosine no update depends on how many follow.
  options.schedule = Schedule::constant;
  Team team(1);
  Parameters expected = network_of(small_model()).parameters();
  for (std::size_t t = 0; t < windows; ++t) {
    Model model = small_model();
    TrainOptions until = options;
    std::size_t updates = 0;
    Parameters after;
    train(model, corpus, until, [&](const Report& r) {
      if (r.kind == Kind::update && updates++ == t) after = network_of(model).parameters();
      return true;
    });
    const double d = std::min(0.9, (1 + static_cast<double>(t)) / (10 + static_cast<double>(t)));
    for (std::size_t i = 0; i < expected.all().size(); ++i) {
      const double before = static_cast<double>(expected.all()[i]), w = static_cast<double>(after.all()[i]);
      expected.all()[i] = static_cast<float>(d * before + (1 - d) * w);
    }
  }
  options.ema_decay = 0.9;
  const Training trained = run(small_model(), corpus, options);
  const std::span<const float> found = network_of(trained.model).parameters().all();
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected.all()[i], 1e-5) << i;

  // With a validation text it is the average that is validated and kept, and training goes on from the weights.
  options.validation_split = 0.1;
  options.epochs = 3;
  const Training averaged = run(small_model(), corpus, options);
  EXPECT_EQ(evaluate(averaged.model, corpus.slice(450, 500), 3, 1).nats_per_token, averaged.result.validation_loss);
  options.ema_decay = 0;
  const Training plain = run(small_model(), corpus, options);
  EXPECT_FALSE(same_weights(averaged.model, plain.model));
  EXPECT_EQ(averaged.result.train_loss, plain.result.train_loss);
}

// Near float32 and not it; and what comes out is a model in float32, whose loss is what was validated.
TEST(Trainer, TrainsInBf16) {
  const Corpus corpus = letters(2000);
  TrainOptions options = small_options();
  const Training floats = run(small_model(), corpus, options);
  options.precision = Precision::bf16;
  const Training rounded = run(small_model(), corpus, options);
  EXPECT_EQ(rounded.model.precision(), Precision::f32);
  EXPECT_FALSE(same_weights(floats.model, rounded.model));
  EXPECT_NEAR(rounded.result.train_loss, floats.result.train_loss, 0.01);
  EXPECT_EQ(evaluate(rounded.model, corpus.slice(1800, 2000), 3, 1).nats_per_token, rounded.result.validation_loss);
  options.threads = 3;
  EXPECT_TRUE(same_weights(run(small_model(), corpus, options).model, rounded.model));
}

// An output layer that is far too sure of itself, or too unsure, comes back to the loss of one that is not.
TEST(Trainer, CalibratesTheOutput) {
  const Corpus corpus = letters(2000);
  TrainOptions options = small_options();
  options.calibrate_temperature = true;
  Training calibrated = run(small_model(), corpus, options);
  options.calibrate_temperature = false;
  const Training plain = run(small_model(), corpus, options);
  const double loss = calibrated.result.validation_loss;
  EXPECT_LT(loss, plain.result.validation_loss);
  const auto scaled_loss = [&](const Model& from, float factor) {
    Model model = from;
    for (const char* name : {"head.weight", "head.bias"}) {
      for (float& weight : tensor(model, name)) weight *= factor;
    }
    Team team(1);
    network_of(model).pack(team);
    return evaluate(model, corpus.slice(1800, 2000), 3, 1).nats_per_token;
  };
  EXPECT_EQ(scaled_loss(calibrated.model, 1), loss);
  for (const float factor : {0.5f, 0.7f, 0.9f, 0.95f, 1.05f, 1.1f, 1.3f, 1.5f}) {
    EXPECT_GT(scaled_loss(calibrated.model, factor), loss) << factor;
  }
}

TEST(Trainer, DoesNotCalibrateTiedWeights) {
  Model model = small_model({.cell = "gru", .hidden = 10, .tied = true});
  TrainOptions options = small_options();
  options.calibrate_temperature = true;
  EXPECT_THROW(train(model, letters(500), options), Error);
}

// Shown by the loss, which depends on the state: with reset 1 the second window is read as if it came first.
TEST(Trainer, BeginsTheBiasAtHowFrequentTokensAre) {
  // Each token by itself, half of them the first: nothing is to be learned but how frequent they are.
  Random random(9);
  std::vector<Token> tokens;
  std::vector<double> counts(6, 0);
  for (std::size_t i = 0; i < 3000; ++i) {
    Token token = 1;
    while (token < 5 && random.uniform() < 0.5) ++token;
    tokens.push_back(token);
    ++counts[token];
  }
  const Corpus corpus = Corpus::from_tokens(std::move(tokens), letters(3).vocabulary());
  double entropy = 0;
  for (const double count : counts) entropy -= count > 0 ? count / 3000 * std::log(count / 3000) : 0;
  TrainOptions options = small_options();
  options.epochs = 1;
  options.validation_split = 0;
  options.learning_rate = 1e-9;
  EXPECT_GT(run(small_model(), corpus, options).result.train_loss, entropy + 0.3);
  options.frequency_bias = true;
  Training with = run(small_model(), corpus, options);
  EXPECT_NEAR(with.result.train_loss, entropy, 0.05);
  for (const Token token : {1u, 5u}) {
    EXPECT_NEAR(tensor(with.model, "head.bias")[token], std::log((counts[token] + 0.5) / 3003), 1e-5);
  }
  EXPECT_TRUE(std::isfinite(tensor(with.model, "head.bias")[0])) << "a token that does not occur";
  // What a bias has learned stays.
  Model trained = small_model();
  tensor(trained, "head.bias")[2] = 0.25f;
  Training again = run(trained, corpus, options);
  EXPECT_NEAR(tensor(again.model, "head.bias")[2], 0.25, 1e-5);
}

TEST(Trainer, BeginsWindowsWithAnEmptyStateWhenToldTo) {
  const Corpus corpus = letters(500);
  TrainOptions options = small_options();
  options.validation_split = 0;
  options.learning_rate = 1e-30;  // the weights stay what they are
  const Batches batches(corpus.tokens(), options.batch, options.steps);
  const Model model = small_model();
  Team team(1);
  Workspace workspace;
  std::vector<Token> inputs, targets;
  batches.window(1, inputs, targets);
  std::vector<float> nats(inputs.size());
  State state = model.initial_state(options.batch);
  network_of(model).score({inputs, targets, options.steps, options.batch}, state, nats, {}, workspace, team);
  double fresh = 0;
  for (const float n : nats) fresh += static_cast<double>(n) / static_cast<double>(nats.size());

  const auto second_loss = [&](double reset, std::uint64_t seed) {
    options.state_reset = reset;
    options.seed = seed;
    return of_kind(run(small_model(), corpus, options).reports, Kind::update)[1].loss;
  };
  const double carried = second_loss(0, 1);
  EXPECT_NEAR(second_loss(1, 1), fresh, 1e-6);
  EXPECT_GT(std::abs(carried - fresh), 1e-4);
  EXPECT_EQ(second_loss(0.001, 1), carried);
  // Half: some of the streams, and others with another seed.
  EXPECT_NE(second_loss(0.5, 1), second_loss(0.5, 2));
}

TEST(Trainer, TheSeedMattersOnlyToDropout) {
  const Corpus corpus = letters(300);
  TrainOptions first = small_options(), second = first;
  second.seed = 2;
  EXPECT_TRUE(same_weights(run(small_model(), corpus, first).model, run(small_model(), corpus, second).model));
  const Config dropping = {.cell = "gru", .hidden = 10, .dropout = 0.3};
  EXPECT_FALSE(
      same_weights(run(small_model(dropping), corpus, first).model, run(small_model(dropping), corpus, second).model));
}

// Noise as the training text: the network learns it by heart and gets worse on other noise.
TEST(Trainer, StopsEarlyAndKeepsTheBestModel) {
  TrainOptions options = small_options();
  options.epochs = 200;
  options.patience = 4;
  options.schedule = Schedule::constant;
  const Corpus training = letters(120, 1, 1), validation = letters(200, 2, 1);
  Model model = small_model({.cell = "gru", .hidden = 32});
  std::vector<double> losses;
  const TrainResult result = train(model, training, validation, options, [&](const Report& r) {
    if (r.kind == Kind::validation) losses.push_back(r.validation_loss);
    return true;
  });
  EXPECT_TRUE(result.stopped_early);
  const auto best = std::ranges::min_element(losses);
  EXPECT_EQ(losses.end() - best, 5) << "four validations after the best one";
  EXPECT_EQ(result.validation_loss, *best);
  EXPECT_EQ(result.epochs, losses.size());
  EXPECT_EQ(evaluate(model, validation, options.batch, 1).nats_per_token, *best);
}

TEST(Trainer, ThePlateauScheduleCutsTheRate) {
  TrainOptions options = small_options();
  options.epochs = 30;
  options.schedule = Schedule::plateau;
  options.plateau_factor = 0.5;
  const Corpus training = letters(120, 1, 1), validation = letters(200, 2, 1);
  Model model = small_model({.cell = "gru", .hidden = 32});
  double rate = options.learning_rate, best = std::numeric_limits<double>::infinity();
  train(model, training, validation, options, [&](const Report& r) {
    if (r.kind == Kind::update) {
      EXPECT_EQ(r.learning_rate, rate);
    }
    if (r.kind == Kind::validation) {
      if (r.validation_loss >= best) rate /= 2;
      best = std::min(best, r.validation_loss);
    }
    return true;
  });
  EXPECT_LT(rate, options.learning_rate / 8);
}

// A relu network with a large step: its recurrent weights grow beyond what 30 steps can bear.
TrainOptions explosive(double rate) {
  TrainOptions options = small_options();
  options.steps = 30;
  options.optimizer = Optimizer::sgd;
  options.schedule = Schedule::constant;
  options.clip_norm = 0;
  options.learning_rate = rate;
  return options;
}
const Config kRelu = {.cell = "rnn", .hidden = 10, .activation = "relu"};

TEST(Guard, GoesBackWithHalfTheRateAndSaysSo) {
  const Corpus corpus = letters(500);
  const TrainOptions options = explosive(8);
  const Training trained = run(small_model(kRelu), corpus, options);
  const std::vector<Report> recoveries = of_kind(trained.reports, Kind::recovery);
  ASSERT_GE(recoveries.size(), 1u);
  EXPECT_THAT(recoveries[0].message, HasSubstr("half the learning rate"));
  double rate = options.learning_rate;
  std::uint64_t update = 0;
  for (const Report& r : trained.reports) {
    if (r.kind == Kind::recovery) {
      rate /= 2;
      EXPECT_LE(r.update, update);
      update = r.update;
    } else if (r.kind == Kind::update) {
      EXPECT_EQ(r.learning_rate, rate);
      EXPECT_TRUE(std::isfinite(r.loss) && std::isfinite(r.gradient_norm));
      EXPECT_EQ(r.update, update + 1);
      update = r.update;
    }
  }
  EXPECT_EQ(trained.result.epochs, 3u);
  for (const float weight : network_of(trained.model).parameters().all()) ASSERT_TRUE(std::isfinite(weight));
  EXPECT_TRUE(std::isfinite(trained.result.validation_loss));
}

TEST(Guard, HasTheSameBitsForAnyNumberOfThreads) {
  const Corpus corpus = letters(500);
  TrainOptions options = explosive(8);
  const Training one = run(small_model(kRelu), corpus, options);
  options.threads = 3;
  EXPECT_TRUE(same_weights(one.model, run(small_model(kRelu), corpus, options).model));
}

std::string divergence(Model& model, const TrainOptions& options, std::size_t* recoveries = nullptr) {
  try {
    train(model, letters(500), options, [&](const Report& r) {
      if (recoveries != nullptr) *recoveries += r.kind == Kind::recovery;
      return true;
    });
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::diverged);
    return error.what();
  }
  ADD_FAILURE() << "did not diverge";
  return {};
}

TEST(Guard, GivesUpWhenSmallerStepsDoNotHelp) {
  Model model = small_model(kRelu);
  std::size_t recoveries = 0;
  const std::string message = divergence(model, explosive(1e6), &recoveries);
  EXPECT_EQ(recoveries, 8u);
  EXPECT_THAT(message, HasSubstr("training diverged after update "));
  EXPECT_THAT(message, HasSubstr("try a much lower learning rate"));
  EXPECT_TRUE(same_weights(model, small_model(kRelu))) << "the last good weights are left: here the first";
}

TEST(Guard, DoesNotTryWhereNoStepWasMade) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Model model = small_model();
    network_of(model).parameters()[1][0] = bad;
    std::size_t recoveries = 0;
    EXPECT_THAT(divergence(model, small_options(), &recoveries), HasSubstr("after update 0 "));
    EXPECT_EQ(recoveries, 0u);
  }
}

TEST(Guard, AnInfiniteLossWithAFiniteGradientIsNoGradient) {
  Model model = small_model();
  std::ranges::fill(tensor(model, "head.bias"), -3e38f);
  tensor(model, "head.bias")[0] = 3e38f;
  EXPECT_THAT(divergence(model, small_options()), HasSubstr("the loss is infinite"));
}

TEST(Guard, AGradientWhoseSquareIsNoFloatIsNoGradient) {
  Model model = small_model();
  for (float& weight : tensor(model, "head.weight")) weight *= 1e25f;
  EXPECT_THAT(divergence(model, small_options()), HasSubstr("the gradient's norm is too large, "));
}

// No letter is <unk>, so its row never shows in a loss.
TEST(Guard, AWeightThatIsNotFiniteIsSeenEvenWhereItIsNotUsed) {
  Model model = small_model();
  tensor(model, "embedding.weight")[0] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(divergence(model, small_options()), HasSubstr("after update 0 (epoch 1): a weight is not finite"));
}

// One window, one update, and nothing after it that would show what it did.
TEST(Guard, LooksAtTheWeightsOfTheLastUpdate) {
  TrainOptions options = explosive(3e38);
  options.epochs = 1;
  options.steps = 200;
  options.validation_split = 0;
  Model model = small_model(kRelu);
  for (float& weight : tensor(model, "embedding.weight")) weight *= 6;
  const Training trained = run(std::move(model), letters(500), options);
  const std::vector<Report> recoveries = of_kind(trained.reports, Kind::recovery);
  ASSERT_GE(recoveries.size(), 1u);
  EXPECT_THAT(recoveries[0].message, HasSubstr("after update 1 (epoch 1): a weight is not finite"));
  for (const float weight : network_of(trained.model).parameters().all()) ASSERT_TRUE(std::isfinite(weight));
}

Status refusal(const Corpus& corpus, const std::function<void(TrainOptions&)>& change, const std::string& names) {
  TrainOptions options = small_options();
  change(options);
  Model model = small_model();
  try {
    train(model, corpus, options);
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(names));
    EXPECT_TRUE(same_weights(model, small_model())) << "nothing was trained";
    return error.status();
  }
  ADD_FAILURE() << "was accepted: " << names;
  return Status::failed;
}

TEST(Options, OutOfRangeAreRefusedByName) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::pair<const char*, std::function<void(TrainOptions&)>> bad[] = {
      {"epochs", [](TrainOptions& o) { o.epochs = 0; }},
      {"batch", [](TrainOptions& o) { o.batch = 0; }},
      {"steps", [](TrainOptions& o) { o.steps = 0; }},
      {"steps", [](TrainOptions& o) { o.steps = std::numeric_limits<std::size_t>::max(); }},
      {"threads", [](TrainOptions& o) { o.threads = 1u << 20; }},
      {"learning-rate", [](TrainOptions& o) { o.learning_rate = 0; }},
      {"learning-rate", [&](TrainOptions& o) { o.learning_rate = nan; }},
      {"momentum", [](TrainOptions& o) { o.momentum = 0.9; }},
      {"momentum", [](TrainOptions& o) { o.optimizer = Optimizer::sgd, o.momentum = 1; }},
      {"nesterov", [](TrainOptions& o) { o.nesterov = true; }},
      {"nesterov", [](TrainOptions& o) { o.optimizer = Optimizer::sgd, o.nesterov = true; }},
      {"beta1", [](TrainOptions& o) { o.beta1 = 1; }},
      {"beta2", [](TrainOptions& o) { o.beta2 = -0.1; }},
      {"epsilon", [](TrainOptions& o) { o.epsilon = 0; }},
      {"weight-decay", [](TrainOptions& o) { o.weight_decay = -1; }},
      {"clip-norm", [](TrainOptions& o) { o.clip_norm = -1; }},
      {"precision", [](TrainOptions& o) { o.precision = Precision::int8; }},
      {"ema-decay", [](TrainOptions& o) { o.ema_decay = 1; }},
      {"ema-decay", [&](TrainOptions& o) { o.ema_decay = nan; }},
      {"calibrate-temperature", [](TrainOptions& o) { o.validation_split = 0, o.calibrate_temperature = true; }},
      {"state-reset", [](TrainOptions& o) { o.state_reset = 1.5; }},
      {"final-rate", [](TrainOptions& o) { o.final_rate = 1.5; }},
      {"plateau-factor", [](TrainOptions& o) { o.plateau_factor = 1; }},
      {"validation-split", [](TrainOptions& o) { o.validation_split = 1; }},
      {"validation-split", [&](TrainOptions& o) { o.validation_split = nan; }},
      {"max-seconds", [](TrainOptions& o) { o.max_seconds = -1; }},
      {"checkpoint-seconds", [](TrainOptions& o) { o.checkpoint_seconds = -1; }},
      {"patience", [](TrainOptions& o) { o.validation_split = 0, o.patience = 2; }},
      {"schedule", [](TrainOptions& o) { o.validation_split = 0, o.schedule = Schedule::plateau; }},
      {"resume", [](TrainOptions& o) { o.resume = true; }},
  };
  const Corpus corpus = letters(500);
  for (const auto& [name, change] : bad) EXPECT_EQ(refusal(corpus, change, name), Status::usage) << name;
}

TEST(Options, ATextTooShortIsRefused) {
  const auto as_they_are = [](TrainOptions&) {};
  EXPECT_EQ(refusal(letters(5), as_they_are, "letters"), Status::bad_file);
  EXPECT_EQ(refusal(letters(19), as_they_are, "letters"), Status::bad_file) << "one token to validate on";
  EXPECT_EQ(refusal(
                letters(500), [](TrainOptions& o) { o.batch = 400; }, "letters"),
            Status::bad_file);
  EXPECT_EQ(refusal(
                letters(1), [](TrainOptions& o) { o.validation_split = 0; }, "letters"),
            Status::bad_file);
}

TEST(Options, AnotherVocabularyIsRefused) {
  const Corpus other = Corpus::from_text("xyzzyxyzzyxyzzyxyzzyxyzzy", {.level = Level::character}, {}, "xyz");
  EXPECT_EQ(refusal(
                other, [](TrainOptions& o) { o.validation_split = 0; }, "xyz"),
            Status::usage);
}

}  // namespace
}  // namespace sluice::trainer_test
