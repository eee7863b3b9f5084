// Drawing a token: the shares drawn are those of the definition, and no temperature, however small or large, draws what
// is not likely.
#include "model/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "errors.h"
#include "model/stream_samples.h"

namespace sluice::sampling_test {
namespace {

using test::error_of;
using testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Logits and the probabilities they give, as a stream has them.
struct Row {
  std::vector<float> logits, probabilities;
  explicit Row(std::vector<float> of) : logits(std::move(of)), probabilities(logits.size()) {
    const float most = *std::ranges::max_element(logits);
    double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit - most));
    for (std::size_t i = 0; i < logits.size(); ++i) {
      probabilities[i] = static_cast<float>(std::exp(static_cast<double>(logits[i] - most)) / sum);
    }
  }
  Token draw(const SampleOptions& options, double random) const {
    return sluice::draw(logits, probabilities, options, random);
  }
};

// As many words as a large vocabulary has, of which none is likely: what p^(1 / T) makes of them is below every double.
Row many_words() {
  std::vector<float> logits(20000);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(std::sin(static_cast<double>(i)));
  logits[777] = 1.5f;
  return Row(std::move(logits));
}

TEST(Draw, NearTemperatureZeroItIsTheLikeliest) {
  const Row row = many_words();
  for (const double temperature : {0., 1e-300, 1e-30, 1e-7, 1e-4, 0.001, 0.003, 0.01}) {
    for (const double random : {0., 0.3, 0.999999}) {
      EXPECT_EQ(row.draw({.temperature = temperature}, random), 777u) << temperature;
    }
  }
}

TEST(Draw, AtAVeryHighTemperatureEveryTokenIsAsLikely) {
  const Row row({0, -300, 40, -90});
  ASSERT_EQ(row.probabilities[1], 0);
  for (const double temperature : {1e9, 1e300, std::numeric_limits<double>::infinity()}) {
    std::vector<Token> drawn;
    for (int i = 0; i < 3; ++i) drawn.push_back(row.draw({.temperature = temperature}, (i + 0.5) / 3));
    EXPECT_THAT(drawn, testing::UnorderedElementsAre(1, 2, 3)) << temperature;
  }
}

// The share of numbers in [0, 1) for which a token is drawn, against p^(1 / T) in long double.
TEST(Draw, SharesAreThoseOfTheDefinition) {
  EXPECT_TRUE(rc::check([] {
    const auto size = *rc::gen::inRange<std::size_t>(2, 12);
    std::vector<float> logits;
    for (std::size_t i = 0; i < size; ++i) {
      logits.push_back(static_cast<float>(*rc::gen::inRange(-400, 400)) / 100);
    }
    const Row row(logits);
    const double temperature = *rc::gen::element(0.2, 0.5, 0.8, 1., 3.);
    std::vector<long double> weight(size);
    long double sum = 0;
    for (std::size_t i = 1; i < size; ++i) {
      weight[i] = std::exp(static_cast<long double>(logits[i]) / static_cast<long double>(temperature));
      sum += weight[i];
    }
    constexpr int kDraws = 4000;
    std::vector<int> count(size);
    for (int i = 0; i < kDraws; ++i) ++count[row.draw({.temperature = temperature}, (i + 0.5) / kDraws)];
    RC_ASSERT(count[0] == 0);  // <unk>
    for (std::size_t i = 1; i < size; ++i) {
      RC_ASSERT(std::abs(static_cast<double>(kDraws * weight[i] / sum) - count[i]) <= 1.01);
    }
  }));
}

TEST(Draw, TopPAndTopKKeepTheLikeliest) {
  const Row row({9, 0, std::log(2.f), std::log(5.f)});  // 1, 2 and 5 eighths without <unk>
  EXPECT_EQ(row.draw({.top_p = 0.6}, 0.99), 3u);
  EXPECT_EQ(row.draw({.top_p = 0.7}, 0.99), 2u);
  EXPECT_EQ(row.draw({.top_p = 0}, 0.99), 3u);
  EXPECT_EQ(row.draw({}, 0.99), 1u);
  EXPECT_EQ(row.draw({.top_k = 2}, 0.99), 2u);
  EXPECT_EQ(row.draw({.allow_unknown = true}, 0.5), 0u);
  EXPECT_EQ(row.draw({.temperature = 0, .allow_unknown = true}, 0.5), 0u);
}

TEST(Draw, WhatIsNoNumberIsRefused) {
  const Row row({0, 1, 2});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(error_of(Status::usage, [&] { row.draw({.temperature = nan}, 0.5); }), HasSubstr("temperature"));
  EXPECT_THAT(error_of(Status::usage, [&] { row.draw({.temperature = -1}, 0.5); }), HasSubstr("temperature"));
  EXPECT_THAT(error_of(Status::usage, [&] { row.draw({.top_p = nan}, 0.5); }), HasSubstr("top_p"));
  EXPECT_THAT(error_of(Status::usage, [&] { row.draw({.top_p = 1.5}, 0.5); }), HasSubstr("top_p"));
  const std::vector<float> bad(3, kNan);
  EXPECT_THAT(error_of(Status::usage, [&] { draw(bad, bad, {}, 0.5); }), HasSubstr("not finite"));
  EXPECT_THAT(error_of(Status::usage, [&] { draw(row.logits, bad, {}, 0.5); }), HasSubstr("not finite"));
  EXPECT_EQ(row.draw({}, nan), 1u) << "some token that may be drawn";
}

TEST(Draw, AStreamDrawsAsItsProbabilitiesSay) {
  const Model model = test::random_model({"gru", "tanh"}, true, {.in = 6, .out = 40}, 3);
  Stream stream(model);
  EXPECT_THAT(error_of(Status::usage, [&] { stream.sample({}, 0.5); }), HasSubstr("no step was made"));
  for (Token token = 1; token < 10; ++token) {
    stream.step(token);
    EXPECT_EQ(stream.sample({.temperature = 1e-6, .allow_unknown = true}, 0.9), stream.top(1).front().first);
    double below = 0;
    for (const auto& [next, p] : stream.top(40)) {
      EXPECT_EQ(stream.sample({.allow_unknown = true}, below + static_cast<double>(p) / 2), next);
      below += static_cast<double>(p);
    }
  }
}

TEST(Likeliest, NanStandsLast) {
  EXPECT_THAT(likeliest(std::vector<float>{kNan, 1, kNan, 3, 1, -2}, 5), testing::ElementsAre(3, 1, 4, 5, 0));
  EXPECT_THAT(likeliest(std::vector<float>{kNan, kNan}, 9), testing::ElementsAre(0, 1));
}

}  // namespace
}  // namespace sluice::sampling_test
