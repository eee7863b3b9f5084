// Tests that run on every instruction set of this machine, one after another, in one process.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/kernels.h"

namespace sluice::test {

// With SLUICE_TARGET that one alone: what it gives is not compared with what others do.
inline std::vector<std::int64_t> all_targets() {
  target();  // which reads it
  const char* wanted = std::getenv("SLUICE_TARGET");
  if (wanted != nullptr && *wanted != 0) return {used_target()};
  return supported_targets();
}

// Those with fused multiply-add, which promise the same bits.
inline std::vector<std::int64_t> fused_targets() {
  std::vector<std::int64_t> fused;
  for (const std::int64_t t : all_targets()) {
    const std::string name = hwy::TargetName(t);
    bool without = false;
    for (const char* old : {"SSSE3", "SSE4", "EMU128", "SCALAR", "Unknown"}) without = without || name == old;
    if (!without) fused.push_back(t);
  }
  return fused;
}

inline std::string target_label(const testing::TestParamInfo<std::int64_t>& info) {
  return hwy::TargetName(info.param);
}

// Kernels use the given instruction set while it lives; then the process's own again.
class WithTarget {
 public:
  explicit WithTarget(std::int64_t chosen) { use_target(chosen); }
  ~WithTarget() { use_target(own_); }
  WithTarget(const WithTarget&) = delete;
  WithTarget& operator=(const WithTarget&) = delete;

 private:
  const std::int64_t own_ = used_target();
};

class EachTarget : public testing::TestWithParam<std::int64_t> {
 private:
  WithTarget with_{GetParam()};
};

}  // namespace sluice::test
