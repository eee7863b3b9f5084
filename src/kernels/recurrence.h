// One recurrent layer over a window: the sequential part, forward and backward, for a range of the batch's rows.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/threads.h"
#include "kernels/kernels.h"
#include "kernels/sequence.h"
#include "sluice/cell.h"

namespace sluice {

// What the kernels and the rooms above need to know of a cell beyond CellInfo.
struct CellShape {
  int index;          // into the registry, for the functions below
  int rows;           // numbers a unit has on the tape
  int inputs;         // rows [0, inputs) start as W x + b
  int stages;         // recurrent products a step: 1 or 2
  int first[2];       // first row that stage feeds
  int count[2];       // how many rows
  int mixed_row;      // what the second stage multiplies; -1 for one stage
  int own_bias;       // row that starts from a recurrent bias; -1 when there is none
  int states;         // 1: h; 2: h and c
  int forget_row;     // whose bias an option sets; -1 when there is none
  int candidate_row;  // the new memory that gates let in; -1 when there is none
};

// The cell of that name; activation matters for cells that have a choice ("tanh" or "relu"). nullptr: unknown.
const CellShape* find_shape(std::string_view cell, std::string_view activation);
// Tape row and complement (shown as 1 - row) of each of CellInfo::gates.
struct ShownRow {
  int row;
  bool complement;
};
std::vector<ShownRow> shown_rows(std::string_view cell);
// How the cell's equations call each row of the tape: "z" for W_z, U_z and b_z, "" for W, U and b.
std::span<const std::string_view> row_symbols(std::string_view cell);

using StagePanels = std::array<Panels, 2>;  // one a stage

// A layer's weights, packed. Hp is H rounded up to kBlock; the padding units have zero weights and stay zero.
struct RecurrentWeights {
  StagePanels recurrent;     // a stage's rows of U: for count > 1 a panel holds one block of units, a vector a gate
  AlignedVector<float> own;  // [Hp] recurrent bias of CellShape::own_bias
};

// What one thread does of a sequence: rows [first_row, last_row), and of their units part `part` of `parts`. Parts of
// the same rows meet at the barrier after every product.
struct Share {
  std::size_t first_row, last_row;
  std::size_t part = 0, parts = 1;
  Barrier* barrier = nullptr;
};

// All steps, in one thread's share or divided over a team; the bits are the same however it is divided.
void recur_forward(const CellShape& cell, const RecurrentWeights& weights, const Sequence& sequence,
                   const Share& share);
void recur_forward(const CellShape& cell, const RecurrentWeights& weights, const Sequence& sequence, Team& team);

// What a backward pass of a sequence reads and leaves besides. dy [T, B, Hp], stride dy_stride, is the gradient of each
// step's h from above. carry: one [B, Hp] buffer a state, stride state_stride, the gradient on the way (after the first
// step, what reached the step before the window directly, without U's part); mixed [B, Hp] is scratch for cells of two
// stages. With `from_end`, carry holds the gradient of the state after each sequence's last step at first, else
// nothing. With `to_start`, U's part of the step before the window is added too: carry ends as the gradient of the
// state that the window began with.
struct Backward {
  const float* dy;
  std::size_t dy_stride;
  float* carry[2];
  float* mixed;
  bool to_start = false, from_end = false;
};
struct Steps {
  std::size_t first, last;
};

// Turns the gate values of steps [first, last) on the tape into gradients with respect to pre-activations. A window is
// gone through as a whole or in parts, the last one first: carry begins with the window's last step. transposed: a
// stage's rows of U, [Hp outputs, depth count * Hp].
void recur_backward(const CellShape& cell, const StagePanels& transposed, const Sequence& sequence, const Steps& steps,
                    const Backward& backward, const Share& share);
void recur_backward(const CellShape& cell, const StagePanels& transposed, const Sequence& sequence, const Steps& steps,
                    const Backward& backward, Team& team);

}  // namespace sluice
