// Where the rows of a layer's window lie in memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

// Buffers of a layer over T steps of B sequences; strides in floats. Sequences of one length have B rows a step. Those
// of different lengths are packed, as in PyTorch's PackedSequence: the longest first, and a step has rows for those
// alone that are as long, so that there is no padding to compute and none to mask.
struct Sequence {
  std::size_t steps = 0, batch = 0, hidden = 0;  // T, B, Hp
  float* tape = nullptr;                         // [T, B, rows * Hp]: W x + b comes in, gate values come out
  std::size_t tape_stride = 0;
  float* states[2] = {nullptr, nullptr};  // h, c: [T + 1, B, Hp]; entry 0 is the state before the window
  std::size_t state_stride = 0;
  // Where weights are bf16 or int8: what they multiply, rounded, and of int8 the scales of those rows; a part of a
  // share has B rows of its own.
  std::uint32_t* words = nullptr;  // [parts, B, words]
  std::size_t words_stride = 0;
  float* row_scales = nullptr;  // [parts, B]
  // Of packed sequences, [T + 2]: the row at which entry t of the states begins, 0 and B for the first two; the last
  // number is the count of all. nullptr: every entry has B rows.
  const std::uint32_t* entries = nullptr;

  // Rows of step t: those of the first active(t) sequences.
  std::size_t active(std::size_t t) const { return entries == nullptr ? batch : entries[t + 2] - entries[t + 1]; }
  // The first row of step t on the tape, and in every other buffer that has a row for each step of each sequence.
  std::size_t row_of(std::size_t t) const { return entries == nullptr ? t * batch : entries[t + 1] - entries[1]; }
  // Rows of all steps.
  std::size_t rows() const { return row_of(steps); }

  float* tape_at(std::size_t t, std::size_t row) const { return tape + (row_of(t) + row) * tape_stride; }
  float* state_at(int s, std::size_t t, std::size_t row) const {
    return states[s] + ((entries == nullptr ? t * batch : entries[t] - entries[0]) + row) * state_stride;
  }
};

// Steps [first, first + count) of a sequence.
inline Sequence steps_of(const Sequence& sequence, std::size_t first, std::size_t count) {
  Sequence part = sequence;
  part.steps = count;
  part.tape = sequence.tape_at(first, 0);
  for (int s = 0; s < 2; ++s) {
    if (sequence.states[s] != nullptr) part.states[s] = sequence.state_at(s, first, 0);
  }
  if (sequence.entries != nullptr) part.entries = sequence.entries + first;
  return part;
}

}  // namespace sluice
