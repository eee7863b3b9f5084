// Rows of numbers as lanes: how weights, which lie a row an output, become what a panel holds (kernels.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

// out [depth, step]: lane i < rows of depth k is row i's number k, where a row begins every `stride` numbers; rows is
// at most kBlock, and other lanes are left as they are.
void rows_to_lanes(const float* from, std::size_t stride, std::size_t rows, std::size_t depth, float* out,
                   std::size_t step);
// The same as pairs of bf16 along a row: out [(depth + 1) / 2, step].
void rows_to_lanes(const float* from, std::size_t stride, std::size_t rows, std::size_t depth, std::uint32_t* out,
                   std::size_t step);
// out [(rows + 1) / 2, step]: pairs of bf16 of rows 0 and 1, 2 and 3 and so on, of which n numbers are taken; beside a
// last one alone zeros.
void rows_to_pairs(const float* from, std::size_t stride, std::size_t rows, std::size_t n, std::uint32_t* out,
                   std::size_t step);

}  // namespace sluice
