// A foreign model from any bytes: refused by an Error of one sentence, or read, and then what was read is sound enough
// to be listed and, where it is small, evaluated.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "formats/foreign/check.h"
#include "formats/foreign/import.h"
#include "sluice/error.h"

namespace sluice::foreign {

inline void fuzz_model(const std::uint8_t* data, std::size_t size, const Options& options) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const Network network = read_network(bytes, "fuzz", options);
    const std::vector<PartLine> lines = summary(network);
    if (lines.size() != network.parts.size()) std::abort();
    std::size_t features = 0;
    for (const Value& value : network.values) features += value.features;
    if (network.parameter_count() > 100'000 || features > 100'000) return;
    first_outputs(network);
  } catch (const Error& error) {
    if (error.status() != Status::bad_file && error.status() != Status::usage) std::abort();
    if (std::strchr(error.what(), '\n') != nullptr) std::abort();
  }
}

}  // namespace sluice::foreign
