// Untrusted JSON, read as events instead of a tree: memory stays within what the reader keeps, whatever the text. Where
// a tree is wanted: json_tree.h.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/shown.h"
#include "sluice/error.h"

namespace sluice {

// Throws Error (bad_file) for more than `most` bytes.
void expect_size(std::string_view text, const std::string& where, std::size_t most);

// An object of texts, numbers, true and false. Throws Error (bad_file): anything else, a key twice, more than `most`
// bytes.
std::map<std::string, nlohmann::json> read_flat_object(std::string_view text, const std::string& where,
                                                       std::size_t most = std::size_t{1} << 16);

// Refuses everything; a reader overrides the events it can take. Every refusal is an Error (bad_file) that names where
// it stands, what expected() says and what was found.
class JsonReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonReader(std::string where) : where_(std::move(where)) {}

  // Reads the whole text. Throws Error (bad_file).
  void read(std::string_view text);

  bool null() override { refuse("null"); }
  bool boolean(bool value) override { refuse(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { refuse(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { refuse(std::to_string(value)); }
  bool number_float(number_float_t value, const string_t&) override { refuse(std::to_string(value)); }
  bool string(string_t& value) override { refuse(shown(value)); }
  bool binary(binary_t&) override { refuse("binary data"); }
  bool start_object(std::size_t) override { refuse("an object"); }
  bool key(string_t& value) override { refuse("the key " + shown(value)); }
  bool end_object() override { refuse("the end of an object"); }
  bool start_array(std::size_t) override { refuse("an array"); }
  bool end_array() override { refuse("the end of an array"); }
  // Numbers too large for a double are parse errors too.
  bool parse_error(std::size_t position, const std::string& last, const nlohmann::detail::exception& error) override;

 protected:
  // What may stand at the present place, for messages.
  virtual std::string expected() const = 0;
  [[noreturn]] void refuse(const std::string& found) const;
  const std::string& where() const { return where_; }

 private:
  std::string where_;
};

}  // namespace sluice
