// Inputs and what another system computed from them, kept in the file of a model that was imported from there and
// compared when it is read. A note of the model, "source-check", as numbers with spaces between:
//   fingerprint of the weights, its upper and its lower 32 bits; then of every sequence
//   T steps, K outputs that are compared, tolerance
//   which outputs [K]
//   tokens [T] or numbers [T I]
//   what the model predicts by then: of every step [T K], of a head on whole sequences [K]
// It is for these weights alone: a model that was trained on keeps it no longer.
#pragma once

#include <string>
#include <string_view>

#include "model/network.h"

namespace sluice {

inline constexpr const char* check_note = "source-check";
inline constexpr std::size_t most_check_bytes = std::size_t{1} << 16, most_check_outputs = 32;
// All steps of a check: what a file makes us compute is bounded, and takes some milliseconds.
std::size_t most_check_steps(const Network& network);

// Whether a check is of these weights.
bool is_check_of(const Network& network, std::string_view text);
// Throws Error (bad_file) with `where` in front: no such numbers, or the network predicts others. Safe on any text.
void verify_check(const Network& network, std::string_view text, const std::string& where);

}  // namespace sluice
