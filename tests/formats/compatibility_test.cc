// Model files, states and checkpoints of commit f39ebe3 load and give the bits that they gave then, and training gives
// the weights that it gave then.
#include "formats/compatibility.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "kernels/each_target.h"

namespace sluice::compatibility_test {
namespace {

namespace fs = std::filesystem;

class Compatibility : public test::EachTarget {};

TEST_P(Compatibility, FilesAndTrainingOfF39ebe3HaveTheSameBits) {
  const auto fused = test::fused_targets();
  const bool has_fma = std::ranges::find(fused, GetParam()) != fused.end();
  const fs::path folder = fs::path(SLUICE_SOURCE_DIR) / "tests/goldens/compatibility";
  const fs::path scratch = fs::path(testing::TempDir()) / ("sluice-compatibility-" + std::to_string(getpid()));
  fs::create_directories(scratch);
  const std::vector<std::string> found = compatibility::report(folder, scratch);
  std::istringstream expected(compatibility::slurp(folder / (has_fma ? "expected-fma.txt" : "expected-plain.txt")));
  std::size_t lines = 0;
  for (std::string line; std::getline(expected, line); ++lines) {
    ASSERT_LT(lines, found.size());
    EXPECT_EQ(found[lines], line);
  }
  EXPECT_EQ(lines, found.size());
  fs::remove_all(scratch);
}

INSTANTIATE_TEST_SUITE_P(Targets, Compatibility, testing::ValuesIn(test::all_targets()), test::target_label);

}  // namespace
}  // namespace sluice::compatibility_test
