#include "formats/foreign/hdf5.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>

#include "base/shown.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
constexpr std::size_t most_objects = std::size_t{1} << 16, most_depth = 32;
// Messages of headers and objects of heaps, which may be pointed to from many places.
constexpr std::size_t most_steps = std::size_t{1} << 20;
constexpr std::uint64_t undefined = ~std::uint64_t{0};
// Text that may be read out of one file beyond its own size, as many attributes can point to the same bytes.
constexpr std::uint64_t spare_text = std::uint64_t{1} << 24;

enum Message : std::uint16_t {
  kDataspace = 0x01,
  kLinkInfo = 0x02,
  kDatatype = 0x03,
  kLink = 0x06,
  kLayout = 0x08,
  kFilters = 0x0b,
  kAttribute = 0x0c,
  kContinuation = 0x10,
  kSymbolTable = 0x11,
  kAttributeInfo = 0x15
};

// A cursor over bytes of the file that cannot leave them.
class Cursor {
 public:
  Cursor(std::string_view bytes, const std::string& where) : rest_(bytes), where_(where) {}
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) {
      throw Error(Status::bad_file, where_ + ": HDF5: expected " + std::to_string(size) + " more bytes, found " +
                                        std::to_string(rest_.size()));
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    std::memcpy(&value, take(size).data(), size);
    return value;
  }
  std::string_view rest() const { return rest_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  const std::string& where_;
};

struct Datatype {
  bool numbers = false, text = false, variable = false;  // variable: texts in a heap
  Type type = Type::f32;
  std::uint64_t size = 0;
};

// What an object header says.
struct Object {
  std::string_view dataspace, datatype, layout;
  std::vector<std::string_view> attributes;
  bool filtered = false, group = false, has_dataspace = false, has_layout = false;
  std::uint64_t tree = 0, heap = 0;
};

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& where)
      : bytes_(bytes), where_(where), text_left_(bytes.size() + spare_text) {}

  Hdf5 read() {
    Cursor block = at(0);
    block.take(signature.size());
    const std::uint64_t version = block.number(1);
    if (version > 1) refuse("superblock 0 or 1", "superblock " + std::to_string(version));
    block.take(4);
    if (block.number(1) != 8 || block.number(1) != 8) refuse("offsets and lengths of 8 bytes", "others");
    block.take(1 + 2 + 2 + 4 + (version == 1 ? 4 : 0));
    if (block.number(8) != 0) refuse("base address 0", "another");
    block.take(8 + 8 + 8 + 8);  // free space, end of file, driver, name of the root
    visit("", block.number(8), 0);
    return std::move(file_);
  }

 private:
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const {
    throw Error(Status::bad_file, where_ + ": HDF5: expected " + expected + ", found " + found);
  }
  Cursor at(std::uint64_t address) const {
    if (address >= bytes_.size()) refuse("an address within the file", std::to_string(address));
    return {bytes_.substr(address), where_};
  }
  // Every node of a tree and every object is met once.
  void mark(std::uint64_t address, const char* what) {
    if (!seen_.insert(address).second) refuse(std::string("each ") + what + " once", "one that comes again");
    if (seen_.size() > 4 * most_objects) refuse("at most " + std::to_string(most_objects) + " objects", "more");
  }

  void visit(const std::string& path, std::uint64_t address, std::size_t depth) {
    mark(address, "object");
    if (depth > most_depth || objects_++ > most_objects) refuse("groups of at most 32 levels", "more");
    if (path.size() > text_left_) refuse("names that are no more than the file", "more");
    text_left_ -= path.size();
    const Object object = read_object(address);
    for (const std::string_view attribute : object.attributes) read_attribute(path, attribute);
    if (object.group) {
      const std::string prefix = path.empty() ? "" : path + "/";
      visit_tree(object.tree, read_heap(object.heap), prefix, depth);
    } else if (object.has_layout) {
      add_dataset(path, object);
    }
  }

  Object read_object(std::uint64_t address) {
    Cursor header = at(address);
    const std::uint64_t version = header.number(1);
    if (version != 1) refuse("object headers of version 1", "another version");
    header.take(1);
    std::uint64_t left = header.number(2);
    header.take(4);
    const std::uint64_t size = header.number(4);
    header.take(4);
    Object object;
    std::vector<std::string_view> blocks = {header.take(size)};
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      Cursor block(blocks[i], where_);
      while (left > 0 && block.rest().size() >= 8) {
        --left;
        if (++steps_ > most_steps) refuse("at most " + std::to_string(most_steps) + " messages", "more");
        const auto type = static_cast<std::uint16_t>(block.number(2));
        const std::uint64_t bytes = block.number(2);
        block.take(4);
        Cursor message(block.take(bytes), where_);
        read_message(type, message, object, blocks);
      }
    }
    return object;
  }

  void read_message(std::uint16_t type, Cursor message, Object& object, std::vector<std::string_view>& blocks) {
    switch (type) {
      case kDataspace:
        object.dataspace = message.rest();
        object.has_dataspace = true;
        return;
      case kDatatype:
        object.datatype = message.rest();
        return;
      case kLayout:
        object.layout = message.rest();
        object.has_layout = true;
        return;
      case kFilters:
        object.filtered = true;
        return;
      case kAttribute:
        object.attributes.push_back(message.rest());
        return;
      case kContinuation: {
        const std::uint64_t address = message.number(8), length = message.number(8);
        mark(address, "block of a header");
        blocks.push_back(at(address).take(length));
        return;
      }
      case kSymbolTable:
        object.group = true;
        object.tree = message.number(8);
        object.heap = message.number(8);
        return;
      case kLinkInfo:
      case kLink:
      case kAttributeInfo:
        refuse("groups of the first format (libver earliest)", "newer ones");
      default:
        return;
    }
  }

  std::string_view read_heap(std::uint64_t address) const {
    Cursor heap = at(address);
    if (heap.take(4) != "HEAP") refuse("a heap of names", "something else");
    heap.take(4);
    const std::uint64_t size = heap.number(8);
    heap.take(8);
    return at(heap.number(8)).take(size);
  }

  void visit_tree(std::uint64_t address, std::string_view names, const std::string& prefix, std::size_t depth) {
    mark(address, "node of a tree");
    Cursor node = at(address);
    const std::string_view kind = node.take(4);
    if (kind == "SNOD") {
      node.take(2);
      for (std::uint64_t left = node.number(2); left > 0; --left) visit_entry(node, names, prefix, depth);
      return;
    }
    if (kind != "TREE" || node.number(1) != 0) refuse("a tree of names", "something else");
    if (++tree_depth_ > most_depth) refuse("trees of at most 32 levels", "more");
    node.take(1);
    const std::uint64_t entries = node.number(2);
    node.take(16);
    for (std::uint64_t i = 0; i < entries; ++i) {
      node.take(8);
      visit_tree(node.number(8), names, prefix, depth);
    }
    --tree_depth_;
  }

  void visit_entry(Cursor& node, std::string_view names, const std::string& prefix, std::size_t depth) {
    const std::uint64_t name = node.number(8), object = node.number(8), cache = node.number(4);
    node.take(4 + 16);
    if (cache == 2) refuse("no symbolic links", "one");
    const std::size_t end = name < names.size() ? names.find('\0', name) : std::string_view::npos;
    if (end == std::string_view::npos) refuse("a name in the heap", "none");
    const std::string_view text = names.substr(name, end - name);
    if (text.size() > 1024 || prefix.size() > 8192) refuse("names of at most 1024 bytes", "a longer one");
    visit(prefix + std::string(text), object, depth + 1);
  }

  Datatype read_datatype(std::string_view bytes) const {
    Cursor cursor(bytes, where_);
    const std::uint64_t head = cursor.number(1), bits = cursor.number(3), size = cursor.number(4);
    Datatype type;
    type.size = size;
    const std::uint64_t kind = head & 15;
    const bool big = bits & 1, with_sign = bits & 8;
    if (kind == 0 && !big && (size == 1 || size == 2 || size == 4 || size == 8)) {
      type.numbers = true;
      const Type kinds[2][4] = {{Type::u8, Type::u16, Type::u32, Type::u64},
                                {Type::i8, Type::i16, Type::i32, Type::i64}};
      type.type = kinds[with_sign][size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3];
    } else if (kind == 1 && !big && (size == 2 || size == 4 || size == 8)) {
      // Sign, exponent and fraction as IEEE 754 has them.
      cursor.take(4);
      const std::uint64_t place = cursor.number(1), exponent = cursor.number(1);
      cursor.take(1);
      const std::uint64_t fraction = cursor.number(1);
      type.type = size == 2 ? Type::f16 : size == 4 ? Type::f32 : Type::f64;
      const std::uint64_t wanted = size == 2 ? 10 : size == 4 ? 23 : 52;
      type.numbers = fraction == wanted && place == wanted && exponent == 8 * size - 1 - wanted;
    } else if (kind == 3) {
      type.text = true;
    } else if (kind == 9 && (bits & 15) == 1) {
      type.text = type.variable = true;
    }
    return type;
  }

  Shape read_dataspace(std::string_view bytes) const {
    Cursor cursor(bytes, where_);
    const std::uint64_t version = cursor.number(1), rank = cursor.number(1);
    cursor.take(1);
    if (version != 1 && version != 2) refuse("a dataspace of version 1 or 2", std::to_string(version));
    cursor.take(version == 1 ? 5 : 1);
    if (rank > 32) refuse("at most 32 dimensions", std::to_string(rank));
    Shape shape;
    for (std::uint64_t i = 0; i < rank; ++i) shape.push_back(cursor.number(8));
    return shape;
  }

  void add_dataset(const std::string& path, const Object& object) {
    const std::string place = where_ + ": " + shown(path);
    const Datatype type = read_datatype(object.datatype);
    if (!type.numbers) return;  // texts, of optimizers and such
    if (object.filtered) refuse("datasets that are not compressed", shown(path) + ", which is");
    RawTensor tensor = {path, type.type, read_dataspace(object.dataspace), {}, {}};
    Cursor layout(object.layout, where_);
    const std::uint64_t version = layout.number(1), kind = layout.number(1);
    if (version != 3 || kind > 1) refuse("datasets in one piece", shown(path) + ", which is not");
    if (kind == 0) {
      tensor.bytes = layout.take(layout.number(2));
    } else {
      const std::uint64_t address = layout.number(8), size = layout.number(8);
      if (address != undefined && size > 0) tensor.bytes = at(address).take(size);
    }
    const std::uint64_t there = tensor.bytes.size() / bytes_of(tensor.type);
    if (count_of(tensor.shape, there, place) != there) {
      refuse("as many numbers as the shape " + text(tensor.shape) + " of " + shown(path) + " has",
             std::to_string(there));
    }
    file_.datasets.push_back(std::move(tensor));
  }

  void read_attribute(const std::string& path, std::string_view bytes) {
    Cursor cursor(bytes, where_);
    const std::uint64_t version = cursor.number(1);
    if (version < 1 || version > 3) refuse("attributes of version 1 to 3", std::to_string(version));
    cursor.take(1);
    const std::uint64_t name_size = cursor.number(2), type_size = cursor.number(2), space_size = cursor.number(2);
    if (version == 3) cursor.take(1);
    const auto padded = [&](std::uint64_t size) { return version == 1 ? (size + 7) / 8 * 8 : size; };
    std::string_view name = cursor.take(padded(name_size));
    name = name.substr(0, name.find('\0'));
    const Datatype type = read_datatype(cursor.take(padded(type_size)));
    const Shape shape = read_dataspace(cursor.take(padded(space_size)));
    if (!type.text || type.size == 0) return;
    const std::uint64_t count =
        count_of(shape, cursor.rest().size() / type.size, where_ + ": attribute " + shown(name));
    std::vector<std::string>& texts = file_.texts[path][std::string(name)];
    texts.clear();
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string_view value = cursor.take(type.size);
      texts.push_back(take_text(type.variable ? heap_text(value) : value));
    }
  }

  std::string take_text(std::string_view text) {
    text = text.substr(0, text.find('\0'));
    if (text.size() + sizeof(std::string) > text_left_) refuse("texts that are no more than the file", "more");
    text_left_ -= text.size() + sizeof(std::string);
    return std::string(text);
  }

  // A text in a global heap: length, address of the collection, number of the object in it.
  std::string_view heap_text(std::string_view reference) {
    Cursor cursor(reference, where_);
    const std::uint64_t length = cursor.number(4), address = cursor.number(8), wanted = cursor.number(4);
    if (length == 0) return {};
    Cursor collection = at(address);
    if (collection.take(4) != "GCOL") refuse("a heap of texts", "something else");
    collection.take(4);
    const std::uint64_t size = collection.number(8);
    if (size < 16) refuse("a heap of texts", "an empty one");
    Cursor objects(collection.take(size - 16), where_);
    while (objects.rest().size() >= 16) {
      if (++steps_ > most_steps) refuse("at most " + std::to_string(most_steps) + " messages", "more");
      const std::uint64_t index = objects.number(2);
      objects.take(6);
      const std::uint64_t bytes = objects.number(8);
      if (index == 0) break;
      const std::string_view data = objects.take(bytes);
      if (index == wanted) return data.substr(0, length);
      objects.take(std::min<std::uint64_t>((8 - bytes % 8) % 8, objects.rest().size()));
    }
    refuse("text " + std::to_string(wanted) + " in a heap", "none");
  }

  std::string_view bytes_;
  const std::string& where_;
  Hdf5 file_;
  std::set<std::uint64_t> seen_;
  std::size_t objects_ = 0, tree_depth_ = 0, steps_ = 0;
  std::uint64_t text_left_;
};

}  // namespace

const std::vector<std::string>* Hdf5::find_text(const std::string& path, const std::string& name) const {
  const auto object = texts.find(path);
  if (object == texts.end()) return nullptr;
  const auto found = object->second.find(name);
  return found == object->second.end() ? nullptr : &found->second;
}

bool is_hdf5(std::string_view bytes) { return bytes.starts_with(signature); }

Hdf5 read_hdf5(std::string_view bytes, const std::string& where) { return Reader(bytes, where).read(); }

}  // namespace sluice::foreign
