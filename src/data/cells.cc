// Cells of a line; see cells.h.
#include "data/cells.h"

#include <utility>

#include "base/shown.h"
#include "data/lines.h"

namespace sluice {

void split(std::string_view text, char separator, std::vector<std::string_view>& parts) {
  parts.clear();
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

float read_odd_cell(std::string_view cell, Missing missing, std::string place) {
  cell = trimmed(cell);
  const auto number = read_number(cell);
  if (number && std::abs(*number) <= std::numeric_limits<float>::max()) return static_cast<float>(*number);
  if (number) refuse_at(std::move(place), "a number of at most 3.4e38", shown(cell));
  if (!is_missing(cell)) refuse_at(std::move(place), "a number", shown(cell));
  if (missing == Missing::refuse) {
    refuse_at(std::move(place), "a number (none of a sequence may be missing)", cell.empty() ? "none" : shown(cell));
  }
  return std::numeric_limits<float>::quiet_NaN();
}

}  // namespace sluice
