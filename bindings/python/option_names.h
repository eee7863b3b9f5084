// What Python calls an option and its type.
#pragma once

#include <algorithm>
#include <concepts>
#include <string>
#include <type_traits>

namespace sluice::python {

// "learning-rate" as Python spells it.
inline std::string python_name(const char* name) {
  std::string text = name;
  std::ranges::replace(text, '-', '_');
  return text;
}

// A choice is given by its name.
template <class T>
constexpr const char* python_type() {
  if constexpr (std::is_same_v<T, bool>) return "bool";
  if constexpr (std::is_same_v<T, double>) return "float";
  return std::integral<T> ? "int" : "str";
}

}  // namespace sluice::python
