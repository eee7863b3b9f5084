// The safetensors container: named arrays and a map of strings in one file.
// Format: 8 bytes little-endian header length, JSON header, data (https://github.com/huggingface/safetensors).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Bytes is std::string, or std::string_view where they stay where they are.
template <class Bytes>
struct BasicTensor {
  std::string name;
  std::string dtype;  // "F32", "U8", "U64", ...
  std::vector<std::uint64_t> shape;
  Bytes bytes;  // little-endian, row-major
};

template <class Bytes>
struct BasicTensorFile {
  std::map<std::string, std::string> metadata;
  std::vector<BasicTensor<Bytes>> tensors;  // any order; written sorted by name

  const BasicTensor<Bytes>* find(std::string_view name) const {
    const auto found = std::ranges::find(tensors, name, &BasicTensor<Bytes>::name);
    return found == tensors.end() ? nullptr : &*found;
  }
};

using Tensor = BasicTensor<std::string>;
using TensorFile = BasicTensorFile<std::string>;
using TensorView = BasicTensor<std::string_view>;
using TensorFileView = BasicTensorFile<std::string_view>;

// Strict: header length and size in bounds, no overlaps, no holes, no duplicate names, sizes that match dtype and
// shape, at most 10,000 tensors and as many entries of metadata, 8 dimensions. Throws Error (bad_file) naming `path`,
// the place, what was expected and what was found. Safe on any bytes: besides texts and tensors as long as they are in
// the file it takes at most some 5 MB.
TensorFile parse_safetensors(std::string_view bytes, const std::string& path);
// The same without copying a tensor; `bytes` must stay.
TensorFileView view_safetensors(std::string_view bytes, const std::string& path);
// Throws Error (failed) for what such a file cannot hold: a name that is taken, bytes that do not fit the shape, text
// that is not UTF-8, more than what is read, a header beyond the format's limit of 100 MB.
std::string format_safetensors(const TensorFile& file);
std::string format_safetensors(const TensorFileView& file);

// A tensor's bytes, where the numbers stand.
inline std::string_view view_of(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

enum class Checksum {
  xxh3,   // 64 bits (xxHash 0.8): reads bytes as fast as memory gives them
  fnv1a,  // 64 bits (Fowler, Noll & Vo; RFC 9923): of older files
};
inline constexpr std::string_view checksum_key = "sluice.checksum";
// The file with a checksum over every other byte of it in the metadata, as 16 hexadecimal digits of XXH3.
std::string format_with_checksum(TensorFile file);
// Throws Error (bad_file) when the bytes of a file, whose metadata that is, do not add up. A file that was changed on
// purpose says "none" and is not checked.
void verify_checksum(std::string_view bytes, const std::map<std::string, std::string>& metadata,
                     const std::string& path, Checksum kind = Checksum::xxh3);

}  // namespace sluice
