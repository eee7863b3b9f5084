// Cells side by side: what each costs and how far it remembers.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lessons/compare.h"
#include "output.h"
#include "sluice/sluice.h"
#include "terminal.h"

namespace sluice::tool {

// The runs of one cell, one a seed.
struct CellRuns {
  std::string cell;
  std::vector<CellResult> runs;
};

// In the order in which the cells first appear.
std::vector<CellRuns> by_cell(const std::vector<CompareRun>& runs);

// A column a cell, a row a number; several seeds as mean and standard deviation. `distance` says what the distances of
// the recall are.
std::string draw_comparison(const Style& style, const std::vector<CellRuns>& cells, std::string_view distance);
// Means over the seeds; with several, each run as well.
Json to_json(const CellRuns& cell);

}  // namespace sluice::tool
