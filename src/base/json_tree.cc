#include "base/json_tree.h"

#include <utility>
#include <vector>

#include "base/json.h"

namespace sluice {
namespace {

using Tree = nlohmann::ordered_json;

class TreeReader : public JsonReader {
 public:
  using JsonReader::JsonReader;
  bool null() override { return place(nullptr); }
  bool boolean(bool value) override { return place(value); }
  bool number_integer(number_integer_t value) override { return place(value); }
  bool number_unsigned(number_unsigned_t value) override { return place(value); }
  bool number_float(number_float_t value, const string_t&) override { return place(value); }
  bool string(string_t& value) override { return place(std::move(value)); }
  bool start_object(std::size_t) override { return open(Tree::object()); }
  bool start_array(std::size_t) override { return open(Tree::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    constexpr std::size_t most = 256;  // each is looked for among all before it
    Tree& object = *open_.back();
    if (object.size() == most) refuse("an object of more than " + std::to_string(most) + " names");
    if (object.contains(name)) refuse("the name " + shown(name) + " a second time");
    key_ = name;
    return true;
  }

  Tree tree;

 protected:
  std::string expected() const override { return "JSON of at most " + std::to_string(most_json_depth) + " levels"; }

 private:
  // Where it stands in the tree: what is open grows at its end only once its last part is closed.
  template <class Value>
  Tree& put(Value&& value) {
    if (open_.empty()) return tree = std::forward<Value>(value);
    Tree& parent = *open_.back();
    if (parent.is_object()) return parent[key_] = std::forward<Value>(value);
    parent.push_back(std::forward<Value>(value));
    return parent.back();
  }
  template <class Value>
  bool place(Value&& value) {
    put(std::forward<Value>(value));
    return true;
  }
  bool open(Tree&& empty) {
    if (open_.size() == most_json_depth) refuse("more");
    open_.push_back(&put(std::move(empty)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::vector<Tree*> open_;
  std::string key_;
};

}  // namespace

nlohmann::ordered_json read_json(std::string_view text, const std::string& where, std::size_t most) {
  expect_size(text, where, most);
  TreeReader reader(where);
  reader.read(text);
  return std::move(reader.tree);
}

}  // namespace sluice
