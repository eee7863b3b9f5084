// Scoring a text with a network, shared by validation and evaluate().
#pragma once

#include "base/threads.h"
#include "data/batches.h"
#include "model/network.h"
#include "sluice/train.h"

namespace sluice {

// Reads every window in order with the state carried on, from an empty state. The sums are added in the order of the
// text, so the result does not depend on the number of threads.
Evaluation evaluate(const Network& network, const Batches& batches, Workspace& workspace, Team& team);

// Throws Error (usage) when the text was numbered with another vocabulary than the model's.
void check_vocabulary(const Model& model, const Corpus& corpus);

}  // namespace sluice
