// One layer of each cell against what PyTorch computed in double (tests/goldens/cells.json, by scripts/goldens.py): the
// reference to 1e-12, the kernels to the bounds of the numerical contract. Gate orders and PyTorch's z, which keeps,
// are converted here, apart from the code that reads model files.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/layer_run.h"
#include "kernels/samples.h"

namespace sluice {
namespace {

using nlohmann::json;
using test::Numbers;

const json& goldens() {
  static const json file = json::parse(std::ifstream(SLUICE_SOURCE_DIR "/tests/goldens/cells.json"));
  return file;
}

// Blocks of H rows in our order: which array and block of PyTorch's, and with which sign.
struct Block {
  std::string array;
  std::size_t block;
  double sign = 1;
};

Numbers blocks(const json& arrays, const std::vector<Block>& order, std::size_t hidden, std::size_t columns) {
  Numbers out;
  for (const Block& b : order) {
    const Numbers all = arrays.at(b.array).get<Numbers>();
    for (std::size_t i = 0; i < hidden * columns; ++i) out.push_back(b.sign * all.at(b.block * hidden * columns + i));
  }
  return out;
}

std::vector<Block> in_order(const std::string& array, std::size_t count) {
  std::vector<Block> order;
  for (std::size_t i = 0; i < count; ++i) order.push_back({array, i});
  return order;
}

// PyTorch's two biases add up, and the gradient of the sum is that of either; `sum` says which is wanted.
reference::Layer layer_of(const test::CellName& name, const json& arrays, bool sum) {
  const std::size_t I = goldens().at("inputs"), H = goldens().at("hidden");
  reference::Layer layer{name.cell, name.activation, I, H, {}, {}, {}, {}};
  if (name.cell == "gru") {
    layer.weight_ih = blocks(arrays, {{"W_z", 0}, {"W_r", 0}, {"W_h", 0}}, H, I);
    layer.weight_hh = blocks(arrays, {{"U_z", 0}, {"U_r", 0}, {"U_h", 0}}, H, H);
    layer.bias = blocks(arrays, {{"b_z", 0}, {"b_r", 0}, {"b_h", 0}}, H, 1);
    return layer;
  }
  const std::string w = "weight_ih_l0", u = "weight_hh_l0", b = "bias_ih_l0", c = "bias_hh_l0";
  const bool gru = name.cell == "gru-reset-after";
  const std::size_t rows = reference::rows_of(name.cell, name.activation).input;
  // PyTorch's GRU has r, z, n in every array; ours h, z, r under W and z, r, h under U.
  const auto inputs = [&](const std::string& array) {
    return gru ? std::vector<Block>{{array, 2}, {array, 1, -1}, {array, 0}} : in_order(array, rows);
  };
  layer.weight_ih = blocks(arrays, inputs(w), H, I);
  layer.weight_hh = blocks(arrays, gru ? std::vector<Block>{{u, 1, -1}, {u, 0}, {u, 2}} : in_order(u, rows), H, H);
  layer.bias = blocks(arrays, inputs(b), H, 1);
  const Numbers second = blocks(arrays, inputs(c), H, 1);
  for (std::size_t i = gru ? H : 0; sum && i < second.size(); ++i) layer.bias[i] += second[i];
  if (gru) layer.bias_hn = blocks(arrays, {{c, 2}}, H, 1);
  return layer;
}

class Goldens : public test::EveryCell {
 protected:
  void SetUp() override {
    const std::string key = GetParam().activation == "relu" ? GetParam().cell + "-relu" : GetParam().cell;
    ASSERT_TRUE(goldens().at("cells").contains(key)) << "scripts/goldens.py does not know " << key;
    golden = goldens().at("cells").at(key);
    layer = layer_of(GetParam(), golden, true);
    expected = layer_of(GetParam(), golden.at("gradients"), false);
    T = goldens().at("steps"), B = goldens().at("batch");
    x = golden.at("x").get<Numbers>();
    state = golden.at("h0").get<Numbers>();
    if (golden.contains("c0")) {
      const Numbers c = golden.at("c0").get<Numbers>();
      state.insert(state.end(), c.begin(), c.end());
    }
    dy = golden.at("dy").get<Numbers>();
  }

  // h of every step, [T, B, H], of states [T + 1, S, B, H].
  template <class States>
  Numbers outputs(const States& states) const {
    Numbers h;
    const auto kinds = static_cast<std::size_t>(shape().states);
    const std::size_t row = B * layer.hidden;
    for (std::size_t t = 1; t <= T; ++t) {
      for (std::size_t i = 0; i < row; ++i) h.push_back(static_cast<double>(states[t * kinds * row + i]));
    }
    return h;
  }

  template <class A>
  static void expect_near(const Numbers& golden, const A& found, double tolerance, const char* what) {
    EXPECT_LE(test::largest_difference(golden, found), tolerance * std::max(1.0, test::largest(golden))) << what;
  }

  json golden;
  reference::Layer layer, expected;
  std::size_t T = 0, B = 0;
  Numbers x, state, dy;
};

TEST_P(Goldens, TheReferenceEqualsPyTorch) {
  const reference::LayerRun run = reference::forward(layer, T, B, x, state);
  const reference::LayerGradients found = reference::backward(layer, run, dy);
  expect_near(golden.at("y").get<Numbers>(), outputs(run.states), 1e-12, "y");
  expect_near(expected.weight_ih, found.weights.weight_ih, 1e-12, "weight_ih");
  expect_near(expected.weight_hh, found.weights.weight_hh, 1e-12, "weight_hh");
  expect_near(expected.bias, found.weights.bias, 1e-12, "bias");
  expect_near(expected.bias_hn, found.weights.bias_hn, 1e-12, "bias_hn");
  expect_near(golden.at("gradients").at("x").get<Numbers>(), found.input, 1e-12, "x");
  Numbers start = golden.at("gradients").at("h0").get<Numbers>();
  if (golden.contains("c")) {
    const Numbers c = golden.at("gradients").at("c0").get<Numbers>();
    start.insert(start.end(), c.begin(), c.end());
    expect_near(golden.at("c").get<Numbers>(),
                Numbers(run.states.end() - static_cast<std::ptrdiff_t>(c.size()), run.states.end()), 1e-12, "c");
  }
  expect_near(start, found.state, 1e-12, "state");
}

TEST_P(Goldens, TheKernelsEqualPyTorch) {
  const test::LayerRun found = test::run_layer(shape(), layer, T, B, x, state, dy);
  expect_near(golden.at("y").get<Numbers>(), outputs(found.states), 5e-6, "y");
  expect_near(expected.weight_ih, found.weight_ih, 1e-5, "weight_ih");
  expect_near(expected.weight_hh, found.weight_hh, 1e-5, "weight_hh");
  expect_near(expected.bias, found.bias, 1e-5, "bias");
  expect_near(expected.bias_hn, found.bias_hn, 1e-5, "bias_hn");
  expect_near(golden.at("gradients").at("x").get<Numbers>(), found.input, 1e-5, "x");
}

INSTANTIATE_TEST_SUITE_P(Cells, Goldens, testing::ValuesIn(test::every_cell()), test::label);

}  // namespace
}  // namespace sluice
