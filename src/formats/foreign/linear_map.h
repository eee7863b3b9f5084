// A linear map of few terms a row: what scaling, selecting, joining and adding of values come to between two layers, so
// that the layer after it takes it into its own weights.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "formats/foreign/network.h"

namespace sluice::foreign {

class LinearMap {
 public:
  struct Term {
    std::size_t feature;
    double factor;
  };
  struct Row {
    std::vector<Term> terms;  // by feature, each once
    double offset = 0;
  };

  LinearMap() = default;
  // y = x
  explicit LinearMap(std::size_t features) : inputs_(features), outputs_(features) {}

  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return outputs_; }
  bool is_identity() const { return rows_.empty(); }
  Row row(std::size_t output) const;
  // Rows and terms that it holds.
  std::size_t size() const;

  // This map, and then the other one.
  LinearMap then(const Scale& scale) const;
  LinearMap then(const Select& select) const;
  // These side by side, or added; all read the same features.
  static LinearMap side_by_side(const std::vector<const LinearMap*>& maps);
  static LinearMap sum(const std::vector<const LinearMap*>& maps, double factor);

  // Whether every row reads features i and n / 2 + i of n alike; then, the map of their sums.
  bool adds_halves() const;
  LinearMap of_sums() const;

  // The layer that reads y in place of x.
  Dense before(const Dense& dense) const;
  // The layer whose outputs are this map of those of `dense`.
  Dense after(const Dense& dense) const;
  // The map itself as a layer.
  Dense dense() const;

 private:
  LinearMap(std::size_t inputs, std::vector<Row> rows);

  std::size_t inputs_ = 0, outputs_ = 0;
  std::vector<Row> rows_;  // none: the identity
};

}  // namespace sluice::foreign
