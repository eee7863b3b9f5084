#include "model/field_checks.h"

#include <cmath>

#include "base/json.h"
#include "base/shown.h"
#include "sluice/error.h"

namespace sluice {

void out_of_range(const std::string& field, const std::string& expected, const std::string& found) {
  throw Error(Status::usage, field + ": expected " + expected + ", found " + found);
}

void check_size(const std::string& field, std::size_t value, std::size_t most) {
  if (value >= 1 && value <= most) return;
  out_of_range(field, "a number from 1 to " + std::to_string(most), std::to_string(value));
}

void check_share(const std::string& field, double value) {
  if (value >= 0 && value < 1) return;
  out_of_range(field, "a share from 0 up to but not including 1", number_text(value));
}

void check_magnitude(const std::string& field, double value, int most) {
  if (std::abs(value) <= most) return;
  out_of_range(field, "a number from -" + std::to_string(most) + " to " + std::to_string(most), number_text(value));
}

void check_name(const std::string& field, const std::string& value, std::span<const std::string_view> known) {
  std::string names;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known[i] == value) return;
    names += (i == 0 ? "" : i + 1 == known.size() ? " or " : ", ") + std::string(known[i]);
  }
  out_of_range(field, names, shown(value));
}

std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return nlohmann::json(value).dump();
}

}  // namespace sluice
