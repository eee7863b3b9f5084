// JSON written straight into a text: for results of many numbers, where a tree would cost more than what it holds, and
// wherever memory may run out, for nlohmann's tree takes some when it is destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

// Whoever calls keeps begin and end in pairs and keys inside objects; commas come by themselves.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& exact_key(std::string_view name, const char* where);  // as exact_string()

  JsonWriter& string(std::string_view value);                           // broken UTF-8 becomes U+FFFD
  JsonWriter& exact_string(std::string_view value, const char* where);  // broken UTF-8: throws Error (failed)
  JsonWriter& number(double value);                                     // 6 significant digits; null when not finite
  JsonWriter& exact(double value);   // the shortest that reads back the same; null when not finite
  JsonWriter& rounded(float value);  // 4 decimals, fast; null when not finite
  JsonWriter& integer(std::uint64_t value);
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  JsonWriter& raw(std::string_view json);  // a value already written

  const std::string& text() const { return text_; }
  std::string take() { return std::move(text_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string text_;
};

}  // namespace sluice
