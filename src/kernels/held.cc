#include "kernels/held.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <string_view>

#include "cells/tape_rows.h"

namespace sluice {
namespace {

// A number that remembers, until something is computed from it, at what its gate is held.
struct Held {
  explicit Held(double number) : value(number) {}
  Held() = default;
  double value = 0, held = std::numeric_limits<double>::quiet_NaN();
};

Held operator+(const Held& a, const Held& b) { return Held(a.value + b.value); }
Held operator-(const Held& a, const Held& b) { return Held(a.value - b.value); }
Held operator*(const Held& a, const Held& b) { return Held(a.value * b.value); }
Held sigmoid(const Held& a) { return Held(std::isnan(a.held) ? 1 / (1 + std::exp(-a.value)) : a.held); }
Held tanh(const Held& a) { return Held(std::tanh(a.value)); }
Held relu(const Held& a) { return Held(a.value < 0 ? 0 : a.value); }
[[maybe_unused]] Held is_positive(const Held& a) { return Held(a.value > 0 ? 1 : 0); }

#include "cells/registry-inl.h"

template <class Cell>
inline constexpr int kStates = static_cast<int>(std::size(Cell::states));
template <class Cell>
inline constexpr int kStages = static_cast<int>(std::size(Cell::stages));

// One step of a layer: a row of the tape, what is held of it, and room for a stage's sums.
template <class Cell>
struct Step {
  const RecurrentWeights& weights;
  const Sequence& s;
  std::size_t t;
  const float* held;
  float* sums;

  // U times the stage's input, added to its rows. A panel of several gates holds them block by block of units.
  void add_product(int stage) const {
    const int first = Cell::stages[stage].first, count = Cell::stages[stage].count;
    float* tape = s.tape_at(t, 0);
    if (first + count > Cell::inputs) {
      std::copy_n(weights.own.data(), s.hidden, tape + static_cast<std::size_t>(first + count - 1) * s.hidden);
    }
    const auto move = [&](bool back) {
      for (std::size_t v = 0; v < static_cast<std::size_t>(count) * (s.hidden / kBlock); ++v) {
        const std::size_t gate = v % static_cast<std::size_t>(count), block = v / static_cast<std::size_t>(count);
        float* row = tape + (static_cast<std::size_t>(first) + gate) * s.hidden + block * kBlock;
        float* sum = sums + v * kBlock;
        std::copy_n(back ? sum : row, kBlock, back ? row : sum);
      }
    };
    const Panels& u = weights.recurrent[stage];
    move(false);
    multiply(u, input(stage), 0, sums, 0, nullptr, 0, 1, 0, u.panels());
    move(true);
  }

  const float* input(int stage) const {
    if constexpr (kStages < Cell >> 1) {
      if (stage == 1) return s.tape_at(t, 0) + Cell::mixed_row * s.hidden;
    }
    return s.state_at(0, t, 0);
  }

  // Calls f(y, state) for the numbers of every unit and keeps what it leaves in y.
  template <class F>
  void for_each_unit(F&& f) const {
    float* tape = s.tape_at(t, 0);
    for (std::size_t u = 0; u < s.hidden; ++u) {
      Held y[Cell::rows], state[kStates<Cell>];
      for (int r = 0; r < Cell::rows; ++r) {
        const std::size_t at = static_cast<std::size_t>(r) * s.hidden + u;
        y[r].value = static_cast<double>(tape[at]);
        y[r].held = static_cast<double>(held[at]);
      }
      for (int k = 0; k < kStates<Cell>; ++k) state[k] = Held(static_cast<double>(s.state_at(k, t, 0)[u]));
      f(u, y, state);
      for (int r = 0; r < Cell::rows; ++r) {
        tape[static_cast<std::size_t>(r) * s.hidden + u] = static_cast<float>(y[r].value);
      }
    }
  }

  void run() const {
    add_product(0);
    if constexpr (kStages < Cell >> 1) {
      for_each_unit([](std::size_t, Held* y, const Held* state) { Cell::mix(y, state); });
      add_product(1);
    }
    for_each_unit([this](std::size_t u, Held* y, const Held* state) {
      Held next[kStates<Cell>];
      Cell::forward(y, state, next);
      for (int k = 0; k < kStates<Cell>; ++k) s.state_at(k, t + 1, 0)[u] = static_cast<float>(next[k].value);
    });
  }
};

template <class Cell>
void run(const RecurrentWeights& weights, const Sequence& s, const float* held) {
  AlignedVector<float> sums(static_cast<std::size_t>(Cell::rows) * s.hidden);
  for (std::size_t t = 0; t < s.steps; ++t) {
    Step<Cell>{weights, s, t, held + t * static_cast<std::size_t>(Cell::rows) * s.hidden, sums.data()}.run();
  }
}

using Function = void (*)(const RecurrentWeights&, const Sequence&, const float*);
constexpr Function kFunctions[] = {
#define SLUICE_CELL(Cell) run<Cell>,
#include "cells/registry-inl.h"
};

}  // namespace

void recur_held(const CellShape& cell, const RecurrentWeights& weights, const Sequence& sequence, const float* held) {
  const FlushDenormals flush;
  kFunctions[cell.index](weights, sequence, held);
}

}  // namespace sluice
