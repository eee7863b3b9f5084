// Language models whose layers differ: they train, go on and are fine-tuned like any other; what sees the token that is
// to be predicted is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <vector>

#include "errors.h"
#include "formats/export_c.h"
#include "lessons/compare.h"
#include "model/model_access.h"
#include "sluice/explain.h"
#include "sluice/fine_tune.h"
#include "train/training.h"

namespace sluice::stack_test {
namespace {

using test::error_of;
using test::letters;
using test::same_weights;
using test::small_model;
using test::small_options;
using testing::AllOf;
using testing::HasSubstr;

// An LSTM of 9 units below a GRU of 5, with dropout in both.
Config two_sizes() {
  return {.stack = {{.cell = "lstm", .units = 9, .dropout = 0.2}, {.cell = "gru", .units = 5, .dropout = 0.1}}};
}

TEST(Stack, EqualLayersAreTheShorthand) {
  const Config config = {
      .stack = {{.cell = "lstm", .units = 9, .dropout = 0.2}, {.cell = "lstm", .units = 9, .dropout = 0.2}}};
  const Config shorthand = {.cell = "lstm", .layers = 2, .hidden = 9, .dropout = 0.2};
  const Model stacked = small_model(config), plain = small_model(shorthand);
  EXPECT_TRUE(same_weights(stacked, plain));
  EXPECT_TRUE(stacked.config().stack.empty());
  EXPECT_EQ(stacked.config().layers, 2u);
  EXPECT_EQ(stacked.config().hidden, 9u);
  EXPECT_EQ(stacked.config().cell, "lstm");
  EXPECT_EQ(stacked.config().dropout, 0.2);
}

TEST(Stack, ATiedEmbeddingIsThatOfTheLastLayer) {
  Config config = two_sizes();
  EXPECT_EQ(small_model(config).config().embedding, 9u);
  config.tied = true;
  EXPECT_EQ(small_model(config).config().embedding, 5u);
  config.embedding = 9;
  EXPECT_EQ(error_of(Status::usage, [&] { small_model(config); }),
            "tied: expected an embedding of the last layer's units, 5, found 9");
}

TEST(Stack, StoppedTrainingGoesOnWithTheSameBits) {
  const Corpus text = letters(500);
  TrainOptions options = small_options();
  Model whole = small_model(two_sizes());
  const TrainResult result = train(whole, text, options);
  EXPECT_LT(result.train_loss, std::log(5.));
  options.checkpoint = (std::filesystem::path(testing::TempDir()) / ("stack_" + std::to_string(::getpid()))).string();
  Model stopped = small_model(two_sizes()), resumed = small_model(two_sizes());
  train(stopped, text, options, [](const Report& r) { return r.update < 30; });
  options.resume = true;
  // Another run: one layer drops more.
  Config other = two_sizes();
  other.stack[1].dropout = 0.3;
  Model dropping = small_model(other);
  EXPECT_THAT(error_of(Status::bad_file, [&] { train(dropping, text, options); }),
              AllOf(HasSubstr("cannot resume"), HasSubstr("layer-1-dropout = 0.1 (now 0.3)")));
  train(resumed, text, options);
  EXPECT_TRUE(same_weights(resumed, whole));
  std::filesystem::remove(options.checkpoint);
}

TEST(Stack, FineTuningKeepsTheLayers) {
  const Model model = small_model(two_sizes());
  Config config = two_sizes();
  config.stack[1].dropout = 0.5;
  const Model tuned = fine_tune(model, config, model.vocabulary(), 7);
  EXPECT_TRUE(same_weights(tuned, model));
  EXPECT_EQ(tuned.config().stack[1].dropout, 0.5);
  const auto refused = [&](const std::function<void(Config&)>& change) {
    Config other = two_sizes();
    change(other);
    return error_of(Status::usage, [&] { fine_tune(model, other, model.vocabulary(), 7); });
  };
  EXPECT_EQ(refused([](Config& c) { c.stack[1].units = 6; }),
            "layers: expected 2 layers of 9 and 5 units, as the model has it, found 2 layers of 9 and 6 units");
  EXPECT_EQ(refused([](Config& c) { c.stack[1].cell = "rnn"; }),
            "layer 1: cell: expected gru, as the model has it, found rnn");
  EXPECT_EQ(refused([](Config& c) { c.stack.push_back(c.stack[1]); }),
            "layers: expected 2 layers of 9 and 5 units, as the model has it, found 3 layers of 9, 5 and 5 units");
  EXPECT_EQ(refused([](Config& c) { c.stack.clear(); }),
            "layers: expected 2 layers of 9 and 5 units, as the model has it, found 1 layer of 256 units");
  EXPECT_THAT(refused([](Config& c) { c.outputs = 3, c.head.loss = "softmax"; }), HasSubstr("outputs"));
}

// A layer that reads backward sees the token that is to be predicted: whoever predicts the next one refuses it.
TEST(Stack, ALanguageModelReadsForward) {
  for (const char* direction : {"backward", "both", "sum"}) {
    Model model = small_model({.stack = {{.units = 4}, {.units = 6, .direction = direction}}});
    const std::string sentence = std::string(
                                     ": expected layers that read forward, since a backward one sees the token "
                                     "that is to be predicted, found the direction ") +
                                 direction + " in layer 1";
    const Corpus text = letters(500);
    const std::vector<float> before(network_of(model).parameters().all().begin(),
                                    network_of(model).parameters().all().end());
    EXPECT_EQ(error_of(Status::usage, [&] { train(model, text, small_options()); }), "letters" + sentence);
    EXPECT_EQ(error_of(Status::usage, [&] { train(model, text, text, small_options()); }), "letters" + sentence);
    EXPECT_TRUE(std::ranges::equal(before, network_of(model).parameters().all()));
    EXPECT_EQ(error_of(Status::usage, [&] { evaluate(model, text); }), "letters" + sentence);
    EXPECT_EQ(error_of(Status::usage, [&] { (void)model.score(text.tokens()); }), "score" + sentence);
    EXPECT_EQ(error_of(Status::usage, [&] { explain(model, "abc"); }), "explain" + sentence);
  }
}

TEST(Stack, WhatPredictsNoTokensIsNoLanguageModel) {
  Config config = {.hidden = 4, .outputs = 3};
  config.head.loss = "softmax";
  Model tags = small_model(config);
  const Corpus text = letters(100);
  EXPECT_EQ(error_of(Status::usage, [&] { train(tags, text, small_options()); }),
            "letters: expected a model that predicts the next token, found one of 3 outputs");
  config = {.hidden = 4};
  config.head.at = "last";
  Model last = small_model(config);
  EXPECT_EQ(error_of(Status::usage, [&] { evaluate(last, text); }),
            "letters: expected a model that predicts at every step, found one that does at last");
}

// What goes through layers of one size alone says so, and reads nothing beyond them.
TEST(Stack, WhatWantsEqualLayersSaysSo) {
  const Model model = small_model(two_sizes());
  const std::string sentence = "expected equal recurrent layers that read forward, found 2 layers of 9 and 5 units";
  EXPECT_EQ(error_of(Status::usage, [&] { explain(model, "abc"); }), "explain: " + sentence);
  EXPECT_EQ(error_of(Status::usage, [&] { export_c(model, {}); }), "export: " + sentence);
  CompareOptions options;
  options.config = two_sizes();
  EXPECT_EQ(error_of(Status::usage, [&] { compare(letters(500), options); }), "compare: " + sentence);
  Config config = {.hidden = 4, .inputs = 2, .outputs = 3};
  config.head = {.loss = "multilabel"};
  EXPECT_EQ(error_of(Status::usage, [&] { export_c(Model(config), {}); }),
            "export: expected a head that gives its outputs as they are, found multilabel");
  config.head = {.at = "mean"};
  EXPECT_EQ(error_of(Status::usage, [&] { export_c(Model(config), {}); }),
            "export: expected a model that predicts at every step, found one that does at mean");
  // Mixed kinds, in words.
  config = {.inputs = 2, .outputs = 3};
  config.stack = {{.units = 8}, {.units = 6, .direction = "both"}, {.kind = "dense", .units = 10}};
  EXPECT_THAT(error_of(Status::usage, [&] { export_c(Model(config), {}); }),
              HasSubstr("3 layers of 8, 6 (both) and 10 (dense) units"));
}

}  // namespace
}  // namespace sluice::stack_test
