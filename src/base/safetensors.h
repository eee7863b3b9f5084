// The safetensors container: named arrays and a map of strings in one file.
// Format: 8 bytes little-endian header length, JSON header, data (https://github.com/huggingface/safetensors).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct Tensor {
  std::string name;
  std::string dtype;  // "F32", "U8", "U64", ...
  std::vector<std::uint64_t> shape;
  std::string bytes;  // little-endian, row-major
};

struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::vector<Tensor> tensors;  // any order; written sorted by name

  const Tensor* find(std::string_view name) const;
};

// Strict: header length and size in bounds, no overlaps, no holes, no duplicate names, sizes that match dtype and
// shape. Throws Error (bad_file) naming `path`, the place, what was expected and what was found; safe on any bytes:
// never allocates more than a few times the file's size.
TensorFile parse_safetensors(std::string_view bytes, const std::string& path);
// Throws Error (failed) for what such a file cannot hold: a name that is taken, bytes that do not fit the shape, text
// that is not UTF-8, a header beyond the format's limit of 100 MB.
std::string format_safetensors(const TensorFile& file);

// The same with a checksum over every other byte of the file in the metadata, as 16 hexadecimal digits: FNV-1a, 64 bits
// (Fowler, Noll & Vo; RFC 9923), in which every single changed byte changes the sum.
inline constexpr std::string_view checksum_key = "sluice.checksum";
std::string format_with_checksum(TensorFile file);
// Throws Error (bad_file) when the bytes, of which `file` was parsed, do not add up. A file that was changed on purpose
// says "none" and is not checked.
void verify_checksum(std::string_view bytes, const TensorFile& file, const std::string& path);

}  // namespace sluice
