// Containers that exporters write: HDF5 as Keras writes it, and zip archives of stored entries.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sluice::foreign {

// Groups within groups, and arrays of float32.
class Hdf5Tree {
 public:
  // A path such as "layers/gru/cell/vars/0"; its groups are made.
  void put(const std::string& path, std::vector<std::uint64_t> shape, std::span<const float> values);
  void put_group(const std::string& path);  // an empty one
  // The file: superblock 0, groups of the older kind, contiguous data.
  std::string bytes() const;

 private:
  struct Node {
    std::map<std::string, std::unique_ptr<Node>> children;
    std::vector<std::uint64_t> shape;
    std::string values;
    bool is_array = false;
  };
  class Writer;
  Node& at(const std::string& path);

  Node root_;
};

// Entries by name and bytes. Throws Error (failed) beyond the 4 GiB of an archive without zip64.
std::string zip_of(const std::vector<std::pair<std::string, std::string>>& entries);

}  // namespace sluice::foreign
