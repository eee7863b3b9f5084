// What every picture in the page's style shares: the sheet with the page's colours and type, words and lines.
#pragma once

#include <string>
#include <string_view>

namespace sluice::tool {

inline constexpr double kPictureWide = 920;     // pixels
inline constexpr double kPictureHead = 44;      // above which the heading stands
inline constexpr double kTickDigit = 7.2;       // the width of a character of a tick, about
inline constexpr double kHeadingLetter = 10.6;  // the same of a heading

// A whole picture: `drawn` on the page's ground, below a heading, which is shortened where it is too wide. It is light
// or dark as its reader's other windows are; who knows nothing of that sees it light.
std::string svg_page(const std::string& title, double width, double height, std::string_view drawn);
// `anchor`: where of the words x is: start, middle or end. Empty words are not written.
std::string svg_words(std::string_view kind, double x, double y, std::string_view words, std::string_view anchor);
std::string svg_line_of(double x1, double x2, double y1, double y2, std::string_view kind);

}  // namespace sluice::tool
