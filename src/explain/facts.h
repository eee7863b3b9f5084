// What a model is, in the words of docs/explain-json.md.
#pragma once

#include <string>
#include <string_view>

#include "sluice/model.h"

namespace sluice {

std::string facts_json(const Model& model, const std::string& name);
// What a token of the model is called: "word" or "character".
std::string_view unit_name(const Model& model);

}  // namespace sluice
