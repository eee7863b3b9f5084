// The recurrence: U h by the tile of tile-inl.h straight into the tape, then the cell's own function while the tile is
// still in the L1 cache. A range of rows runs all its steps without a barrier.
#include "kernels/recurrence.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/recurrence.cc"
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

template <class Cell>
constexpr int kStages = static_cast<int>(std::size(Cell::stages));
template <class Cell>
constexpr int kStates = static_cast<int>(std::size(Cell::states));

// Unit blocks [first, last) of one row at step t, between two stages.
template <class Cell>
HWY_INLINE void mix_units(const Sequence& s, std::size_t t, std::size_t row, std::size_t first, std::size_t last) {
  float* tape = s.tape_at(t, row);
  for (std::size_t u = first * kBlock; u < last * kBlock; u += kLanes) {
    Lane y[Cell::rows], state[kStates<Cell>];
    for (int r = 0; r < Cell::rows; ++r) y[r] = load(tape + r * s.hidden + u);
    for (int k = 0; k < kStates<Cell>; ++k) state[k] = load(s.state_at(k, t, row) + u);
    Cell::mix(y, state);
    for (int r = 0; r < Cell::rows; ++r) store(y[r], tape + r * s.hidden + u);
  }
}

template <class Cell>
HWY_INLINE void forward_units(const Sequence& s, std::size_t t, std::size_t row, std::size_t first, std::size_t last) {
  float* tape = s.tape_at(t, row);
  for (std::size_t u = first * kBlock; u < last * kBlock; u += kLanes) {
    Lane y[Cell::rows], state[kStates<Cell>], next[kStates<Cell>];
    for (int r = 0; r < Cell::rows; ++r) y[r] = load(tape + r * s.hidden + u);
    for (int k = 0; k < kStates<Cell>; ++k) state[k] = load(s.state_at(k, t, row) + u);
    Cell::forward(y, state, next);
    for (int r = 0; r < Cell::rows; ++r) store(y[r], tape + r * s.hidden + u);
    for (int k = 0; k < kStates<Cell>; ++k) store(next[k], s.state_at(k, t + 1, row) + u);
  }
}

// A row that only U feeds starts from its own bias.
template <class Cell, int kStage>
HWY_INLINE void start_own_row(const RecurrentWeights& w, const Sequence& s, std::size_t t, std::size_t row,
                              std::size_t first, std::size_t last) {
  constexpr int kLast = Cell::stages[kStage].first + Cell::stages[kStage].count - 1;
  if constexpr (kLast >= Cell::inputs) {
    std::memcpy(s.tape_at(t, row) + kLast * s.hidden + first * kBlock, w.own.data() + first * kBlock,
                (last - first) * kBlock * sizeof(float));
  }
}

template <class Cell, int kStage>
HWY_INLINE void finish_units(const Sequence& s, std::size_t t, std::size_t row, std::size_t first, std::size_t last) {
  if constexpr (kStage + 1 < kStages<Cell>) {
    mix_units<Cell>(s, t, row, first, last);
  } else {
    forward_units<Cell>(s, t, row, first, last);
  }
}

// The share's rows of x [B, n] as tiles of the format read them. Every part rounds all of them for itself: little work,
// and nobody has to be met for it.
HWY_INLINE Factor factor_of(Format format, const Sequence& s, const Share& share, const float* x, std::size_t stride,
                            std::size_t n) {
  if (format == Format::f32 || format == Format::bf16_weights) return {x, stride};
  const std::size_t at = share.part * s.batch + share.first_row;
  std::uint32_t* words = s.words + at * s.words_stride;
  for (std::size_t r = 0; r < share.last_row - share.first_row; ++r) {
    if (format == Format::int8) {
      s.row_scales[at + r] = quantize_row(x + r * stride, n, words + r * s.words_stride);
    } else {
      pair_neighbours(x + r * stride, n, words + r * s.words_stride);
    }
  }
  return {words, s.words_stride, format == Format::int8 ? s.row_scales + at : nullptr};
}

// What a stage multiplies: h of the step before, or the mixed row of this step.
template <class Cell, int kStage>
HWY_INLINE Factor stage_input(const Panels& u, const Sequence& s, std::size_t t, const Share& share) {
  if constexpr (kStage == 0) {
    return factor_of(u.format, s, share, s.state_at(0, t, share.first_row), s.state_stride, u.depth);
  } else {
    return factor_of(u.format, s, share, s.tape_at(t, share.first_row) + Cell::mixed_row * s.hidden, s.tape_stride,
                     u.depth);
  }
}

// The share's rows against panels [panel, last_panel) of a stage.
template <class Cell, int kStage>
void forward_stage(const RecurrentWeights& w, const Sequence& s, std::size_t t, const Share& share, std::size_t panel,
                   std::size_t last_panel) {
  constexpr Stage kRows = Cell::stages[kStage];
  constexpr bool kGatesInPanel = kRows.count > 1;
  const Panels& u = w.recurrent[kStage];
  const TileTable& table = tiles(u.format);
  const std::size_t first = share.first_row, last = share.last_row;
  const std::size_t units = kGatesInPanel ? 1 : u.vectors;  // blocks of units a panel covers
  const std::size_t c_vector = kGatesInPanel ? s.hidden : kBlock;
  const std::size_t blocks = s.hidden / kBlock;
  const Factor a = stage_input<Cell, kStage>(u, s, t, share);
  if (last - first == 1) {
    const std::size_t together = panels_of_one_row(u.vectors), whole = std::min(last_panel, blocks / units);
    for (; panel + together <= whole; panel += together) {
      const std::size_t block = panel * units, end = block + together * units;
      start_own_row<Cell, kStage>(w, s, t, first, block, end);
      float* out = s.tape_at(t, first) + kRows.first * s.hidden + block * kBlock;
      TileArguments tile = {u.depth, a.rows, 0, 1, panel_of(u, panel), u.stride(), out, units * kBlock, 0, c_vector};
      set_scales(tile, a, 0, u, panel * u.vectors * kBlock);
      table.one_row[u.vectors - 1](tile);
      finish_units<Cell, kStage>(s, t, first, block, end);
    }
  }
  for (; panel < last_panel; ++panel) {
    const std::size_t block = panel * units, end = std::min(blocks, block + units);
    const std::size_t vectors = kGatesInPanel ? kRows.count : end - block;
    const Pieces piece = pieces(last - first, table.plain.most[vectors - 1]);
    for (std::size_t i = 0; i < piece.count; ++i) {
      const std::size_t row = first + piece.first(i), rows = piece.size(i);
      for (std::size_t r = row; r < row + rows; ++r) start_own_row<Cell, kStage>(w, s, t, r, block, end);
      float* out = s.tape_at(t, row) + kRows.first * s.hidden + block * kBlock;
      TileArguments tile = {u.depth, a.row(piece.first(i)), a.stride, 1, panel_of(u, panel), 0, out,
                            0,       s.tape_stride,         c_vector};
      set_scales(tile, a, piece.first(i), u, panel * u.vectors * kBlock);
      table.plain.of[vectors - 1][rows - 1](tile);
      for (std::size_t r = row; r < row + rows; ++r) finish_units<Cell, kStage>(s, t, r, block, end);
    }
  }
}

// A share without a barrier has all units to itself; with one, it has a part of each stage's panels.
HWY_INLINE void meet(const Share& share) {
  if (share.barrier != nullptr) share.barrier->wait();
}

template <class Cell, int kStage>
HWY_INLINE void forward_share(const RecurrentWeights& w, const Sequence& s, std::size_t t, const Share& share) {
  const std::size_t panels = w.recurrent[kStage].panels();
  forward_stage<Cell, kStage>(w, s, t, share, panels * share.part / share.parts,
                              panels * (share.part + 1) / share.parts);
  meet(share);
}

// What of the share is there at step t.
HWY_INLINE Share active_share(const Share& share, const Sequence& s, std::size_t t) {
  Share now = share;
  now.last_row = std::min(share.last_row, s.active(t));
  return now;
}

template <class Cell>
void forward(const RecurrentWeights& w, const Sequence& s, const Share& share) {
  for (std::size_t t = 0; t < s.steps; ++t) {
    const Share now = active_share(share, s, t);
    if (now.first_row >= now.last_row) return;  // and so at every later step
    forward_share<Cell, 0>(w, s, t, now);
    if constexpr (kStages < Cell >> 1) forward_share<Cell, 1>(w, s, t, now);
  }
}

// Units [first, last), at multiples of a block, in both of these.
template <class Cell>
HWY_INLINE void backward_units(const Sequence& s, std::size_t t, std::size_t row, const float* dy,
                               float* const carry[2], std::size_t first, std::size_t last) {
  float* tape = s.tape_at(t, row);
  for (std::size_t u = first; u < last; u += kLanes) {
    Lane y[Cell::rows], state[kStates<Cell>], next[kStates<Cell>], d[kStates<Cell>];
    for (int r = 0; r < Cell::rows; ++r) y[r] = load(tape + r * s.hidden + u);
    for (int k = 0; k < kStates<Cell>; ++k) {
      state[k] = load(s.state_at(k, t, row) + u);
      next[k] = load(s.state_at(k, t + 1, row) + u);
      d[k] = load(carry[k] + row * s.state_stride + u);
    }
    d[0] = d[0] + load(dy + u);
    Cell::backward(y, state, next, d);
    for (int r = 0; r < Cell::rows; ++r) store(y[r], tape + r * s.hidden + u);
    for (int k = 0; k < kStates<Cell>; ++k) store(d[k], carry[k] + row * s.state_stride + u);
  }
}

template <class Cell>
HWY_INLINE void unmix_units(const Sequence& s, std::size_t t, std::size_t row, float* const carry[2],
                            const float* mixed, std::size_t first, std::size_t last) {
  float* tape = s.tape_at(t, row);
  for (std::size_t u = first; u < last; u += kLanes) {
    Lane y[Cell::rows], state[kStates<Cell>], d[kStates<Cell>];
    for (int r = 0; r < Cell::rows; ++r) y[r] = load(tape + r * s.hidden + u);
    for (int k = 0; k < kStates<Cell>; ++k) {
      state[k] = load(s.state_at(k, t, row) + u);
      d[k] = load(carry[k] + row * s.state_stride + u);
    }
    Cell::unmix(y, state, load(mixed + row * s.state_stride + u), d);
    for (int r = 0; r < Cell::rows; ++r) store(y[r], tape + r * s.hidden + u);
    for (int k = 0; k < kStates<Cell>; ++k) store(d[k], carry[k] + row * s.state_stride + u);
  }
}

// Depths of a panel that all rows go through together, so that it stays in the L2 cache: a panel of U transposed may be
// as large as that.
constexpr std::size_t kDepth = 1024;

// out [rows, Hp] += (gradients of a stage's rows) U, for the units of panels [panel, last_panel).
void backward_product(const Panels& u, const Sequence& s, int first_gate, std::size_t t, float* out, const Share& share,
                      std::size_t panel, std::size_t last_panel) {
  const Factor a =
      factor_of(u.format, s, share, s.tape_at(t, share.first_row) + first_gate * s.hidden, s.tape_stride, u.depth);
  const TileRows& table = tiles(u.format).plain;
  for (; panel < last_panel; ++panel) {
    const std::size_t vectors = std::min(u.vectors, u.blocks() - panel * u.vectors);
    const Pieces piece = pieces(share.last_row - share.first_row, table.most[vectors - 1]);
    for (std::size_t k = 0; k < u.depth; k += kDepth) {
      const std::size_t depth = std::min(kDepth, u.depth - k), word = k / per_word(u.format);
      for (std::size_t i = 0; i < piece.count; ++i) {
        const std::size_t row = share.first_row + piece.first(i);
        table.of[vectors - 1][piece.size(i) - 1]({depth, advance(a.row(piece.first(i)), word), a.stride, 1,
                                                  advance(panel_of(u, panel), word * vectors * kBlock), 0,
                                                  out + row * s.state_stride + panel * u.vectors * kBlock, 0,
                                                  s.state_stride, kBlock});
      }
    }
  }
}

void clear_units(const Sequence& s, float* x, const Share& share, std::size_t first, std::size_t last) {
  for (std::size_t row = share.first_row; row < share.last_row; ++row) {
    std::memset(x + row * s.state_stride + first, 0, (last - first) * sizeof(float));
  }
}

// A part owns the same units in every step: those of its panels of U transposed. Only what others multiply, the
// gradients on the tape, has to be met for.
template <class Cell>
void backward(const StagePanels& u, const Sequence& s, const Steps& steps, const Backward& b, const Share& share) {
  const std::size_t panels = u[0].panels(), width = u[0].vectors * kBlock;
  const std::size_t panel = panels * share.part / share.parts, last_panel = panels * (share.part + 1) / share.parts;
  const std::size_t first = panel * width, last = std::min(s.hidden, last_panel * width);
  const bool clear = steps.last == s.steps && !b.from_end;
  for (int k = 0; k < kStates<Cell> && clear; ++k) clear_units(s, b.carry[k], share, first, last);
  for (std::size_t t = steps.last; t-- > steps.first;) {
    const Share now = active_share(share, s, t);
    if (now.first_row >= now.last_row) continue;
    for (std::size_t row = now.first_row; row < now.last_row; ++row) {
      backward_units<Cell>(s, t, row, b.dy + (s.row_of(t) + row) * b.dy_stride, b.carry, first, last);
    }
    meet(now);
    if constexpr (kStages < Cell >> 1) {
      clear_units(s, b.mixed, now, first, last);
      backward_product(u[1], s, Cell::stages[1].first, t, b.mixed, now, panel, last_panel);
      for (std::size_t row = now.first_row; row < now.last_row; ++row) {
        unmix_units<Cell>(s, t, row, b.carry, b.mixed, first, last);
      }
      meet(now);
    }
    if (t > 0 || b.to_start) {
      backward_product(u[0], s, Cell::stages[0].first, t, b.carry[0], now, panel, last_panel);
    }
  }
}

using ForwardFunction = void (*)(const RecurrentWeights&, const Sequence&, const Share&);
using BackwardFunction = void (*)(const StagePanels&, const Sequence&, const Steps&, const Backward&, const Share&);
constexpr ForwardFunction kForward[] = {
#define SLUICE_CELL(Cell) forward<Cell>,
#include "cells/registry-inl.h"
};
constexpr BackwardFunction kBackward[] = {
#define SLUICE_CELL(Cell) backward<Cell>,
#include "cells/registry-inl.h"
};

void run_forward(int cell, const RecurrentWeights& w, const Sequence& s, const Share& share) {
  kForward[cell](w, s, share);
}

void run_backward(int cell, const StagePanels& u, const Sequence& s, const Steps& steps, const Backward& b,
                  const Share& share) {
  kBackward[cell](u, s, steps, b, share);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace sluice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sluice {

SLUICE_EXPORT(run_forward);
SLUICE_EXPORT(run_backward);

void recur_forward(const CellShape& cell, const RecurrentWeights& weights, const Sequence& sequence,
                   const Share& share) {
  if (share.first_row < share.last_row) SLUICE_DISPATCH(run_forward)(cell.index, weights, sequence, share);
}

void recur_backward(const CellShape& cell, const StagePanels& transposed, const Sequence& sequence, const Steps& steps,
                    const Backward& backward, const Share& share) {
  if (share.first_row < share.last_row) {
    SLUICE_DISPATCH(run_backward)(cell.index, transposed, sequence, steps, backward, share);
  }
}

namespace {

// Which way the team divides a sequence. Rows apart need no barrier; units apart let each thread read its share of U
// alone, which pays where rows are too few to use a weight often or U is more than the caches hold.
bool split_units(const StagePanels& u, const Sequence& s, const Team& team) {
  if (team.size() == 1 || u[0].panels() < team.size()) return false;
  constexpr std::size_t kFewRows = 4, kLargeBytes = std::size_t{8} << 20;
  return s.batch < kFewRows * team.size() || u[0].bytes() + u[1].bytes() > kLargeBytes;
}

// Where the rows of a thread begin, so that each has as many steps as any other, about: the first sequences are longer.
std::size_t first_row_of(const Sequence& s, std::size_t thread, std::size_t threads) {
  const std::size_t wanted = s.rows() * thread / threads;
  std::size_t row = 0, before = 0;
  for (std::size_t length = s.steps; row < s.batch && before < wanted; ++row) {
    while (s.active(length - 1) <= row) --length;
    before += length;
  }
  return row;
}

template <class Run>
void divide(const StagePanels& u, const Sequence& s, Team& team, Run&& run) {
  if (split_units(u, s, team)) {
    team.meet(
        [&](std::size_t thread, Barrier& barrier) {
          run(Share{0, s.batch, thread, team.size(), &barrier});
        },
        [&] {
          run(Share{0, s.batch});
        });
  } else if (s.entries == nullptr) {
    team.split(s.batch, 1, [&](std::size_t first, std::size_t last) { run(Share{first, last}); });
  } else {
    team.run([&](std::size_t thread) {
      const std::size_t first = first_row_of(s, thread, team.size());
      run(Share{first, first_row_of(s, thread + 1, team.size())});
    });
  }
}

}  // namespace

void recur_forward(const CellShape& cell, const RecurrentWeights& weights, const Sequence& sequence, Team& team) {
  divide(weights.recurrent, sequence, team, [&](const Share& share) { recur_forward(cell, weights, sequence, share); });
}

void recur_backward(const CellShape& cell, const StagePanels& transposed, const Sequence& sequence, const Steps& steps,
                    const Backward& backward, Team& team) {
  divide(transposed, sequence, team,
         [&](const Share& share) { recur_backward(cell, transposed, sequence, steps, backward, share); });
}

}  // namespace sluice
#endif  // HWY_ONCE
