// Means, quantiles, saturation and half-lives over a trace.
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

// Of sorted values; between the two around its place, as NumPy's default.
double quantile(std::span<const float> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto low = static_cast<double>(sorted[below]);
  const auto high = static_cast<double>(sorted[std::min(below + 1, sorted.size() - 1)]);
  return low + (place - std::floor(place)) * (high - low);
}

std::vector<std::array<double, 5>> quantiles_over_units(std::span<const float> values, std::size_t hidden) {
  std::vector<std::array<double, 5>> all;
  std::vector<float> row(hidden);
  for (std::size_t start = 0; start < values.size(); start += hidden) {
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(start), hidden, row.begin());
    std::sort(row.begin(), row.end());
    std::array<double, 5>& here = all.emplace_back();
    for (std::size_t i = 0; i < here.size(); ++i) here[i] = quantile(row, GateSummary::quantile_shares[i]);
  }
  return all;
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

// Half-life of the quartiles of a unit's keeping gate over the words.
std::vector<std::array<double, 3>> half_life_quartiles(std::span<const float> kept, std::size_t hidden) {
  const std::size_t steps = kept.size() / hidden;
  std::vector<float> over_words(steps);
  std::vector<std::array<double, 3>> all(hidden);
  for (std::size_t u = 0; u < hidden; ++u) {
    for (std::size_t t = 0; t < steps; ++t) over_words[t] = std::clamp(kept[t * hidden + u], 0.f, 1.f);
    std::sort(over_words.begin(), over_words.end());
    for (std::size_t i = 0; i < 3; ++i) {
      const double log = std::log(quantile(over_words, 0.25 * static_cast<double>(i + 1)));
      all[u][i] = log < 0 ? std::log(0.5) / log : std::numeric_limits<double>::infinity();
    }
  }
  return all;
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
    for (const std::vector<float>& gate : layer.gates) {
      s.gates.push_back(summarise_gate(gate, trace.hidden));
      s.gates.back().quantiles = quantiles_over_units(gate, trace.hidden);
    }
    s.candidate = summarise_size(layer.candidate, trace.hidden);
    s.hidden = summarise_size(layer.hidden, trace.hidden);
    s.memory = summarise_size(layer.memory, trace.hidden);
    if (const auto kept = keeping_gate(cell)) {
      s.half_life = half_lives(layer.gates[*kept], trace.hidden);
      s.half_life_quartiles = half_life_quartiles(layer.gates[*kept], trace.hidden);
    }
  }
  return layers;
}

}  // namespace sluice
