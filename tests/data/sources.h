// Texts as sources, and real data where it is there.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "data/reader.h"
#include "sluice/data.h"

namespace sluice::test {

// The text under the name "data".
inline TextSource source_of(std::string text, std::string name = "data") {
  return {std::move(name), [text = std::move(text)] { return read_from_memory(text); }};
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
