// The page (page.h) of cells that were trained side by side: texts read by each, and what each cost.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "comparison.h"

namespace sluice::tool {

// Every run of the first seed reads every text; the trace that is followed is that of one word for all of them. `texts`
// may be empty: then the page shows the comparison alone.
std::string runs_page(const std::vector<CompareRun>& runs, std::span<const std::string> texts, const Json& comparison);

}  // namespace sluice::tool
