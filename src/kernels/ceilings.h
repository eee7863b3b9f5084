// What no kernel can be faster than: work that is nothing but multiply-adds, and work that is nothing but reading.
// Whoever times these knows the ceilings of the machine (bench/ does).
#pragma once

#include <cstddef>

namespace sluice {

// Multiply-adds on registers alone, in as many chains as hide their latency. Returns how many floating-point operations
// were done in `rounds` rounds.
double multiply_add(std::size_t rounds);

// Reads n floats once in ascending order, n a multiple of 16 * kBlock. Returns a number that depends on all of them.
float read_all(const float* data, std::size_t n);

}  // namespace sluice
