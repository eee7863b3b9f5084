// What the numerical tests share: every cell by name, random layers, networks and texts whose numbers are exact in both
// float and double, and distances between results.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "kernels/recurrence.h"
#include "kernels/reference.h"

namespace sluice::test {

using reference::Numbers;

struct CellName {
  std::string cell, activation;
};
inline std::ostream& operator<<(std::ostream& out, const CellName& name) {
  return out << name.cell << " " << name.activation;
}

inline std::vector<CellName> every_cell() {
  std::vector<CellName> names;
  std::vector<const CellShape*> seen;
  for (const CellInfo& info : cells()) {
    for (const char* activation : {"tanh", "relu"}) {
      const CellShape* shape = find_shape(info.name, activation);
      if (shape == nullptr || std::ranges::find(seen, shape) != seen.end()) continue;
      seen.push_back(shape);
      names.push_back({std::string(info.name), activation});
    }
  }
  return names;
}

inline std::string label(const testing::TestParamInfo<CellName>& info) {
  std::string text = info.param.cell + "_" + info.param.activation;
  std::ranges::replace(text, '-', '_');
  return text;
}

// A test of its own for every registered cell.
class EveryCell : public testing::TestWithParam<CellName> {
 protected:
  const CellShape& shape() const { return *find_shape(GetParam().cell, GetParam().activation); }
};

// Uniform in (-scale, scale).
inline Numbers random_numbers(Random& random, std::size_t n, double scale) {
  Numbers x(n);
  for (double& value : x) value = static_cast<double>(static_cast<float>((2 * random.uniform() - 1) * scale));
  return x;
}

// Weights of the size an initialisation gives: uniform within 1 / sqrt(H).
inline reference::Layer random_layer(const CellName& name, std::size_t inputs, std::size_t hidden, Random& random) {
  const reference::Rows rows = reference::rows_of(name.cell, name.activation);
  const double scale = 1 / std::sqrt(static_cast<double>(hidden));
  reference::Layer layer{name.cell, name.activation, inputs, hidden, {}, {}, {}, {}};
  layer.weight_ih = random_numbers(random, rows.input * hidden * inputs, scale);
  layer.weight_hh = random_numbers(random, rows.recurrent * hidden * hidden, scale);
  layer.bias = random_numbers(random, rows.input * hidden, scale);
  if (rows.own_bias) layer.bias_hn = random_numbers(random, hidden, scale);
  return layer;
}

inline void randomize(reference::Tensors& tensors, Random& random, double scale) {
  for (auto& [name, values] : tensors) values = random_numbers(random, values.size(), scale);
}

inline reference::Text random_text(std::size_t steps, std::size_t batch, std::size_t vocabulary, Random& random) {
  reference::Text text{steps, batch, {}, {}};
  for (std::size_t i = 0; i < steps * batch; ++i) {
    text.inputs.push_back(static_cast<std::uint32_t>(random.below(vocabulary)));
    text.targets.push_back(static_cast<std::uint32_t>(random.below(vocabulary)));
  }
  return text;
}

template <class T>
double largest(const T& values) {
  double most = 0;
  for (const auto v : values) most = std::max(most, std::abs(static_cast<double>(v)));
  return most;
}

// Infinite where one of the two is NaN or the sizes differ.
template <class A, class B>
double largest_difference(const A& a, const B& b) {
  if (std::size(a) != std::size(b)) return HUGE_VAL;
  double most = 0;
  for (std::size_t i = 0; i < std::size(a); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(d <= most)) most = std::isnan(d) ? HUGE_VAL : d;
  }
  return most;
}

inline std::vector<float> to_float(const Numbers& x) {
  std::vector<float> y;
  for (const double value : x) y.push_back(static_cast<float>(value));
  return y;
}

}  // namespace sluice::test
