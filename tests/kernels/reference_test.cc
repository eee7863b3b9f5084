// The reference's back-propagation through time against central differences of its own loss, in double.
#include "kernels/reference.h"

#include <gtest/gtest.h>

#include "kernels/samples.h"
#include "sluice/error.h"

namespace sluice::reference_test {
namespace {

using reference::Numbers;

struct Size {
  std::size_t steps, batch, layers, hidden, embedding, vocabulary;
  bool tied;
};

class Reference : public test::EveryCell {
 protected:
  // Compares `gradient` with the central difference of the loss by each of `values`, which belong to `network` or are
  // `state`. The step balances truncation (step^2) and cancellation (1e-16 / step).
  void expect_slope(Numbers& values, const Numbers& gradient, double floor, const std::string& what) {
    constexpr double step = 1e-5;
    Numbers slope;
    for (double& value : values) {
      const double old = value;
      value = old + step;
      const double up = run(network, text, state, false).loss;
      value = old - step;
      const double down = run(network, text, state, false).loss;
      value = old;
      slope.push_back((up - down) / (2 * step));
    }
    EXPECT_LE(test::largest_difference(slope, gradient), 1e-7 * std::max(test::largest(gradient), floor)) << what;
  }

  void expect_gradients(const Size& size, std::uint64_t seed) {
    Random random(seed);
    network = {GetParam().cell, GetParam().activation, size.vocabulary, size.embedding,
               size.hidden,     size.layers,           size.tied,       {}};
    text = test::random_text(size.steps, size.batch, size.vocabulary, random);
    expect_gradients(size, random);
  }

  // A network on numbers, I and O in the places of E and V.
  void expect_gradients_on_numbers(const Size& size, std::uint64_t seed) {
    Random random(seed);
    network = {GetParam().cell, GetParam().activation, 0, 0, size.hidden, size.layers, false, {},
               size.embedding,  size.vocabulary};
    text = {size.steps, size.batch};
    text.x = test::random_numbers(random, size.steps * size.batch * size.embedding, 1);
    text.y = test::random_numbers(random, size.steps * size.batch * size.vocabulary, 1);
    expect_gradients(size, random);
  }

  void expect_gradients(const Size& size, Random& random) {
    network.tensors = network.zeros();
    test::randomize(network.tensors, random, 0.8);
    const std::size_t states = reference::rows_of(network.cell, network.activation).states;
    state = test::random_numbers(random, size.layers * states * size.batch * size.hidden, 0.9);

    const reference::Result result = run(network, text, state, true);
    double most = 0;
    for (const auto& [name, gradient] : result.gradients) most = std::max(most, test::largest(gradient));
    ASSERT_GT(most, 0);
    ASSERT_EQ(result.gradients.size(), network.tensors.size());
    for (auto& [name, values] : network.tensors) {
      expect_slope(values, result.gradients.at(name), most / 100, name);
    }
    expect_slope(state, result.state_gradient, most / 100, "state");
  }

  reference::Network network;
  reference::Text text;
  Numbers state;
};

TEST_P(Reference, OneOfEverything) { expect_gradients({1, 1, 1, 1, 1, 2, false}, 1); }
TEST_P(Reference, OneLayer) { expect_gradients({7, 3, 1, 5, 3, 6, false}, 2); }
TEST_P(Reference, TwoLayers) { expect_gradients({5, 2, 2, 4, 3, 7, false}, 3); }
TEST_P(Reference, TwoTiedLayers) { expect_gradients({6, 2, 2, 3, 3, 5, true}, 4); }
TEST_P(Reference, ThreeLayersOfOneUnit) { expect_gradients({9, 1, 3, 1, 2, 3, false}, 5); }
TEST_P(Reference, OneStepOfManyStreams) { expect_gradients({1, 11, 1, 4, 4, 5, true}, 6); }
TEST_P(Reference, OneOfEverythingOnNumbers) { expect_gradients_on_numbers({1, 1, 1, 1, 1, 1, false}, 7); }
TEST_P(Reference, OneLayerOnNumbers) { expect_gradients_on_numbers({7, 3, 1, 5, 3, 2, false}, 8); }
TEST_P(Reference, TwoLayersOnNumbers) { expect_gradients_on_numbers({5, 2, 2, 4, 1, 3, false}, 9); }

INSTANTIATE_TEST_SUITE_P(Cells, Reference, testing::ValuesIn(test::every_cell()), test::label);

TEST(ReferenceCells, AnUnknownOneIsRefused) { EXPECT_THROW(reference::rows_of("gruu", "tanh"), Error); }

// The loss itself, by hand: without weights every token is equally likely.
TEST(ReferenceLoss, IsLogOfTheVocabularyWithoutWeights) {
  reference::Network network{"gru", "tanh", 7, 3, 4, 1, false, {}};
  network.tensors = network.zeros();
  Random random(1);
  const reference::Result result = run(network, test::random_text(3, 2, 7, random), Numbers(8), false);
  EXPECT_NEAR(result.loss, std::log(7.0), 1e-15);
}

// And on numbers, without weights, the mean square of what was to be answered.
TEST(ReferenceLoss, IsTheMeanSquareOfTheTargetsWithoutWeights) {
  reference::Network network{"gru", "tanh", 0, 0, 4, 1, false, {}, 1, 2};
  network.tensors = network.zeros();
  reference::Text text{1, 2};
  text.x = {5, 6};
  text.y = {1, -2, 3, 0.5};
  EXPECT_NEAR(run(network, text, Numbers(8), false).loss, (1 + 4 + 9 + 0.25) / 4, 1e-15);
}

}  // namespace
}  // namespace sluice::reference_test
