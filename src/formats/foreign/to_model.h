// A foreign network as a model of ours, where it is one.
#pragma once

#include <string>

#include "formats/foreign/network.h"
#include "sluice/model.h"

namespace sluice::foreign {

// Tokens through an embedding, or numbers; forward layers of one cell and one size with the usual activations; a dense
// head on every step. Throws Error (failed) that names the first part which a model cannot hold.
// A model of text calls its tokens by their numbers, as no such file says what they mean.
Model to_model(const Network& network, const std::string& path);

}  // namespace sluice::foreign
