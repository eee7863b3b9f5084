// The plan of a training, for people and for programs.
#pragma once

#include <string>

#include "output.h"
#include "train/plan.h"

namespace sluice::tool {

// Two lines: the network and how it is trained; how long.
std::string in_words(const Plan& plan, const TextKind& text);
// A third: what it needs. seconds: of its updates.
std::string costs_in_words(const Plan& plan, double seconds);
Json to_json(const Plan& plan, const TextKind& text, double seconds);

}  // namespace sluice::tool
