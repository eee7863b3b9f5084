// Texts that a verb is given: standard input means the same as an argument.
#pragma once

#include <string>
#include <vector>

namespace sluice::tool {

// What a TEXT argument says: its words, or standard input where it is "-", all lines of it.
std::string text_argument(const std::vector<std::string>& words, bool lossy);

}  // namespace sluice::tool
