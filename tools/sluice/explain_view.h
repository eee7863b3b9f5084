// An explanation as a page in a terminal.
#pragma once

#include <string>

#include "sluice/sluice.h"
#include "terminal.h"

namespace sluice::tool {

std::string draw_explanation(const Style& style, const Model& model, const Explanation& explanation);

}  // namespace sluice::tool
