// Refusals of JsonReader, flat objects, and text for messages.
#include "base/json.h"

#include <utility>

namespace sluice {
namespace {

class FlatReader : public JsonReader {
 public:
  using JsonReader::JsonReader;
  bool start_object(std::size_t) override {
    if (std::exchange(opened_, true)) refuse("an object within");
    return true;
  }
  bool end_object() override { return true; }
  bool key(string_t& value) override {
    if (object.contains(value)) refuse("the key " + shown(value) + " a second time");
    key_ = value;
    return true;
  }
  bool boolean(bool value) override { return keep(value, value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return keep(value, std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return keep(value, std::to_string(value)); }
  bool number_float(number_float_t value, const string_t&) override { return keep(value, std::to_string(value)); }
  bool string(string_t& value) override { return keep(value, shown(value)); }

  std::map<std::string, nlohmann::json> object;

 protected:
  std::string expected() const override { return "an object of texts, numbers, true and false"; }

 private:
  template <class T>
  bool keep(const T& value, const std::string& text) {
    if (!opened_) refuse(text);
    object.emplace(key_, value);
    return true;
  }

  bool opened_ = false;
  std::string key_;
};

}  // namespace

std::map<std::string, nlohmann::json> read_flat_object(std::string_view text, const std::string& where,
                                                       std::size_t most) {
  expect_size(text, where, most);
  FlatReader reader(where);
  reader.read(text);
  return std::move(reader.object);
}

void expect_size(std::string_view text, const std::string& where, std::size_t most) {
  if (text.size() <= most) return;
  throw Error(Status::bad_file,
              where + ": expected at most " + std::to_string(most) + " bytes, found " + std::to_string(text.size()));
}

std::string shown(std::string_view text) {
  constexpr std::size_t most = 60;
  // JSON's writer drops broken UTF-8, escapes what could steer a terminal, and adds the quotes.
  const std::string quoted =
      nlohmann::json(text.substr(0, most)).dump(-1, ' ', true, nlohmann::json::error_handler_t::ignore);
  return text.size() > most ? quoted + "..." : quoted;
}

void JsonReader::read(std::string_view text) {
  nlohmann::json::sax_parse(text.begin(), text.end(), this, nlohmann::json::input_format_t::json, true);
}

bool JsonReader::parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) {
  constexpr int out_of_range = 406;  // a number: https://json.nlohmann.me/home/exceptions
  refuse((error.id == out_of_range ? "a number that is too large at byte " : "broken JSON at byte ") +
         std::to_string(position));
}

void JsonReader::refuse(const std::string& found) const {
  throw Error(Status::bad_file, where_ + ": expected " + expected() + ", found " + found);
}

}  // namespace sluice
