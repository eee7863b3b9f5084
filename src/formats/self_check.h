// A short input with what the network gives for it, kept in a model file and compared when it is read, so that weights
// and equations that do not belong together are noticed. As JSON:
//   on text     {"input": tokens [T], "outputs": tokens [K], "log_probabilities": [T K]}
//   on numbers  {"steps": T, "outputs": which of the O [K], "values": [T K]}, the outputs for the input
//               x[t, i] = ((t + 2 i) mod 5 - 2) / 2
// or "none" in a file whose weights were changed elsewhere.
#pragma once

#include <string>

#include "model/network.h"

namespace sluice {

// Throws Error (failed) where an answer is not finite.
std::string make_self_check(const Network& network);

// Throws Error (bad_file) with `where` in front: no such check, or answers that differ. Safe on any text.
void verify_self_check(const Network& network, const std::string& text, const std::string& where);

}  // namespace sluice
