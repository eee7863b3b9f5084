#include "train/gate_histograms.h"

#include <algorithm>
#include <numeric>

#include "model/recurrent_layer.h"

namespace sluice {
namespace {

// The first stream, or packed sequence, of a window by itself.
struct FirstStream {
  std::vector<Token> tokens, words;
  std::vector<float> numbers;
  Window window;

  FirstStream(const Window& from, std::size_t most) {
    const std::span<const std::uint32_t> lengths = from.lengths;
    const std::size_t all =
        lengths.empty() ? from.steps * from.batch : std::accumulate(lengths.begin(), lengths.end(), std::size_t{0});
    const std::size_t steps = std::min<std::size_t>(lengths.empty() ? from.steps : lengths.front(), most);
    const std::size_t width = from.inputs.numbers.size() / all;
    std::size_t streams = from.batch;  // that are as long
    for (std::size_t t = 0, row = 0; t < steps; ++t, row += streams) {
      while (!lengths.empty() && lengths[streams - 1] <= t) --streams;
      if (!from.inputs.tokens.empty()) tokens.push_back(from.inputs.tokens[row]);
      if (!from.words.empty()) words.push_back(from.words[row]);
      const auto first = from.inputs.numbers.begin() + static_cast<std::ptrdiff_t>(row * width);
      numbers.insert(numbers.end(), first, first + static_cast<std::ptrdiff_t>(width));
    }
    window.inputs.tokens = tokens;
    window.inputs.numbers = numbers;
    window.steps = steps;
    window.batch = 1;
    window.words = words;
    window.spellings = from.spellings;
  }
};

void count(std::span<const float> values, GateHistogram& into) {
  constexpr auto kLast = static_cast<float>(GateHistogram::bins - 1);
  for (const float value : values) {
    const float bin = value > 0 ? std::min(value * static_cast<float>(GateHistogram::bins), kLast) : 0;
    ++into.counts[static_cast<std::size_t>(bin)];
    into.sum += static_cast<double>(value);
    into.sum_of_squares += static_cast<double>(value) * static_cast<double>(value);
  }
}

}  // namespace

std::vector<GateHistogram> gate_histograms(const Network& network, Windows& windows, std::size_t most,
                                           Workspace& workspace, Team& team) {
  std::vector<GateHistogram> found;
  for (std::size_t l = 0; l < network.recurrent().size(); ++l) {
    for (const GateInfo& gate : network.recurrent()[l]->cell().gates) found.push_back({l, gate.name});
  }
  if (found.empty()) return found;
  State state = network.initial_state(1);
  for (std::size_t k = 0, done = 0; k < windows.count() && done < most; ++k) {
    const Window whole = windows.fill(k, 0);
    const FirstStream first(whole, most - done);
    if (!whole.lengths.empty()) state = network.initial_state(1);
    network.forward(first.window, state, workspace, team);
    auto into = found.begin();
    for (const LayerTrace& layer : network.trace(workspace).layers) {
      for (const std::vector<float>& gate : layer.gates) count(gate, *into++);
    }
    done += first.window.steps;
  }
  return found;
}

}  // namespace sluice
