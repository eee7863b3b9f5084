// Training a trained model further: it begins where the model was, knows more words if it is to, and says what does not
// fit.
#include "sluice/fine_tune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "errors.h"
#include "train/training.h"

namespace sluice::fine_tune_test {
namespace {

using test::error_of;
using test::letters;
using test::same_weights;
using test::small_model;
using test::small_options;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Vocabulary characters(std::vector<std::string> tokens, bool lowercase = false) {
  tokens.insert(tokens.begin(), std::string(Vocabulary::unknown_text));
  return Vocabulary({.level = Level::character, .lowercase = lowercase}, std::move(tokens));
}

TEST(FineTune, BeginsWithTheWeightsOfTheModel) {
  Model model = small_model();
  train(model, letters(500), small_options());
  model.notes()["who"] = "me";
  const Model same = fine_tune(model, model.config(), model.vocabulary(), 7);
  EXPECT_TRUE(same_weights(same, model));
  EXPECT_EQ(same.notes().at("who"), "me");
  Config config = model.config();
  config.dropout = 0.25;
  const Model dropping = fine_tune(model, config, model.vocabulary(), 7);
  EXPECT_TRUE(same_weights(dropping, model));
  EXPECT_EQ(dropping.config().dropout, 0.25);
}

TEST(FineTune, ANewTokenBeginsAsInAFreshModel) {
  for (const bool tied : {false, true}) {
    const Config config = {.cell = "lstm", .hidden = 10, .tied = tied};
    Model model = small_model(config);
    train(model, letters(500), small_options());
    Model grown = fine_tune(model, config, characters({"z", "b", "y", "a"}), 7);
    EXPECT_THAT(grown.vocabulary().tokens(), ElementsAre("<unk>", "a", "b", "c", "d", "e", "z", "y"));
    Model fresh(config, grown.vocabulary(), 7);
    for (const char* name : {"embedding.weight", "head.weight", "head.bias"}) {
      if (tied && std::string_view(name) == "head.weight") continue;
      const std::span<const float> now = test::tensor(grown, name), old = test::tensor(model, name),
                                   begun = test::tensor(fresh, name);
      ASSERT_EQ(now.size(), begun.size());
      EXPECT_TRUE(std::ranges::equal(now.first(old.size()), old)) << name;
      EXPECT_TRUE(std::ranges::equal(now.subspan(old.size()), begun.subspan(old.size()))) << name;
    }
    // What it makes of tokens that it knew is what the model makes of them.
    const std::vector<Token> known = {1, 2, 3, 4, 5, 1, 1};
    EXPECT_EQ(grown.trace(known).layers[0].hidden, model.trace(known).layers[0].hidden);
  }
}

TEST(FineTune, ACheckpointGoesOnFromTheSameWeightsAlone) {
  const Model model = small_model();
  TrainOptions options = small_options();
  options.checkpoint = (std::filesystem::path(testing::TempDir()) / ("tuned_" + std::to_string(::getpid()))).string();
  const auto tuned = [&](std::uint64_t seed) {
    return fine_tune(model, model.config(), characters({"a", "b", "c", "d", "e", "z"}), seed);
  };
  const Corpus text = letters(500);
  const Corpus corpus =
      Corpus::from_tokens({text.tokens().begin(), text.tokens().end()}, tuned(7).vocabulary(), "letters");
  Model whole = tuned(7), stopped = tuned(7), resumed = tuned(7), other = tuned(8);
  TrainOptions plain = options;
  plain.checkpoint.clear();
  train(whole, corpus, plain);
  ASSERT_TRUE(train(stopped, corpus, options, [](const Report& r) { return r.update < 15; }).stopped);
  options.resume = true;
  EXPECT_THAT(error_of(Status::bad_file, [&] { train(other, corpus, options); }), HasSubstr("origin = weights"));
  train(resumed, corpus, options);
  EXPECT_TRUE(same_weights(resumed, whole));
  std::filesystem::remove(options.checkpoint);
}

TEST(FineTune, WhatDoesNotFitIsNamed) {
  const Model model = small_model();
  const auto refusal = [&](const Config& config, const Vocabulary& learned) {
    return error_of(Status::usage, [&] { fine_tune(model, config, learned); });
  };
  Config wider = model.config();
  wider.hidden = wider.embedding = 11;
  EXPECT_THAT(refusal(wider, model.vocabulary()), AllOf(HasSubstr("hidden"), HasSubstr("10"), HasSubstr("11")));
  EXPECT_THAT(refusal(model.config(), Vocabulary({}, {"<unk>", "a"})), HasSubstr("level word"));
  EXPECT_THAT(refusal(model.config(), characters({"a"}, true)), HasSubstr("lower case"));
  const Model numbers({.hidden = 4, .inputs = 1, .outputs = 1});
  EXPECT_THAT(error_of(Status::usage, [&] { fine_tune(numbers, numbers.config(), model.vocabulary()); }),
              HasSubstr("numbers"));
}

}  // namespace
}  // namespace sluice::fine_tune_test
