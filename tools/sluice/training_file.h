// The file that a model was trained on, which baselines are counted from. Its name alone stands in the model.
#pragma once

#include <string>
#include <vector>

#include "output.h"
#include "sluice/model.h"

namespace sluice::tool {

// The object of this name in the note on a model's training. Whoever wrote the file, nothing deep is read.
Json training_note(const Model& model, const char* name);

// Files of the name that was trained on: beside the file that is evaluated, beside the model, and here. Whether one of
// them is the file that was trained on is for the caller to see.
std::vector<std::string> files_of_training(const Model& model, const std::string& model_path,
                                           const std::string& evaluated);

}  // namespace sluice::tool
