#include <cstdlib>

#include "hwy/highway.h"
#include "kernels/kernels.h"
#include "sluice/error.h"

namespace sluice {

std::vector<std::string> targets() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const std::int64_t t : hwy::SupportedAndGeneratedTargets()) all.emplace_back(hwy::TargetName(t));
    return all;
  }();
  return names;
}

std::string target() {
  static const std::string chosen = [] {
    const std::vector<std::string> known = targets();
    const char* wanted = std::getenv("SLUICE_TARGET");
    if (wanted == nullptr || *wanted == 0) return known.front();
    std::string list;
    for (const std::int64_t t : hwy::SupportedAndGeneratedTargets()) {
      if (wanted == std::string(hwy::TargetName(t))) {
        hwy::SetSupportedTargetsForTest(t);
        return std::string(wanted);
      }
      list += (list.empty() ? "" : ", ") + std::string(hwy::TargetName(t));
    }
    throw Error(Status::usage, "SLUICE_TARGET: expected one of " + list + ", found \"" + wanted + "\"");
  }();
  return chosen;
}

namespace {

DotInstructions& dot_instructions_in_use() {
  static DotInstructions use = [] {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return DotInstructions{__builtin_cpu_supports("avx512bf16") != 0, __builtin_cpu_supports("avx512vnni") != 0};
#else
    return DotInstructions{};
#endif
  }();
  return use;
}

}  // namespace

const DotInstructions& dot_instructions() { return dot_instructions_in_use(); }
void set_dot_instructions(const DotInstructions& use) { dot_instructions_in_use() = use; }

}  // namespace sluice
