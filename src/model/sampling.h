// Drawing the next token from what a network of text gave.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "sluice/stream.h"

namespace sluice {

// The k likeliest tokens, likeliest first, ties by token number, of any numbers that grow with the probability. NaN
// stands last, for an order must be one.
std::vector<Token> likeliest(std::span<const float> scores, std::size_t k);

// logits and probabilities [V] of one row, random in [0, 1). A token of probability p has a weight of p^(1 / T), which
// is e^((logit - greatest logit) / T) times a constant: in double that neither overflows nor loses the likeliest,
// however small or large T is. Throws Error (usage): options out of range, or no token with a probability above 0.
Token draw(std::span<const float> logits, std::span<const float> probabilities, const SampleOptions& options,
           double random);

}  // namespace sluice
