// The n-gram: an example by hand, sums of 1, the formula written down once more with maps, and its limits.
#include "data/ngram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "base/random.h"

namespace sluice::ngram_test {
namespace {

using Text = std::vector<Token>;

// 1 2 1 2 1 3: the pairs 12 and 21 twice, 13 once. No pair is there three times, so the discounts are 0.5, 1 and 1.5.
// Of single tokens, 1, 2 and 3 each have one other before them: (1 - 0.5) / 3 + (3 * 0.5 / 3) / 4 = 7/24, and 3/24 for
// 0.
TEST(NGramTest, ByHand) {
  const NGram model(Text{1, 2, 1, 2, 1, 3}, 4, 2);
  const Text nothing, one = {1}, three = {2, 3};
  EXPECT_NEAR(model.probability(nothing, 0), 3. / 24, 1e-15);
  EXPECT_NEAR(model.probability(nothing, 2), 7. / 24, 1e-15);
  EXPECT_NEAR(model.probability(one, 0), 3. / 48, 1e-15);
  EXPECT_NEAR(model.probability(one, 1), 7. / 48, 1e-15);
  EXPECT_NEAR(model.probability(one, 2), 23. / 48, 1e-15);  // (2 - 1) / 3 + (0.5 + 1) / 3 * 7/24
  EXPECT_NEAR(model.probability(one, 3), 15. / 48, 1e-15);
  EXPECT_NEAR(model.probability(three, 2), 7. / 24, 1e-15);  // nothing ever follows 3
  EXPECT_EQ(model.tokens(), 6u);
  EXPECT_EQ(model.grams(), 6u);
}

// The formula of ngram.h, with maps from whole n-grams to what is counted.
class Naive {
 public:
  Naive(const Text& text, std::size_t vocabulary, std::size_t order) : vocabulary_(vocabulary), order_(order) {
    std::map<Text, std::set<Token>> left;
    for (std::size_t i = 0; i < text.size(); ++i) {
      for (std::size_t k = 1; k <= order && i + k <= text.size(); ++k) {
        const Text gram(text.begin() + static_cast<std::ptrdiff_t>(i),
                        text.begin() + static_cast<std::ptrdiff_t>(i + k));
        if (k == order) ++counts_[gram];
        if (k < order && i > 0) left[gram].insert(text[i - 1]);
      }
    }
    for (const auto& [gram, tokens] : left) counts_[gram] = static_cast<double>(tokens.size());
    for (std::size_t k = 1; k <= order; ++k) discounts_.push_back(estimate(k));
  }

  bool estimated = false;  // discounts of some order come from counts of counts

  double probability(Text before, Token next) const {
    if (before.size() >= order_) before.erase(before.begin(), before.end() - static_cast<std::ptrdiff_t>(order_ - 1));
    const Text shorter(before.empty() ? before.end() : before.begin() + 1, before.end());
    const double one = 1 / static_cast<double>(vocabulary_);
    double all = 0, rest = 0;
    for (Token v = 0; v < vocabulary_; ++v) {
      all += count(before, v);
      rest += discount(before.size() + 1, count(before, v));
    }
    const double lower = before.empty() ? one : probability(shorter, next);
    if (all == 0) return lower;
    const double c = count(before, next);
    return (c - discount(before.size() + 1, c)) / all + rest / all * lower;
  }

 private:
  double count(Text gram, Token last) const {
    gram.push_back(last);
    const auto found = counts_.find(gram);
    return found == counts_.end() ? 0 : found->second;
  }
  double discount(std::size_t length, double c) const {
    return c == 0 ? 0 : discounts_[length - 1][static_cast<std::size_t>(std::min(c, 3.)) - 1];
  }
  std::vector<double> estimate(std::size_t length) {
    double n1 = 0, n2 = 0, n3 = 0, n4 = 0;
    for (const auto& [gram, times] : counts_) {
      if (gram.size() != length) continue;
      n1 += times == 1;
      n2 += times == 2;
      n3 += times == 3;
      n4 += times == 4;
    }
    if (n1 == 0 || n2 == 0 || n3 == 0) return {0.5, 1, 1.5};
    const double y = n1 / (n1 + 2 * n2);
    const double d1 = 1 - 2 * y * n2 / n1, d2 = 2 - 3 * y * n3 / n2, d3 = 3 - 4 * y * n4 / n3;
    if (d2 <= 0 || d3 <= 0) return {0.5, 1, 1.5};
    estimated = true;
    return {d1, d2, d3};
  }

  std::size_t vocabulary_, order_;
  std::map<Text, double> counts_;
  std::vector<std::vector<double>> discounts_;  // [length - 1]
};

// A text in which some tokens, and what follows them, are more frequent than others.
Text drawn(std::uint64_t seed, std::size_t length, std::size_t vocabulary) {
  Random random(seed, 0);
  Text text;
  for (std::size_t i = 0; i < length; ++i) {
    const std::size_t most = 1 + random.below(vocabulary);
    text.push_back(i > 2 && random.below(2) == 0 ? text[i - 3] : static_cast<Token>(random.below(most)));
  }
  return text;
}

TEST(NGramTest, IsTheFormula) {
  bool estimated = false;
  EXPECT_TRUE(rc::check([&](std::uint64_t seed) {
    const auto vocabulary = *rc::gen::inRange<std::size_t>(1, 8);
    const auto order = *rc::gen::inRange<std::size_t>(1, 7);
    const auto length = *rc::gen::inRange<std::size_t>(0, 120);
    const Text text = drawn(seed, length, vocabulary);
    const NGram model(text, vocabulary, order);
    const Naive naive(text, vocabulary, order);
    const Text held_out = drawn(seed + 1, 12, vocabulary);
    const std::vector<float> nats = model.nats(held_out);
    RC_ASSERT(nats.size() == held_out.size() - 1);
    for (std::size_t i = 0; i < held_out.size(); ++i) {
      const Text before(held_out.begin(), held_out.begin() + static_cast<std::ptrdiff_t>(i));
      double sum = 0;
      for (Token v = 0; v < vocabulary; ++v) {
        const double p = model.probability(before, v), expected = naive.probability(before, v);
        RC_ASSERT(p > 0);
        RC_ASSERT(std::abs(p - expected) < 1e-12);
        sum += p;
      }
      RC_ASSERT(std::abs(sum - 1) < 1e-12);
      const double p = model.probability(before, held_out[i]);
      if (i > 0) RC_ASSERT(std::abs(static_cast<double>(nats[i - 1]) + std::log(p)) < 1e-5);
    }
    estimated = estimated || naive.estimated;
  }));
  EXPECT_TRUE(estimated);  // of the texts that were drawn, some were long enough for that
}

// What lies before the last tokens makes no difference, and what is left out is said.
TEST(NGramTest, CountsTheEndOfALongText) {
  const Text text = drawn(1, 3000, 9), end(text.end() - 1000, text.end());
  const NGram limited(text, 9, 4, {.tokens = 1000, .grams = 1'000'000}), alone(end, 9, 4);
  EXPECT_EQ(limited.tokens(), 1000u);
  EXPECT_EQ(limited.nats(text), alone.nats(text));
  EXPECT_NE(limited.nats(text), NGram(text, 9, 4).nats(text));

  const NGram few(text, 9, 4, {.tokens = 3000, .grams = 500});
  EXPECT_GE(few.grams(), 500u);
  EXPECT_LT(few.grams(), 504u);  // a token brings at most one of each length
  EXPECT_LT(few.tokens(), 3000u);
}

}  // namespace
}  // namespace sluice::ngram_test
