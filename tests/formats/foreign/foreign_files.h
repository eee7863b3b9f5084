// Small files of other systems, made by hand.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::test {

template <class T>
std::string little(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

inline std::string floats(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

struct ZipPart {
  std::string name, bytes;
  std::uint16_t method = 0;
  std::int64_t more = 0;  // what the directory adds to the size
};

// A zip archive of stored entries.
inline std::string zip_of(const std::vector<ZipPart>& parts) {
  std::string file, directory;
  for (const ZipPart& part : parts) {
    const auto size = static_cast<std::uint32_t>(part.bytes.size()),
               said = size + static_cast<std::uint32_t>(part.more);
    const auto name = static_cast<std::uint16_t>(part.name.size());
    const auto offset = static_cast<std::uint32_t>(file.size());
    file += little(std::uint32_t{0x04034b50}) + little(std::uint16_t{20}) + little(std::uint16_t{0}) +
            little(part.method) + std::string(8, '\0') + little(size) + little(size) + little(name) +
            little(std::uint16_t{0}) + part.name + part.bytes;
    directory += little(std::uint32_t{0x02014b50}) + std::string(6, '\0') + little(part.method) + std::string(8, '\0') +
                 little(said) + little(said) + little(name) + std::string(12, '\0') + little(offset) + part.name;
  }
  const auto count = static_cast<std::uint16_t>(parts.size());
  const auto at = static_cast<std::uint32_t>(file.size()), size = static_cast<std::uint32_t>(directory.size());
  return file + directory + little(std::uint32_t{0x06054b50}) + std::string(4, '\0') + little(count) + little(count) +
         little(size) + little(at) + std::string(2, '\0');
}

// An array of float32, or of int64.
inline std::string npy_of(const std::string& shape, const std::string& bytes, const std::string& type = "<f4") {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  return std::string("\x93NUMPY") + std::string("\x01\x00", 2) + little(static_cast<std::uint16_t>(header.size())) +
         header + bytes;
}

// The pickle of a state dictionary; every tensor has a storage of its own name.
class PickleWriter {
 public:
  PickleWriter() { bytes_ = "\x80\x02}("; }
  // Views into storages, all in numbers.
  PickleWriter& tensor(const std::string& name, const std::string& storage, int numbers, int offset,
                       const std::vector<int>& shape, const std::vector<int>& strides) {
    bytes_ += text(name) + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" +
              text(storage) + text("cpu") + whole(numbers) + "tQ" + whole(offset) + sizes(shape) + sizes(strides) +
              "\x89" + "ccollections\nOrderedDict\n)RtR";
    return *this;
  }
  PickleWriter& raw(const std::string& bytes) {
    bytes_ += bytes;
    return *this;
  }
  std::string done() const { return bytes_ + "u."; }

  static std::string text(const std::string& value) {
    return std::string("X") + little(static_cast<std::uint32_t>(value.size())) + value;
  }
  static std::string whole(int value) { return std::string("J") + little(static_cast<std::int32_t>(value)); }
  static std::string sizes(const std::vector<int>& values) {
    std::string bytes = "(";
    for (const int value : values) bytes += whole(value);
    return bytes + "t";
  }

 private:
  std::string bytes_;
};

// HDF5 of superblock 0: groups, datasets of float32 and attributes of text.
class Hdf5Writer {
 public:
  Hdf5Writer() { file_.resize(96); }

  std::uint64_t dataset(const std::vector<std::uint64_t>& shape, const std::string& bytes) {
    const std::uint64_t data = put(bytes);
    const std::string type = std::string("\x11\x20\x1f") + std::string(1, '\0') + little(std::uint32_t{4}) +
                             little(std::uint16_t{0}) + little(std::uint16_t{32}) + std::string("\x17\x08\x00\x17", 4) +
                             little(std::uint32_t{127});
    const std::string layout =
        std::string("\x03\x01", 2) + little(data) + little(std::uint64_t{bytes.size()}) + std::string(6, '\0');
    return object({{0x01, space(shape)}, {0x03, type}, {0x08, layout}});
  }
  // Children by name, and attributes of text.
  std::uint64_t group(const std::vector<std::pair<std::string, std::uint64_t>>& children,
                      const std::vector<std::pair<std::string, std::string>>& attributes = {}) {
    std::string names(8, '\0'), entries;
    for (const auto& [name, address] : children) {
      entries += little(std::uint64_t{names.size()}) + little(address) + std::string(24, '\0');
      names += name + '\0';
      names.resize((names.size() + 7) / 8 * 8);
    }
    const std::uint64_t data = put(names);
    const std::uint64_t heap = put(std::string("HEAP") + std::string(4, '\0') + little(std::uint64_t{names.size()}) +
                                   little(~std::uint64_t{0}) + little(data));
    const std::uint64_t leaf = put(std::string("SNOD") + std::string("\x01\x00", 2) +
                                   little(static_cast<std::uint16_t>(children.size())) + entries);
    tree = put(std::string("TREE") + std::string("\x00\x00", 2) + little(std::uint16_t{1}) + std::string(16, '\xff') +
               little(std::uint64_t{0}) + little(leaf) + little(std::uint64_t{0}));
    std::vector<std::pair<int, std::string>> messages = {{0x11, little(tree) + little(heap)}};
    for (const auto& [name, value] : attributes) messages.emplace_back(0x0c, attribute(name, value));
    return object(messages);
  }
  std::string done(std::uint64_t root) {
    std::string head = std::string("\x89HDF\r\n\x1a\n") + std::string(5, '\0') + "\x08\x08" + std::string(1, '\0') +
                       little(std::uint16_t{4}) + little(std::uint16_t{16}) + std::string(4, '\0') +
                       little(std::uint64_t{0}) + little(~std::uint64_t{0}) + little(std::uint64_t{file_.size()}) +
                       little(~std::uint64_t{0}) + little(std::uint64_t{0}) + little(root);
    head.resize(96);
    return file_.replace(0, 96, head);
  }
  std::string& bytes() { return file_; }

  std::uint64_t tree = 0;  // address of the last group's tree

 private:
  static std::string space(const std::vector<std::uint64_t>& shape) {
    std::string bytes = std::string(1, '\x01') + static_cast<char>(shape.size()) + std::string(6, '\0');
    for (const std::uint64_t size : shape) bytes += little(size);
    return bytes;
  }
  static std::string padded(std::string bytes) {
    bytes.resize((bytes.size() + 7) / 8 * 8);
    return bytes;
  }
  static std::string attribute(const std::string& name, const std::string& value) {
    const std::string type = std::string("\x13\x00\x00\x00", 4) + little(static_cast<std::uint32_t>(value.size()));
    const std::string text = name + '\0', scalar = space({});
    return std::string("\x01\x00", 2) + little(static_cast<std::uint16_t>(text.size())) +
           little(static_cast<std::uint16_t>(type.size())) + little(static_cast<std::uint16_t>(scalar.size())) +
           padded(text) + padded(type) + padded(scalar) + value;
  }
  std::uint64_t object(const std::vector<std::pair<int, std::string>>& messages) {
    std::string body;
    for (const auto& [type, bytes] : messages) {
      const std::string whole = padded(bytes);
      body += little(static_cast<std::uint16_t>(type)) + little(static_cast<std::uint16_t>(whole.size())) +
              std::string(4, '\0') + whole;
    }
    return put(std::string("\x01\x00", 2) + little(static_cast<std::uint16_t>(messages.size())) +
               little(std::uint32_t{1}) + little(static_cast<std::uint32_t>(body.size())) + std::string(4, '\0') +
               body);
  }
  std::uint64_t put(const std::string& bytes) {
    file_.resize((file_.size() + 7) / 8 * 8);
    const std::uint64_t at = file_.size();
    file_ += bytes;
    return at;
  }

  std::string file_;
};

}  // namespace sluice::test
