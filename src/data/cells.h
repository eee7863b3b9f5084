// The cells of a line of data, each of which is a number.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "data/numbers.h"

namespace sluice {

// The parts of `text` between separators: one more than there are separators. The views hold as long as the text.
void split(std::string_view text, char separator, std::vector<std::string_view>& parts);

// The number in a cell of a line; NaN where it is missing and `missing` allows that. place() says where the cell
// stands, as in "file, line 3, step 5". Throws Error (bad_file): no number, a missing one, one beyond 32 bits.
float read_odd_cell(std::string_view cell, Missing missing, std::string place);

template <class Place>
float read_cell(std::string_view cell, Missing missing, Place&& place) {
  const auto number = read_number(cell);
  if (number && std::abs(*number) <= std::numeric_limits<float>::max()) return static_cast<float>(*number);
  return read_odd_cell(cell, missing, place());
}

}  // namespace sluice
