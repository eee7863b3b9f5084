// Every cell, written once. This file is included inside a namespace: of each SIMD target, of the reference, of a test.
// The includer includes <string_view> and cells/tape_rows.h before, and declares for its number type V
//   + - *   V(0)   V(1)   sigmoid(V)   tanh(V)   relu(V)   is_positive(V): 1 where V > 0, else 0
//
// A unit has `rows` numbers on the tape. Rows [0, inputs) start as W x + b. Each stage adds U times a vector to its
// rows: the first stage U h, a second stage U times row `mixed_row`. The last row of a stage that W x does not feed
// starts from a recurrent bias of its own. `symbols` says how the equations call what stands in each row: "z" for W_z
// x, U_z h and b_z, "" for W x, U h and b; a recurrent bias of its own is c. Then
//   mix       (cells of two stages) turns the rows of the first stage into gates and makes the mixed row
//   forward   turns pre-activations into gate values, in place, and makes the next state
//   backward  turns gate values into gradients with respect to pre-activations, in place; d comes in as the gradient
//             of the next state and leaves as the part of the previous state's that does not pass through U
//   unmix     (cells of two stages) does the same for the rows of the first stage, given the mixed row's gradient
//
// A cell's file says twice what it holds: included as above, the cell; where SLUICE_CELL(Cell) is defined, its name in
// that macro, which gives whoever includes this file then a list of all cells. To add one: its file, and a line here,
// in the order in which people are shown them.
// clang-format off
#include "cells/rnn-inl.h"
#include "cells/lstm-inl.h"
#include "cells/gru-inl.h"
#include "cells/gru_reset_after-inl.h"
// clang-format on

#undef SLUICE_CELL
