#include "formats/foreign/pickle.h"

#include <array>
#include <cstring>
#include <optional>

#include "base/shown.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

using Node = Pickle::Node;
using Kind = Pickle::Kind;

// A byte of a pickle makes a node of many; a state dictionary has some 20 of them a tensor.
constexpr std::size_t most_nodes = std::size_t{1} << 18, most_items = std::size_t{1} << 21;

enum Op : unsigned char {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyDict = '}',
  kEmptyList = ']',
  kEmptyTuple = ')',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kShortBinUnicode = 0x8c,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95
};

struct StorageType {
  std::string_view name;
  Type type;
};
constexpr std::array<StorageType, 10> storage_types = {{{"torch FloatStorage", Type::f32},
                                                        {"torch DoubleStorage", Type::f64},
                                                        {"torch HalfStorage", Type::f16},
                                                        {"torch BFloat16Storage", Type::bf16},
                                                        {"torch LongStorage", Type::i64},
                                                        {"torch IntStorage", Type::i32},
                                                        {"torch ShortStorage", Type::i16},
                                                        {"torch CharStorage", Type::i8},
                                                        {"torch ByteStorage", Type::u8},
                                                        {"torch BoolStorage", Type::boolean}}};
constexpr std::string_view ordered_dict = "collections OrderedDict", rebuild_tensor = "torch._utils _rebuild_tensor_v2",
                           rebuild_parameter = "torch._utils _rebuild_parameter";

// What may be named: an index into the storage types, or behind them one of the three functions.
std::optional<std::int64_t> find_global(std::string_view name) {
  for (std::size_t i = 0; i < storage_types.size(); ++i) {
    if (storage_types[i].name == name) return static_cast<std::int64_t>(i);
  }
  constexpr std::array functions = {ordered_dict, rebuild_tensor, rebuild_parameter};
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (functions[i] == name) return static_cast<std::int64_t>(storage_types.size() + i);
  }
  return std::nullopt;
}
constexpr std::int64_t first_function = storage_types.size();

}  // namespace

class Unpickler {
 public:
  Unpickler(Pickle& pickle, std::string_view& bytes, const std::string& where)
      : p_(pickle), rest_(bytes), size_(bytes.size()), where_(where) {}

  void run() {
    while (true) {
      const auto op = byte();
      if (op == kStop) break;
      step(op);
    }
    p_.root_ = pop();
    if (!stack_.empty()) refuse("one object", "more");
  }

 private:
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const {
    throw Error(Status::bad_file, where_ + ": pickle, byte " + std::to_string(size_ - rest_.size()) + ": expected " +
                                      expected + ", found " + found);
  }
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) refuse(std::to_string(size) + " bytes", "the end of the file");
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  unsigned char byte() { return static_cast<unsigned char>(take(1)[0]); }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view line() {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) refuse("the end of a line", "the end of the file");
    const std::string_view text = take(end);
    take(1);
    return text;
  }

  Node make(Kind kind, std::int64_t whole = 0, std::string_view text = {}) {
    if (p_.nodes_.size() >= most_nodes) refuse("at most " + std::to_string(most_nodes) + " objects", "more");
    p_.nodes_.push_back({kind, 0, whole, text});
    return static_cast<Node>(p_.nodes_.size() - 1);
  }
  Node make_items(Kind kind, std::vector<Node> items) {
    const Node node = make(kind);
    p_.nodes_[node].index = static_cast<std::uint32_t>(p_.items_.size());
    p_.items_.push_back(std::move(items));
    return node;
  }
  void push(Node node) {
    if (stack_.size() >= most_items) refuse("at most " + std::to_string(most_items) + " objects on the stack", "more");
    stack_.push_back(node);
  }
  Node pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("an object on the stack", "none");
    const Node node = stack_.back();
    stack_.pop_back();
    return node;
  }
  std::vector<Node> pop_to_mark() {
    if (marks_.empty()) refuse("a mark on the stack", "none");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Node> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }
  std::vector<Node>& items_of(Node node, Kind kind, const char* what) {
    if (p_.nodes_[node].kind != kind) refuse(what, "something else");
    return p_.items_[p_.nodes_[node].index];
  }
  Node top() {
    const Node node = pop();
    push(node);
    return node;
  }

  void step(unsigned char op) {
    switch (op) {
      case kProto:
        if (const int version = byte(); version < 2 || version > 5) refuse("protocol 2 to 5", std::to_string(version));
        return;
      case kFrame:
        take(8);
        return;
      case kMark:
        if (marks_.size() >= most_nodes) refuse("at most " + std::to_string(most_nodes) + " marks", "more");
        marks_.push_back(stack_.size());
        return;
      case kPop:
        pop();
        return;
      case kNone:
        return push(make(Kind::none));
      case kNewTrue:
      case kNewFalse:
        return push(make(Kind::boolean, op == kNewTrue));
      case kBinInt:
        return push(make(Kind::whole, number<std::int32_t>()));
      case kBinInt1:
        return push(make(Kind::whole, byte()));
      case kBinInt2:
        return push(make(Kind::whole, number<std::uint16_t>()));
      case kLong1:
        return push(make(Kind::whole, long_number(), {}));
      case kBinFloat:
        take(8);
        return push(make(Kind::real));
      case kBinUnicode:
      case kBinString:
        return push(make(Kind::text, 0, take(number<std::uint32_t>())));
      case kShortBinUnicode:
      case kShortBinString:
        return push(make(Kind::text, 0, take(byte())));
      case kEmptyDict:
        return push(make_items(Kind::dictionary, {}));
      case kEmptyList:
        return push(make_items(Kind::list, {}));
      case kEmptyTuple:
        return push(make_items(Kind::tuple, {}));
      case kTuple:
        return push(make_items(Kind::tuple, pop_to_mark()));
      case kTuple1:
      case kTuple2:
      case kTuple3:
        return push_tuple(op - kTuple1 + 1u);
      default:
        return step_on(op);
    }
  }

  // The operations that change or name something.
  void step_on(unsigned char op) {
    switch (op) {
      case kAppend:
        return append({pop()}, Kind::list, "a list to append to");
      case kAppends:
        return append(pop_to_mark(), Kind::list, "a list to append to");
      case kSetItem: {
        const Node value = pop(), key = pop();
        return append({key, value}, Kind::dictionary, "a dictionary to add to");
      }
      case kSetItems: {
        std::vector<Node> items = pop_to_mark();
        if (items.size() % 2 != 0) refuse("keys and values", "an odd number of objects");
        return append(std::move(items), Kind::dictionary, "a dictionary to add to");
      }
      case kBinGet:
        return get(byte());
      case kLongBinGet:
        return get(number<std::uint32_t>());
      case kBinPut:
        return put(byte());
      case kLongBinPut:
        return put(number<std::uint32_t>());
      case kMemoize:
        return put(memo_.size());
      case kGlobal: {
        const std::string module(line());
        return global(module + " " + std::string(line()));
      }
      case kStackGlobal: {
        const Node name = pop(), module = pop();
        return global(std::string(text_of(module)) + " " + std::string(text_of(name)));
      }
      case kBinPersId:
        return storage(pop());
      case kReduce:
        return reduce();
      case kBuild:
        pop();
        // Attributes of an OrderedDict (_metadata): versions of modules.
        items_of(top(), Kind::dictionary, "attributes of an OrderedDict alone");
        return;
      default:
        refuse("an operation of a state dictionary", "the operation " + std::to_string(op));
    }
  }

  std::int64_t long_number() {
    const std::size_t size = byte();
    const std::string_view bytes = take(size);
    if (size > 8) return 0;  // only the magic number of old files is as long, and nothing here counts so far
    std::uint64_t value = size > 0 && (bytes.back() & 0x80) ? ~std::uint64_t{0} : 0;
    std::memcpy(&value, bytes.data(), size);
    return static_cast<std::int64_t>(value);
  }
  void push_tuple(std::size_t size) {
    std::vector<Node> items(size);
    for (std::size_t i = size; i-- > 0;) items[i] = pop();
    push(make_items(Kind::tuple, std::move(items)));
  }
  void append(std::vector<Node> added, Kind kind, const char* what) {
    std::vector<Node>& items = items_of(top(), kind, what);
    if ((appended_ += added.size()) > most_items) refuse("at most " + std::to_string(most_items) + " items", "more");
    items.insert(items.end(), added.begin(), added.end());
  }
  void get(std::size_t i) {
    if (i >= memo_.size()) refuse("an object remembered as " + std::to_string(i), "none");
    push(memo_[i]);
  }
  void put(std::size_t i) {
    const Node node = top();
    // Writers number their objects one after another.
    if (i > memo_.size()) refuse("objects remembered one after another", "number " + std::to_string(i));
    if (i >= most_items) refuse("at most " + std::to_string(most_items) + " objects remembered", "more");
    if (i == memo_.size()) memo_.push_back(node);
    memo_[i] = node;
  }
  std::string_view text_of(Node node) {
    if (p_.nodes_[node].kind != Kind::text) refuse("a text", "something else");
    return p_.nodes_[node].text;
  }

  void global(const std::string& name) {
    const std::optional<std::int64_t> known = find_global(name);
    if (!known) {
      refuse("tensors and OrderedDict alone (save a state dictionary: torch.save(model.state_dict(), ...))",
             "a pickle that wants " + shown(name));
    }
    push(make(Kind::global, *known));
  }
  void storage(Node id) {
    // ("storage", type, key, place, numbers) and, in old files, a view, which must be None.
    const std::vector<Node> items = items_of(id, Kind::tuple, "a tuple that names a storage");
    const bool fits = (items.size() == 5 || (items.size() == 6 && p_.nodes_[items[5]].kind == Kind::none)) &&
                      text_of(items[0]) == "storage" && p_.nodes_[items[1]].kind == Kind::global &&
                      p_.nodes_[items[1]].whole < first_function;
    if (!fits) refuse("a storage of a known type", "something else");
    const Node node = make(Kind::storage);
    p_.nodes_[node].index = static_cast<std::uint32_t>(p_.storages_.size());
    p_.storages_.push_back({storage_types[static_cast<std::size_t>(p_.nodes_[items[1]].whole)].type,
                            std::string(text_of(items[2])), size_of(items[4])});
    push(node);
  }
  std::uint64_t size_of(Node node) {
    const auto& entry = p_.nodes_[node];
    if (entry.kind != Kind::whole || entry.whole < 0) refuse("a size", "something else");
    return static_cast<std::uint64_t>(entry.whole);
  }
  Shape sizes_of(Node node) {
    Shape shape;
    for (const Node item : items_of(node, Kind::tuple, "a tuple of sizes")) shape.push_back(size_of(item));
    if (shape.size() > 16) refuse("at most 16 dimensions", std::to_string(shape.size()));
    return shape;
  }
  void reduce() {
    const Node arguments = pop(), function = pop();
    const std::vector<Node> items = items_of(arguments, Kind::tuple, "a tuple of arguments");
    const auto& called = p_.nodes_[function];
    if (called.kind != Kind::global || called.whole < first_function) refuse("a function of the list", "another");
    if (called.whole == first_function) {
      if (!items.empty()) refuse("an empty OrderedDict", "one made from arguments");
      return push(make_items(Kind::dictionary, {}));
    }
    if (called.whole == first_function + 2) {
      if (items.empty() || p_.nodes_[items[0]].kind != Kind::tensor) refuse("a parameter of a tensor", "another");
      return push(items[0]);
    }
    if (items.size() < 4 || p_.nodes_[items[0]].kind != Kind::storage) refuse("a tensor on a storage", "another");
    PickledTensor tensor = {items[0], size_of(items[1]), sizes_of(items[2]), sizes_of(items[3])};
    if (tensor.shape.size() != tensor.strides.size()) refuse("as many strides as sizes", "another number of them");
    const Node node = make(Kind::tensor);
    p_.nodes_[node].index = static_cast<std::uint32_t>(p_.tensors_.size());
    p_.tensors_.push_back(std::move(tensor));
    push(node);
  }

  Pickle& p_;
  std::string_view& rest_;
  std::size_t size_, appended_ = 0;
  const std::string& where_;
  std::vector<Node> stack_, memo_;
  std::vector<std::size_t> marks_;
};

Pickle::Pickle(std::string_view& bytes, const std::string& where) { Unpickler(*this, bytes, where).run(); }

}  // namespace sluice::foreign
