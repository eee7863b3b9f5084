// What the gates of a network do while it reads: one stream of what it is validated on.
#pragma once

#include <vector>

#include "base/threads.h"
#include "model/network.h"
#include "sluice/train.h"
#include "train/windows.h"

namespace sluice {

// Over the first `most` steps of the first stream, from the initial state; of whole sequences, over the first of each
// batch, from the longest on. A histogram for every shown gate of every recurrent layer, in their order.
std::vector<GateHistogram> gate_histograms(const Network& network, Windows& windows, std::size_t most,
                                           Workspace& workspace, Team& team);

}  // namespace sluice
