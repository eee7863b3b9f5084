// Ranges of fields: each function throws Error (usage) that names the field, what was expected and what was found.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

[[noreturn]] void out_of_range(const std::string& field, const std::string& expected, const std::string& found);
// From 1 to `most`.
void check_size(const std::string& field, std::size_t value, std::size_t most);
// From 0 up to but not including 1.
void check_share(const std::string& field, double value);
// From -most to most.
void check_magnitude(const std::string& field, double value, int most);
void check_name(const std::string& field, const std::string& value, std::span<const std::string_view> known);

std::string number_text(double value);  // null for NaN and infinity

}  // namespace sluice
