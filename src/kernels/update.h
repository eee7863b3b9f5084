// Element-wise weight updates in one pass over contiguous arrays, and the sum of squares that clipping needs.
//
// w: weights, dw: their gradient as the network gave it, k: clip factor, l: weight decay, a: learning rate.
//   g = k * dw + l * w                                   (the decay of AdamW is not part of g)
// SGD with momentum mu (Polyak 1964, in the form of Sutskever et al. 2013 as PyTorch prints it, dampening 0):
//   m' = mu * m + g                w' = w - a * m'       with Nesterov's momentum w' = w - a * (g + mu * m')
// RMSProp (Tieleman & Hinton 2012, lecture 6.5; PyTorch's alpha = beta2):
//   v' = beta2 * v + (1 - beta2) * g^2                   w' = w - a * g / (sqrt(v') + eps)
// Adam (Kingma & Ba 2015, algorithm 1), t counts updates from 1:
//   m' = m + (1 - beta1) * (g - m)                       v' = beta2 * v + (1 - beta2) * g^2
//   w' = w - a / (1 - beta1^t) * m' / (sqrt(v') / sqrt(1 - beta2^t) + eps)
// AdamW (Loshchilov & Hutter 2019, algorithm 2): g = k * dw, and w is first multiplied by 1 - a * l.
//
// Each operation is one IEEE rounding (no fused multiply-add, real division and square root), so an update has the same
// bits on every instruction set, for any cutting of the arrays, and for any number of threads.
#pragma once

#include <cstddef>

namespace sluice {

// Arrays of one call have n numbers each and do not overlap.
struct SgdStep {
  float rate = 0, momentum = 0, decay = 0, clip = 1;
  bool nesterov = false;
};
// `moment` may be null where momentum is 0.
void sgd_step(const SgdStep& step, std::size_t n, const float* gradient, float* weight, float* moment);

struct RmsPropStep {
  float rate = 0, epsilon = 0, decay = 0, clip = 1;
  double beta2 = 0;
};
void rmsprop_step(const RmsPropStep& step, std::size_t n, const float* gradient, float* weight, float* second);

struct AdamStep {
  float rate = 0;               // a / (1 - beta1^t)
  float scale = 1;              // sqrt(1 - beta2^t)
  double beta1 = 0, beta2 = 0;  // double: 1 - beta is rounded once
  float epsilon = 0;
  float decay = 0;  // l of Adam, 0 for AdamW
  float keep = 1;   // 1 - a * l of AdamW, 1 for Adam
  float clip = 1;
};
void adam_step(const AdamStep& step, std::size_t n, const float* gradient, float* weight, float* first, float* second);

// average' = average + share * (weight - average)
void average_step(float share, std::size_t n, const float* weight, float* average);

// Sums of squares in double of each block of kSquareBlock numbers (the last may be shorter); blocks has
// square_blocks(n) entries. The order of addition is fixed: sixteen running sums, added in order at the end.
inline constexpr std::size_t kSquareBlock = 4096;
inline constexpr std::size_t square_blocks(std::size_t n) { return (n + kSquareBlock - 1) / kSquareBlock; }
void sums_of_squares(std::size_t n, const float* values, double* blocks);

// Whether the instruction set in use rounds a * b + c once. Two that agree in it train to the same bits; two that do
// not give other weights.
bool fuses_multiply_add();

}  // namespace sluice
