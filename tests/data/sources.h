// Texts as sources, and real data where it is there.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "data/reader.h"
#include "sluice/data.h"

namespace sluice::test {

// The text under the name "data".
inline TextSource source_of(std::string text, std::string name = "data") {
  const auto held = std::make_shared<const std::string>(std::move(text));  // by whoever reads it
  return {std::move(name), [held]() -> TextSource::Read {
            return [held, read = read_from_memory(*held)](char* into, std::size_t most) mutable {
              return read(into, most);
            };
          }};
}

inline std::string number_text(double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.9g", value);
  return digits;
}

// Where data for tests lies: the folder that SLUICE_DATA names, or one beside the repository. It may not be there.
inline std::string data_folder() {
  const char* const named = std::getenv("SLUICE_DATA");
  return named != nullptr ? named : SLUICE_SOURCE_DIR "/../shared/data";
}

}  // namespace sluice::test

// Ends a test as skipped where a file of the data folder is not there.
#define SLUICE_NEEDS_DATA(file) \
  if (!std::filesystem::exists(::sluice::test::data_folder() + "/" + (file))) GTEST_SKIP() << (file)
