// Temperature scaling (Guo et al. 2017, section 4.2): the factor of the output layer with the lowest loss.
#pragma once

#include "train/evaluate.h"

namespace sluice {

// From 0.5 to 1.5, to 0.5 %. Logits are linear in the factor, so one pass over the text serves all of it.
double calibration_factor(const Network& network, Windows& windows, const Extent& extent, Workspace& workspace,
                          Team& team);

}  // namespace sluice
