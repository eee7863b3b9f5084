// Units that follow something over a corpus, and places that are alike, against plain ways to find the same.
#include "sluice/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "model/model_access.h"
#include "model/network_samples.h"

namespace sluice::unit_finder_test {
namespace {

using testing::HasSubstr;

Vocabulary letters() {
  return {{.level = Level::character},
          {"<unk>", " ", "\n", "a", "b", "c", "d", "e", "(", ")", "\u201c", "\u201d", "A", "."}};
}

Config small_config(const std::string& cell = "gru", std::size_t layers = 1) {
  Config config;
  config.cell = cell;
  config.layers = layers;
  config.hidden = 10;
  config.embedding = 7;
  return config;
}

Model random_model(const Config& config, std::uint64_t seed = 5) {
  Model model(config, letters(), seed);
  Random random(seed);
  test::randomize(network_of(model), random);
  return model;
}

std::string random_text(std::size_t length, std::uint64_t seed) {
  static const std::string signs[] = {" ", "\n", "a", "b", "c", "d", "e", "(", ")", "\u201c", "\u201d", "A", "."};
  Random random(seed);
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text += signs[random.below(13)];
  return text;
}

std::string refusal(const std::function<void()>& f, Status status = Status::usage) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), status);
    return error.what();
  }
  return "";
}

// A plain RNN one of whose units is set by an opening mark and cleared by a closing one.
Model with_planted_unit(std::size_t unit) {
  Model model = random_model(small_config("rnn"));
  Parameters& p = network_of(model).parameters();
  const std::size_t e = 7, h = 10;
  const auto tensor = [&](const std::string& name) {
    const Shape* shape = p.find(name);
    EXPECT_NE(shape, nullptr) << name;
    return p.all().subspan(shape->offset, shape->size());
  };
  const std::span<float> table = tensor("embedding.weight");
  for (std::size_t token = 0; token < model.vocabulary().size(); ++token) table[token * e] = 0;
  table[*model.vocabulary().find("\u201c") * e] = 1;
  table[*model.vocabulary().find("\u201d") * e] = -1;
  const std::span<float> w = tensor("rnn.weight_ih_l0"), u = tensor("rnn.weight_hh_l0"), b = tensor("rnn.bias_l0");
  for (std::size_t i = 0; i < e; ++i) w[unit * e + i] = i == 0 ? 20.f : 0.f;
  for (std::size_t i = 0; i < h; ++i) u[unit * h + i] = i == unit ? 5.f : 0.f;
  b[unit] = 0;
  Team alone(1);
  network_of(model).pack(alone);
  return model;
}

TEST(UnitFinder, FindsAPlantedUnitThatFollowsQuotes) {
  const Model model = with_planted_unit(6);
  std::string text;
  for (std::size_t i = 0; i < 300; ++i) {
    text += "ab c\u201cd" + std::string(i % 7, 'e') + "\u201d ";
    if (i % 5 == 0) text += "(e d)\n";
  }
  const UnitFinder finder(model, read_unit_corpus(model, text));
  const auto best = std::ranges::max_element(finder.units(), {}, [&](const UnitFacts& facts) {
    for (const Correlation& one : facts.correlations) {
      if (finder.features()[one.feature].name == "quotes") return std::abs(one.r);
    }
    return 0.0;
  });
  EXPECT_EQ(best->unit.unit, 6u);
  EXPECT_EQ(finder.features()[best->correlations.front().feature].name, "quotes");
  EXPECT_GT(best->correlations.front().r, 0.99);
  for (const UnitPlace& place : finder.extremes({0, 6}, false, 5)) {
    EXPECT_NEAR(place.value, 1, 0.01);
    const auto [begin, end] = around(finder, place.at, place.at);
    std::string before;
    for (std::size_t p = begin; p <= place.at; ++p) before += finder.corpus().written(p);
    EXPECT_LT(before.rfind("\u201d") + 1, before.rfind("\u201c") + 1) << before;
  }
}

class OfCells : public test::EveryCell {
 protected:
  Config config() const {
    Config config = small_config(GetParam().cell, 2);
    config.activation = GetParam().activation;
    return config;
  }
};

// The states of a text that is read in one go, for a text that is read in one part and in several.
TEST_P(OfCells, StatesAreThoseOfTheText) {
  const Model model = random_model(config());
  const double limit = GetParam().activation == "relu" ? 8 : 1;
  for (const std::size_t length : {1u, 5u, 40u, 1023u, 1025u, 5000u}) {
    const UnitCorpus corpus = read_unit_corpus(model, random_text(length, length));
    ASSERT_EQ(corpus.size(), length);
    std::vector<Token> all = model.begin_tokens();
    const std::size_t skip = all[0] == corpus.sequences.tokens[0] ? 0 : 1;
    if (skip == 0) all.clear();
    all.insert(all.end(), corpus.sequences.tokens.begin(), corpus.sequences.tokens.end());
    const GateTrace trace = model.trace(all);
    for (std::size_t state = 0; state < model.cell().states.size(); ++state) {
      const UnitFinder finder(model, corpus, {.state = state});
      for (const UnitFacts& facts : finder.units()) {
        const LayerTrace& layer = trace.layers[facts.unit.layer];
        const std::vector<float>& track = state == 0 ? layer.hidden : layer.memory;
        const std::vector<double> values = finder.values(facts.unit, 0, length - 1);
        double most = 0;
        for (std::size_t p = 0; p < length; ++p) {
          most = std::max(most, std::abs(double(track[(p + skip) * 10 + facts.unit.unit])));
        }
        const double step = std::exp2(std::ceil(std::log2(most))) / 127;
        double worst = 0;
        for (std::size_t p = 0; p < length; ++p) {
          worst = std::max(worst, std::abs(values[p] - double(track[(p + skip) * 10 + facts.unit.unit])));
        }
        // Several parts begin 256 places before their own; a ReLU's state has no bound that it comes back to.
        EXPECT_LE(worst, step * 1.01 + (length > 1025 ? 0.02 * limit : 0)) << length << " unit " << facts.unit.unit;
      }
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Cells, OfCells, testing::ValuesIn(test::every_cell()), test::label);

TEST(UnitFinder, HasTheSameBitsForAnyNumberOfThreads) {
  const Model model = random_model(small_config("lstm", 2));
  const UnitCorpus corpus = read_unit_corpus(model, random_text(7000, 3));
  const auto said = [&](std::size_t threads) {
    const UnitFinder finder(model, corpus, {.state = 1, .threads = threads});
    return to_json(finder, {.name = "m"}) + to_json(finder, corpus, finder.like({.first = 3000, .last = 3003}));
  };
  const std::string alone = said(1);
  EXPECT_EQ(alone, said(3));
  EXPECT_EQ(nlohmann::json::accept(alone), false);  // two objects
}

TEST(UnitFinder, CorrelationsAreThoseOfTheNumbers) {
  const Model model = random_model(small_config());
  const UnitFinder finder(model, read_unit_corpus(model, random_text(900, 8)));
  // Depth of brackets, and letters of the word so far, read off the text anew.
  std::vector<double> depth, word;
  double d = 0, w = 0;
  for (std::size_t p = 0; p < finder.corpus().size(); ++p) {
    const std::string_view sign = finder.corpus().written(p);
    if (sign == "(") ++d;
    if (sign == ")" && d > 0) --d;
    w = std::isalpha(static_cast<unsigned char>(sign[0])) != 0 ? w + 1 : 0;
    depth.push_back(d);
    word.push_back(w);
  }
  const auto pearson = [&](const std::vector<double>& a, const std::vector<double>& b) {
    const auto n = double(a.size());
    double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) ma += a[i] / n, mb += b[i] / n;
    for (std::size_t i = 0; i < a.size(); ++i) {
      ab += (a[i] - ma) * (b[i] - mb), aa += (a[i] - ma) * (a[i] - ma), bb += (b[i] - mb) * (b[i] - mb);
    }
    return ab / std::sqrt(aa * bb);
  };
  for (const UnitFacts& facts : finder.units()) {
    const std::vector<double> values = finder.values(facts.unit, 0, 899);
    for (const Correlation& one : facts.correlations) {
      const std::string& name = finder.features()[one.feature].name;
      if (name != "brackets" && name != "letters") continue;
      EXPECT_NEAR(one.r, pearson(values, name == "brackets" ? depth : word), 1e-9);
    }
    for (std::size_t i = 1; i < facts.correlations.size(); ++i) {
      EXPECT_GE(std::abs(facts.correlations[i - 1].r), std::abs(facts.correlations[i].r));
    }
    EXPECT_NEAR(facts.greatest, *std::ranges::max_element(values), 1e-12);
    EXPECT_NEAR(facts.least, *std::ranges::min_element(values), 1e-12);
  }
}

TEST(UnitFinder, ExtremesAreFarFromOneAnotherAndNoneIsPassedOver) {
  const Model model = random_model(small_config());
  const UnitFinder finder(model, read_unit_corpus(model, random_text(2000, 9)));
  for (const bool lowest : {false, true}) {
    const std::vector<UnitPlace> found = finder.extremes({0, 2}, lowest, 6);
    ASSERT_EQ(found.size(), 6u);
    const std::vector<double> values = finder.values({0, 2}, 0, 1999);
    EXPECT_EQ(found[0].value, lowest ? *std::ranges::min_element(values) : *std::ranges::max_element(values));
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].value, values[found[i].at]);
      for (std::size_t j = 0; j < i; ++j) {
        EXPECT_GE(std::max(found[i].at, found[j].at) - std::min(found[i].at, found[j].at), 32u);
      }
    }
  }
}

TEST(UnitFinder, ExtremesOfASaturatedUnitComeFromAllOfTheCorpus) {
  const Model model = with_planted_unit(0);
  std::string text;
  for (std::size_t i = 0; i < 200; ++i) text += "\u201cabcdeabcdeabcdeabcde\u201dabcdeabcdeabcdeabcde";
  const UnitFinder finder(model, read_unit_corpus(model, text));
  const std::vector<UnitPlace> found = finder.extremes({0, 0}, false, 4);
  ASSERT_EQ(found.size(), 4u);
  EXPECT_LT(found[0].at, finder.corpus().size() / 4);
  EXPECT_GT(found[3].at, finder.corpus().size() / 2);
}

// What the header says, word by word: of each range the units that are on exactly there.
std::vector<std::set<std::size_t>> runs_of(const UnitFinder& finder, const Like& like, std::size_t length) {
  std::vector<std::set<std::size_t>> at(length * length);
  for (std::size_t i = 0; i < like.units.size(); ++i) {
    const UnitFacts& facts = finder.facts(like.units[i].unit);
    const std::vector<double> values = finder.values(like.units[i].unit, 0, length - 1);
    const auto on = [&](std::size_t p) {
      const double distance = like.units[i].below ? facts.mean - values[p] : values[p] - facts.mean;
      return distance >= like.threshold * facts.deviation;
    };
    for (std::size_t p = 0; p < length; ++p) {
      if (!on(p) || (p > 0 && on(p - 1))) continue;
      std::size_t last = p;
      while (last + 1 < length && on(last + 1)) ++last;
      at[p * length + last].insert(i);
    }
  }
  return at;
}

std::vector<LikePlace> places_by_hand(const std::vector<std::set<std::size_t>>& runs, const Like& like,
                                      std::size_t length) {
  const std::size_t wanted = like.question.last - like.question.first;
  std::vector<std::pair<std::array<std::size_t, 3>, LikePlace>> all;
  for (std::size_t a = 0; a < length; ++a) {
    for (std::size_t b = a; b < length; ++b) {
      const std::set<std::size_t>& shared = runs[a * length + b];
      if (shared.empty() || shared.size() < (like.units.size() + 3) / 4) continue;
      const std::size_t unlike = std::max(b - a, wanted) - std::min(b - a, wanted);
      all.push_back({{100 - shared.size(), unlike, a}, {a, b, {shared.begin(), shared.end()}}});
    }
  }
  std::ranges::sort(all, {}, [](const auto& one) { return one.first; });
  std::vector<LikePlace> chosen;
  for (const auto& one : all) {
    const LikePlace& place = one.second;
    const bool overlaps = std::ranges::any_of(
        chosen, [&](const LikePlace& other) { return place.first <= other.last && other.first <= place.last; });
    if (!overlaps && chosen.size() < like.question.most) chosen.push_back(place);
  }
  return chosen;
}

TEST(UnitFinder, PlacesThatAreAlikeShareMostUnits) {
  const Model model = random_model(small_config("gru", 3));
  const std::size_t length = 700;
  const UnitFinder finder(model, read_unit_corpus(model, random_text(length, 4)));
  std::size_t asked = 0;
  for (std::size_t first = 20; first < 600; first += 37) {
    for (const std::size_t last : {first, first + 1, first + 3}) {
      const Like like = finder.like({.first = first, .last = last, .most = 4});
      if (like.units.size() < 2) continue;
      ++asked;
      const auto runs = runs_of(finder, like, length);
      EXPECT_EQ(runs[first * length + last].size(), like.units.size());
      EXPECT_EQ(places_by_hand(runs, like, length), like.places);
      // The span is like itself, so that nothing shares more.
      ASSERT_FALSE(like.places.empty());
      EXPECT_EQ(like.places[0].shared.size(), like.units.size());
      EXPECT_EQ(like.places[0].last - like.places[0].first, last - first);
    }
  }
  EXPECT_GT(asked, 10u);
}

TEST(UnitFinder, ACopiedSpanIsItsOwnBestMatch) {
  const Model model = random_model(small_config("gru", 2));
  const std::string passage = "abc (de) AA. " + random_text(60, 77);
  const std::string text = random_text(400, 1) + passage + random_text(300, 2) + passage + random_text(100, 3);
  const UnitFinder finder(model, read_unit_corpus(model, text));
  const UnitCorpus& corpus = finder.corpus();
  std::vector<std::size_t> copies;
  const std::size_t length = read_unit_corpus(model, passage).size();
  for (std::size_t p = 0; p + length <= corpus.size(); ++p) {
    std::string here;
    for (std::size_t i = 0; i < length; ++i) here += corpus.written(p + i);
    if (here == passage) copies.push_back(p);
  }
  ASSERT_EQ(copies.size(), 2u);
  // Far enough into the passage that what stood before it is forgotten.
  std::size_t tried = 0;
  for (std::size_t offset = 35; offset < 65; ++offset) {
    const LikeQuestion question{.first = copies[1] + offset, .last = copies[1] + offset + offset % 3, .most = 40};
    const Like like = finder.like(question);
    if (like.units.size() < 4) continue;
    ++tried;
    // Others may share as many, none more.
    for (const std::size_t copy : copies) {
      LikePlace whole{copy + offset, copy + offset + offset % 3, {}};
      for (std::size_t u = 0; u < like.units.size(); ++u) whole.shared.push_back(u);
      EXPECT_THAT(like.places, testing::Contains(whole)) << offset;
    }
    // A text of its own, read from its beginning.
    const Like of_text = finder.like(read_unit_corpus(model, text), question);
    EXPECT_EQ(of_text.places, like.places);
    EXPECT_EQ(of_text.units.size(), like.units.size());
  }
  EXPECT_GE(tried, 3u);
}

// Sequences that stand apart, read in both directions, in a batch of several lengths and alone.
TEST(UnitFinder, ReadsSequencesApart) {
  Config config;
  config.embedding = 5;
  config.stack = {{.kind = "recurrent", .cell = "lstm", .units = 6, .direction = "both"},
                  {.kind = "recurrent", .cell = "gru", .units = 4, .direction = "backward"}};
  config.outputs = 3;
  config.head.loss = "softmax";
  const Model model(config, letters(), 3);
  const auto corpus_of = [&](const std::vector<std::vector<Token>>& sequences) {
    UnitCorpus corpus;
    corpus.apart = true;
    corpus.sequences.classes = {"x", "y"};
    for (const std::vector<Token>& sequence : sequences) {
      for (const Token token : sequence) corpus.add(token, model.vocabulary().token(token), token % 2);
      corpus.end_sequence();
    }
    return corpus;
  };
  const std::vector<std::vector<Token>> all = {{3, 4, 5}, {6}, {7, 8, 9, 10, 3, 4}, {5, 3}};
  const UnitFinder together(model, corpus_of(all));
  ASSERT_EQ(together.layers().size(), 3u);
  EXPECT_EQ(together.layers()[1].name, "1 backward");
  EXPECT_EQ(together.units().size(), 16u);
  EXPECT_EQ(together.features().back().meaning, "class y");
  std::size_t begin = 0;
  for (const std::vector<Token>& sequence : all) {
    const UnitFinder alone(model, corpus_of({sequence}));
    for (const UnitFacts& facts : together.units()) {
      const std::vector<double> a = together.values(facts.unit, begin, begin + sequence.size() - 1);
      const std::vector<double> b = alone.values(facts.unit, 0, sequence.size() - 1);
      const double step = std::max(std::abs(facts.least), std::abs(facts.greatest)) / 63;
      for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], step);
    }
    begin += sequence.size();
  }
  // The first place knows of the last one where it is read from the end, and only there.
  const UnitFinder one(model, corpus_of({{3, 4, 5, 6}})), other(model, corpus_of({{3, 4, 5, 12}}));
  const auto first_values = [](const UnitFinder& finder, std::size_t layer) {
    std::vector<double> values;
    for (std::size_t u = 0; u < 4; ++u) values.push_back(finder.values({layer, u}, 0, 0)[0]);
    return values;
  };
  EXPECT_EQ(first_values(one, 0), first_values(other, 0));
  EXPECT_NE(first_values(one, 1), first_values(other, 1));
  // A run of places never crosses from one sequence into the next.
  for (std::size_t first = 0; first < 3; ++first) {
    for (const LikePlace& place : together.like({.first = first, .last = first, .threshold = 0.1}).places) {
      EXPECT_EQ(together.corpus().sequence_of(place.first), together.corpus().sequence_of(place.last));
    }
  }
  EXPECT_THAT(refusal([&] { together.like({.first = 2, .last = 3}); }), HasSubstr("the same sequence"));
}

TEST(UnitFinder, SaysWhatIsWrong) {
  const Model model = random_model(small_config());
  const UnitCorpus corpus = read_unit_corpus(model, "abc", "c.txt");
  EXPECT_THAT(refusal([&] { UnitFinder(model, corpus, {.state = 1}); }), HasSubstr("the only one of the cell gru"));
  EXPECT_THAT(refusal([&] { UnitFinder(model, corpus, {.memory = 20}); }),
              HasSubstr("c.txt: expected at most 2e-08 GB of states, a byte for each of 10 units"));
  EXPECT_THAT(refusal([&] { UnitFinder(model, UnitCorpus{.name = "empty"}); }, Status::bad_file),
              HasSubstr("empty: expected a text"));
  EXPECT_THAT(refusal([&] { UnitFinder(model, corpus, {.go_on = [](double) { return false; }}); }, Status::failed),
              HasSubstr("should stop"));
  EXPECT_THAT(refusal([&] { read_unit_corpus(model, "ab\xff", "c.txt"); }, Status::bad_file), HasSubstr("c.txt"));
  const UnitFinder finder(model, corpus);
  EXPECT_THAT(refusal([&] { finder.extremes({0, 10}, false, 1); }), HasSubstr("unit: expected 0 to 9, found 10"));
  EXPECT_THAT(refusal([&] { finder.extremes({1, 0}, false, 1); }), HasSubstr("layer: expected 0 to 0, found 1"));
  EXPECT_THAT(refusal([&] { finder.like({.first = 2, .last = 1}); }), HasSubstr("last: expected a place 2 to 2"));
  EXPECT_THAT(refusal([&] { finder.like({.first = 3, .last = 3}); }), HasSubstr("first: expected a place 0 to 2"));
  EXPECT_THAT(refusal([&] { finder.like({.threshold = -1.0}); }), HasSubstr("threshold"));
  EXPECT_THAT(refusal([&] { finder.like({.layer = 1}); }), HasSubstr("layer"));
  Model broken = random_model(small_config());
  network_of(broken).parameters().all()[3 * 7] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(refusal([&] { UnitFinder(broken, corpus); }, Status::failed), HasSubstr("finite"));
}

TEST(UnitFinder, TextsThatStandApartBeginAnew) {
  Model model = random_model(small_config());
  const std::vector<Token> mark = model.vocabulary().encode("\n");
  model.set_reset_at("\n", mark);
  const UnitCorpus corpus = read_unit_corpus(model, "abc\nab\nabc");
  EXPECT_TRUE(corpus.apart);
  EXPECT_EQ(corpus.sequences.starts, (std::vector<std::size_t>{0, 3, 6, 10}));
  const UnitFinder finder(model, corpus);
  EXPECT_EQ(finder.values({0, 1}, 3, 5), finder.values({0, 1}, 6, 8));
}

}  // namespace
}  // namespace sluice::unit_finder_test
