// The gates people are shown, under their names, in networks whose weights are all zero but the biases: each gate is
// then the squashed bias that its equation has. Bias rows inside stand in the order of the cell's file.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "model/model_access.h"
#include "sluice/model.h"

namespace sluice::shown_gates_test {
namespace {

double sigma(double a) { return 1 / (1 + std::exp(-a)); }

constexpr std::size_t hidden = 3;

// What the gates of that cell show when row block k of the bias is rows[k].
std::map<std::string, double> shown(const std::string& cell, const std::vector<double>& rows) {
  Config config;
  config.cell = cell;
  config.hidden = hidden;
  Model model(config, Vocabulary({}, {"<unk>", "a", "b"}));
  Parameters& parameters = network_of(model).parameters();
  std::ranges::fill(parameters.all(), 0.f);
  for (std::size_t i = 0; i < parameters.shapes().size(); ++i) {
    if (parameters.shapes()[i].name != "rnn.bias_l0") continue;
    EXPECT_EQ(parameters[i].size(), rows.size() * hidden);
    for (std::size_t j = 0; j < parameters[i].size(); ++j) parameters[i][j] = static_cast<float>(rows[j / hidden]);
  }
  Team team(1);
  network_of(model).pack(team);
  const Token tokens[] = {1, 2};
  const GateTrace trace = model.trace(tokens);
  std::map<std::string, double> values;
  for (std::size_t g = 0; g < model.cell().gates.size(); ++g) {
    values[std::string(model.cell().gates[g].name)] = trace.layers[0].gates[g].at(hidden + 1);
  }
  return values;
}

TEST(ShownGates, OfTheGruAreRetainAndReset) {
  const std::map<std::string, double> gates = shown("gru", {1.5, -0.5, 0.25});  // z, r, h
  ASSERT_EQ(gates.size(), 2u);
  EXPECT_NEAR(gates.at("retain"), 1 - sigma(1.5), 1e-6);
  EXPECT_NEAR(gates.at("reset"), sigma(-0.5), 1e-6);
}

TEST(ShownGates, OfTheGruThatResetsAfterTheProductAreTheSame) {
  const std::map<std::string, double> gates = shown("gru-reset-after", {0.25, 1.5, -0.5});  // h, z, r
  ASSERT_EQ(gates.size(), 2u);
  EXPECT_NEAR(gates.at("retain"), 1 - sigma(1.5), 1e-6);
  EXPECT_NEAR(gates.at("reset"), sigma(-0.5), 1e-6);
}

TEST(ShownGates, OfTheLstmAreInputForgetAndOutput) {
  const std::map<std::string, double> gates = shown("lstm", {1.5, -0.5, 0.25, 2});  // i, f, g, o
  ASSERT_EQ(gates.size(), 3u);
  EXPECT_NEAR(gates.at("input"), sigma(1.5), 1e-6);
  EXPECT_NEAR(gates.at("forget"), sigma(-0.5), 1e-6);
  EXPECT_NEAR(gates.at("output"), sigma(2), 1e-6);
}

TEST(ShownGates, OfThePlainNetworkAreNone) { EXPECT_TRUE(shown("rnn", {0.5}).empty()); }

}  // namespace
}  // namespace sluice::shown_gates_test
