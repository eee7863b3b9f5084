// The scaling of features as part of the weights that read them: W (x - mean) / deviation + b = W' x + b'.
#pragma once

#include <span>

#include "sluice/config.h"

namespace sluice {

// A row of W [I] becomes that of W'; returns what b' has more than b.
inline double fold_scaling(const ScalingConfig& scaling, std::span<double> row) {
  double shift = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    row[i] /= scaling.deviation[i];
    shift -= row[i] * scaling.mean[i];
  }
  return shift;
}

}  // namespace sluice
