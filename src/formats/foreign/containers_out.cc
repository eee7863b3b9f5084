#include "formats/foreign/containers_out.h"

#include <algorithm>
#include <array>

#include "base/safetensors.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

// Numbers and texts one after another, little-endian.
template <class T>
void add(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void add_zeros(std::string& bytes, std::size_t count) { bytes.append(count, '\0'); }

void pad(std::string& bytes) { bytes.resize((bytes.size() + 7) / 8 * 8); }

constexpr std::uint64_t undefined = ~std::uint64_t{0};
constexpr std::size_t superblock_size = 96, entry_size = 40;
constexpr std::uint16_t internal_k = 16;

}  // namespace

Hdf5Tree::Node& Hdf5Tree::at(const std::string& path) {
  Node* node = &root_;
  for (std::size_t first = 0; first <= path.size();) {
    const std::size_t end = std::min(path.find('/', first), path.size());
    std::unique_ptr<Node>& child = node->children[path.substr(first, end - first)];
    if (!child) child = std::make_unique<Node>();
    node = child.get();
    first = end + 1;
  }
  return *node;
}

void Hdf5Tree::put_group(const std::string& path) { at(path); }

void Hdf5Tree::put(const std::string& path, std::vector<std::uint64_t> shape, std::span<const float> values) {
  Node& node = at(path);
  node.shape = std::move(shape);
  node.values = view_of(values);
  node.is_array = true;
}

// HDF5 File Format Specification 3.0: superblock 0, object headers 1, symbol tables.
class Hdf5Tree::Writer {
 public:
  std::string write(const Node& root) {
    leaf_k_ = std::max<std::size_t>(4, (most_children(root) + 1) / 2);
    file_.resize(superblock_size);
    const std::uint64_t object = group(root);
    std::string head("\x89HDF\r\n\x1a\n", 8);
    add_zeros(head, 5);
    head += "\x08\x08";  // sizes of offsets and lengths
    add_zeros(head, 1);
    add(head, static_cast<std::uint16_t>(leaf_k_));
    add(head, internal_k);
    add_zeros(head, 4);
    add(head, std::uint64_t{0});
    add(head, undefined);
    add(head, std::uint64_t{file_.size()});
    add(head, undefined);
    add(head, std::uint64_t{0});
    add(head, object);
    head.resize(superblock_size);
    file_.replace(0, superblock_size, head);
    return std::move(file_);
  }

 private:
  static std::size_t most_children(const Node& node) {
    std::size_t most = node.children.size();
    for (const auto& [name, child] : node.children) most = std::max(most, most_children(*child));
    return most;
  }

  std::uint64_t put(std::string_view bytes) {
    pad(file_);
    const std::uint64_t at = file_.size();
    file_ += bytes;
    return at;
  }

  using Messages = std::vector<std::pair<std::uint16_t, std::string>>;
  std::uint64_t object(const Messages& messages) {
    std::string body, header;
    for (const auto& [type, data] : messages) {
      std::string padded = data;
      pad(padded);
      add(body, type);
      add(body, static_cast<std::uint16_t>(padded.size()));
      add_zeros(body, 4);
      body += padded;
    }
    add(header, std::uint16_t{1});
    add(header, static_cast<std::uint16_t>(messages.size()));
    add(header, std::uint32_t{1});
    add(header, static_cast<std::uint32_t>(body.size()));
    add_zeros(header, 4);
    return put(header + body);
  }

  std::uint64_t array(const Node& node) {
    std::string space = {1, static_cast<char>(node.shape.size())}, type("\x11\x20\x1f", 3), layout = {3, 1};
    add_zeros(space, 6);
    for (const std::uint64_t size : node.shape) add(space, size);
    // IEEE 754 of 32 bits: where sign, exponent and fraction lie.
    add_zeros(type, 1);
    add(type, std::uint32_t{4});
    add(type, std::uint16_t{0});
    add(type, std::uint16_t{32});
    type += {23, 8, 0, 23};
    add(type, std::uint32_t{127});
    add(layout, put(node.values));
    add(layout, std::uint64_t{node.values.size()});
    return object({{0x01, space}, {0x03, type}, {0x08, layout}});
  }

  std::uint64_t group(const Node& node) {
    std::string names(8, '\0'), entries, heap, tree, leaf;
    std::uint64_t last = 0;
    for (const auto& [name, child] : node.children) {
      last = names.size();
      add(entries, last);
      add(entries, child->is_array ? array(*child) : group(*child));
      add_zeros(entries, 24);
      names += name + '\0';
      pad(names);
    }
    heap = std::string("HEAP") + std::string(4, '\0');
    add(heap, std::uint64_t{names.size()});
    add(heap, std::uint64_t{1});  // nothing of it is free
    add(heap, put(names));
    const std::uint64_t heap_at = put(heap);
    leaf = std::string("SNOD") + std::string("\x01\x00", 2);
    add(leaf, static_cast<std::uint16_t>(node.children.size()));
    entries.resize(2 * leaf_k_ * entry_size);
    tree = std::string("TREE") + std::string(2, '\0');
    add(tree, static_cast<std::uint16_t>(node.children.empty() ? 0 : 1));
    add(tree, undefined);
    add(tree, undefined);
    add(tree, std::uint64_t{0});
    if (!node.children.empty()) add(tree, put(leaf + entries));
    add(tree, last);
    tree.resize(24 + 8 + 2 * internal_k * 16);
    const std::uint64_t tree_at = put(tree);
    std::string table;
    add(table, tree_at);
    add(table, heap_at);
    return object({{0x11, table}});
  }

  std::string file_;
  std::size_t leaf_k_ = 4;  // half as many entries as a leaf has room for
};

std::string Hdf5Tree::bytes() const { return Writer().write(root_); }

namespace {

// CRC-32 as zip and PNG have it.
std::uint32_t checksum_of(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < made.size(); ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? 0xedb88320u ^ (value >> 1) : value >> 1;
      made[i] = value;
    }
    return made;
  }();
  std::uint32_t value = ~0u;
  for (const char c : bytes) value = table[(value ^ static_cast<unsigned char>(c)) & 0xff] ^ (value >> 8);
  return ~value;
}

}  // namespace

std::string zip_of(const std::vector<std::pair<std::string, std::string>>& entries) {
  constexpr std::uint16_t version = 20, first_of_1980 = 0x21;
  std::string file, directory;
  for (const auto& [name, bytes] : entries) {
    if (bytes.size() + file.size() > 0xffff0000u) {
      throw Error(Status::failed, "export: expected an archive of less than 4 GiB, found more");
    }
    std::string common;
    add(common, version);
    add(common, std::uint32_t{0});  // flags; stored
    add(common, std::uint16_t{0});
    add(common, first_of_1980);
    add(common, checksum_of(bytes));
    add(common, static_cast<std::uint32_t>(bytes.size()));
    add(common, static_cast<std::uint32_t>(bytes.size()));
    add(common, static_cast<std::uint16_t>(name.size()));
    add(common, std::uint16_t{0});
    add(directory, std::uint32_t{0x02014b50});
    add(directory, version);
    directory += common;
    add_zeros(directory, 10);
    add(directory, static_cast<std::uint32_t>(file.size()));
    directory += name;
    add(file, std::uint32_t{0x04034b50});
    file += common + name + bytes;
  }
  const auto at = static_cast<std::uint32_t>(file.size());
  file += directory;
  add(file, std::uint32_t{0x06054b50});
  add_zeros(file, 4);
  add(file, static_cast<std::uint16_t>(entries.size()));
  add(file, static_cast<std::uint16_t>(entries.size()));
  add(file, static_cast<std::uint32_t>(directory.size()));
  add(file, at);
  add_zeros(file, 2);
  return file;
}

}  // namespace sluice::foreign
