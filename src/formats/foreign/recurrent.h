// The equations of every recurrent layer of other systems, in double.
#pragma once

#include <cstddef>
#include <vector>

#include "formats/foreign/network.h"

namespace sluice::foreign {

struct RecurrentInputs {
  std::size_t steps, batch;
  const std::vector<double>& x;     // [T, B, I]
  const std::vector<double>* mask;  // [T, B]; none: every step counts
  const std::vector<double>* h;     // [B, D R]; none: the part's own, or zeros
  const std::vector<double>* c;     // [B, D H]
};

struct RecurrentOutputs {
  std::vector<double> sequence;  // [T, B, D R]
  std::vector<double> h, c;      // [B, D R], [B, D H]
};

RecurrentOutputs run_recurrent(const Recurrent& part, const RecurrentInputs& inputs);

}  // namespace sluice::foreign
