// The instruction sets of this machine, listed in the result file so that tests/run.py can run everything on each.
#include <gtest/gtest.h>

#include <cstdlib>

#include "kernels/kernels.h"

namespace sluice::targets_test {
namespace {

TEST(Targets, AreListedAndTheNamedOneIsInUse) {
  const std::vector<std::string> all = targets();
  ASSERT_FALSE(all.empty());
  std::string list;
  for (const std::string& name : all) list += (list.empty() ? "" : " ") + name;
  RecordProperty("targets", list);
  const char* named = std::getenv("SLUICE_TARGET");
  EXPECT_EQ(target(), named != nullptr ? named : all.front());
}

}  // namespace
}  // namespace sluice::targets_test
