// A small layer over the steps of one stream, in registers.
#pragma once

#include <cstddef>

#include "kernels/recurrence.h"

namespace sluice {

// No instruction set takes more here, padding included.
inline constexpr std::size_t most_small_units = 48;

// What projecting x [T, I] and recur_forward do to the states of a sequence, with the same bits; the tape is not
// touched. False, and nothing is done, unless it is a sequence of one row, weights are float32 and units are few: then
// the chain of dependent operations is all there is to a step, and every call and every word through memory lengthens
// it. A single step may change its states in place: then their stride is 0.
bool recur_small(const CellShape& cell, const Panels& input, const float* bias, const RecurrentWeights& weights,
                 const float* x, std::size_t x_stride, const Sequence& sequence);

}  // namespace sluice
