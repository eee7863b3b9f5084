// Training beside PyTorch: from the same initial weights, over the same text with the same optimiser, the loss of every
// one of the first 200 updates is PyTorch's within 1 % (tests/goldens/training.json, by scripts/goldens.py --training).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/random.h"
#include "model/model_access.h"
#include "sluice/train.h"

namespace sluice::curve_test {
namespace {

using nlohmann::json;

// The formula of `initial` in scripts/goldens.py.
void set_initial_weights(Network& network) {
  Parameters& parameters = network.parameters();
  for (std::size_t i = 0; i < parameters.shapes().size(); ++i) {
    const bool recurrent = parameters.shapes()[i].name.starts_with("rnn.");
    const double scale = recurrent ? 1 / std::sqrt(static_cast<double>(network.config().hidden)) : 0.1;
    const Random random(7, i);
    std::uint64_t k = 0;
    for (float& v : parameters[i]) v = static_cast<float>((2 * random.uniform_at(k++) - 1) * scale);
  }
  Team team(1);
  network.pack(team);
}

TEST(TrainingCurve, IsThatOfPyTorch) {
  const json golden = json::parse(std::ifstream(SLUICE_SOURCE_DIR "/tests/goldens/training.json"));
  std::stringstream text;
  text << std::ifstream(SLUICE_SOURCE_DIR "/tests/goldens/shakespeare.txt").rdbuf();
  const Corpus corpus = Corpus::from_text(text.str(), {.level = Level::character});

  TrainOptions options;
  options.batch = golden.at("options").at("batch");
  options.steps = golden.at("options").at("steps");
  options.epochs = golden.at("options").at("epochs");
  options.learning_rate = golden.at("options").at("learning_rate");
  options.clip_norm = golden.at("options").at("clip");
  options.optimizer = Optimizer::adam;
  options.schedule = Schedule::constant;
  options.validation_split = 0;
  options.threads = 2;
  for (const json& expected : golden.at("models")) {
    Config config;
    config.cell = expected.at("cell");
    config.layers = expected.at("layers");
    config.hidden = expected.at("hidden");
    config.embedding = expected.at("embedding");
    config.tied = expected.at("tied");
    Model model(config, corpus.vocabulary());
    set_initial_weights(network_of(model));
    std::vector<double> losses;
    train(model, corpus, options, [&losses](const Report& report) {
      if (report.kind == Report::Kind::update) losses.push_back(report.loss);
      return true;
    });
    const std::vector<double> curve = expected.at("losses");
    ASSERT_EQ(losses.size(), curve.size());
    ASSERT_EQ(losses.size(), 200u);
    for (std::size_t i = 0; i < curve.size(); ++i) {
      ASSERT_NEAR(losses[i], curve[i], 0.01 * curve[i]) << config.cell << ", update " << i + 1;
    }
    EXPECT_LT(losses.back(), 0.7 * losses.front());
  }
}

}  // namespace
}  // namespace sluice::curve_test
