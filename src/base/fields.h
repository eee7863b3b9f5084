// What a list of fields is made of. A list stands once, as a function that visits every field (training's is in
// train/options.h); flags, help, checks of ranges and keys in files follow from it.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace sluice {

// The numbers that a field takes; of a choice, the places of its names in their list.
struct Bounds {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool with_low = true, with_high = true;  // whether the bound itself is one of them

  bool holds(double value) const {  // false for NaN
    return (with_low ? value >= low : value > low) && (with_high ? value <= high : value < high);
  }
};

namespace bounds {

// What is stored as a float has to fit one.
constexpr double most = std::numeric_limits<float>::max();
constexpr Bounds at_least(double low) { return {low, most}; }
constexpr Bounds above(double low) { return {low, most, false}; }
constexpr Bounds within(double low, double high) { return {low, high}; }
constexpr Bounds from_to_below(double low, double high) { return {low, high, true, false}; }
constexpr Bounds between(double low, double high) { return {low, high, false, false}; }
// Of a choice: the names up to this one.
template <class Enum>
constexpr Bounds up_to(Enum last) {
  return {0, static_cast<double>(last)};
}

}  // namespace bounds

struct Field {
  const char* name;  // the flag without its dashes and the key in files
  const char* help;
  Bounds bounds = {};
  const char* former = "";  // another name of it, which flags and files had and may still have
};

// A choice is an enum whose values count from 0. choices(value), in the namespace of the enum, gives their names.
template <class T>
concept NamedEnum = std::is_enum_v<T>;

// Values as text: a number as the shortest decimal that reads back as the same one.
std::string field_text(bool value);
std::string field_text(std::uint64_t value);
std::string field_text(double value);
inline std::string field_text(const std::string& value) { return value; }
// "sgd, rmsprop or adam"
std::string list_of(std::span<const std::string_view> names, const Bounds& bounds = {});

template <NamedEnum T>
std::string field_text(T value) {
  const auto names = choices(value);
  const auto place = static_cast<std::size_t>(value);
  return place < names.size() ? std::string(names[place]) : std::to_string(place);
}

// The whole of `text` as a value; false, and nothing changed, when it is none. Never by locale.
bool read_field(std::string_view text, bool& value);
bool read_field(std::string_view text, std::uint64_t& value);
bool read_field(std::string_view text, double& value);
bool read_field(std::string_view text, std::string& value);

template <NamedEnum T>
bool read_field(std::string_view text, T& value) {
  const auto names = choices(value);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != text) continue;
    value = static_cast<T>(i);
    return true;
  }
  return false;
}

// What a field of type T takes, for messages: "a whole number from 1 to 256", "sgd or adam".
std::string expected_number(Bounds bounds, bool whole);
template <class T>
std::string expected_of(const Bounds& bounds = {}) {
  if constexpr (NamedEnum<T>) {
    return list_of(choices(T{}), bounds);
  } else if constexpr (std::is_same_v<T, bool>) {
    return "true or false";
  } else if constexpr (std::is_same_v<T, std::string>) {
    return "a text";
  } else {
    return expected_number(bounds, std::integral<T>);
  }
}

[[noreturn]] void refuse_field(std::string_view name, const std::string& expected, const std::string& found);

// Throws Error (usage), naming the field, what was expected and what was found, unless the value is in its range.
template <class T>
void check_field(const Field& field, const T& value) {
  if constexpr (!std::is_same_v<T, bool> && !std::is_same_v<T, std::string>) {
    if (!field.bounds.holds(static_cast<double>(value))) {
      refuse_field(field.name, expected_of<T>(field.bounds), field_text(value));
    }
  }
}

}  // namespace sluice
