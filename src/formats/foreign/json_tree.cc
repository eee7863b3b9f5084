#include "formats/foreign/json_tree.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"

namespace sluice::foreign {
namespace {

constexpr std::size_t most_depth = 64, most_nodes = std::size_t{1} << 18;

class TreeReader : public JsonReader {
 public:
  using JsonReader::JsonReader;
  bool null() override { return put({}); }
  bool boolean(bool value) override {
    JsonNode node;
    node.kind = JsonNode::Kind::boolean;
    node.number = value;
    return put(std::move(node));
  }
  bool number_integer(number_integer_t value) override { return number(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t&) override { return number(value); }
  bool string(string_t& value) override {
    JsonNode node;
    node.kind = JsonNode::Kind::text;
    node.text = std::move(value);
    return put(std::move(node));
  }
  bool start_object(std::size_t) override { return open(JsonNode::Kind::object); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(JsonNode::Kind::list); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    std::vector<std::string>& keys = open_.back().keys;
    // Objects here have few keys, but nobody promises it.
    if (keys.size() >= 4096) refuse("more than 4096 keys in an object");
    if (std::ranges::find(keys, value) != keys.end()) refuse("the key " + shown(value) + " a second time");
    keys.push_back(value);
    return true;
  }

  JsonNode root;

 protected:
  std::string expected() const override { return "JSON of at most 64 levels and 2^18 values"; }

 private:
  bool number(double value) {
    JsonNode* list = open_.empty() ? nullptr : &open_.back();
    const bool compact = list != nullptr && list->is_list() && list->items.empty();
    if (compact) {
      list->kind = JsonNode::Kind::numbers;
      list->numbers.push_back(static_cast<float>(value));
      return true;
    }
    JsonNode node;
    node.kind = JsonNode::Kind::number;
    node.number = value;
    return put(std::move(node));
  }
  bool put(JsonNode node) {
    if (++nodes_ > most_nodes) refuse("more values");
    if (open_.empty()) {
      root = std::move(node);
      return true;
    }
    JsonNode& parent = open_.back();
    if (parent.kind == JsonNode::Kind::numbers) loosen(parent);
    parent.items.push_back(std::move(node));
    return true;
  }
  // A list of numbers that turns out to hold something else.
  void loosen(JsonNode& list) {
    for (const float value : list.numbers) {
      if (++nodes_ > most_nodes) refuse("more values");
      list.items.emplace_back();
      list.items.back().kind = JsonNode::Kind::number;
      list.items.back().number = value;
    }
    list.numbers.clear();
    list.kind = JsonNode::Kind::list;
  }
  bool open(JsonNode::Kind kind) {
    if (open_.size() >= most_depth) refuse("more levels");
    open_.emplace_back();
    open_.back().kind = kind;
    return true;
  }
  bool close() {
    JsonNode node = std::move(open_.back());
    node.numbers.shrink_to_fit();
    open_.pop_back();
    return put(std::move(node));
  }

  std::vector<JsonNode> open_;
  std::size_t nodes_ = 0;
};

}  // namespace

const JsonNode* JsonNode::find(std::string_view key) const {
  const auto found = std::ranges::find(keys, key);
  if (found == keys.end()) return nullptr;
  const JsonNode& value = items[static_cast<std::size_t>(found - keys.begin())];
  return value.kind == Kind::null ? nullptr : &value;
}

JsonNode read_json(std::string_view text, const std::string& where) {
  TreeReader reader(where);
  reader.read(text);
  return std::move(reader.root);
}

JsonObject::JsonObject(const JsonNode& node, std::string where) : node_(node), where_(std::move(where)) {
  if (node.kind == JsonNode::Kind::object) return;
  throw Error(Status::bad_file, where_ + ": expected an object, found something else");
}

void JsonObject::refuse(std::string_view key, const std::string& expected, const std::string& found) const {
  throw Error(Status::bad_file, where_ + ": " + shown(key) + ": expected " + expected + ", found " + found);
}

const JsonNode& JsonObject::operator[](std::string_view key) const {
  const JsonNode* found = find(key);
  if (found == nullptr) refuse(key, "a value", "none");
  return *found;
}

std::string JsonObject::text(std::string_view key) const {
  const JsonNode& node = (*this)[key];
  if (node.kind != JsonNode::Kind::text) refuse(key, "a text", "something else");
  return node.text;
}

std::string JsonObject::text(std::string_view key, const std::string& otherwise) const {
  return find(key) == nullptr ? otherwise : text(key);
}

std::size_t JsonObject::size(std::string_view key) const {
  const double value = (*this)[key].number;
  const bool whole =
      (*this)[key].kind == JsonNode::Kind::number && value >= 0 && value < 1e9 && value == std::floor(value);
  if (!whole) refuse(key, "a size", "something else");
  return static_cast<std::size_t>(value);
}

std::size_t JsonObject::size(std::string_view key, std::size_t otherwise) const {
  return find(key) == nullptr ? otherwise : size(key);
}

double JsonObject::number(std::string_view key, double otherwise) const {
  const JsonNode* found = find(key);
  if (found == nullptr) return otherwise;
  if (found->kind != JsonNode::Kind::number) refuse(key, "a number", "something else");
  return found->number;
}

bool JsonObject::boolean(std::string_view key, bool otherwise) const {
  const JsonNode* found = find(key);
  if (found == nullptr) return otherwise;
  if (found->kind != JsonNode::Kind::boolean) refuse(key, "true or false", "something else");
  return found->number != 0;
}

void JsonObject::expect_only(const std::vector<std::string_view>& keys) const {
  for (const std::string& key : node_.keys) {
    if (std::ranges::find(keys, key) == keys.end()) refuse(key, "no such key", "one, which is not understood");
  }
}

}  // namespace sluice::foreign
