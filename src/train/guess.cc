#include "train/guess.h"

#include <algorithm>
#include <cmath>

#include "train/evaluate.h"

namespace sluice {
namespace {

constexpr std::size_t kMostRows = std::size_t{1} << 22;  // looked at, which takes some 10 ms
constexpr std::size_t kMostKept = std::size_t{1} << 16;  // rows that are sorted

// Calls f(window, row) for the rows that count of the first `count` windows, or of evenly spaced ones.
template <class F>
void for_rows(Windows& windows, std::size_t count, std::size_t outputs, F&& f) {
  count = std::min(count, windows.count());
  const std::size_t rows = std::max<std::uint64_t>(1, windows.rows() / windows.count());
  const std::size_t looked_at = std::clamp<std::size_t>(kMostRows / rows, 1, count);
  for (std::size_t i = 0; i < looked_at; ++i) {
    const std::size_t k = i * count / looked_at;
    const Window window = windows.fill(k, 0);
    for (std::size_t row = 0; row < target_rows(window, outputs); ++row) {
      if (windows.counted(k, row)) f(window, row);
    }
  }
}

bool is_plain_softmax(const Network& network) {
  const HeadConfig& head = network.config().head;
  return network.head().classes() && head.class_weights.empty() && head.label_smoothing == 0;
}

}  // namespace

Guess::Guess(Windows& training, const Network& network) : network_(network) {
  const std::size_t width = network.targets();
  if (network.head().classes()) {
    nats_.resize(width);
    double rows = 0;
    for_rows(training, training.count(), width, [&](const Window& window, std::size_t row) {
      ++nats_[window.targets.tokens[row]];
      ++rows;
    });
    // Laplace's rule of succession: a class never seen is not impossible.
    for (double& count : nats_) count = std::log((rows + static_cast<double>(width)) / (count + 1));
    if (is_plain_softmax(network)) return;
    outputs_.assign(round_up(width, kBlock), network.head().pad());
    std::ranges::transform(nats_, outputs_.begin(), [](double nats) { return static_cast<float>(-nats); });
    return;
  }
  std::uint64_t seen = 0;
  const std::uint64_t step =
      std::max<std::uint64_t>(1, std::min<std::uint64_t>(training.rows(), kMostRows) / kMostKept);
  std::vector<std::vector<float>> columns(width);
  for_rows(training, training.count(), width, [&](const Window& window, std::size_t row) {
    if (seen++ % step != 0) return;
    for (std::size_t o = 0; o < width; ++o) {
      const float number = window.targets.numbers[row * width + o];
      if (!std::isnan(number)) columns[o].push_back(number);
    }
  });
  outputs_.assign(round_up(network.outputs(), kBlock), network.head().pad());
  const std::size_t outputs_of_one = network.head().columns(1);
  for (std::size_t o = 0; o < width; ++o) {
    if (columns[o].empty()) continue;
    std::ranges::sort(columns[o]);
    network.head().constant(columns[o], outputs_.data() + o * outputs_of_one);
  }
}

double Guess::loss(Windows& windows, std::size_t count) const {
  const Head& head = network_.head();
  double sum = 0, weights = 0;
  for_rows(windows, count, network_.targets(), [&](const Window& window, std::size_t row) {
    const Targets targets = {window.targets.tokens, window.targets.numbers, window.targets.weights};
    const double weight = head.weight(targets, network_.targets(), row);
    sum += weight *
           (outputs_.empty()
                ? nats_[window.targets.tokens[row]]
                : static_cast<double>(head.loss(outputs_.data(), outputs_.size(), network_.targets(), targets, row)));
    weights += weight;
  });
  const double mean = sum / weights;
  return nats_.empty() ? mean : std::min(mean, std::log(static_cast<double>(nats_.size())));
}

}  // namespace sluice
