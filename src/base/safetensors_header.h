// The header of a safetensors file, read within bounds; for safetensors.cc alone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/safetensors.h"

namespace sluice {

inline constexpr std::string_view metadata_name = "__metadata__";
// What we read and write has far fewer: a model of 256 layers has 1027 tensors, its checkpoint six times as many, a
// shape four dimensions. An entry of a header takes some ten times as much memory as text.
inline constexpr std::size_t most_tensors = 10'000, most_metadata = 10'000, most_dimensions = 8;

// Bytes of a number; nothing for a dtype that the format does not have.
std::optional<std::uint64_t> dtype_size(std::string_view dtype);

// A tensor as the header describes it.
struct HeaderEntry {
  TensorView tensor;  // without bytes
  std::vector<std::uint64_t> offsets;
  bool has_dtype = false, has_shape = false, has_offsets = false;
};

// Fills the metadata. Throws Error (bad_file).
std::vector<HeaderEntry> read_header(std::string_view json, const std::string& path,
                                     std::map<std::string, std::string>& metadata);

}  // namespace sluice
