// One layer of each cell against what PyTorch computed in double (tests/goldens/cells.json, by scripts/goldens.py): the
// reference to 1e-12, the kernels to the bounds of the numerical contract. Gate orders and PyTorch's z, which keeps,
// are converted in torch_layers.h, apart from the code that reads model files.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/layer_run.h"
#include "kernels/samples.h"
#include "kernels/torch_layers.h"

namespace sluice::goldens_test {
namespace {

using nlohmann::json;
using test::layer_of;
using test::LayerSize;
using test::Numbers;

const json& goldens() {
  static const json file = json::parse(std::ifstream(SLUICE_SOURCE_DIR "/tests/goldens/cells.json"));
  return file;
}

class Goldens : public test::EveryCell {
 protected:
  void SetUp() override {
    const std::string key = GetParam().activation == "relu" ? GetParam().cell + "-relu" : GetParam().cell;
    ASSERT_TRUE(goldens().at("cells").contains(key)) << "scripts/goldens.py does not know " << key;
    golden = goldens().at("cells").at(key);
    const LayerSize size = {goldens().at("inputs"), goldens().at("hidden")};
    layer = layer_of(GetParam(), size, golden, true);
    expected = layer_of(GetParam(), size, golden.at("gradients"), false);
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
}  // namespace sluice::goldens_test
