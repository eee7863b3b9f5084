// A picture (SVG 1.1) of what a terminal shows: text with ANSI colours (ECMA-48 SGR) on a dark window.
#pragma once

#include <string>
#include <string_view>

namespace sluice::tool {

// `screen` is lines of text with the escape sequences that Style writes. Block elements (U+2581 to U+258F) and the
// heavy line of progress bars are drawn as shapes, so that they meet whatever font the reader has.
std::string terminal_svg(std::string_view screen, std::string_view title);

// A text as XML has it.
std::string svg_text(std::string_view text);

}  // namespace sluice::tool
