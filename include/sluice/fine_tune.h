// Training a trained model further, on texts with words of their own.
#pragma once

#include <cstdint>

#include "sluice/export.h"
#include "sluice/model.h"

namespace sluice {

// A copy of a model of text to train further. `config` differs from the model's in its dropout at most. The copy knows
// the tokens of `learned` besides the model's own, whose numbers stay: rows of the embedding and of the output layer
// for what is new are those of a fresh model, drawn from `seed`; all other weights are the model's. Without new words
// `learned` is model.vocabulary(). Throws Error (usage): a model on numbers, another network, tokens of another level.
SLUICE_API Model fine_tune(const Model& model, const Config& config, const Vocabulary& learned, std::uint64_t seed = 1);

}  // namespace sluice
