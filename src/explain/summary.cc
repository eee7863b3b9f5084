#include <algorithm>
#include <cmath>
#include <limits>

#include "explain/reading.h"

namespace sluice {
namespace {

// Calls f(word, unit, value) over [T, H].
template <class F>
void for_each(std::span<const float> values, std::size_t hidden, F&& f) {
  for (std::size_t t = 0; t * hidden < values.size(); ++t) {
    for (std::size_t u = 0; u < hidden; ++u) f(t, u, values[t * hidden + u]);
  }
}

void scale(std::vector<double>& sums, std::size_t count) {
  for (double& sum : sums) sum /= static_cast<double>(count);
}

GateSummary summarise_gate(std::span<const float> values, std::size_t hidden) {
  const std::size_t steps = values.size() / hidden;
  GateSummary s{std::vector<double>(steps), std::vector<double>(hidden), std::vector<double>(hidden),
                std::vector<double>(hidden)};
  for_each(values, hidden, [&](std::size_t t, std::size_t u, float value) {
    s.words[t] += static_cast<double>(value);
    s.units[u] += static_cast<double>(value);
    s.low[u] += value < GateSummary::low_end ? 1 : 0;
    s.high[u] += value > GateSummary::high_end ? 1 : 0;
  });
  scale(s.words, hidden);
  for (std::vector<double>* sums : {&s.units, &s.low, &s.high}) scale(*sums, steps);
  for (std::size_t u = 0; u < hidden; ++u) {
    s.share_low += s.low[u] / static_cast<double>(hidden);
    s.share_high += s.high[u] / static_cast<double>(hidden);
  }
  return s;
}

SizeSummary summarise_size(std::span<const float> values, std::size_t hidden) {
  if (values.empty()) return {};
  const std::size_t steps = values.size() / hidden;
  SizeSummary s{std::vector<double>(steps), std::vector<double>(hidden)};
  for_each(values, hidden, [&](std::size_t t, std::size_t u, float value) {
    s.words[t] += std::abs(static_cast<double>(value));
    s.units[u] += std::abs(static_cast<double>(value));
  });
  scale(s.words, hidden);
  scale(s.units, steps);
  return s;
}

std::vector<double> half_lives(std::span<const float> kept, std::size_t hidden) {
  std::vector<double> logs(hidden);
  for_each(kept, hidden, [&](std::size_t, std::size_t u, float value) {
    logs[u] += std::log(static_cast<double>(std::clamp(value, 0.f, 1.f)));
  });
  scale(logs, kept.size() / hidden);
  for (double& log : logs) log = log < 0 ? std::log(0.5) / log : std::numeric_limits<double>::infinity();
  return logs;
}

}  // namespace

std::optional<std::size_t> keeping_gate(const CellInfo& cell) {
  const auto found = std::find_if(cell.gates.begin(), cell.gates.end(),
                                  [](const GateInfo& gate) { return gate.name == "retain" || gate.name == "forget"; });
  if (found == cell.gates.end()) return std::nullopt;
  return static_cast<std::size_t>(found - cell.gates.begin());
}

std::vector<LayerSummary> summarise(const CellInfo& cell, const GateTrace& trace) {
  std::vector<LayerSummary> layers;
  for (const LayerTrace& layer : trace.layers) {
    LayerSummary& s = layers.emplace_back();
    for (const std::vector<float>& gate : layer.gates) s.gates.push_back(summarise_gate(gate, trace.hidden));
    s.candidate = summarise_size(layer.candidate, trace.hidden);
    s.hidden = summarise_size(layer.hidden, trace.hidden);
    s.memory = summarise_size(layer.memory, trace.hidden);
    if (const auto kept = keeping_gate(cell)) s.half_life = half_lives(layer.gates[*kept], trace.hidden);
  }
  return layers;
}

}  // namespace sluice
