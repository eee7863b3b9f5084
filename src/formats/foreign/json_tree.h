// JSON of other systems as a tree: bounded in depth and in nodes; lists of numbers take four bytes a number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::foreign {

struct JsonNode {
  enum class Kind : std::uint8_t { null, boolean, number, text, list, numbers, object };
  Kind kind = Kind::null;
  double number = 0;  // 0 or 1 of a boolean
  std::string text;
  std::vector<JsonNode> items;    // of a list; values of an object
  std::vector<std::string> keys;  // of an object
  std::vector<float> numbers;     // of a list of numbers alone

  // The value of a key; nullptr when there is none, or null stands there.
  const JsonNode* find(std::string_view key) const;
  bool is_list() const { return kind == Kind::list || kind == Kind::numbers; }
  std::size_t size() const { return kind == Kind::numbers ? numbers.size() : items.size(); }
};

// Throws Error (bad_file): broken JSON, a key twice, more than 64 levels or 2^18 nodes.
JsonNode read_json(std::string_view text, const std::string& where);

// Values of an object by key, each in the type that is expected or refused with one sentence.
class JsonObject {
 public:
  // Throws Error (bad_file) unless the node is an object.
  JsonObject(const JsonNode& node, std::string where);

  const JsonNode& operator[](std::string_view key) const;  // must be there
  const JsonNode* find(std::string_view key) const { return node_.find(key); }
  std::string text(std::string_view key) const;
  std::string text(std::string_view key, const std::string& otherwise) const;
  std::size_t size(std::string_view key) const;
  std::size_t size(std::string_view key, std::size_t otherwise) const;
  double number(std::string_view key, double otherwise) const;
  bool boolean(std::string_view key, bool otherwise) const;
  // Throws Error (bad_file) naming a key that stands in the object but not in the list.
  void expect_only(const std::vector<std::string_view>& keys) const;
  [[noreturn]] void refuse(std::string_view key, const std::string& expected, const std::string& found) const;
  const std::string& where() const { return where_; }

 private:
  const JsonNode& node_;
  std::string where_;
};

}  // namespace sluice::foreign
