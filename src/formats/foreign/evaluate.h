// The reference: what a foreign network computes, in double, by plain loops in the order of the equations.
#pragma once

#include <map>
#include <vector>

#include "formats/foreign/network.h"

namespace sluice::foreign {

// T steps of B rows. An input holds [T, B, F], [B, F], [T, B] or [B] numbers by its kind; one that may be left out and
// is not given is a state of zeros, or lengths of T.
struct Feed {
  std::size_t steps = 1, batch = 1;
  std::map<ValueId, std::vector<double>> inputs;
};

// The numbers of every output, in the order of network.outputs. Throws Error (usage): an input that lacks or has a
// wrong number of numbers, a token that there is none of, a length beyond T.
std::vector<std::vector<double>> evaluate(const Network& network, const Feed& feed);

}  // namespace sluice::foreign
