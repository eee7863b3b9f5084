// What a model is, in the words of docs/explain-json.md.
#pragma once

#include <string>

#include "sluice/model.h"

namespace sluice {

std::string facts_json(const Model& model, const std::string& name);

}  // namespace sluice
