// Values of fields as text and back, and what is said of those out of range.
#include "base/fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "sluice/error.h"

namespace sluice {
namespace {

template <class Number, class... Format>
std::string number_text(Number number, Format... format) {
  char text[400];
  return {text, std::to_chars(text, text + sizeof text, number, format...).ptr};
}

template <class Number>
bool read_number(std::string_view text, Number& value) {
  Number read{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  value = read;
  return true;
}

std::string bound_text(double bound) { return number_text(bound, std::chars_format::fixed); }

}  // namespace

std::string field_text(bool value) { return value ? "true" : "false"; }
std::string field_text(std::uint64_t value) { return number_text(value); }
std::string field_text(double value) { return number_text(value); }

bool read_field(std::string_view text, bool& value) {
  if (text != "true" && text != "false") return false;
  value = text == "true";
  return true;
}

bool read_field(std::string_view text, std::uint64_t& value) { return read_number(text, value); }
bool read_field(std::string_view text, double& value) { return read_number(text, value); }

bool read_field(std::string_view text, std::string& value) {
  value = text;
  return true;
}

std::string list_of(std::span<const std::string_view> names, const Bounds& bounds) {
  std::vector<std::string_view> taken;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (bounds.holds(static_cast<double>(i))) taken.push_back(names[i]);
  }
  std::string list;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (i > 0) list += i + 1 < taken.size() ? ", " : " or ";
    list += taken[i];
  }
  return list;
}

std::string expected_number(Bounds bounds, bool whole) {
  if (whole) bounds.low = std::max(bounds.low, 0.);  // there are no others
  std::string text = whole ? "a whole number" : "a number";
  const bool has_low = std::isfinite(bounds.low), has_high = bounds.high < bounds::most;
  if (has_low) text += (bounds.with_low ? (has_high ? " from " : " of ") : " above ") + bound_text(bounds.low);
  if (has_low && !has_high && bounds.with_low) text += " or more";
  if (has_high && bounds.with_high)
    text += (has_low && bounds.with_low ? " to " : " of at most ") + bound_text(bounds.high);
  if (has_high && !bounds.with_high) {
    text += (has_low && bounds.with_low ? " up to but not including "
             : has_low                  ? " and below "
                                        : " below ") +
            bound_text(bounds.high);
  }
  return text;
}

void refuse_field(std::string_view name, const std::string& expected, const std::string& found) {
  throw Error(Status::usage, std::string(name) + ": expected " + expected + ", found " + found);
}

}  // namespace sluice
