// What explain says, against the definitions in plain loops and against reading the text again word by word.
#include "sluice/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "explain/reading.h"
#include "model/model_access.h"
#include "model/network_samples.h"
#include "sluice/stream.h"

namespace sluice::explain_test {
namespace {

using testing::HasSubstr;

class Explaining : public test::EveryCell {
 protected:
  Explaining() : model(config(), Vocabulary({}, {"<unk>", "the", "cat", "saw", "dog", "and", "a", "bird", "fish"})) {
    Random random(31);
    test::randomize(network_of(model), random);
    for (const char* word : {"the", "cat", "saw", "the", "dog", "and", "the", "dog", "saw", "zzz", "a", "bird"}) {
      if (!text.empty()) text += ' ';
      text += word;
    }
    tokens = model.vocabulary().encode(text);
  }
  Config config() const {
    Config c;
    c.cell = GetParam().cell;
    c.activation = GetParam().activation;
    c.layers = 2;
    c.hidden = 19;
    c.embedding = 6;
    return c;
  }

  Model model;
  std::string text;
  std::vector<Token> tokens;
};

double log_p(const Model& model, const std::vector<Token>& tokens, Token answer, State* state = nullptr) {
  Stream stream(model);
  for (const Token token : tokens) stream.step(token);
  if (state != nullptr) *state = stream.state();
  return std::log(static_cast<double>(stream.probabilities()[answer]));
}

TEST_P(Explaining, CandidatesAndSurpriseAreThoseOfAStream) {
  const Explanation e = explain(model, text, {.top = 4});
  ASSERT_EQ(e.reading.candidates.size(), tokens.size());
  EXPECT_TRUE(std::isnan(e.reading.surprise[0]));
  EXPECT_EQ(e.reading.words[9].text, "zzz");
  EXPECT_EQ(e.reading.words[9].token, Vocabulary::unknown);
  Stream stream(model);
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    if (t > 0) {
      EXPECT_NEAR(e.reading.surprise[t], -std::log(double(stream.probabilities()[tokens[t]])), 1e-5);
    }
    stream.step(tokens[t]);
    const auto top = stream.top(4);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(e.reading.candidates[t][i].token, top[i].first);
      EXPECT_NEAR(e.reading.candidates[t][i].probability, top[i].second, 1e-6f);
    }
  }
}

// What comes before the first word is read, and shown nowhere.
TEST_P(Explaining, ATextBeginsAfterTheEndOfALine) {
  EXPECT_TRUE(explain(model, text).begins_after.empty());
  Model knows_lines(config(), Vocabulary({}, {"<unk>", "the", "cat", "saw", "dog", "and", "a", "bird", "\n"}));
  Random random(32);
  test::randomize(network_of(knows_lines), random);
  const std::vector<Unit> units = {{0, 3}, {1, 18}};
  ExplainOptions options{.top = 4, .horizon = HorizonQuestion{.at = 3, .with = "bird"}};
  // Held at zero and not at a mean, which would be over a word more.
  options.ablation = AblationQuestion{.from = 1, .zero = true};
  options.microscope = MicroscopeQuestion{units};
  options.changes.replace = {{2, "bird"}};
  const Explanation e = explain(knows_lines, text, options);
  // The same text with the line end written out.
  options.horizon->at = 4;
  options.ablation->from = 2;
  options.changes.replace = {{3, "bird"}};
  const Explanation written = explain(knows_lines, "\n" + text, options);
  EXPECT_EQ(e.begins_after, std::vector<Token>{8});
  EXPECT_TRUE(written.begins_after.empty());
  ASSERT_EQ(e.reading.words.size(), tokens.size());
  ASSERT_EQ(written.reading.words.size(), tokens.size() + 1);
  EXPECT_EQ(e.connectivity.answer, written.connectivity.answer);
  EXPECT_NEAR(e.connectivity.probability, written.connectivity.probability, 1e-6);
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    EXPECT_EQ(e.reading.words[t].text, written.reading.words[t + 1].text);
    EXPECT_EQ(e.reading.candidates[t][0].token, written.reading.candidates[t + 1][0].token);
    EXPECT_EQ(e.reading.candidates[t][0].probability, written.reading.candidates[t + 1][0].probability);
    EXPECT_NEAR(e.connectivity.gradient[t], written.connectivity.gradient[t + 1], 1e-6);
    EXPECT_NEAR(e.connectivity.leave_one_out[t], written.connectivity.leave_one_out[t + 1], 1e-5);
    const Reading &changed = e.changed->reading, &changed_written = written.changed->reading;
    EXPECT_EQ(changed.candidates[t][0].probability, changed_written.candidates[t + 1][0].probability);
  }
  for (std::size_t l = 0; l < 2; ++l) {
    const std::vector<float>&hidden = e.reading.trace.layers[l].hidden, &all = written.reading.trace.layers[l].hidden;
    EXPECT_TRUE(std::equal(hidden.begin(), hidden.end(), all.begin() + 19, all.end()));
    EXPECT_EQ(e.horizon->layers[l].hidden, written.horizon->layers[l].hidden);
  }
  ASSERT_EQ(e.ablation->units.size(), written.ablation->units.size());
  EXPECT_EQ(e.ablation->units[0].unit, written.ablation->units[0].unit);
  EXPECT_NEAR(e.ablation->units[0].nats, written.ablation->units[0].nats, 1e-5);
  for (std::size_t i = 0; i < units.size(); ++i) {
    const UnitParts &parts = e.microscope->units[i], &all = written.microscope->units[i];
    EXPECT_TRUE(std::equal(parts.before.begin(), parts.before.end(), all.states.begin()));
    EXPECT_TRUE(std::equal(parts.states.rbegin(), parts.states.rend(), all.states.rbegin()));
    EXPECT_TRUE(std::equal(parts.products.rbegin(), parts.products.rend(), all.products.rbegin()));
    EXPECT_EQ(all.before, std::vector<double>(knows_lines.cell().states.size()));
  }
  EXPECT_NE(e.reading.candidates[0][0].probability, read_text(knows_lines, tokens).candidates[0][0].probability)
      << "tokens are read from an empty state";
}

TEST_P(Explaining, SummariesFollowTheirDefinitions) {
  const Reading r = read_text(model, tokens);
  const std::size_t h = 19, steps = tokens.size();
  const auto kept = keeping_gate(model.cell());
  EXPECT_EQ(kept.has_value(), !model.cell().gates.empty());
  for (std::size_t l = 0; l < 2; ++l) {
    const LayerTrace& trace = r.trace.layers[l];
    for (std::size_t g = 0; g < trace.gates.size(); ++g) {
      const GateSummary& s = r.layers[l].gates[g];
      double low = 0, high = 0;
      for (std::size_t u = 0; u < h; ++u) {
        double sum = 0, below = 0, above = 0;
        for (std::size_t t = 0; t < steps; ++t) {
          const float v = trace.gates[g][t * h + u];
          sum += double(v), below += v<0.1f, above += v> 0.9f;
        }
        EXPECT_NEAR(s.units[u], sum / double(steps), 1e-12);
        EXPECT_NEAR(s.low[u], below / double(steps), 1e-12);
        EXPECT_NEAR(s.high[u], above / double(steps), 1e-12);
        low += below, high += above;
      }
      EXPECT_NEAR(s.share_low, low / double(h * steps), 1e-12);
      EXPECT_NEAR(s.share_high, high / double(h * steps), 1e-12);
      const auto* at = &trace.gates[g][4 * h];
      EXPECT_NEAR(s.words[4], std::accumulate(at, at + h, 0.0) / double(h), 1e-7);
    }
    double size = 0;
    for (std::size_t u = 0; u < h; ++u) size += std::abs(double(trace.hidden[7 * h + u])) / double(h);
    EXPECT_NEAR(r.layers[l].hidden.words[7], size, 1e-12);
    EXPECT_EQ(r.layers[l].half_life.size(), kept ? h : 0);
    for (std::size_t u = 0; kept && u < h; ++u) {
      // After half-life words at the geometric mean of the gate, half is left.
      double product = 1;
      for (std::size_t t = 0; t < steps; ++t) product *= double(trace.gates[*kept][t * h + u]);
      EXPECT_NEAR(std::pow(product, r.layers[l].half_life[u] / double(steps)), 0.5, 1e-9);
    }
  }
}

TEST_P(Explaining, LeaveOneOutIsTheTextReadAgainWithoutTheWord) {
  const Connectivity c = connect(model, tokens, Token{7});
  const double whole = log_p(model, tokens, 7);
  EXPECT_EQ(c.at, tokens.size() - 1);
  EXPECT_NEAR(std::log(c.probability), whole, 1e-5);
  ASSERT_EQ(c.leave_one_out.size(), tokens.size());
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    std::vector<Token> without = tokens;
    without[t] = Vocabulary::unknown;
    EXPECT_NEAR(c.leave_one_out[t], whole - log_p(model, without, 7), 2e-5) << t;
    Stream stream(model);
    for (const Token token : without) stream.step(token);
    EXPECT_EQ(c.without[t].token, stream.top(1)[0].first);
    EXPECT_NEAR(c.without[t].probability, stream.top(1)[0].second, 1e-5f);
  }
  EXPECT_EQ(c.leave_one_out[9], 0);
}

// More words than are read side by side.
TEST_P(Explaining, LeaveOneOutOfALongText) {
  std::vector<Token> all;
  for (int i = 0; i < 4; ++i) all.insert(all.end(), tokens.begin(), tokens.end());
  all.resize(35);
  const Connectivity c = connect(model, all, Token{3});
  ASSERT_EQ(c.leave_one_out.size(), all.size());
  for (const std::size_t t : {0u, 15u, 16u, 17u, 31u, 32u, 34u}) {
    std::vector<Token> without = all;
    without[t] = Vocabulary::unknown;
    EXPECT_NEAR(c.leave_one_out[t], log_p(model, all, 3) - log_p(model, without, 3), 2e-5) << t;
  }
}

// The first-order measures against the function itself: the embedding of a word that occurs once is moved.
TEST_P(Explaining, GradientAndSignedAreThoseOfTheFunction) {
  const Connectivity c = connect(model, tokens, Token{7}, false);
  EXPECT_TRUE(c.leave_one_out.empty());
  const reference::Network truth = test::in_double(network_of(model));
  const reference::Text all{tokens.size(), 1, tokens, std::vector<Token>(tokens.size(), 7)};
  const test::Numbers state(model.initial_state().values().size());
  for (const std::size_t t : {1u, 5u, 11u}) {  // cat, and, bird
    double norm = 0, along = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      reference::Network moved = truth;
      double& x = moved.tensors.at("embedding.weight")[tokens[t] * 6 + i];
      const double was = x;
      x = was + 1e-5;
      const double above = -run(moved, all, state, false).nats.back();
      x = was - 1e-5;
      const double slope = (above + run(moved, all, state, false).nats.back()) / 2e-5;
      norm += slope * slope, along += slope * was;
    }
    EXPECT_NEAR(c.gradient[t], std::sqrt(norm), 1e-4 * std::sqrt(norm)) << t;
    EXPECT_NEAR(c.along[t], along, 1e-4 * std::sqrt(norm)) << t;
  }
}

// The text up to some words after `at`, and then the question, read by a stream.
double asked_sooner(const Model& model, const Usable& u, std::size_t distance, std::vector<Token> tokens,
                    std::optional<Token> other = {}) {
  if (other) tokens[u.at] = *other;
  std::vector<Token> read(tokens.begin(), tokens.begin() + std::ptrdiff_t(u.at + distance) + 1);
  read.insert(read.end(), tokens.begin() + std::ptrdiff_t(u.question), tokens.end());
  return std::exp(log_p(model, read, u.answer));
}

TEST_P(Explaining, WhatCanStillBeUsedIsWhatStreamsAnswer) {
  const Usable u = usable(model, tokens, 3, 4);
  EXPECT_EQ(u.question, 8u);  // no mark ends a clause: the second half of the words behind `at`
  EXPECT_EQ(u.distances, (std::vector<std::size_t>{0, 1, 2, 3}));
  // What the model expects most there, but for the word itself and <unk>.
  Stream stream(model);
  for (std::size_t t = 0; t < 4; ++t) stream.step(tokens[t]);
  std::vector<Token> expected = {1, 2, 3, 4, 5, 6, 7, 8};
  std::erase(expected, tokens[4]);
  std::ranges::sort(expected, [&](Token a, Token b) { return stream.probabilities()[a] > stream.probabilities()[b]; });
  expected.resize(4);
  EXPECT_EQ(u.others, expected);
  for (std::size_t i = 0; i < u.distances.size(); ++i) {
    EXPECT_NEAR(u.probability[i], asked_sooner(model, u, u.distances[i], tokens), 1e-6);
    double mean = 0;
    for (const Token other : expected) mean += asked_sooner(model, u, u.distances[i], tokens, other) / 4;
    EXPECT_NEAR(u.with_another[i], mean, 1e-6);
  }
  // Before the question everything was read.
  EXPECT_NEAR(u.probability.back(), std::exp(log_p(model, tokens, 3)), 1e-6);
  const auto apart = [&](std::size_t i) { return std::abs(u.probability[i] - u.with_another[i]); };
  const double most = std::max({apart(0), apart(1), apart(2), apart(3)});
  EXPECT_GE(apart(u.words), most / 2);
  for (std::size_t i = u.words + 1; i < 4; ++i) EXPECT_LT(apart(i), most / 2);

  const Usable one = usable(model, tokens, 3, 10, Token{8});
  EXPECT_EQ(one.question, 11u);
  EXPECT_EQ(one.others, std::vector<Token>{8});
  EXPECT_NEAR(one.with_another.at(0), asked_sooner(model, one, 0, tokens, Token{8}), 1e-6);
  EXPECT_EQ(usable(model, tokens, 3, 0).others, std::vector<Token>{Vocabulary::unknown});
  // Of a long text some of the distances, the first and the last among them.
  std::vector<Token> longer;
  for (int i = 0; i < 30; ++i) longer.insert(longer.end(), tokens.begin(), tokens.end());
  const Usable thin = usable(model, longer, 3, 5);
  EXPECT_EQ(longer.size() - thin.question, 24u);
  ASSERT_EQ(thin.distances.size(), 64u);
  EXPECT_EQ(thin.distances.front(), 0u);
  EXPECT_EQ(thin.distances.back(), thin.question - 6);
  EXPECT_THROW(usable(model, tokens, 3, 11), Error);
  EXPECT_THROW(usable(model, tokens, 9, 3), Error);
  EXPECT_THROW(usable(model, tokens, 3, 3, Token{9}), Error);

  const Explanation e = explain(model, text, {.horizon = HorizonQuestion{.at = 4}});
  ASSERT_TRUE(e.usable);
  const Usable again = usable(model, tokens, e.connectivity.answer, 4);
  EXPECT_EQ(e.usable->probability, again.probability);
  EXPECT_EQ(e.usable->with_another, again.with_another);
  EXPECT_FALSE(explain(model, text, {.horizon = HorizonQuestion{.at = 11}}).usable);
}

TEST(Usable, TheQuestionBeginsBehindTheLastMark) {
  const Model model({.hidden = 3, .embedding = 2}, Vocabulary({}, {"<unk>", "the", "cat", "saw", "it", ".", ","}));
  const std::vector<Token> tokens = model.vocabulary().encode("the cat saw , it saw . it saw the cat .");
  EXPECT_EQ(usable(model, tokens, 2, 0).question, 7u);
  EXPECT_EQ(usable(model, tokens, 2, 7).question, 10u);  // none but the last behind it
  EXPECT_EQ(usable(model, std::span(tokens).first(6), 2, 1).question, 4u);
}

TEST_P(Explaining, TheHorizonIsTheDistanceBetweenTwoStreams) {
  const Horizon found = horizon(model, tokens, 3, 8);
  ASSERT_EQ(found.layers.size(), 2u);
  std::vector<Token> other = tokens;
  other[3] = 8;
  for (std::size_t t = 3; t < tokens.size(); ++t) {
    State a, b;
    log_p(model, {tokens.begin(), tokens.begin() + std::ptrdiff_t(t) + 1}, 0, &a);
    log_p(model, {other.begin(), other.begin() + std::ptrdiff_t(t) + 1}, 0, &b);
    for (std::size_t l = 0; l < 2; ++l) {
      for (std::size_t s = 0; s < a.states(); ++s) {
        double sum = 0;
        for (std::size_t u = 0; u < 19; ++u) sum += std::pow(double(a.of(l, s)[u]) - double(b.of(l, s)[u]), 2);
        const std::vector<double>& curve = s == 0 ? found.layers[l].hidden : found.layers[l].memory;
        EXPECT_NEAR(curve.at(t - 3), std::sqrt(sum), 1e-5);
      }
    }
  }
  for (const HorizonLayer& layer : found.layers) {
    const std::vector<double>& curve = layer.memory.empty() ? layer.hidden : layer.memory;
    const double half = *std::ranges::max_element(curve) / 2;
    EXPECT_GE(curve[layer.words], half);
    for (std::size_t i = layer.words + 1; i < curve.size(); ++i) EXPECT_LT(curve[i], half);
  }
}

TEST_P(Explaining, ReplacedAndDeletedWordsAreTheTextWrittenSo) {
  ExplainOptions options;
  options.changes.replace = {{1, "fish"}};
  options.changes.remove = {3, 5};
  const Explanation e = explain(model, text, options);
  ASSERT_TRUE(e.changed);
  const Explanation written = explain(model, "the fish saw dog the dog saw zzz a bird");
  const Changed& changed = *e.changed;
  EXPECT_EQ(changed.reading.words.size(), 10u);
  EXPECT_EQ(changed.reading.words[1].text, "fish");
  EXPECT_TRUE(test::same_bits(changed.reading.trace.layers[1].hidden, written.reading.trace.layers[1].hidden));
  EXPECT_EQ(changed.reading.candidates[9][0].token, written.reading.candidates[9][0].token);
  EXPECT_EQ(changed.connectivity->gradient, written.connectivity.gradient);
  EXPECT_EQ(changed.connectivity->leave_one_out, written.connectivity.leave_one_out);
  const std::vector<std::optional<std::size_t>> from = {0, {}, 2, 4, 6, 7, 8, 9, 10, 11};
  EXPECT_EQ(changed.from, from);
  // Untouched is untouched.
  EXPECT_EQ(e.connectivity.gradient, explain(model, text).connectivity.gradient);
}

TEST_P(Explaining, AClampFollowsItsWordsThroughDeletions) {
  if (model.cell().gates.empty()) return;
  ExplainOptions options;
  options.changes.remove = {0, 4};
  Clamp clamp{
      .gate = std::string(model.cell().gates[0].name), .layer = 1, .units = {3}, .first = 2, .last = 4, .value = 1};
  options.changes.clamp = {clamp};
  const Changed changed = *explain(model, text, options).changed;
  EXPECT_FALSE(changed.connectivity);
  for (std::size_t t = 0; t < changed.reading.words.size(); ++t) {
    EXPECT_EQ(changed.reading.trace.layers[1].gates[0][t * 19 + 3] == 1.f, t == 1 || t == 2) << t;  // words 2 and 3
    EXPECT_NE(changed.reading.trace.layers[0].gates[0][t * 19 + 3], 1.f);
  }
}

TEST_P(Explaining, AtAsksInTheMiddle) {
  const Explanation e = explain(model, text, {.at = 4, .answer = "bird"});
  EXPECT_EQ(e.connectivity.at, 4u);
  EXPECT_EQ(e.connectivity.answer, 7u);
  EXPECT_EQ(e.connectivity.gradient, connect(model, std::span(tokens).first(5), Token{7}).gradient);
  EXPECT_EQ(e.reading.words.size(), tokens.size());
}

void expect_refused(const Model& model, const std::string& text, const ExplainOptions& options, const char* message) {
  try {
    explain(model, text, options);
    ADD_FAILURE() << "expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::usage) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(message));
  }
}

TEST_P(Explaining, RefusesInASentence) {
  expect_refused(model, "", {}, "text: expected at least one word, found none");
  expect_refused(model, text, {.at = 12}, "at: expected a word 0 to 11, found 12");
  expect_refused(model, text, {.answer = "zzz"}, "answer: expected a word that the model knows, found \"zzz\"");
  expect_refused(model, text, {.horizon = HorizonQuestion{99}}, "horizon: expected a word 0 to 11, found 99");
  expect_refused(model, text, {.changes = {{{12, "a"}}, {}, {}}}, "replace: expected a word 0 to 11, found 12");
  expect_refused(model, text, {.changes = {{{1, "a b"}}, {}, {}}}, "replace: expected one word, found 2 of them");
  expect_refused(model, "the", {.changes = {{}, {0}, {}}}, "delete: expected at least one word left, found none");
  const bool gated = !model.cell().gates.empty();
  Clamp clamp{.gate = "remember"};
  expect_refused(model, text, {.changes = {{}, {}, {clamp}}},
                 gated ? "clamp: expected one of the gates " : "clamp: expected a cell with gates");
  if (!gated) return;
  clamp.gate = model.cell().gates[0].name;
  clamp.units = {19};
  expect_refused(model, text, {.changes = {{}, {}, {clamp}}}, "clamp: unit: expected 0 to 18, found 19");
  clamp.units = {};
  clamp.layer = 2;
  expect_refused(model, text, {.changes = {{}, {}, {clamp}}}, "clamp: layer: expected 0 to 1, found 2");
  clamp.layer = {};
  clamp.first = 5;
  clamp.last = 4;
  expect_refused(model, text, {.changes = {{}, {}, {clamp}}}, "clamp: last word: expected 5 or more, found 4");
  clamp.last = {};
  clamp.value = 1.0000000123;
  expect_refused(model, text, {.changes = {{}, {}, {clamp}}}, "clamp: value: expected 0 to 1, found 1.0000000123");
  clamp.value = std::nan("");
  expect_refused(model, text, {.changes = {{}, {}, {clamp}}}, "clamp: value: expected 0 to 1");
}

TEST_P(Explaining, StopsWhenItIsToldTo) {
  std::size_t asked = 0;
  ExplainOptions options{.go_on = [&] { return ++asked < 1000; }};
  options.changes.remove = {2};
  explain(model, text, options);
  const std::size_t times = asked;
  EXPECT_GE(times, 6u);  // reading, gradients and words left out, before and after the change
  for (std::size_t stop = 1; stop <= times; ++stop) {
    asked = 0;
    options.go_on = [&] { return ++asked < stop; };
    EXPECT_THROW(explain(model, text, options), Error);
    EXPECT_EQ(asked, stop);
  }
}

TEST_P(Explaining, RefusesTokensThatTheModelLacks) {
  const std::vector<Token> beyond = {1, 9};
  EXPECT_THROW(read_text(model, beyond), Error);
  EXPECT_THROW(connect(model, beyond), Error);
  EXPECT_THROW(connect(model, tokens, Token{9}), Error);
  EXPECT_THROW(horizon(model, tokens, 0, 9), Error);
  EXPECT_THROW(ablate(model, tokens, 9, {}), Error);
  EXPECT_THROW(microscope(model, beyond, std::vector<Unit>{{0, 0}}), Error);
}

TEST(ExplainRefuses, ModelsOfNumbersAndOfFewerBits) {
  const Model numbers({.hidden = 4, .inputs = 2, .outputs = 1});
  expect_refused(numbers, "a", {}, "explain: expected a model of text, found one of numbers, 2 in and 1 out a step");
  const std::vector<Token> one = {0};
  EXPECT_THROW(read_text(numbers, one), Error);
  EXPECT_THROW(connect(numbers, one), Error);
  EXPECT_THROW(horizon(numbers, one, 0, 0), Error);
  Model rounded({.hidden = 4}, Vocabulary({}, {"<unk>", "a"}));
  rounded.set_precision(Precision::bf16);
  expect_refused(rounded, "a", {}, "explain: expected a model of precision f32");
  EXPECT_THROW(read_text(rounded, one), Error);
}

TEST(ExplainRefuses, InCharactersWhereTheModelReadsThem) {
  const Model model({.hidden = 4}, Vocabulary({.level = Level::character}, {"<unk>", "a", "b"}));
  expect_refused(model, "", {}, "text: expected at least one character, found none");
  expect_refused(model, "ab", {.at = 2}, "at: expected a character 0 to 1, found 2");
}

TEST_P(Explaining, TheJsonHoldsWhatWasFound) {
  ExplainOptions options;
  options.changes.remove = {2};
  const Explanation e = explain(model, text, options);
  const nlohmann::json json = nlohmann::json::parse(to_json(model, e, {.name = "</script>"}));
  EXPECT_EQ(json["schema"], explain_schema);
  EXPECT_EQ(json["model"]["name"], "</script>");
  EXPECT_EQ(json["reading"]["words"][9]["text"], "zzz");
  EXPECT_EQ(json["reading"]["words"][9]["token"], "<unk>");
  EXPECT_TRUE(json["reading"]["surprise"][0].is_null());
  for (std::size_t l = 0; l < 2; ++l) {
    const nlohmann::json& layer = json["reading"]["layers"][l];
    const LayerTrace& trace = e.reading.trace.layers[l];
    for (std::size_t g = 0; g < trace.gates.size(); ++g) {
      const nlohmann::json& gate = layer["gates"][std::string(model.cell().gates[g].name)];
      EXPECT_NEAR(gate["values"][5][17].get<double>(), trace.gates[g][5 * 19 + 17], 0.51e-4);
      EXPECT_NEAR(gate["words"][5].get<double>(), e.reading.layers[l].gates[g].words[5], 1e-5);
    }
    EXPECT_NEAR(layer["hidden"]["values"][11][18].get<double>(), trace.hidden[11 * 19 + 18], 0.51e-4);
    EXPECT_EQ(layer["memory"].is_null(), trace.memory.empty());
    EXPECT_EQ(layer["half_life"].is_null(), trace.gates.empty());
  }
  EXPECT_NEAR(json["connectivity"]["signed"][4].get<double>(), e.connectivity.along[4], 1e-4);
  EXPECT_EQ(json["connectivity"]["leave_one_out"].size(), tokens.size());
  EXPECT_EQ(json["changed"]["from"].size(), tokens.size() - 1);
  EXPECT_EQ(json["changes"]["delete"][0], 2);
  const nlohmann::json small = nlohmann::json::parse(to_json(model, e, {.name = "m", .units = false}));
  EXPECT_FALSE(small["reading"]["layers"][0]["hidden"].contains("values"));
}

INSTANTIATE_TEST_SUITE_P(Cells, Explaining, testing::ValuesIn(test::every_cell()), test::label);

// Holding retain at 1 keeps the very bits of the past, whatever is read.
TEST(HeldRetain, KeepsThePast) {
  for (const char* cell : {"gru", "gru-reset-after"}) {
    Config config;
    config.cell = cell;
    config.hidden = 33;
    const Model model(config, Vocabulary({}, {"<unk>", "a", "b"}), 5);
    const Token tokens[] = {1, 2, 2, 1, 2};
    const Clamp clamp{.gate = "retain", .first = 1, .value = 1};
    const Reading r = read_text(model, tokens, 1, std::span(&clamp, 1));
    const std::vector<float>& h = r.trace.layers[0].hidden;
    EXPECT_TRUE(std::equal(h.begin(), h.begin() + 33, h.end() - 33)) << cell;
    EXPECT_TRUE(std::isfinite(r.layers[0].half_life[0]));
  }
}

TEST(Choose, IsTheSortedBeginning) {
  Random random(3);
  std::vector<float> logits(48, -1e30f);
  for (std::size_t i = 0; i < 37; ++i) logits[i] = static_cast<float>(random.below(9));
  std::vector<Token> order(37);
  std::iota(order.begin(), order.end(), Token{0});
  std::ranges::stable_sort(order, [&](Token a, Token b) { return logits[a] > logits[b]; });
  const std::vector<Choice> all = choose(logits, 37, 100);
  ASSERT_EQ(all.size(), 37u);
  double sum = 0;
  for (std::size_t i = 0; i < 37; ++i) {
    EXPECT_EQ(all[i].token, order[i]);
    sum += double(all[i].probability);
  }
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_EQ(choose(logits, 37, 5)[4].token, order[4]);
}

}  // namespace
}  // namespace sluice::explain_test
