// Numbers of data files; see numbers.h.
#include "data/numbers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "base/fields.h"
#include "base/shown.h"

namespace sluice {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::optional<double> read_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // Too large or too small: the next larger type knows which.
    long double wide = 0;
    if (std::from_chars(text.data(), end, wide).ec == std::errc{} && std::abs(wide) < 1) {
      return static_cast<double>(wide);
    }
    return std::nullopt;
  }
  if (!std::isfinite(value)) return std::nullopt;  // spelt "inf" or "nan"
  return value;
}

std::optional<double> read_number_with_comma(std::string_view text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos || text.find('.') != std::string_view::npos) return std::nullopt;
  std::string pointed(text);
  pointed[comma] = '.';
  return read_number(pointed);
}

std::optional<double> read_number(std::string_view text, char separator) {
  const auto number = read_number(text);
  return number || separator == ',' ? number : read_number_with_comma(text);
}

bool is_missing(std::string_view text) {
  constexpr std::array<std::string_view, 8> kWords{"", "?", "na", "n/a", "#n/a", "nan", "null", "none"};
  return std::ranges::any_of(kWords, [&](std::string_view word) {
    return std::ranges::equal(text, word, [](char a, char b) { return lower(a) == b; });
  });
}

Missing find_missing(std::string_view name) {
  Missing missing{};
  if (!read_field(name, missing)) refuse_field("missing", list_of(choices(missing)), shown(name));
  return missing;
}

}  // namespace sluice
