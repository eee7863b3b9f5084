// Which training options make sense.
#pragma once

#include "sluice/train.h"

namespace sluice {

// Throws Error (usage) naming the first option out of range, what was expected and what was found.
void check_options(const TrainOptions& options, bool validates);
void check_threads(std::size_t threads);

}  // namespace sluice
