// A layer forward with some of its gates held at values: "what if it had kept everything?". The equations are the
// cells' own, read with a number that knows at what value its gate is held; products are those of every other pass.
// For one stream, for looking at: the element-wise part is not vectorised.
#pragma once

#include "kernels/recurrence.h"

namespace sluice {

// held [T, rows * Hp], dense, in the order of the tape: the value of a gate, NaN where it is free. Only what a cell
// passes through its sigmoid can be held. B must be 1; the tape comes in as for recur_forward and goes out likewise.
void recur_held(const CellShape& cell, const RecurrentWeights& weights, const Sequence& sequence, const float* held);

}  // namespace sluice
