// What explain says of single units: the numbers in their equations, and what is lost when their memory is held still.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "kernels/recurrence.h"
#include "model/model_access.h"
#include "model/network_samples.h"
#include "sluice/explain.h"
#include "sluice/stream.h"

namespace sluice::units_test {
namespace {

using testing::HasSubstr;

constexpr std::size_t kHidden = 19, kLayers = 2;

class OfUnits : public test::EveryCell {
 protected:
  OfUnits() : model(config(), Vocabulary({}, {"<unk>", "the", "cat", "saw", "dog", "and", "a", "bird"})) {
    Random random(41);
    test::randomize(network_of(model), random);
  }
  Config config() const {
    Config c;
    c.cell = GetParam().cell;
    c.activation = GetParam().activation;
    c.layers = kLayers;
    c.hidden = kHidden;
    c.embedding = 6;
    return c;
  }
  Model model;
  const std::vector<Token> tokens = {1, 2, 3, 1, 4, 5, 0, 7};
};

// Whether `name` stands in an equation as a symbol of its own.
bool stands_in(const CellInfo& cell, const std::string& name) {
  const auto letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  return std::ranges::any_of(cell.equations, [&](std::string_view line) {
    for (std::size_t at = line.find(name); at != line.npos; at = line.find(name, at + 1)) {
      const bool alone =
          (at == 0 || !letter(line[at - 1])) && (at + name.size() == line.size() || !letter(line[at + name.size()]));
      if (alone) return true;
    }
    return false;
  });
}

TEST_P(OfUnits, ProductsAndBiasesAreCalledAsTheEquationsCallThem) {
  const CellInfo& cell = find_cell(GetParam().cell, GetParam().activation);
  const Microscope found = microscope(model, tokens, std::vector<Unit>{{0, 3}});
  EXPECT_EQ(found.products.size(), cell.input_rows + cell.recurrent_rows);
  for (const std::string& name : found.products) EXPECT_TRUE(stands_in(cell, name)) << name;
  for (const std::string& name : found.biases) EXPECT_TRUE(stands_in(cell, name)) << name;
}

// A gate that people are shown is sigma of the sum of its row's products and bias; states are those of the trace.
TEST_P(OfUnits, TheSumsAreThoseThatTheGatesSaw) {
  const std::vector<Unit> units = {{0, 0}, {1, 18}, {1, 7}};
  const Microscope found = microscope(model, tokens, units);
  const GateTrace trace = model.trace(tokens);
  ASSERT_EQ(found.units.size(), units.size());
  const std::vector<ShownRow> shown = shown_rows(GetParam().cell);
  const std::span<const std::string_view> symbols = row_symbols(GetParam().cell);
  const std::size_t width = found.products.size(), states = model.cell().states.size();
  for (std::size_t i = 0; i < units.size(); ++i) {
    const UnitParts& parts = found.units[i];
    EXPECT_EQ(parts.unit, units[i]);
    ASSERT_EQ(parts.products.size(), tokens.size() * width);
    ASSERT_EQ(parts.states.size(), tokens.size() * states);
    const LayerTrace& layer = trace.layers[units[i].layer];
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const std::size_t at = t * kHidden + units[i].unit;
      EXPECT_EQ(parts.states[t * states], double(layer.hidden[at]));
      if (states > 1) {
        EXPECT_EQ(parts.states[t * states + 1], double(layer.memory[at]));
      }
      for (std::size_t g = 0; g < shown.size(); ++g) {
        const std::string symbol(symbols[std::size_t(shown[g].row)]);
        double sum = 0;
        for (std::size_t p = 0; p < width; ++p) {
          if (found.products[p].substr(2) == symbol) sum += parts.products[t * width + p];
        }
        for (std::size_t b = 0; b < found.biases.size(); ++b) {
          if (found.biases[b] == "b_" + symbol) sum += parts.biases[b];
        }
        const double gate = 1 / (1 + std::exp(-sum));
        EXPECT_NEAR(shown[g].complement ? 1 - gate : gate, double(layer.gates[g][at]), 1e-6) << g << " at " << t;
      }
    }
  }
}

// Against a stream whose state is put right by hand before each word.
double log_p_held(const Model& model, const std::vector<Token>& tokens, std::size_t from, const Unit& unit,
                  const std::vector<float>& values, Token answer) {
  Stream stream(model);
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    if (t > from) {
      State state = stream.state();
      for (std::size_t s = 0; s < state.states(); ++s) state.of(unit.layer, s)[unit.unit] = values[s];
      stream.set_state(state);
    }
    stream.step(tokens[t]);
  }
  return std::log(static_cast<double>(stream.probabilities()[answer]));
}

TEST_P(OfUnits, AblationIsTheTextReadWithTheUnitHeld) {
  const GateTrace trace = model.trace(tokens);
  const double whole = log_p_held(model, tokens, tokens.size(), {}, {}, 4);
  for (const bool zero : {false, true}) {
    const Ablation found = ablate(model, tokens, 4, {.from = 2, .zero = zero});
    EXPECT_EQ(found.from, 2u);
    ASSERT_EQ(found.units.size(), kLayers * kHidden);
    for (std::size_t i = 1; i < found.units.size(); ++i) {
      EXPECT_GE(std::abs(found.units[i - 1].nats), std::abs(found.units[i].nats));
    }
    for (const std::size_t i : {0u, 1u, 9u, 37u}) {
      const Unit unit = found.units[i].unit;
      std::vector<float> values;
      for (std::size_t s = 0; s < model.cell().states.size(); ++s) {
        const LayerTrace& layer = trace.layers[unit.layer];
        const std::vector<float>& track = s == 0 ? layer.hidden : layer.memory;
        double sum = 0;
        for (std::size_t t = 0; t < tokens.size(); ++t) sum += double(track[t * kHidden + unit.unit]);
        values.push_back(zero ? 0.f : float(sum / double(tokens.size())));
      }
      EXPECT_NEAR(found.units[i].nats, whole - log_p_held(model, tokens, 2, unit, values, 4), 2e-5);
    }
  }
}

TEST_P(OfUnits, ExplainLooksAtTheUnitsThatCarryMost) {
  const Explanation e = explain(model, "the cat saw the dog and", {});
  ASSERT_TRUE(e.ablation && e.microscope);
  EXPECT_LT(e.ablation->from, 5u);
  ASSERT_EQ(e.microscope->units.size(), MicroscopeQuestion::usual);
  EXPECT_EQ(e.microscope->units[3].unit, e.ablation->units[3].unit);
  const nlohmann::json json = nlohmann::json::parse(to_json(model, e, {.name = "m"}));
  EXPECT_EQ(json["ablation"]["units"].size(), 32u);
  EXPECT_EQ(json["ablation"]["tried"], kLayers * kHidden);
  EXPECT_EQ(json["ablation"]["held_at"], "mean");
  const nlohmann::json& unit = json["microscope"]["units"][3];
  EXPECT_EQ(unit["unit"], e.microscope->units[3].unit.unit);
  EXPECT_EQ(unit["products"].size(), 6u);
  EXPECT_EQ(unit["products"][5].size(), json["microscope"]["products"].size());
  EXPECT_EQ(unit["states"][0].size(), json["model"]["states"].size());
  EXPECT_NEAR(unit["states"][5][0].get<double>(), e.microscope->units[3].states[5 * model.cell().states.size()], 1e-5);
  // One word has nothing before it to carry.
  EXPECT_FALSE(explain(model, "the", {}).ablation);
}

TEST_P(OfUnits, AWordIsReplacedByThoseThatWereExpectedThere) {
  const Connectivity c = connect(model, tokens, Token{4});
  const double whole = log_p_held(model, tokens, tokens.size(), {}, {}, 4);
  const Reading reading = read_text(model, tokens, 8);
  ASSERT_EQ(c.replaced.size(), tokens.size());
  for (std::size_t t = 1; t < tokens.size(); ++t) {
    std::vector<Token> expected;
    for (const Choice& choice : reading.candidates[t - 1]) {
      if (choice.token != tokens[t] && choice.token != 0 && expected.size() < 4) expected.push_back(choice.token);
    }
    EXPECT_EQ(c.replacements[t], expected);
    double lost = 0;
    for (const Token other : expected) {
      std::vector<Token> changed = tokens;
      changed[t] = other;
      lost += (whole - log_p_held(model, changed, changed.size(), {}, {}, 4)) / double(expected.size());
    }
    EXPECT_NEAR(c.replaced[t], lost, 2e-5) << t;
  }
  EXPECT_TRUE(connect(model, tokens, Token{4}, false).replaced.empty());
}

TEST_P(OfUnits, HalfLivesHaveQuartilesOverTheWords) {
  const Reading r = read_text(model, tokens);
  const auto kept = keeping_gate(model.cell());
  if (!kept) {
    EXPECT_TRUE(r.layers[0].half_life_quartiles.empty());
    return;
  }
  std::vector<double> of_words;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    of_words.push_back(double(r.trace.layers[1].gates[*kept][t * kHidden + 4]));
  }
  std::ranges::sort(of_words);
  const double middle = (of_words[3] + of_words[4]) / 2;  // of eight
  EXPECT_NEAR(std::pow(middle, r.layers[1].half_life_quartiles[4][1]), 0.5, 1e-6);
  const double upper = of_words[5] + 0.25 * (of_words[6] - of_words[5]);
  EXPECT_NEAR(std::pow(upper, r.layers[1].half_life_quartiles[4][2]), 0.5, 1e-6);
}

TEST_P(OfUnits, RefusesInASentence) {
  const auto refusal = [](auto&& f) -> std::string {
    try {
      f();
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::usage);
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal([&] { ablate(model, tokens, 4, {.from = 7}); }), HasSubstr("expected a word before"));
  EXPECT_THAT(refusal([&] {
                microscope(model, tokens, std::vector<Unit>{{0, 19}});
              }),
              HasSubstr("found layer 0, unit 19"));
  EXPECT_THAT(refusal([&] { microscope(model, tokens, std::vector<Unit>{{2, 0}}); }), HasSubstr("a layer below 2"));
}

INSTANTIATE_TEST_SUITE_P(Cells, OfUnits, testing::ValuesIn(test::every_cell()), test::label);

TEST(Quantiles, AreThoseOfNumPy) {
  Config config;
  config.hidden = 7;
  const Model model(config, Vocabulary({}, {"<unk>", "a"}), 5);
  const Reading r = read_text(model, std::vector<Token>{1, 0, 1});
  std::vector<float> row(r.trace.layers[0].gates[0].begin() + 7, r.trace.layers[0].gates[0].begin() + 14);
  std::ranges::sort(row);
  const auto& found = r.layers[0].gates[0].quantiles.at(1);
  EXPECT_NEAR(found[0], double(row[0]) + 0.6 * (double(row[1]) - double(row[0])), 1e-7);  // 0.1 of 6 steps
  EXPECT_NEAR(found[2], double(row[3]), 1e-7);
  EXPECT_NEAR(found[4], double(row[5]) + 0.4 * (double(row[6]) - double(row[5])), 1e-7);
}

}  // namespace
}  // namespace sluice::units_test
