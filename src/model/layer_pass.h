// What a pass over a window is made of for one recurrent layer, whatever stands above and below it.
//
// Only the recurrence itself is sequential. W x of many steps is one product before it; dU, dW and dX are products
// after it. Both ways a window is gone through in parts, so that what one piece leaves is in the cache for the next.
// The functions here are those pieces, for rows of numbers that lie anywhere.
#pragma once

#include <algorithm>
#include <span>

#include "base/aligned.h"
#include "base/threads.h"
#include "base/watch.h"
#include "kernels/recurrence.h"
#include "model/packing.h"

namespace sluice {

// Sizes of a layer, and how far apart its rows lie in memory.
struct LayerShape {
  const CellShape* cell = nullptr;
  std::size_t inputs = 0, hidden = 0;  // I, H

  std::size_t padded() const { return round_up(hidden, kBlock); }  // Hp
  std::size_t states() const { return static_cast<std::size_t>(cell->states); }
  std::size_t input_gates() const { return static_cast<std::size_t>(cell->inputs); }
  std::size_t gate_columns() const { return input_gates() * padded(); }
  std::size_t state_stride() const { return padded() + kBlock; }
  std::size_t tape_stride() const { return static_cast<std::size_t>(cell->rows) * padded() + kBlock; }
  // Words of what a format's products round of a row: h, or the gradients of a stage's gates.
  std::size_t words_stride(Format format) const {
    const int gates = format == Format::bf16 ? std::max(cell->count[0], cell->count[1]) : 1;
    return static_cast<std::size_t>(gates) * padded() / per_word(format) + kBlock;
  }
  // Room for LayerScratch: sums of the gates, of the recurrent bias, and zeros as wide as the input.
  std::size_t sums() const { return gate_columns() + padded() + round_up(inputs, kBlock); }
};

// T steps of B sequences: of one length, or packed (kernels/sequence.h).
struct WindowShape {
  std::size_t steps = 0, batch = 0;
  const std::uint32_t* entries = nullptr;

  std::size_t rows() const { return entries == nullptr ? steps * batch : entries[steps + 1] - entries[1]; }
};

// How far apart rows of so many numbers lie between layers; padded with zeros to a multiple of kBlock. The extra block
// keeps rows off one another's cache sets.
inline std::size_t row_stride(std::size_t width) { return round_up(width, kBlock) + kBlock; }

// One layer's memory of a window.
struct LayerBuffers {
  AlignedVector<float> tape;           // [T, B, rows * Hp]
  AlignedVector<float> states[2];      // [T + 1, B, Hp]
  AlignedVector<std::uint32_t> words;  // of bf16 and int8: Sequence::words, one part a thread
  AlignedVector<float> row_scales;
  AlignedVector<float> before;  // of packed sequences, [rows, Hp]: h before each step, for dU

  void prepare(const LayerShape& layer, Format format, const WindowShape& window, std::size_t threads, bool training);
  Sequence sequence(const LayerShape& layer, Format format, const WindowShape& window);
};

// Gradients of LayerParameters, the same shapes; they are overwritten, or with `add` added to.
struct LayerGradients {
  std::span<float> input, recurrent, bias, own;
  bool add = false;
};

// sums [LayerShape::sums()]; products: one for each thread of the team, prepared for the format.
struct LayerScratch {
  float* sums;
  std::span<Scratch> products;
  Format format;
};

// [B, H] of one state, dense, to the rows of entry 0 of a sequence's states, padding zeroed; and back from its last
// entry.
void load_rows(const LayerShape& layer, const float* dense, std::size_t batch, float* rows);
void store_rows(const LayerShape& layer, const float* rows, std::size_t batch, float* dense);

// Rows x [T * B, I], stride in floats.
struct InputRows {
  const float* x = nullptr;
  std::size_t stride = 0;
};

// How many steps to project at once: enough rows for the product to be wide, few enough that the recurrence finds them
// in the cache.
std::size_t steps_at_once(std::size_t batch, std::size_t threads);

// W x + b onto the tape, x [T * B, I].
void project_input(const PackedLayer& packed, const float* x, std::size_t x_stride, const Sequence& sequence,
                   const LayerScratch& scratch, Team& team);

// A layer over a few steps of streams, on this thread: its states alone, from the rows that it reads.
void infer_layer(const CellShape& cell, const PackedLayer& packed, const InputRows& rows, const Sequence& sequence,
                 Scratch& scratch) noexcept;

// The recurrence of a window. project(part, row) is called before each part of it, whose first row is number `row` of
// the window, and leaves W x + b on the part's tape.
template <class Project>
void forward_layer(const CellShape& cell, const RecurrentWeights& weights, const Sequence& sequence, Team& team,
                   Project&& project) {
  const std::size_t count = steps_at_once(sequence.batch, team.size());
  for (std::size_t t = 0; t < sequence.steps; t += count) {
    const Sequence part = steps_of(sequence, t, std::min(count, sequence.steps - t));
    Watch::ask();
    project(part, sequence.row_of(t));
    recur_forward(cell, weights, part, team);
  }
}

// After recur_backward: dx [T * B, I rounded up to kBlock] alone. transposed: W.
void input_row_gradients(const LayerShape& layer, const Panels& transposed, const Sequence& sequence, float* dx,
                         std::size_t dx_stride, const LayerScratch& scratch, Team& team);
// After recur_backward: dW and db from x [T * B, I], and dx [T * B, I rounded up to kBlock]; dx == nullptr: not wanted.
void input_gradients(const LayerShape& layer, const Panels& transposed, const Sequence& sequence, const InputRows& x,
                     float* dx, std::size_t dx_stride, const LayerGradients& gradients, const LayerScratch& scratch,
                     Team& team);

// A layer's weights transposed, as gradients read them.
struct LayerBack {
  const Panels& input;
  const StagePanels& recurrent;
};
// The backward pass of a window: all gradients but, where x is nullptr, those of the input, which input_gradients gives
// later. dx may be backward.dy. before: LayerBuffers::before, which packed sequences need.
void backward_layer(const LayerShape& layer, const LayerBack& back, const Sequence& sequence, const Backward& backward,
                    float* before, const InputRows& x, float* dx, std::size_t dx_stride,
                    const LayerGradients& gradients, const LayerScratch& scratch, Team& team);

}  // namespace sluice
