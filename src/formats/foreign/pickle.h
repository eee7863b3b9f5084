// Pickles of PyTorch, read without running anything: containers, texts, numbers, and tensors as descriptions. Whatever
// a pickle names to call or to make that is not on a short list is refused by its name. Format: Lib/pickletools.py of
// CPython; torch/serialization.py and torch/_utils.py of PyTorch for the list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/foreign/tensors.h"

namespace sluice::foreign {

// A storage as the pickle names it; its bytes lie elsewhere in the file.
struct PickledStorage {
  Type type = Type::f32;
  std::string key;
  std::uint64_t numbers = 0;
};

struct PickledTensor {
  std::uint32_t storage = 0;  // a node
  std::uint64_t offset = 0;   // in numbers
  Shape shape, strides;
};

class Pickle {
 public:
  using Node = std::uint32_t;
  enum class Kind : std::uint8_t { none, boolean, whole, real, text, tuple, list, dictionary, global, storage, tensor };

  // Reads one pickle from `bytes` on and moves it behind. Throws Error (bad_file).
  Pickle(std::string_view& bytes, const std::string& where);

  Node root() const { return root_; }
  Kind kind(Node node) const { return nodes_[node].kind; }
  std::int64_t whole(Node node) const { return nodes_[node].whole; }
  std::string_view text(Node node) const { return nodes_[node].text; }
  // Of a list or tuple; of a dictionary keys and values in turn.
  const std::vector<Node>& items(Node node) const { return items_[nodes_[node].index]; }
  const PickledStorage& storage(Node node) const { return storages_[nodes_[node].index]; }
  const PickledTensor& tensor(Node node) const { return tensors_[nodes_[node].index]; }

 private:
  struct Entry {
    Kind kind = Kind::none;
    std::uint32_t index = 0;
    std::int64_t whole = 0;
    std::string_view text;
  };
  friend class Unpickler;

  Node root_ = 0;
  std::vector<Entry> nodes_;
  std::vector<std::vector<Node>> items_;
  std::vector<PickledStorage> storages_;
  std::vector<PickledTensor> tensors_;
};

}  // namespace sluice::foreign
