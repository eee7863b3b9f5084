// The states of all units over a corpus: many parts of it, or many of its sequences, side by side.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/threads.h"
#include "kernels/sequence.h"
#include "sluice/units.h"

namespace sluice {

// Places that stand in one sequence of a window: `place` is its step number `step`, and so on.
struct StateRun {
  std::size_t place, count;
  std::size_t sequence, step;
};

// What one window leaves of one layer's state: number `place` + i of a run after its step.
struct StateWindow {
  const Sequence& rows;
  int state;
  bool backward;  // the layer reads from the end
  std::span<const StateRun> runs;

  const float* at(const StateRun& run, std::size_t i, std::size_t length) const {
    const std::size_t step = backward ? length - 1 - (run.step + i) : run.step + i;
    return rows.state_at(state, step + 1, run.sequence);
  }
};

// Calls keep(layer, window) for every window and recurrent layer. Runs of a layer that reads backward are whole
// sequences. Throws Error (failed) where go_on says no.
void read_states(const Model& model, const UnitCorpus& corpus, std::size_t state, Team& team,
                 const std::function<bool(double)>& go_on,
                 const std::function<void(std::size_t, const StateWindow&)>& keep);

// The recurrent layers of a model, and whether each reads backward.
std::vector<UnitLayer> unit_layers(const Model& model, std::vector<bool>& backward);

}  // namespace sluice
