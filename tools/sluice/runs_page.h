// The page (page.h) of cells that were trained side by side: texts read by each, and what each cost.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "comparison.h"
#include "lessons/compare.h"

namespace sluice::tool {

// A text of a page, and the experiment that comes with it: read again by cells with a gate that keeps the past, that
// gate held at 1 from the first word to the last. No words: no experiment.
struct PageText {
  std::string text;
  std::string hold_first = {}, hold_last = {};
};

// The two texts of the demonstration; in the second one the first answer comes back when the memory is held.
std::vector<PageText> favourites_texts();

// How often recall is measured while favourites are trained on, for a page that shows it.
inline constexpr std::size_t kRecallTimes = 9;

// Every run of the first seed reads every text; the trace that is followed is that of one word for all of them. `texts`
// may be empty: then the page shows the comparison alone.
std::string runs_page(const std::vector<CompareRun>& runs, std::span<const PageText> texts, const Json& comparison);

}  // namespace sluice::tool
