#include "formats/foreign/activation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace sluice::foreign {
namespace {

struct Named {
  Function function;
  const char* name;
  int numbers;  // how many of alpha and beta it takes
};
constexpr std::array<Named, 13> names = {{{Function::linear, "linear", 0},
                                          {Function::sigmoid, "sigmoid", 0},
                                          {Function::tanh, "tanh", 0},
                                          {Function::relu, "relu", 0},
                                          {Function::hard_sigmoid, "hard_sigmoid", 2},
                                          {Function::softsign, "softsign", 0},
                                          {Function::softplus, "softplus", 0},
                                          {Function::affine, "affine", 2},
                                          {Function::scaled_tanh, "scaled_tanh", 2},
                                          {Function::leaky_relu, "leaky_relu", 1},
                                          {Function::thresholded_relu, "thresholded_relu", 1},
                                          {Function::elu, "elu", 1},
                                          {Function::softmax, "softmax", 0}}};

}  // namespace

double activate(const Activation& activation, double a) {
  const auto [function, alpha, beta] = activation;
  switch (function) {
    case Function::linear:
    case Function::softmax:
      return a;
    case Function::sigmoid:
      return 1 / (1 + std::exp(-a));
    case Function::tanh:
      return std::tanh(a);
    case Function::relu:
      return a > 0 ? a : 0;
    case Function::hard_sigmoid:
      return std::clamp(alpha * a + beta, 0.0, 1.0);
    case Function::softsign:
      return a / (1 + std::abs(a));
    case Function::softplus:
      return a > 30 ? a : std::log1p(std::exp(a));
    case Function::affine:
      return alpha * a + beta;
    case Function::scaled_tanh:
      return alpha * std::tanh(beta * a);
    case Function::leaky_relu:
      return a < 0 ? alpha * a : a;
    case Function::thresholded_relu:
      return a < alpha ? 0 : a;
    case Function::elu:
      return a < 0 ? alpha * std::expm1(a) : a;
  }
  return a;
}

bool is_complementary(const Activation& activation) {
  return activation.function == Function::sigmoid ||
         (activation.function == Function::hard_sigmoid && activation.beta == 0.5);
}

std::string text(const Activation& activation) {
  const auto& named = *std::ranges::find(names, activation.function, &Named::function);
  std::string line = named.name;
  char numbers[64];
  if (named.numbers == 1) std::snprintf(numbers, sizeof numbers, "(%.4g)", activation.alpha);
  if (named.numbers == 2) std::snprintf(numbers, sizeof numbers, "(%.4g, %.4g)", activation.alpha, activation.beta);
  return named.numbers > 0 ? line + numbers : line;
}

}  // namespace sluice::foreign
