// Files as text, to compare.
#pragma once

#include <cstdint>
#include <string>

#include "base/file.h"

namespace sluice::test {

inline std::string text_of(const std::string& path, std::uint64_t most = std::uint64_t{1} << 40) {
  const RawVector<char> bytes = read_file(path, most);
  return {bytes.data(), bytes.size()};
}

}  // namespace sluice::test
