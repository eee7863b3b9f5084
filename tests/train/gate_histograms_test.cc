// What a training tells of its gates: the values that reading the same text again gives, at no cost to the weights.
#include <gtest/gtest.h>

#include <numeric>

#include "train/training.h"

namespace sluice::gate_histograms_test {
namespace {

using test::letters;
using test::same_weights;
using test::small_model;
using test::small_options;

std::uint64_t values_of(const GateHistogram& one) {
  return std::accumulate(one.counts.begin(), one.counts.end(), std::uint64_t{0});
}

// Trains, and asks for the histograms at every validation.
template <class Material>
std::vector<std::vector<GateHistogram>> asked(Model& model, const Material& material, const TrainOptions& options) {
  std::vector<std::vector<GateHistogram>> found;
  train(model, material, options, [&](const Report& r) {
    EXPECT_EQ(static_cast<bool>(r.gates), r.kind == Report::Kind::validation);
    if (r.gates) found.push_back(r.gates());
    return true;
  });
  return found;
}

TEST(GateHistograms, AreOfTheFirstStepsOfTheValidationText) {
  const Corpus text = letters(500);
  for (const char* cell : {"rnn", "gru", "lstm"}) {
    Model model = small_model({.cell = cell, .layers = 2, .hidden = 10});
    TrainOptions options = small_options();
    options.epochs = 1;
    std::vector<GateHistogram> found = asked(model, text, options).at(0);
    ASSERT_EQ(found.size(), 2 * model.cell().gates.size());
    // 450 letters are trained on: 16 steps, of the first of three streams of 50 letters. One epoch: its weights are
    // kept.
    const GateTrace trace = model.trace(text.slice(450, 500).tokens().first(16));
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::size_t layer = i / model.cell().gates.size(), gate = i % model.cell().gates.size();
      std::array<std::uint64_t, GateHistogram::bins> counts{};
      double sum = 0;
      for (const float value : trace.layers[layer].gates[gate]) {
        ++counts[std::min<std::size_t>(static_cast<std::size_t>(value * 20), 19)];
        sum += static_cast<double>(value);
      }
      EXPECT_EQ(found[i].layer, layer);
      EXPECT_EQ(found[i].gate, model.cell().gates[gate].name);
      EXPECT_EQ(found[i].counts, counts) << cell << ' ' << found[i].gate;
      EXPECT_EQ(values_of(found[i]), 160u);
      EXPECT_NEAR(found[i].sum, sum, 1e-9);
    }
  }
}

TEST(GateHistograms, LeaveTheBitsOfATrainingAsTheyAre) {
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    TrainOptions options = small_options();
    options.ema_decay = 0.9;
    options.precision = precision;
    Model plain = small_model({.cell = "lstm", .hidden = 10, .dropout = 0.2}), with = plain;
    const TrainResult wanted = train(plain, letters(500), options);
    EXPECT_EQ(asked(with, letters(500), options).size(), 3u);
    EXPECT_TRUE(same_weights(plain, with));
    Model again = small_model({.cell = "lstm", .hidden = 10, .dropout = 0.2});
    EXPECT_EQ(train(again, letters(500), options).validation_loss, wanted.validation_loss);
  }
}

// Sequences of their own, read both ways, and of different lengths.
TEST(GateHistograms, OfSequencesAreOfTheLongest) {
  Sequences all;
  all.inputs = 1;
  all.classes = {"low", "high"};
  for (std::size_t s = 0; s < 60; ++s) {
    for (std::size_t t = 0; t <= s % 9; ++t) all.values.push_back(static_cast<float>((s * 7 + t) % 5) - 2);
    all.starts.push_back(all.values.size());
    all.labels.push_back(all.values.back() > 0);
  }
  Config config;
  config.inputs = 1;
  config.outputs = 2;
  config.stack = {{.cell = "gru", .units = 6, .direction = "both"}, {.cell = "lstm", .units = 4}};
  config.head = {.loss = "softmax", .at = "last"};
  TrainOptions options;
  options.epochs = 2;
  options.batch = 4;
  options.validation_split = 0.5;
  options.threads = 1;
  Model model(config, 1);
  for (const std::vector<GateHistogram>& found : asked(model, all, options)) {
    ASSERT_EQ(found.size(), 2u + 2u + 3u);
    for (const GateHistogram& one : found) EXPECT_EQ(values_of(one), 16u * (one.layer < 2 ? 6 : 4)) << one.layer;
    EXPECT_EQ(found[3].layer, 1u);
    EXPECT_EQ(found[4].layer, 2u);
  }
}

}  // namespace
}  // namespace sluice::gate_histograms_test
