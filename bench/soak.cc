// Streams that run for very long: every cell, on text and on numbers, beside the reference in double, which reads the
// same and keeps a state of its own all the way, so that nothing is put right in between. Weights are of the size of an
// initialisation (uniform within 1 / sqrt(H)), under which a network forgets, and with it its rounding errors: the
// difference must stay what it is over 100 steps (5e-6 on a state) however long it runs. Nothing may become NaN, and
// the memory of the process must not grow.
//
// Usage: sluice_soak [STEPS] [CELL...]; STEPS, of each model, is 100 million unless given.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/threads.h"
#include "bench/measure/samples.h"
#include "kernels/reference.h"
#include "model/model_access.h"
#include "sluice/stream.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kBlock = 1000, kHidden = 8, kLayers = 2, kInputs = 2, kOutputs = 8;
constexpr double kBound = 5e-6;          // on a state, as sequences of up to 100 steps keep it
constexpr double kMostGrowth = 1 << 20;  // bytes; an allocator may round up, a leak a step would be gigabytes

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  file >> pages >> pages;
  return pages * 4096;
}

struct Found {
  double difference = 0;  // the largest of any state
  double error = 0;       // the largest of an answer: every number, and a probability a block
  bool finite = true;
  double growth = 0;  // bytes, since the second block
};

Config config_of(const std::string& cell, const std::string& activation, bool text) {
  Config config;
  config.cell = cell;
  config.activation = activation;
  config.layers = kLayers;
  config.hidden = kHidden;
  if (!text) config.inputs = kInputs, config.outputs = kOutputs;
  return config;
}

Model make_model(const Config& config) {
  std::vector<std::string> tokens = {std::string(Vocabulary::unknown_text)};
  while (tokens.size() < kOutputs) tokens.push_back(std::to_string(tokens.size()));
  Model model = config.inputs > 0 ? Model(config) : Model(config, Vocabulary({}, tokens));
  Random random(7);
  Parameters& p = network_of(model).parameters();
  for (std::size_t i = 0; i < p.shapes().size(); ++i) {
    for (float& v : p[i]) v = static_cast<float>((2 * random.uniform() - 1) / std::sqrt(double{kHidden}));
  }
  Team alone(1);
  network_of(model).pack(alone);
  return model;
}

reference::Network in_double(const Model& model) {
  const Config& c = model.config();
  reference::Network out;
  out.cell = c.cell;
  out.activation = c.activation;
  out.vocabulary = model.vocabulary().size();
  out.embedding = c.embedding;
  out.hidden = c.hidden;
  out.layers = c.layers;
  out.inputs = c.inputs;
  out.outputs = c.outputs;
  const Parameters& p = network_of(model).parameters();
  for (std::size_t i = 0; i < p.shapes().size(); ++i) out.tensors[p.shapes()[i].name] = {p[i].begin(), p[i].end()};
  return out;
}

// One model beside its reference, block by block.
class Pair {
 public:
  explicit Pair(const Config& config)
      : model_(make_model(config)),
        stream_(model_),
        truth_(in_double(model_)),
        state_(model_.initial_state().values().size()) {}

  void block(Found& found) {
    draw();
    std::vector<float> answers;
    read(answers);
    const reference::Result expected = reference::run(truth_, text_, state_, false);
    state_ = expected.state;
    for (std::size_t i = 0; i < state_.size(); ++i) {
      const double value = static_cast<double>(stream_.state().values()[i]);
      found.finite = found.finite && std::isfinite(value);
      found.difference = std::max(found.difference, std::abs(value - state_[i]) / std::max(1.0, std::abs(state_[i])));
    }
    for (std::size_t i = 0; i < answers.size(); ++i) {
      found.finite = found.finite && std::isfinite(answers[i]);
      found.error = std::max(found.error, std::abs(static_cast<double>(answers[i]) - expected.logits[i]));
    }
    if (!model_.reads_text()) return;
    const double p = static_cast<double>(stream_.probabilities()[0]);  // every target is token 0
    found.finite = found.finite && std::isfinite(p);
    found.error = std::max(found.error, std::abs(p - std::exp(-expected.nats.back())));
  }

 private:
  void draw() {
    text_ = {kBlock, 1};
    for (std::size_t t = 0; t < kBlock; ++t) {
      if (model_.reads_text()) {
        text_.inputs.push_back(static_cast<Token>(random_.below(kOutputs)));
        continue;
      }
      for (std::size_t i = 0; i < kInputs; ++i) {
        text_.x.push_back(static_cast<double>(static_cast<float>(2 * random_.uniform() - 1)));
      }
    }
    text_.targets.assign(model_.reads_text() ? kBlock : 0, 0);
    text_.y.assign(model_.reads_text() ? 0 : kBlock * kOutputs, 0);
  }

  // Half of the block step by step, half in one chunk.
  void read(std::vector<float>& answers) {
    constexpr std::size_t kHalf = kBlock / 2;
    if (model_.reads_text()) {
      for (std::size_t t = 0; t < kHalf; ++t) stream_.step(text_.inputs[t]);
      stream_.feed(std::span<const Token>(text_.inputs).subspan(kHalf));
      return;
    }
    const std::vector<float> x(text_.x.begin(), text_.x.end());
    for (std::size_t t = 0; t < kHalf; ++t) {
      stream_.step(std::span(x).subspan(t * kInputs, kInputs));
      answers.insert(answers.end(), stream_.output().begin(), stream_.output().end());
    }
    answers.resize(kBlock * kOutputs);
    stream_.feed(std::span(x).subspan(kHalf * kInputs), std::span(answers).subspan(kHalf * kOutputs));
  }

  Model model_;
  Stream stream_;
  reference::Network truth_;
  reference::Numbers state_;
  reference::Text text_;
  Random random_{11};
};

bool soak(const Config& config, std::size_t steps) {
  const double start = seconds_now();
  Pair pair(config);
  Found found;
  double before = 0;
  std::size_t done = 0;
  for (std::size_t block = 0; done < steps; ++block, done += kBlock) {
    pair.block(found);
    if (block == 1) before = resident_bytes();
  }
  if (before > 0) found.growth = resident_bytes() - before;
  const bool good =
      found.finite && found.difference <= kBound && found.error <= 2 * kBound && found.growth <= kMostGrowth;
  std::printf("%-16s %-5s %-8s %11zu steps %6.0f s   state %.1e   answers %.1e   %s   %+.0f KiB   %s\n",
              config.cell.c_str(), config.activation.c_str(), config.inputs > 0 ? "numbers" : "text", done,
              seconds_now() - start, found.difference, found.error, found.finite ? "finite" : "NOT FINITE",
              found.growth / 1024, good ? "good" : "FAILED");
  std::fflush(stdout);
  return good;
}

int run(std::size_t steps, std::vector<std::string> names) {
  if (names.empty()) {
    for (const CellInfo& info : cells()) names.emplace_back(info.name);
  }
  std::vector<Config> configs;
  for (const std::string& cell : names) {
    find_cell(cell);
    for (const char* activation : {"tanh", "relu"}) {
      if (cell != "rnn" && std::string(activation) == "relu") continue;
      for (const bool text : {true, false}) configs.push_back(config_of(cell, activation, text));
    }
  }
  std::size_t failed = 0;
  for (const Config& config : configs) failed += !soak(config, std::max(2 * kBlock, steps));
  std::printf("%zu models, %zu failed\n", configs.size(), failed);
  return failed > 0 ? 1 : 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** words) {
  try {
    const std::vector<std::string> names(words + std::min(count, 2), words + count);
    const std::size_t steps = count > 1 ? std::strtoull(words[1], nullptr, 10) : 100'000'000;
    if (steps == 0) throw sluice::Error(sluice::Status::usage, "steps: expected a number above 0, found 0");
    return sluice::bench::run(steps, names);
  } catch (const sluice::Error& error) {
    std::fprintf(stderr, "sluice_soak: %s\n", error.what());
    return static_cast<int>(error.status());
  }
}
