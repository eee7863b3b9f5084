// Texts for a page to begin with, which the model at hand can read.
#pragma once

#include <string>
#include <vector>

#include "sluice/model.h"

namespace sluice::tool {

// The demonstration's two texts, where the model knows every word of them; else the beginning of a line as the model
// would write it itself, which is in the manner of the text that it was trained on. Empty where it writes nothing that
// can be read. The same for the same model.
std::vector<std::string> example_texts(const Model& model);

}  // namespace sluice::tool
