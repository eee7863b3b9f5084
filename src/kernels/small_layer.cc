// Layers of a few blocks of units: W x, U h and the cell's own function of a step without a store between them.
// Nothing but the state goes through memory, where the next step's broadcasts find it.
#include "kernels/small_layer.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/small_layer.cc"
#include "hwy/foreach_target.h"
// (the target list comes before the lanes)
#include "cells/tape_rows.h"
#include "kernels/dispatch.h"
#include "kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sluice {
namespace HWY_NAMESPACE {
namespace {

#include "cells/registry-inl.h"

struct Layer {
  const Panels& input;
  const float* bias;
  const RecurrentWeights& weights;
};

// Blocks of units of the largest layer that is taken here: beyond, the tiles are as fast. None where a block takes too
// many registers.
constexpr std::size_t kMostBlocks = kLanes == 16 ? 3 : kLanes == 8 || HWY_TARGET == HWY_NEON ? 2 : 0;

// A vector of a panel's columns from its first depth on, and how far it is to the next.
struct Column {
  const float* first;
  std::size_t step;
  HWY_INLINE Lane at(std::size_t k) const { return load(first + k * step); }
};

template <class Cell, std::size_t kBlocks>
struct Small {
  static constexpr std::size_t kRows = Cell::rows, kInputs = Cell::inputs, kUnits = kBlocks * kBlock;
  static constexpr std::size_t kStages = std::size(Cell::stages), kStates = std::size(Cell::states);
  // Vectors of units that are computed side by side: all, or those of one block where all would not fit into registers.
  static constexpr std::size_t kAll = kUnits / kLanes;
  static constexpr std::size_t kVectors = kAll * kRows <= kAccumulators ? kAll : kBlock / kLanes;
  static constexpr std::size_t kParts = kAll / kVectors;
  using Part = Lane[kVectors][kRows];

  // Lanes from `lane` on of block `block` of `blocks`, which lie in panels of so many.
  static HWY_INLINE Column column(const Panels& w, std::size_t in_panel, std::size_t blocks, std::size_t block,
                                  std::size_t lane) {
    const std::size_t at = block % in_panel, before = block - at;
    return {w.data.data() + (before * w.depth + at) * kBlock + lane, std::min(in_panel, blocks - before) * kBlock};
  }

  static HWY_INLINE void add_inputs(const Layer& l, const float* x, std::size_t unit, Part& y) {
    Column w[kVectors][kInputs];
    SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) SLUICE_UNROLL for (std::size_t r = 0; r < kInputs; ++r) {
      const std::size_t at = unit + v * kLanes;
      y[v][r] = load(l.bias + r * kUnits + at);
      w[v][r] = column(l.input, kMaxVectors, kInputs * kBlocks, r * kBlocks + at / kBlock, at % kBlock);
    }
    for (std::size_t k = 0; k < l.input.depth; ++k) {
      const Lane factor(x[k]);
      SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) SLUICE_UNROLL for (std::size_t r = 0; r < kInputs; ++r) {
        y[v][r] = fma(factor, w[v][r].at(k), y[v][r]);
      }
    }
  }

  template <std::size_t kStage>
  static HWY_INLINE void add_recurrent(const Layer& l, const float* h, std::size_t unit, Part& y) {
    constexpr std::size_t kFirst = Cell::stages[kStage].first, kCount = Cell::stages[kStage].count;
    constexpr std::size_t kInPanel = kCount > 1 ? kCount : kMaxVectors;
    const Panels& u = l.weights.recurrent[kStage];
    Column w[kVectors][kCount];
    SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) SLUICE_UNROLL for (std::size_t r = 0; r < kCount; ++r) {
      const std::size_t at = unit + v * kLanes;
      if (kFirst + r >= kInputs) y[v][kFirst + r] = load(l.weights.own.data() + at);
      w[v][r] = column(u, kInPanel, kCount * kBlocks, at / kBlock * kCount + r, at % kBlock);
    }
    for (std::size_t k = 0; k < u.depth; ++k) {
      const Lane factor(h[k]);
      SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) SLUICE_UNROLL for (std::size_t r = 0; r < kCount; ++r) {
        y[v][kFirst + r] = fma(factor, w[v][r].at(k), y[v][kFirst + r]);
      }
    }
  }

  static HWY_INLINE void finish(const Sequence& s, std::size_t t, std::size_t unit, Part& y) {
    SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) {
      Lane state[kStates], next[kStates];
      for (std::size_t k = 0; k < kStates; ++k) state[k] = load(state_at(s, k, t) + unit + v * kLanes);
      Cell::forward(y[v], state, next);
      for (std::size_t k = 0; k < kStates; ++k) store(next[k], state_at(s, k, t + 1) + unit + v * kLanes);
    }
  }
  static HWY_INLINE float* state_at(const Sequence& s, std::size_t k, std::size_t t) {
    return s.states[k] + t * s.state_stride;
  }

  static HWY_INLINE void mix(const float* h, std::size_t unit, Part& y, float* mixed) {
    SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) {
      const Lane state[] = {load(h + unit + v * kLanes)};
      Cell::mix(y[v], state);
      store(y[v][Cell::mixed_row], mixed + unit + v * kLanes);
    }
  }

  static HWY_INLINE void step(const Layer& l, const float* x, const Sequence& s, std::size_t t) {
    const float* h = state_at(s, 0, t);
    // Where one part is finished before the next has begun, a state that changes in place is still to be read.
    alignas(64) float before[kStages == 1 && kParts > 1 ? kUnits : 1];
    if constexpr (kStages == 1 && kParts > 1) {
      for (std::size_t unit = 0; unit < kUnits; unit += kLanes) store(load(h + unit), before + unit);
      h = before;
    }
    // The parts' registers between two stages. In a loop they would be memory, even if it is gone through once.
    Part kept[kStages > 1 && kParts > 1 ? kParts : 1];
    alignas(64) float mixed[kUnits];
    for (std::size_t part = 0; part < kParts; ++part) {
      const std::size_t unit = part * kVectors * kLanes;
      Part y;
      add_inputs(l, x, unit, y);
      add_recurrent<0>(l, h, unit, y);
      if constexpr (kStages > 1) {
        mix(h, unit, y, mixed);
        if constexpr (kParts > 1) {
          copy(y, kept[part]);
          continue;
        }
        add_recurrent<1>(l, mixed, unit, y);
      }
      finish(s, t, unit, y);
    }
    if constexpr (kStages > 1 && kParts > 1) {
      for (std::size_t part = 0; part < kParts; ++part) {
        const std::size_t unit = part * kVectors * kLanes;
        Part y;
        copy(kept[part], y);
        add_recurrent<1>(l, mixed, unit, y);
        finish(s, t, unit, y);
      }
    }
  }
  static HWY_INLINE void copy(const Part& from, Part& to) {
    SLUICE_UNROLL for (std::size_t v = 0; v < kVectors; ++v) SLUICE_UNROLL for (std::size_t r = 0; r < kRows; ++r) {
      to[v][r] = from[v][r];
    }
  }
};

template <class Cell, std::size_t kBlocks>
void steps(const Layer& l, const float* x, std::size_t x_stride, const Sequence& s) {
  for (std::size_t t = 0; t < s.steps; ++t) Small<Cell, kBlocks>::step(l, x + t * x_stride, s, t);
}

using Steps = void (*)(const Layer&, const float*, std::size_t, const Sequence&);
template <class Cell, std::size_t... kIndex>
constexpr std::array<Steps, kMostBlocks> steps_of_blocks(std::index_sequence<kIndex...>) {
  return {steps<Cell, kIndex + 1>...};
}
constexpr std::array<Steps, kMostBlocks> kSteps[] = {
#define SLUICE_CELL(Cell) steps_of_blocks<Cell>(std::make_index_sequence<kMostBlocks>()),
#include "cells/registry-inl.h"
};

bool run_small(int cell, const Panels& input, const float* bias, const RecurrentWeights& weights, const float* x,
               std::size_t x_stride, const Sequence& s) {
  const std::size_t blocks = s.hidden / kBlock;
  if (blocks > kMostBlocks) return false;
  if constexpr (kMostBlocks > 0) kSteps[cell][blocks - 1]({input, bias, weights}, x, x_stride, s);
  return true;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sluice {

SLUICE_EXPORT(run_small);

bool recur_small(const CellShape& cell, const Panels& input, const float* bias, const RecurrentWeights& weights,
                 const float* x, std::size_t x_stride, const Sequence& sequence) {
  if (sequence.batch != 1 || input.format != Format::f32) return false;
  return SLUICE_DISPATCH(run_small)(cell.index, input, bias, weights, x, x_stride, sequence);
}

}  // namespace sluice
#endif  // HWY_ONCE
