// The backward functions of every cell against dual numbers: the same forward equations, differentiated by machine.
#include <gtest/gtest.h>

#include <cmath>
#include <string_view>

#include "base/random.h"
#include "cells/tape_rows.h"

namespace sluice::cells_test {
namespace {

// value + derivative * epsilon, epsilon^2 = 0 (Clifford 1873).
struct Dual {
  double value = 0, derivative = 0;
  Dual() = default;
  explicit Dual(double v, double d = 0) : value(v), derivative(d) {}
};
Dual operator+(Dual a, Dual b) { return Dual(a.value + b.value, a.derivative + b.derivative); }
Dual operator-(Dual a, Dual b) { return Dual(a.value - b.value, a.derivative - b.derivative); }
Dual operator*(Dual a, Dual b) { return Dual(a.value * b.value, a.derivative * b.value + a.value * b.derivative); }

using std::tanh;
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double relu(double x) { return x > 0 ? x : 0; }
double is_positive(double x) { return x > 0 ? 1 : 0; }
Dual tanh(Dual x) {
  const double c = std::cosh(x.value);
  return Dual(std::tanh(x.value), x.derivative / (c * c));
}
Dual sigmoid(Dual x) {
  const double c = 2 * std::cosh(x.value / 2);
  return Dual(sigmoid(x.value), x.derivative / (c * c));
}
Dual relu(Dual x) { return x.value > 0 ? x : Dual(0); }
[[maybe_unused]] Dual is_positive(Dual x) { return Dual(is_positive(x.value)); }

#include "cells/registry-inl.h"

// One unit over one step. A second stage's product is stood in for by a number a row, so that its gradient flows too.
template <class Cell>
class Unit {
 public:
  static constexpr std::size_t kRows = Cell::rows, kStates = std::size(Cell::states);
  static constexpr bool kTwoStages = std::size(Cell::stages) == 2;

  explicit Unit(Random& random) {
    for (double& a : pre_) a = 6 * random.uniform() - 3;
    for (double& s : state_) s = 4 * random.uniform() - 2;
    for (double& d : gradient_) d = 2 * random.uniform() - 1;
    for (double& u : second_) u = 2 * random.uniform() - 1;
  }

  // Sum of next state times gradient_, with the derivative by pre-activation `row` or else by state `state`.
  Dual run(std::size_t row, std::size_t state) const {
    Dual y[kRows], s[kStates], next[kStates];
    for (std::size_t r = 0; r < kRows; ++r) y[r] = Dual(pre_[r], r == row ? 1 : 0);
    for (std::size_t k = 0; k < kStates; ++k) s[k] = Dual(state_[k], k == state ? 1 : 0);
    finish(y, s, next);
    Dual sum(0);
    for (std::size_t k = 0; k < kStates; ++k) sum = sum + Dual(gradient_[k]) * next[k];
    return sum;
  }

  void expect_gradients() const {
    double y[kRows], next[kStates], d[kStates];
    std::copy(std::begin(pre_), std::end(pre_), y);
    std::copy(std::begin(gradient_), std::end(gradient_), d);
    finish(y, state_, next);
    Cell::backward(y, state_, next, d);
    if constexpr (kTwoStages) {
      double mixed = 0;
      for (int r = 0; r < Cell::stages[1].count; ++r) mixed += second_[r] * y[Cell::stages[1].first + r];
      Cell::unmix(y, state_, mixed, d);
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      if (is_mixed(r)) continue;
      EXPECT_NEAR(y[r], run(r, kStates).derivative, 1e-12) << "row " << r;
    }
    for (std::size_t k = 0; k < kStates; ++k) {
      EXPECT_NEAR(d[k], run(kRows, k).derivative, 1e-12) << "state " << Cell::states[k];
    }
  }

 private:
  static constexpr bool is_mixed(std::size_t row) {
    if constexpr (kTwoStages) return row == Cell::mixed_row;
    return false;
  }

  template <class V>
  void finish(V* y, const V* s, V* next) const {
    if constexpr (kTwoStages) {
      Cell::mix(y, s);
      for (int r = 0; r < Cell::stages[1].count; ++r) {
        V& row = y[Cell::stages[1].first + r];
        row = row + V(second_[r]) * y[Cell::mixed_row];
      }
    }
    Cell::forward(y, s, next);
  }

  double pre_[kRows], state_[kStates], gradient_[kStates], second_[kRows];
};

template <class Cell>
class Cells : public testing::Test {};

template <class First, class... Rest>
struct Skip {
  using Types = testing::Types<Rest...>;
};
using Registered = Skip<void
#define SLUICE_CELL(Cell) , Cell
#include "cells/registry-inl.h"
                        >::Types;

struct Names {
  template <class Cell>
  static std::string GetName(int) {
    return std::string(Cell::name) + std::string(Cell::activation);
  }
};
TYPED_TEST_SUITE(Cells, Registered, Names);

TYPED_TEST(Cells, BackwardIsTheDerivativeOfForward) {
  Random random(1);
  for (int i = 0; i < 200 && !this->HasFailure(); ++i) Unit<TypeParam>(random).expect_gradients();
}

}  // namespace
}  // namespace sluice::cells_test
