// Two bidirectional layers on packed sequences of different lengths against what PyTorch computed in double
// (tests/goldens/stacks.json, by scripts/goldens.py --stacks): outputs, last states and every gradient.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/torch_layers.h"
#include "model/layer_runner.h"
#include "model/network.h"

namespace sluice::stack_goldens_test {
namespace {

using nlohmann::json;
using test::Numbers;

const json& goldens() {
  static const json file = json::parse(std::ifstream(SLUICE_SOURCE_DIR "/tests/goldens/stacks.json"));
  return file;
}

class StackGoldens : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    golden = goldens().at("cells").at(GetParam());
    hidden = goldens().at("hidden");
    inputs = goldens().at("inputs");
    lengths = goldens().at("lengths").get<std::vector<std::uint32_t>>();
  }

  Config config() const {
    LayerConfig layer;
    layer.cell = GetParam();
    layer.units = hidden;
    layer.direction = "both";
    Config c;
    c.inputs = inputs;
    c.outputs = goldens().at("outputs");
    c.stack = {layer, layer};
    c.head.loss = "squared";
    return c;
  }

  // PyTorch's arrays by our names of tensors.
  std::map<std::string, Numbers> tensors(const json& arrays, bool sum) const {
    std::map<std::string, Numbers> all = {{"head.weight", arrays.at("head_weight").get<Numbers>()},
                                          {"head.bias", arrays.at("head_bias").get<Numbers>()}};
    for (std::size_t l = 0; l < 2; ++l) {
      for (const char* end : {"", "_reverse"}) {
        const std::string suffix = "_l" + std::to_string(l) + end;
        const reference::Layer layer =
            test::layer_of({GetParam(), "tanh"}, {l == 0 ? inputs : 2 * hidden, hidden}, arrays, sum, suffix);
        all["rnn.weight_ih" + suffix] = layer.weight_ih;
        all["rnn.weight_hh" + suffix] = layer.weight_hh;
        all["rnn.bias" + suffix] = layer.bias;
        all["rnn.bias_hn" + suffix] = layer.bias_hn;
      }
    }
    return all;
  }

  void fill(Parameters& parameters) const {
    const std::map<std::string, Numbers> values = tensors(golden, true);
    for (std::size_t i = 0; i < parameters.shapes().size(); ++i) {
      const std::vector<float> numbers = test::to_float(values.at(parameters.shapes()[i].name));
      ASSERT_EQ(numbers.size(), parameters[i].size()) << parameters.shapes()[i].name;
      std::ranges::copy(numbers, parameters[i].begin());
    }
  }

  // PyTorch has [layers and directions, B, H] of h and of c; a state has both of a layer and direction side by side.
  std::vector<float> state(const char* h, const char* c) const {
    const std::size_t block = lengths.size() * hidden;
    std::vector<float> all;
    for (std::size_t l = 0; l < 4; ++l) {
      for (const char* name : {h, c}) {
        if (!golden.contains(name)) continue;
        const std::vector<float> numbers = test::to_float(golden.at(name).get<Numbers>());
        all.insert(all.end(), numbers.begin() + std::ptrdiff_t(l * block),
                   numbers.begin() + std::ptrdiff_t((l + 1) * block));
      }
    }
    return all;
  }

  static void expect_near(const Numbers& expected, std::span<const float> found, const std::string& what) {
    ASSERT_EQ(expected.size(), found.size()) << what;
    EXPECT_LE(test::largest_difference(expected, std::vector<float>(found.begin(), found.end())),
              5e-6 * std::max(1.0, test::largest(expected)))
        << what;
  }

  json golden;
  std::size_t hidden = 0, inputs = 0;
  std::vector<std::uint32_t> lengths;
};

TEST_P(StackGoldens, TheNetworkEqualsPyTorch) {
  Network network(config(), 0, 1);
  fill(network.parameters());
  for (const std::size_t threads : {1, 3}) {
    Team team(threads);
    network.pack(team);
    State found = network.initial_state(lengths.size());
    const std::vector<float> start = state("h0", "c0");
    ASSERT_EQ(start.size(), found.values().size());
    std::ranges::copy(start, found.values().begin());
    const std::vector<float> x = test::to_float(golden.at("x").get<Numbers>()),
                             targets = test::to_float(golden.at("targets").get<Numbers>());
    Window window = {Rows(x), Rows(targets), lengths.front(), lengths.size()};
    window.lengths = lengths;

    Workspace workspace;
    std::vector<float> y(golden.at("outputs").size());
    State again = found;
    network.predict(window, again, y, workspace, team);
    expect_near(golden.at("outputs").get<Numbers>(), y, "outputs");

    Gradients gradients(network.parameters());
    const double loss = network.train(window, {}, found, gradients, workspace, team);
    EXPECT_NEAR(loss, golden.at("loss").get<double>(), 1e-6);
    const std::vector<float> last = state("h", "c");
    expect_near(Numbers(last.begin(), last.end()), found.values(), "last states");
    EXPECT_TRUE(std::ranges::equal(found.values(), again.values()));
    const std::map<std::string, Numbers> expected = tensors(golden.at("gradients"), false);
    for (std::size_t i = 0; i < gradients.shapes().size(); ++i) {
      expect_near(expected.at(gradients.shapes()[i].name), gradients[i], gradients.shapes()[i].name);
    }
  }
}

// The gradient of the input, which a network has no use for: two layers by themselves.
TEST_P(StackGoldens, TheGradientOfTheInputEqualsPyTorch) {
  Team team(1);
  const Config c = config();
  LayerRunner lower(c.stack[0], inputs), upper(c.stack[1], 2 * hidden);
  const std::map<std::string, Numbers> values = tensors(golden, true);
  for (const auto& [runner, place] : {std::pair{&lower, "0"}, {&upper, "1"}}) {
    for (std::size_t i = 0; i < runner->parameters().shapes().size(); ++i) {
      std::string name = runner->parameters().shapes()[i].name;
      name.replace(name.find("_l0"), 3, std::string("_l") + place);
      std::ranges::copy(test::to_float(values.at(name)), runner->parameters()[i].begin());
    }
    runner->pack(team);
  }
  const std::vector<float> start = state("h0", "c0");
  const auto half = std::ptrdiff_t(start.size() / 2);
  State below = lower.initial_state(lengths.size()), above = upper.initial_state(lengths.size());
  std::copy(start.begin(), start.begin() + half, below.values().begin());
  std::copy(start.begin() + half, start.end(), above.values().begin());

  const std::vector<float> x = test::to_float(golden.at("x").get<Numbers>());
  const std::size_t rows = x.size() / inputs, outputs = c.outputs;
  std::vector<float> between(rows * 2 * hidden), y(rows * 2 * hidden), dy(y.size()), dbetween(y.size()), dx(x.size());
  lower.forward(x, below, between, team, lengths);
  upper.forward(between, above, y, team, lengths);

  // The mean square's gradient, through the linear layer: in double, from PyTorch's own outputs.
  const Numbers found = golden.at("outputs").get<Numbers>(), targets = golden.at("targets").get<Numbers>(),
                w = golden.at("head_weight").get<Numbers>();
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t u = 0; u < 2 * hidden; ++u) {
      double sum = 0;
      for (std::size_t o = 0; o < outputs; ++o) {
        sum += 2 * (found[r * outputs + o] - targets[r * outputs + o]) / double(found.size()) * w[o * 2 * hidden + u];
      }
      dy[r * 2 * hidden + u] = static_cast<float>(sum);
    }
  }
  Parameters above_gradients = upper.parameters().zeros_like(), below_gradients = lower.parameters().zeros_like();
  upper.backward(between, dy, above_gradients, dbetween, team);
  lower.backward(x, dbetween, below_gradients, dx, team);
  expect_near(golden.at("gradients").at("x").get<Numbers>(), dx, "x");
}

INSTANTIATE_TEST_SUITE_P(Cells, StackGoldens, testing::Values("rnn", "lstm", "gru-reset-after"), [](const auto& cell) {
  std::string name = cell.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace sluice::stack_goldens_test
