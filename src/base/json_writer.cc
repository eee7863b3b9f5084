#include "base/json_writer.h"

#include <charconv>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sluice/error.h"

namespace sluice {

// A value needs a comma before it unless it is the first of its kind or stands after its key.
void JsonWriter::separate() {
  if (text_.empty()) return;
  const char last = text_.back();
  if (last != '{' && last != '[' && last != ':') text_ += ',';
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  text_ += bracket;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  text_ += bracket;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  string(name);
  text_ += ':';
  return *this;
}

JsonWriter& JsonWriter::exact_key(std::string_view name, const char* where) {
  exact_string(name, where);
  text_ += ':';
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view value) {
  return raw(nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

JsonWriter& JsonWriter::exact_string(std::string_view value, const char* where) {
  try {
    return raw(nlohmann::json(value).dump());
  } catch (const nlohmann::json::exception&) {
    throw Error(Status::failed, std::string(where) + ": expected UTF-8, found other bytes");
  }
}

JsonWriter& JsonWriter::exact(double value) { return raw(nlohmann::json(value).dump()); }

JsonWriter& JsonWriter::number(double value) {
  if (!std::isfinite(value)) return null();
  char digits[32];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value, std::chars_format::general, 6).ptr;
  return raw({digits, static_cast<std::size_t>(end - digits)});
}

JsonWriter& JsonWriter::rounded(float value) {
  constexpr float kLargest = 1e6f;
  if (!(std::abs(value) < kLargest)) return number(static_cast<double>(value));
  separate();
  const auto scaled = std::lround(static_cast<double>(value) * 10000);
  if (scaled < 0) text_ += '-';
  const auto size = static_cast<std::uint64_t>(std::abs(scaled));
  char digits[16];
  text_.append(digits, std::to_chars(std::begin(digits), std::end(digits), size / 10000).ptr);
  std::uint64_t part = size % 10000;
  if (part == 0) return *this;
  char decimals[] = {'.', '0', '0', '0', '0'};
  for (int i = 4; i > 0; --i, part /= 10) decimals[i] = static_cast<char>('0' + part % 10);
  std::size_t length = 5;
  while (decimals[length - 1] == '0') --length;
  text_.append(decimals, length);
  return *this;
}

JsonWriter& JsonWriter::integer(std::uint64_t value) { return raw(std::to_string(value)); }

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  text_ += json;
  return *this;
}

}  // namespace sluice
