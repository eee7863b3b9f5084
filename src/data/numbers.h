// Numbers as files of data have them, and numbers that are not there.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace sluice {

// A decimal number with a point, as 12, -0.5, +1e-3, .5 or 5., the same in every locale. Nothing for any other text:
// blanks beside it, infinity, hexadecimal, a number beyond double.
std::optional<double> read_number(std::string_view text);

// The same with a comma for the point, and no point.
std::optional<double> read_number_with_comma(std::string_view text);
// Of a cell between separators: where a comma is none of those, it may stand for the point.
std::optional<double> read_number(std::string_view text, char separator);

// Nothing at all, or one of the words that other tools write for a number that is not there: ?, NA, N/A, #N/A, NaN,
// null, None, in capitals or not.
bool is_missing(std::string_view text);

// What to do about a number that is not there.
enum class Missing {
  refuse,  // an error
  mask,    // feed the last value, whether it is there, and how long ago the last one was
  fill,    // put the last value of its column in its place
};
constexpr std::array<std::string_view, 3> choices(Missing) { return {"refuse", "mask", "fill"}; }
Missing find_missing(std::string_view name);  // Throws Error (usage) that lists the names

}  // namespace sluice
