#include "explain/unit_states.h"

#include <algorithm>
#include <atomic>
#include <cmath>

namespace sluice {
namespace {

constexpr std::size_t kTogether = 16;  // units that stand in one line of the cache
constexpr auto kGreatest = static_cast<float>(UnitStates::greatest);

// To the nearest, without a call for each: what is positive is cut.
std::int8_t rounded(float steps) {
  const float low = steps > -kGreatest ? steps : -kGreatest;
  const float within = low < kGreatest ? low : kGreatest;
  return static_cast<std::int8_t>(static_cast<int>(within + (kGreatest + 1.5f)) - (UnitStates::greatest + 1));
}

}  // namespace

UnitStates::UnitStates(const std::vector<UnitLayer>& layers, std::size_t places) : places_(places) {
  std::size_t units = 0;
  for (const UnitLayer& layer : layers) {
    firsts_.push_back(units);
    units += layer.units;
  }
  limits_.assign(units, 0);
  bytes_.assign(units * places, 0);
}

bool UnitStates::keep(std::size_t layer, const StateWindow& window, Team& team) {
  const std::size_t units = (layer + 1 < firsts_.size() ? firsts_[layer + 1] : limits_.size()) - firsts_[layer];
  std::atomic<bool> all_finite = true;
  team.split(units, kTogether, [&](std::size_t first, std::size_t last) {
    bool finite = true;
    for (std::size_t u = first; u < last; u += kTogether) {
      keep_units(layer, window, u, std::min(u + kTogether, last), finite);
    }
    if (!finite) all_finite = false;
  });
  return all_finite;
}

void UnitStates::keep_units(std::size_t layer, const StateWindow& window, std::size_t first, std::size_t last,
                            bool& finite) {
  const std::size_t width = last - first;
  float most[kTogether] = {};
  for (const StateRun& run : window.runs) {
    for (std::size_t i = 0; i < run.count; ++i) {
      const float* row = window.at(run, i, run.count) + first;
      for (std::size_t u = 0; u < width; ++u) most[u] = std::max(most[u], std::abs(row[u]));
      for (std::size_t u = 0; u < width; ++u) finite = finite && std::isfinite(row[u]);
    }
  }
  if (!finite) return;
  float inverse[kTogether] = {};
  std::int8_t* places[kTogether] = {};
  for (std::size_t u = 0; u < width; ++u) {
    const std::size_t unit = firsts_[layer] + first + u;
    widen(unit, most[u]);
    inverse[u] = limits_[unit] > 0 ? kGreatest / limits_[unit] : 0;
    places[u] = bytes_.data() + unit * places_;
  }
  for (const StateRun& run : window.runs) {
    for (std::size_t i = 0; i < run.count; ++i) {
      const float* row = window.at(run, i, run.count) + first;
      std::int8_t here[kTogether];
      for (std::size_t u = 0; u < width; ++u) here[u] = rounded(row[u] * inverse[u]);
      for (std::size_t u = 0; u < width; ++u) places[u][run.place + i] = here[u];
    }
  }
}

void UnitStates::widen(std::size_t unit, float size) {
  float& limit = limits_[unit];
  if (size <= limit) return;
  const float wanted = std::exp2(std::ceil(std::log2(size)));
  if (limit > 0) {
    const float share = limit / wanted;
    for (std::int8_t& byte : std::span(bytes_).subspan(unit * places_, places_)) {
      byte = rounded(static_cast<float>(byte) * share);
    }
  }
  limit = wanted;
}

std::int8_t UnitStates::byte_of(std::size_t unit, float value) const {
  return limits_[unit] > 0 ? rounded(value / limits_[unit] * kGreatest) : std::int8_t{0};
}

}  // namespace sluice
