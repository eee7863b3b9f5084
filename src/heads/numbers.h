// A head of O numbers, each with outputs, a loss and a gradient of its own, which a Rule has: the walk over them, and
// the mean over those that are there.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include "heads/head.h"

namespace sluice {

// Of an output that is a logarithm. Beyond this it changes neither loss nor gradient, so that no number overflows.
inline constexpr double kMostLog = 20;
inline double log_of(float y) { return std::clamp(static_cast<double>(y), -kMostLog, kMostLog); }

// What most rules have in common: one output a number, which is what is predicted.
struct NumberRule {
  static constexpr bool kPredictsOutputs = true, kTakesResidual = true;
  std::size_t columns() const { return 1; }  // outputs of a number
  std::size_t shifted() const { return 1; }  // how many of them, from the first on, move with what it predicts
  std::size_t losses() const { return 1; }   // in the loss of a number, of which that is the sum
  const char* unfit(float) const { return nullptr; }
  void predict(float*) const noexcept {}
  double factor(float scale, std::size_t count) const {
    return static_cast<double>(scale) / static_cast<double>(count);
  }
};

// Rule besides: add_loss(y, target, sum); gradient(y, target, factor), which turns y [columns] into it; factor(scale,
// count), what the gradient of a sum over `count` losses is multiplied by; constant(values, y) as Head::constant().
template <class Rule>
class NumbersHead : public Head {
 public:
  explicit NumbersHead(Rule rule) : rule_(std::move(rule)) {}
  std::unique_ptr<Head> clone() const override { return std::make_unique<NumbersHead>(*this); }

  std::size_t columns(std::size_t outputs) const override { return outputs * rule_.columns(); }
  bool predicts_outputs() const override { return Rule::kPredictsOutputs; }
  bool takes_residual() const override { return Rule::kTakesResidual; }
  const char* unfit(float target) const override { return rule_.unfit(target); }
  void shift(float* y, std::size_t o, float by) const noexcept override {
    for (std::size_t k = 0; k < rule_.shifted(); ++k) y[o * rule_.columns() + k] += by;
  }

  // In double and in order.
  float loss(const float* y, std::size_t, std::size_t outputs, const Targets& targets, std::size_t i) const override {
    const float* target = targets.numbers.data() + i * outputs;
    double sum = 0;
    for (std::size_t o = 0; o < outputs; ++o) {
      if (!std::isnan(target[o])) rule_.add_loss(y + o * rule_.columns(), static_cast<double>(target[o]), sum);
    }
    const std::size_t there = numbers_there(targets, outputs, i);
    return there == 0 ? 0.f : static_cast<float>(sum / static_cast<double>(there * rule_.losses()));
  }

  float gradient(float* y, std::size_t padded, std::size_t outputs, const Targets& targets, std::size_t i,
                 float scale) const override {
    const float row = loss(y, padded, outputs, targets, i);
    const float* target = targets.numbers.data() + i * outputs;
    const std::size_t there = std::max<std::size_t>(1, numbers_there(targets, outputs, i));
    const auto factor = rule_.factor(scale, there * rule_.losses());
    for (std::size_t o = 0; o < outputs; ++o) {
      float* of_number = y + o * rule_.columns();
      if (std::isnan(target[o])) {
        std::fill_n(of_number, rule_.columns(), 0.f);
      } else {
        rule_.gradient(of_number, target[o], factor);
      }
    }
    std::fill(y + columns(outputs), y + padded, 0.f);
    return row;
  }

  void predict(const float* y, std::size_t padded, std::size_t outputs, float* out) const noexcept override {
    std::copy_n(y, padded, out);
    for (std::size_t o = 0; o < outputs; ++o) rule_.predict(out + o * rule_.columns());
  }

  void constant(std::span<const float> values, float* outputs) const override { rule_.constant(values, outputs); }

 private:
  Rule rule_;
};

}  // namespace sluice
