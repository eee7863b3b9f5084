// Words of a corpus in a word's place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "model/model_access.h"
#include "model/network_samples.h"
#include "sluice/explain.h"
#include "sluice/stream.h"

namespace sluice::corpus_words_test {
namespace {

TEST(CorpusWords, AreThoseBehindTheSameWordAsOftenAsThere) {
  std::vector<Token> corpus;
  for (int i = 0; i < 50; ++i) {
    for (const Token token : {1u, 2u, 1u, 2u, 1u, 2u, 1u, 3u, 1u, 4u, 1u, 0u}) corpus.push_back(token);
  }
  const CorpusWords words(corpus, 8, 3);
  std::vector<int> counts(8);
  for (const Token token : words.draw(1u, 4, 5, 4000)) ++counts[token];
  EXPECT_NEAR(counts[2], 3000, 120);  // three of four: neither the word itself nor <unk>
  EXPECT_EQ(counts[2] + counts[3], 4000);
  EXPECT_EQ(words.draw(1u, 4, 5, 20), CorpusWords(corpus, 8, 3).draw(1u, 4, 5, 20));
  EXPECT_NE(words.draw(1u, 4, 5, 20), words.draw(1u, 4, 6, 20));
  EXPECT_NE(words.draw(1u, 4, 5, 20), CorpusWords(corpus, 8, 4).draw(1u, 4, 5, 20));
}

TEST(CorpusWords, AreOfLikeFrequencyWhereNoneStandsBehind) {
  std::vector<Token> corpus;
  for (Token token = 1; token < 60; ++token) corpus.insert(corpus.end(), 2 * token, token);  // 59 is the commonest
  const CorpusWords words(corpus, 100);
  std::set<Token> seen;
  for (const Token token : words.draw({}, 30, 0, 2000)) seen.insert(token);
  EXPECT_EQ(seen.size(), 16u);
  EXPECT_EQ(*seen.begin(), 22u);
  EXPECT_EQ(*seen.rbegin(), 38u);
  EXPECT_FALSE(seen.contains(30));
  // Behind a word that the corpus lacks, too; and a rare word's likes are rare.
  for (const Token token : words.draw(77u, 80, 0, 50)) EXPECT_LE(token, 8u);
  EXPECT_TRUE(CorpusWords(std::vector<Token>{1, 1, 1}, 3).draw(1u, 1, 0, 4).empty());
  EXPECT_THROW(CorpusWords(std::vector<Token>{3}, 3), Error);
}

TEST(CorpusWords, TakeThePlaceOfThoseThatTheModelExpected) {
  Config config;
  config.hidden = 9;
  Model model(config, Vocabulary({}, {"<unk>", "the", "cat", "saw", "dog", "and", "\n"}));
  Random random(4);
  test::randomize(network_of(model), random);
  const std::string text = "the cat saw the dog and";
  const std::vector<Token> tokens = model.vocabulary().encode(text);
  const CorpusWords words(
      model.vocabulary().encode("the dog saw the cat and the dog\nand the cat\nsaw the dog and the cat\n"),
      model.vocabulary().size(), 7);
  ExplainOptions options;
  options.words = &words;
  options.answer = "saw";
  const Explanation e = explain(model, text, options);
  const Connectivity& c = e.connectivity;
  EXPECT_TRUE(c.from_corpus);
  EXPECT_FALSE(explain(model, text).connectivity.from_corpus);
  EXPECT_EQ(c.replacements[0], words.draw(*model.vocabulary().find("\n"), tokens[0], 0, 4));
  const auto log_p = [&](const std::vector<Token>& read) {
    Stream stream(model);
    stream.step(*model.vocabulary().find("\n"));
    for (const Token token : read) stream.step(token);
    return std::log(double(stream.probabilities()[*model.vocabulary().find("saw")]));
  };
  for (std::size_t t = 1; t < tokens.size(); ++t) {
    EXPECT_EQ(c.replacements[t], words.draw(tokens[t - 1], tokens[t], t, 4));
    double lost = 0;
    for (const Token other : c.replacements[t]) {
      std::vector<Token> changed = tokens;
      changed[t] = other;
      lost += (log_p(tokens) - log_p(changed)) / double(c.replacements[t].size());
    }
    EXPECT_NEAR(c.replaced[t], lost, 2e-5);
  }
  EXPECT_EQ(nlohmann::json::parse(to_json(model, e, {}))["connectivity"]["replaced_from"], "corpus");
}

}  // namespace
}  // namespace sluice::corpus_words_test
