#include "formats/foreign/pytorch.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <map>

#include "base/shown.h"
#include "formats/foreign/pickle.h"
#include "formats/foreign/zip.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

using Node = Pickle::Node;

// The first pickle of old files: a long number that names the format.
constexpr std::string_view old_magic("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
// What people call the dictionary within a checkpoint.
constexpr std::array<std::string_view, 6> dictionary_names = {"state_dict",  "model_state_dict", "model",
                                                              "model_state", "network",          "net"};

[[noreturn]] void refuse(const std::string& where, const std::string& expected, const std::string& found) {
  throw Error(Status::bad_file, where + ": expected " + expected + ", found " + found);
}

// The bytes of a storage.
using Storages = std::function<std::string_view(const PickledStorage&)>;

bool has_tensor(const Pickle& pickle, Node dictionary) {
  const auto& items = pickle.items(dictionary);
  for (std::size_t i = 1; i < items.size(); i += 2) {
    if (pickle.kind(items[i]) == Pickle::Kind::tensor) return true;
  }
  return false;
}

// The dictionary of tensors, however deep it lies under known names.
Node find_dictionary(const Pickle& pickle, const std::string& where) {
  Node node = pickle.root();
  for (int depth = 0; depth < 4; ++depth) {
    if (pickle.kind(node) != Pickle::Kind::dictionary) refuse(where, "a dictionary of tensors", "another object");
    if (has_tensor(pickle, node)) return node;
    const auto& items = pickle.items(node);
    std::vector<Node> within;
    std::string names;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (pickle.kind(items[i]) != Pickle::Kind::text) continue;
      if (names.size() < 200) names += (names.empty() ? "" : ", ") + shown(pickle.text(items[i]));
      const bool known = std::ranges::find(dictionary_names, pickle.text(items[i])) != dictionary_names.end();
      if (known && pickle.kind(items[i + 1]) == Pickle::Kind::dictionary) within.push_back(items[i + 1]);
    }
    if (within.size() != 1) {
      refuse(where, "tensors by name, or one dictionary of them under a name such as \"state_dict\"",
             names.empty() ? "nothing" : names);
    }
    node = within.front();
  }
  refuse(where, "a dictionary of tensors", "dictionaries within dictionaries");
}

std::vector<RawTensor> tensors_of(const Pickle& pickle, const Storages& storages, const std::string& where) {
  std::vector<RawTensor> tensors;
  const Node dictionary = find_dictionary(pickle, where);
  const auto& items = pickle.items(dictionary);
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (pickle.kind(items[i]) != Pickle::Kind::text) refuse(where, "tensors by name", "a key that is not a text");
    const std::string name(pickle.text(items[i]));
    if (pickle.kind(items[i + 1]) != Pickle::Kind::tensor) {
      refuse(where, "a tensor as " + shown(name), "something else");
    }
    const PickledTensor& tensor = pickle.tensor(items[i + 1]);
    const PickledStorage& storage = pickle.storage(tensor.storage);
    const std::string_view bytes = storages(storage);
    const std::uint64_t there = bytes.size() / bytes_of(storage.type);
    if (storage.numbers != there) {
      refuse(where + ": storage " + shown(storage.key), std::to_string(storage.numbers) + " numbers",
             std::to_string(there));
    }
    if (tensor.offset > there) {
      refuse(where + ": tensor " + shown(name), "an offset within " + std::to_string(there) + " numbers",
             std::to_string(tensor.offset));
    }
    tensors.push_back(
        {name, storage.type, tensor.shape, bytes.substr(tensor.offset * bytes_of(storage.type)), tensor.strides});
  }
  return tensors;
}

std::vector<RawTensor> read_archive(std::string_view bytes, const std::string& where) {
  const Zip zip = read_zip(bytes, where);
  const auto pickled = std::ranges::find_if(
      zip.entries, [](const ZipEntry& entry) { return entry.name.ends_with("/data.pkl") || entry.name == "data.pkl"; });
  if (pickled == zip.entries.end()) refuse(where, "a state dictionary (an entry data.pkl)", "another archive");
  const std::string root = pickled->name.substr(0, pickled->name.size() - std::strlen("data.pkl"));
  if (const ZipEntry* order = zip.find(root + "byteorder")) {
    if (zip.read(*order) != "little") refuse(where, "the byte order little", shown(zip.read(*order)));
  }
  std::string_view text = zip.read(*pickled);
  const Pickle pickle(text, where);
  return tensors_of(
      pickle,
      [&](const PickledStorage& storage) {
        const ZipEntry* entry = zip.find(root + "data/" + storage.key);
        if (entry == nullptr) refuse(where, "the storage " + shown(storage.key), "no such entry");
        return zip.read(*entry);
      },
      where);
}

// Magic number, protocol, sizes of the machine, the object, the keys of its storages, and then the storages: each its
// number of numbers and these.
std::vector<RawTensor> read_old(std::string_view bytes, const std::string& where) {
  std::string_view rest = bytes;
  for (int i = 0; i < 3; ++i) Pickle(rest, where);
  const Pickle pickle(rest, where), keys(rest, where);
  if (keys.kind(keys.root()) != Pickle::Kind::list) refuse(where, "a list of storages", "another object");
  std::map<std::string, Type> types;
  const auto& items = pickle.items(find_dictionary(pickle, where));
  for (std::size_t i = 1; i < items.size(); i += 2) {
    if (pickle.kind(items[i]) != Pickle::Kind::tensor) continue;
    const PickledStorage& storage = pickle.storage(pickle.tensor(items[i]).storage);
    types[storage.key] = storage.type;
  }
  std::map<std::string, std::string_view> storages;
  for (const Node key : keys.items(keys.root())) {
    const std::string name(keys.kind(key) == Pickle::Kind::text ? keys.text(key) : std::string_view());
    const auto type = types.find(name);
    if (type == types.end()) refuse(where, "storages of the state dictionary alone", "storage " + shown(name));
    std::uint64_t count = 0;
    if (rest.size() < sizeof count) refuse(where, "storage " + shown(name), "the end of the file");
    std::memcpy(&count, rest.data(), sizeof count);
    rest.remove_prefix(sizeof count);
    if (count > rest.size() / bytes_of(type->second)) {
      refuse(where, std::to_string(count) + " numbers of storage " + shown(name), "the end of the file");
    }
    storages[name] = rest.substr(0, count * bytes_of(type->second));
    rest.remove_prefix(count * bytes_of(type->second));
  }
  return tensors_of(
      pickle,
      [&](const PickledStorage& storage) {
        const auto found = storages.find(storage.key);
        if (found == storages.end()) refuse(where, "the storage " + shown(storage.key), "none");
        return found->second;
      },
      where);
}

}  // namespace

bool is_pytorch(std::string_view bytes) { return bytes.starts_with(old_magic); }

std::vector<RawTensor> read_pytorch(std::string_view bytes, const std::string& where) {
  std::vector<RawTensor> tensors = is_zip(bytes) ? read_archive(bytes, where) : read_old(bytes, where);
  std::ranges::stable_sort(tensors, {}, &RawTensor::name);
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i].name == tensors[i - 1].name) refuse(where, "each tensor once", shown(tensors[i].name) + " twice");
  }
  return tensors;
}

}  // namespace sluice::foreign
