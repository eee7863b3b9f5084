// Networks with random weights, the same as a reference::Network, and windows of random text.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernels/layer_run.h"
#include "kernels/samples.h"
#include "model/network.h"

namespace sluice::test {

struct NetworkSize {
  std::size_t steps, batch, layers, hidden, embedding, vocabulary;
  bool tied = false;
};

inline Config config_of(const CellName& name, const NetworkSize& size) {
  Config config;
  config.cell = name.cell;
  config.activation = name.activation;
  config.layers = size.layers;
  config.hidden = size.hidden;
  config.embedding = size.embedding;
  config.tied = size.tied;
  return config;
}

// The same sizes for a network on numbers: I stands where E stood, O where V stood.
inline Config numbers_config_of(const CellName& name, const NetworkSize& size) {
  Config config = config_of(name, size);
  config.inputs = std::exchange(config.embedding, 0);
  config.outputs = size.vocabulary;
  return config;
}

// Every tensor uniform within 1 / sqrt(H), embedding and head a little larger so that the loss is not flat.
inline void randomize(Network& network, Random& random) {
  const double scale = 1 / std::sqrt(static_cast<double>(network.config().hidden));
  for (std::size_t i = 0; i < network.parameters().shapes().size(); ++i) {
    const bool recurrent = network.parameters().shapes()[i].name.starts_with("rnn.");
    const std::span<float> values = network.parameters()[i];
    const std::vector<float> fresh = to_float(random_numbers(random, values.size(), recurrent ? scale : 2 * scale));
    std::ranges::copy(fresh, values.begin());
  }
  Team team(1);
  network.pack(team);
}

inline reference::Network in_double(const Network& network) {
  const Config& c = network.config();
  reference::Network out{c.cell,   c.activation, network.vocabulary(), c.embedding, c.hidden, c.layers, c.tied, {},
                         c.inputs, c.outputs};
  for (std::size_t i = 0; i < network.parameters().shapes().size(); ++i) {
    const std::span<const float> values = network.parameters()[i];
    out.tensors[network.parameters().shapes()[i].name] = Numbers(values.begin(), values.end());
  }
  return out;
}

// A network, on text or on numbers as the config says, a window and a state before it that is not zero.
struct Sample {
  Sample(const Config& config, const NetworkSize& size, std::uint64_t seed)
      : random(seed),
        network(config, config.inputs > 0 ? 0 : size.vocabulary, seed),
        state(network.initial_state(size.batch)) {
    randomize(network, random);
    const std::size_t rows = size.steps * size.batch;
    if (config.inputs > 0) {
      text = {size.steps, size.batch};
      text.x = random_numbers(random, rows * config.inputs, 1);
      text.y = random_numbers(random, rows * config.outputs, 1);
      x = to_float(text.x);
      y = to_float(text.y);
    } else {
      text = random_text(size.steps, size.batch, size.vocabulary, random);
    }
    const std::vector<float> start = to_float(random_numbers(random, state.values().size(), 0.9));
    std::ranges::copy(start, state.values().begin());
  }

  Window window() const {
    if (network.config().inputs > 0) return {x, y, text.steps, text.batch};
    return {text.inputs, text.targets, text.steps, text.batch};
  }

  Random random;
  Network network;
  State state;
  reference::Text text;
  std::vector<float> x, y;  // the numbers of `text`
};

// What a pass of training leaves.
struct Trained {
  double loss = 0;
  Gradients gradients;
  State state;
};

inline Trained train(const Sample& sample, std::size_t threads, const DropoutKey& key = {}) {
  Team team(threads);
  Workspace workspace;
  Trained out{0, Gradients(sample.network.parameters()), sample.state};
  // What the gradients held before must not matter.
  for (std::size_t i = 0; i < out.gradients.shapes().size(); ++i) std::ranges::fill(out.gradients[i], 77.f);
  out.loss = sample.network.train(sample.window(), key, out.state, out.gradients, workspace, team);
  return out;
}

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}
inline bool same_bits(const Trained& a, const Trained& b) {
  return std::memcmp(&a.loss, &b.loss, sizeof(double)) == 0 && same_bits(a.gradients.all(), b.gradients.all()) &&
         same_bits(a.state.values(), b.state.values());
}

// What scoring leaves, [T, B].
struct Scored {
  std::vector<float> nats;
  std::vector<std::uint32_t> rank;
  State state;
};

inline Scored score(const Network& network, const Window& window, const State& state, std::size_t threads = 1) {
  Team team(threads);
  Workspace workspace;
  const std::size_t rows = window.steps * window.batch;
  Scored out{std::vector<float>(rows), std::vector<std::uint32_t>(network.config().inputs > 0 ? 0 : rows), state};
  network.score(window, out.state, out.nats, out.rank, workspace, team);
  return out;
}

}  // namespace sluice::test
