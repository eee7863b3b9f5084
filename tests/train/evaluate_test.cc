// evaluate() against Model::score and plain counting.
#include "train/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "base/random.h"

namespace sluice::evaluate_test {
namespace {

// A text over a few letters with an <unk> now and then.
Corpus some_text(std::size_t length, std::uint64_t seed) {
  const Vocabulary vocabulary({.level = Level::character}, {"<unk>", "a", "b", "c", "d"});
  Random random(seed);
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < length; ++i) tokens.push_back(static_cast<Token>(random.below(5)));
  return Corpus::from_tokens(std::move(tokens), vocabulary);
}

Model some_model(const Corpus& corpus) { return {{.cell = "lstm", .layers = 2, .hidden = 9}, corpus.vocabulary(), 3}; }

struct Sums {
  double nats = 0;
  std::uint64_t tokens = 0, unknown = 0, first = 0, three = 0;
  double known_nats = 0;
  std::uint64_t known_first = 0, known_three = 0;
};

void add(const Model& model, std::span<const Token> tokens, Sums& sums) {
  const Scores scores = model.score(tokens);
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    sums.nats += static_cast<double>(scores.nats[i]);
    sums.first += scores.rank[i] == 0;
    sums.three += scores.rank[i] <= 2;
    sums.unknown += tokens[i + 1] == Vocabulary::unknown;
    ++sums.tokens;
    if (tokens[i + 1] == Vocabulary::unknown) continue;
    sums.known_nats += static_cast<double>(scores.nats[i]);
    sums.known_first += scores.rank[i] == 0;
    sums.known_three += scores.rank[i] <= 2;
  }
}

void expect(const Evaluation& found, const Sums& sums) {
  const double n = static_cast<double>(sums.tokens);
  EXPECT_EQ(found.tokens, sums.tokens);
  EXPECT_EQ(found.unknown, sums.unknown);
  EXPECT_NEAR(found.nats_per_token, sums.nats / n, 1e-12);
  EXPECT_NEAR(found.perplexity, std::exp(sums.nats / n), 1e-9);
  EXPECT_NEAR(found.bits_per_token, sums.nats / n / std::log(2.0), 1e-12);
  EXPECT_DOUBLE_EQ(found.recall_at_1, static_cast<double>(sums.first) / n);
  EXPECT_DOUBLE_EQ(found.recall_at_3, static_cast<double>(sums.three) / n);
  const double known = static_cast<double>(sums.tokens - sums.unknown);
  EXPECT_NEAR(found.known_nats_per_token, sums.known_nats / known, 1e-12);
  EXPECT_NEAR(found.known_perplexity, std::exp(sums.known_nats / known), 1e-9);
  EXPECT_DOUBLE_EQ(found.known_recall_at_1, static_cast<double>(sums.known_first) / known);
  EXPECT_DOUBLE_EQ(found.known_recall_at_3, static_cast<double>(sums.known_three) / known);
}

TEST(Evaluate, OnePartIsTheTextInOneStream) {
  const Corpus corpus = some_text(700, 1);
  const Model model = some_model(corpus);
  Sums sums;
  add(model, corpus.tokens(), sums);
  EXPECT_GT(sums.unknown, 0u);
  EXPECT_GT(sums.three, sums.first);
  expect(evaluate(model, corpus, 1, 1), sums);
}

// 700 tokens have 699 predictions; five parts of 140, 140, 140, 140 and 139, each from an empty state.
TEST(Evaluate, PartsPredictEveryTokenButTheFirstOnce) {
  const Corpus corpus = some_text(700, 2);
  const Model model = some_model(corpus);
  Sums sums;
  for (std::size_t part = 0; part < 5; ++part) {
    add(model, corpus.tokens().subspan(140 * part, part < 4 ? 141 : 140), sums);
  }
  EXPECT_EQ(sums.tokens, 699u);
  expect(evaluate(model, corpus, 5, 1), sums);
}

TEST(Evaluate, HasTheSameBitsForAnyNumberOfThreads) {
  const Corpus corpus = some_text(900, 3);
  const Model model = some_model(corpus);
  const Evaluation expected = evaluate(model, corpus, 7, 1);
  for (const std::size_t threads : {2u, 3u, 4u}) {
    EXPECT_EQ(evaluate(model, corpus, 7, threads).nats_per_token, expected.nats_per_token);
  }
}

TEST(Evaluate, TheStateMatters) {
  const Corpus corpus = some_text(600, 4);
  const Model model = some_model(corpus);
  EXPECT_NE(evaluate(model, corpus, 1, 1).nats_per_token, evaluate(model, corpus, 300, 1).nats_per_token);
}

TEST(Evaluate, WhereEveryTokenIsUnknownNothingIsSaidOfOthers) {
  const Model model = some_model(some_text(10, 7));
  const Evaluation found = evaluate(model, Corpus::from_text("zzzz", model.vocabulary()));
  EXPECT_EQ(found.unknown, found.tokens);
  EXPECT_EQ(found.known_perplexity, 0);
}

TEST(Evaluate, MoreStreamsThanPredictionsAreNoTrouble) {
  const Corpus corpus = some_text(3, 5);
  EXPECT_EQ(evaluate(some_model(corpus), corpus, 64, 2).tokens, 2u);
}

TEST(Evaluate, RefusesWhatItCannotScore) {
  const auto status = [](auto&& f) {
    try {
      f();
    } catch (const Error& error) {
      return error.status();
    }
    return Status::failed;
  };
  const Corpus corpus = some_text(100, 6);
  const Model model = some_model(corpus);
  EXPECT_EQ(status([&] { evaluate(model, some_text(1, 6)); }), Status::bad_file);
  EXPECT_EQ(status([&] { evaluate(model, corpus, 0); }), Status::usage);
  EXPECT_EQ(status([&] { evaluate(model, corpus, 1, 100000); }), Status::usage);
  EXPECT_EQ(status([&] { evaluate(model, Corpus::from_text("aab", {.level = Level::character})); }), Status::usage);
}

}  // namespace
}  // namespace sluice::evaluate_test
