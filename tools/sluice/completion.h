// A completion (complete_text.h) drawn for a person, and as JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "complete_text.h"
#include "output.h"
#include "terminal.h"

namespace sluice::tool {

// The candidates, one a line: with bars for a person, as a table for a program. `margin` stands before the first line,
// spaces before the others; where a right answer is known, its bar differs.
std::string draw_candidates(const Style& style, const std::vector<Candidate>& candidates, std::string_view margin,
                            std::string_view right_answer = "");
Json to_json(const std::vector<Candidate>& candidates);
Json to_json(const Completion& completion);

}  // namespace sluice::tool
