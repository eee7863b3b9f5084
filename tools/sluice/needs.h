// What each verb, and each route of the server, needs of a model. It is checked here, as soon as the model is there and
// before anything else is done with it.
#pragma once

#include <string>
#include <string_view>

#include "sluice/sluice.h"

namespace sluice::tool {

// Throws Error (bad_file), with `path` in front, unless the model is what `verb` needs.
void expect_model_for(std::string_view verb, const Model& model, const std::string& path);
// The model in a file of ours, or in one of another system that says its network itself.
Model open_model(const std::string& path);
// The same, for this verb.
Model load_for(std::string_view verb, const std::string& path, Precision precision = Precision::f32);

}  // namespace sluice::tool
