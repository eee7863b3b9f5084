// Element-wise and row-wise passes: softmax with cross-entropy, ranks, column sums, dropout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/random.h"
#include "kernels/kernels.h"

namespace sluice {

// Rows of logits are [V rounded up to kBlock]; the padding holds kNoLogit, whose probability is zero.
inline constexpr float kNoLogit = -1e30f;

// Returns -log softmax(logits)[target] in nats and turns the row into its gradient times `scale`.
float softmax_gradient(float* logits, std::size_t padded, std::size_t target, float scale);
// Returns -log softmax(logits)[target]; the row stays.
float softmax_loss(const float* logits, std::size_t padded, std::size_t target);
// How many logits are greater than the target's.
std::uint32_t softmax_rank(const float* logits, std::size_t padded, std::size_t target);
// probabilities [V padded] = softmax(logits).
void softmax(const float* logits, std::size_t padded, float* probabilities);

// out [columns] = (add ? out : 0) + sum over rows, ascending, of in [rows, columns]; columns a multiple of kBlock.
void sum_rows(const float* in, std::size_t stride, std::size_t rows, float* out, std::size_t columns, bool add);
// The same over the listed rows, in the order of the list.
void sum_listed_rows(const float* in, std::size_t stride, std::span<const std::uint32_t> rows, float* out,
                     std::size_t columns);
// out [n] += in [n], n a multiple of kBlock.
void add_to(float* out, const float* in, std::size_t n);

// What a dense layer applies to each of its outputs.
enum class Activation { none, tanh, relu, sigmoid, elu };
inline constexpr std::string_view activation_names[] = {"none", "tanh", "relu", "sigmoid", "elu"};  // in that order
// By name. Throws Error (usage) that lists the names.
Activation find_activation(std::string_view name);
// y [padded] = f(y) for the first n, and zeros after them; padded is a multiple of kBlock.
void activate(Activation f, float* y, std::size_t n, std::size_t padded);
// dx [padded] = dy f'(x), known from y = f(x).
void activate_gradient(Activation f, const float* y, const float* dy, float* dx, std::size_t padded);

// out [n] = in [n] * mask / (1 - rate): inverted dropout (Srivastava et al. 2014). Element i of the mask depends on
// `random` and on first + i alone, 16 bits each. in may be out; n and first are multiples of 4.
void dropout(const float* in, float* out, std::size_t n, double rate, const Random& random, std::uint64_t first);

}  // namespace sluice
