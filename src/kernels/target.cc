#include <algorithm>
#include <bit>
#include <cstdlib>

#include "kernels/dispatch.h"
#include "kernels/kernels.h"
#include "sluice/error.h"

namespace sluice {

constinit std::atomic<std::size_t> target_position = 0;

namespace {

// Whether this processor, and its system, have what Highway switches on for a target that needs more than the
// compiler's own flags.
bool runs(std::int64_t target) {
  if (target == HWY_STATIC_TARGET) return true;
#if HWY_ARCH_X86
  __builtin_cpu_init();
  const bool sse4 = __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1") &&
                    __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul") &&
                    __builtin_cpu_supports("aes");
  const bool avx2 = sse4 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  if (target == HWY_SSE4) return sse4;
  if (target == HWY_AVX2) return avx2;
  if (target == HWY_AVX3) {
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd");
  }
#endif
  return false;
}

// As Highway's macros order a table: after one entry, targets from the lowest bit on, in the end the fallback.
std::size_t position_of(std::int64_t target) {
  return static_cast<std::size_t>(
      std::countr_zero(static_cast<std::uint64_t>(HWY_CHOSEN_TARGET_SHIFT(target) | HWY_CHOSEN_TARGET_MASK_SCALAR)));
}

}  // namespace

std::vector<std::int64_t> supported_targets() {
  std::vector<std::int64_t> all;
  for (int bit = 0; bit < 63; ++bit) {
    const std::int64_t target = std::int64_t{1} << bit;
    if ((HWY_TARGETS & target) != 0 && runs(target)) all.push_back(target);
  }
  return all;
}

std::int64_t used_target() {
  const std::vector<std::int64_t> all = supported_targets();
  const std::size_t position = dispatch_position();
  return *std::find_if(all.begin(), all.end(), [&](std::int64_t t) { return position_of(t) == position; });
}

void use_target(std::int64_t target) { target_position = position_of(target); }

std::size_t choose_target() {
  use_target(supported_targets().front());
  return target_position;
}

std::vector<std::string> targets() {
  std::vector<std::string> all;
  for (const std::int64_t t : supported_targets()) all.emplace_back(hwy::TargetName(t));
  return all;
}

std::string target() {
  static const std::string chosen = [] {
    const char* wanted = std::getenv("SLUICE_TARGET");
    if (wanted == nullptr || *wanted == 0) return std::string(hwy::TargetName(used_target()));
    std::string list;
    for (const std::int64_t t : supported_targets()) {
      const std::string name = hwy::TargetName(t);
      if (name == wanted) {
        use_target(t);
        return name;
      }
      list += (list.empty() ? "" : ", ") + name;
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
