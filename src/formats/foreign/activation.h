// Activation functions of other systems, with their two numbers.
#pragma once

#include <string>
#include <string_view>

namespace sluice::foreign {

enum class Function {
  linear,
  sigmoid,
  tanh,
  relu,
  hard_sigmoid,  // clamp(alpha a + beta, 0, 1): 0.2 and 0.5 in ONNX and Keras 2, 1/6 and 0.5 in Keras 3
  softsign,
  softplus,
  affine,            // alpha a + beta
  scaled_tanh,       // alpha tanh(beta a)
  leaky_relu,        // a < 0: alpha a
  thresholded_relu,  // a < alpha: 0
  elu,               // a < 0: alpha (exp(a) - 1)
  softmax,           // over the features of a step; never a gate
};

struct Activation {
  Function function = Function::linear;
  double alpha = 0, beta = 0;
  bool operator==(const Activation&) const = default;
};

// One number; softmax, which needs all of them, is not for it.
double activate(const Activation& activation, double a);

// Whether f(-a) = 1 - f(a), so that a gate of it is turned into its opposite by negating its weights.
bool is_complementary(const Activation& activation);

std::string text(const Activation& activation);  // "tanh", "hard_sigmoid(0.2, 0.5)"

}  // namespace sluice::foreign
