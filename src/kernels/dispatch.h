// Kernels are compiled for several instruction sets by Highway; this says, while the program runs, which one is used.
//
// Highway's own way needs its shared library beside every program, whose start alone takes some milliseconds.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "hwy/highway.h"

namespace sluice {

// Where the instruction set in use stands in a table of SLUICE_EXPORT; 0 until one is chosen.
extern std::atomic<std::size_t> target_position;
std::size_t choose_target();  // the best one

inline std::size_t dispatch_position() {
  const std::size_t position = target_position.load(std::memory_order_relaxed);
  return position != 0 ? position : choose_target();
}

// Highway's numbers of what this machine and this build share, best first; the one in use.
std::vector<std::int64_t> supported_targets();
std::int64_t used_target();
// `target` is one of these. Not while others compute.
void use_target(std::int64_t target);

}  // namespace sluice

// After a function was compiled for every target: a table of it, and a call by that table.
#define SLUICE_EXPORT(function)                                                 \
  constexpr decltype(&HWY_STATIC_DISPATCH(function)) function##_of_target[] = { \
      nullptr, HWY_CHOOSE_TARGET_LIST(function), HWY_CHOOSE_FALLBACK(function)}
#define SLUICE_DISPATCH(function) (*function##_of_target[::sluice::dispatch_position()])
