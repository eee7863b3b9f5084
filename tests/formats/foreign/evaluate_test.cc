// The reference of foreign networks: against numbers worked out by hand, and against the engine.
#include "formats/foreign/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "errors.h"
#include "sluice/stream.h"

namespace sluice::foreign::evaluate_test {
namespace {

Numbers numbers(const std::vector<double>& values) {
  Numbers made(values.size(), true);
  for (std::size_t i = 0; i < values.size(); ++i) made.set(i, values[i]);
  return made;
}

double sigmoid(double a) { return 1 / (1 + std::exp(-a)); }

// One unit that reads one number.
Recurrent unit(Cell cell, const std::vector<double>& W, const std::vector<double>& U) {
  Recurrent part;
  part.cell = cell;
  part.inputs = part.hidden = 1;
  part.directions.resize(1);
  part.directions[0].input = numbers(W);
  part.directions[0].recurrent = numbers(U);
  return part;
}

// Sequence, last h and last c of a part over one row of steps.
std::vector<std::vector<double>> run(Recurrent part, const std::vector<double>& x,
                                     const std::vector<double>& lengths = {}) {
  Builder builder("test");
  const ValueId input = builder.input("x", {Kind::sequence, 1});
  ValueId mask = no_value;
  Feed feed = {x.size(), 1, {{input, x}}};
  if (!lengths.empty()) {
    const ValueId given = builder.input("lengths", {Kind::lengths, 0});
    mask = builder.add_one("lengths", LengthMask{}, {given});
    feed.inputs[given] = lengths;
  }
  for (const ValueId made : builder.add("cell", std::move(part), {input, mask})) builder.output("y", made);
  return evaluate(builder.finish("test"), feed);
}

TEST(ForeignEvaluate, GruResetBeforeAndAfterAreTheirEquations) {
  for (const Cell cell : {Cell::gru_reset_before, Cell::gru_reset_after}) {
    Recurrent part = unit(cell, {0.5, -0.4, 0.9}, {0.3, 0.7, -1.1});
    part.directions[0].recurrent_bias = numbers({0, 0, 0.25});
    part.directions[0].initial_h = numbers({0.6});
    const double z = sigmoid(0.5 * 2 + 0.3 * 0.6), r = sigmoid(-0.4 * 2 + 0.7 * 0.6);
    const double inner = cell == Cell::gru_reset_before ? -1.1 * (r * 0.6) + 0.25 : r * (-1.1 * 0.6 + 0.25);
    const double n = std::tanh(0.9 * 2 + inner);
    EXPECT_NEAR(run(part, {2})[0][0], (1 - z) * 0.6 + z * n, 1e-15) << name_of(cell);
    part.keeps = true;
    EXPECT_NEAR(run(part, {2})[0][0], z * 0.6 + (1 - z) * n, 1e-15) << name_of(cell);
  }
}

TEST(ForeignEvaluate, LstmHasPeepholesClipCouplingAndProjection) {
  Recurrent part = unit(Cell::lstm, {0.5, -0.4, 0.9, 0.2}, {0, 0, 0, 0});
  part.directions[0].peepholes = numbers({0.1, 0.2, 0.3});
  part.directions[0].initial_c = numbers({0.8});
  const double i = sigmoid(1.0 + 0.1 * 0.8), f = sigmoid(-0.8 + 0.2 * 0.8), c = f * 0.8 + i * std::tanh(1.8);
  EXPECT_NEAR(run(part, {2})[2][0], c, 1e-15);
  EXPECT_NEAR(run(part, {2})[1][0], sigmoid(0.4 + 0.3 * c) * std::tanh(c), 1e-15);

  part.clip = 0.5;
  part.directions[0].peepholes = {};
  const double clipped = sigmoid(-0.5) * 0.8 + sigmoid(0.5) * std::tanh(0.5);
  EXPECT_NEAR(run(part, {2})[2][0], clipped, 1e-15);

  part.clip = 0;
  part.couples_input_forget = true;
  EXPECT_NEAR(run(part, {2})[2][0], (1 - sigmoid(1.0)) * 0.8 + sigmoid(1.0) * std::tanh(1.8), 1e-15);

  part.couples_input_forget = false;
  part.projection = 2;
  part.directions[0].recurrent = numbers({0, 0, 0, 0, 0, 0, 0, 0});
  part.directions[0].projection = numbers({3, -1});
  const auto made = run(part, {2});
  EXPECT_NEAR(made[0][0], -3 * made[0][1], 1e-15);
}

TEST(ForeignEvaluate, ABackwardLayerBeginsAtEachRowsOwnEnd) {
  Recurrent part = unit(Cell::rnn, {1}, {1});
  part.directions[0].candidate = {Function::linear};
  part.directions[0].backward = true;
  // 1 2 3, of which the last does not count: 2, then 2 + 1.
  EXPECT_EQ(run(part, {1, 2, 3}, {2})[0], (std::vector<double>{3, 2, 0}));
  EXPECT_EQ(run(part, {1, 2, 3}, {2})[1], (std::vector<double>{3}));
  EXPECT_EQ(run(part, {1, 2, 3})[0], (std::vector<double>{6, 5, 3}));
  part.directions[0].backward = false;
  part.masked_is_zero = false;
  EXPECT_EQ(run(part, {1, 2, 3}, {2})[0], (std::vector<double>{1, 3, 3}));
}

TEST(ForeignEvaluate, SizesThatDoNotFitAreRefused) {
  Builder builder("file");
  const ValueId x = builder.input("x", {Kind::sequence, 3});
  const auto sentence = test::error_of(Status::bad_file, [&] { builder.add("fc", Dense{2, 1, Numbers(2), {}}, {x}); });
  EXPECT_EQ(sentence, "file: \"fc\": expected 2 numbers to read, found 3 numbers of every step");
  Numbers broken(3);
  broken.set(1, NAN);
  EXPECT_EQ(test::error_of(Status::bad_file,
                           [&] {
                             builder.add("fc", Dense{3, 1, broken, {}}, {x});
                           }),
            "file: \"fc\": expected finite numbers in weights, found one at 1 that is not");
}

}  // namespace
}  // namespace sluice::foreign::evaluate_test
