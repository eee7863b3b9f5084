// A gate on a stream of samples: a tone passes, noise does not.
//
//   gate --train GATE.safetensors        trains one on tones and noise it makes up, in a few seconds
//   gate GATE.safetensors < in > out     samples are 32-bit floats of one channel at 16 kHz
//
// The network reads a sample and answers how much of it to let through, from 0 to 1. It has no window and no lookahead:
// what it knows of the past is its state. The loop that reads, feeds and writes is what a plug-in does in its callback.
#include <sluice/sluice.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <numbers>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace {

using sluice::Error;
using sluice::Status;

constexpr double kRate = 16000;
constexpr std::size_t kChunk = 256;  // samples at a time, as a sound card gives them

// Pieces of a tone of some pitch and loudness, with a little noise on it, and of noise just as loud: x is the sample,
// and the target is 1 while there is a tone.
sluice::Series made_up(std::size_t samples) {
  std::mt19937 random(1);
  const auto between = [&random](double low, double high) {
    return low + (high - low) * (static_cast<double>(random()) / 4294967296.0);
  };
  std::vector<float> x, target;
  while (x.size() < samples) {
    const bool tone = between(0, 1) < 0.5;
    const double loudness = between(0.1, 0.7), step = 2 * std::numbers::pi * between(150, 2000) / kRate;
    double phase = between(0, 6);
    for (auto left = static_cast<int>(between(500, 2500)); left > 0; --left, phase += step) {
      const double noise = between(-1, 1) * loudness;
      x.push_back(static_cast<float>(tone ? loudness * std::sin(phase) + 0.1 * noise : noise));
      target.push_back(tone ? 1.f : 0.f);
    }
  }
  return {std::move(x), 1, std::move(target), 1, "tones and noise"};
}

void train(const std::string& path) {
  sluice::Model model({.cell = "gru", .hidden = 16, .inputs = 1, .outputs = 1});
  const auto result = sluice::train(
      model, made_up(200'000),
      {.epochs = 8, .batch = 32, .steps = 64, .learning_rate = 1e-2, .validation_split = 0.1, .threads = 1});
  sluice::save(model, path, {.force = true});
  std::cerr << "mean squared error " << result.validation_loss
            << " on samples it was not trained on (0.25 is what the best constant answer would have)\n";
}

// Fills the samples; fewer than asked for only where the stream ends.
std::size_t read_samples(std::span<float> samples) {
  std::size_t got = 0;
  while (got < samples.size_bytes()) {
    const ssize_t more =
        ::read(STDIN_FILENO, reinterpret_cast<char*>(samples.data()) + got, samples.size_bytes() - got);
    if (more < 0) throw Error(Status::failed, "standard input: cannot read");
    if (more == 0) break;
    got += static_cast<std::size_t>(more);
  }
  if (got % sizeof(float) != 0) throw Error(Status::bad_file, "standard input: expected whole samples of 4 bytes");
  return got / sizeof(float);
}

void run(const sluice::Model& model) {
  if (model.config().inputs != 1 || model.config().outputs != 1) {
    throw Error(Status::usage, "expected a model with 1 input and 1 output (gate --train makes one), found another");
  }
  sluice::Stream stream(model);
  std::array<float, kChunk> x, open;
  while (const std::size_t n = read_samples(x)) {
    stream.feed(std::span<const float>(x).first(n), std::span(open).first(n));  // takes no memory, no lock
    for (std::size_t i = 0; i < n; ++i) x[i] *= std::clamp(open[i], 0.f, 1.f);
    std::cout.write(reinterpret_cast<const char*>(x.data()), static_cast<std::streamsize>(n * sizeof(float)));
    if (!std::cout.flush()) throw Error(Status::failed, "standard output: cannot write");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::string(argv[1]) == "--train") {
      train(argv[2]);
    } else if (argc == 2) {
      run(sluice::load(argv[1]));
    } else {
      throw Error(Status::usage, "expected: gate --train GATE.safetensors, or gate GATE.safetensors < in > out");
    }
    return 0;
  } catch (const Error& error) {
    std::cerr << "gate: " << error.what() << '\n';
    return static_cast<int>(error.status());
  }
}
