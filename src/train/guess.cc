#include "train/guess.h"

#include <algorithm>
#include <cmath>

#include "train/evaluate.h"

namespace sluice {
namespace {

constexpr std::size_t kMostRows = std::size_t{1} << 22;  // looked at, which takes some 10 ms

// Calls f(window, row) for the rows that count of the first `windows` windows, or of evenly spaced ones.
template <class F>
void for_rows(const Batches& batches, std::size_t windows, F&& f) {
  windows = std::min(windows, batches.windows());
  const std::size_t rows = batches.steps_of(0) * batches.batch();
  const std::size_t looked_at = std::clamp<std::size_t>(kMostRows / rows, 1, windows);
  FilledWindow filled;
  for (std::size_t i = 0; i < looked_at; ++i) {
    const std::size_t k = i * windows / looked_at;
    const Window window = filled.fill(batches, k);
    for (std::size_t row = 0; row < window.steps * window.batch; ++row) {
      if (batches.counted(k, row / window.batch, row % window.batch)) f(window, row);
    }
  }
}

}  // namespace

Guess::Guess(const Batches& training, std::size_t vocabulary) : nats_(vocabulary) {
  double rows = 0;
  if (training.of_text()) {
    for_rows(training, training.windows(), [&](const Window& window, std::size_t row) {
      ++nats_[window.targets.tokens[row]];
      ++rows;
    });
    // Laplace's rule of succession: a token never seen is not impossible.
    for (double& count : nats_) count = std::log((rows + static_cast<double>(vocabulary)) / (count + 1));
    return;
  }
  for_rows(training, training.windows(), [&](const Window& window, std::size_t row) {
    const std::size_t width = window.targets.numbers.size() / (window.steps * window.batch);
    means_.resize(width);
    for (std::size_t o = 0; o < width; ++o) means_[o] += static_cast<double>(window.targets.numbers[row * width + o]);
    ++rows;
  });
  for (double& mean : means_) mean /= rows;
}

double Guess::loss(const Batches& batches, std::size_t windows) const {
  double sum = 0, rows = 0;
  for_rows(batches, windows, [&](const Window& window, std::size_t row) {
    ++rows;
    if (batches.of_text()) {
      sum += nats_[window.targets.tokens[row]];
      return;
    }
    for (std::size_t o = 0; o < means_.size(); ++o) {
      const double error = static_cast<double>(window.targets.numbers[row * means_.size() + o]) - means_[o];
      sum += error * error / static_cast<double>(means_.size());
    }
  });
  const double mean = sum / rows;
  return batches.of_text() ? std::min(mean, std::log(static_cast<double>(nats_.size()))) : mean;
}

}  // namespace sluice
