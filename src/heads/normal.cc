// For each of O numbers a normal distribution: its mean m and the logarithm s of its deviation side by side, the loss
// -log density = s + (target - m)^2 / (2 e^2s) + log(2 pi) / 2, in the mean over the numbers.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "heads/head.h"

namespace sluice {
namespace {

// Beyond this s changes neither loss nor gradient, so that no number overflows.
constexpr double kMostLog = 20;

class Normal : public Head {
 public:
  std::unique_ptr<Head> clone() const override { return std::make_unique<Normal>(*this); }
  std::size_t columns(std::size_t outputs) const override { return 2 * outputs; }

  void shift(float* y, std::size_t o, float by) const noexcept override { y[2 * o] += by; }

  float loss(const float* y, std::size_t, std::size_t outputs, const Targets& targets, std::size_t i) const override {
    double sum = 0;
    for (std::size_t o = 0; o < outputs; ++o) {
      if (std::isnan(targets.numbers[i * outputs + o])) continue;
      const double s = log_of(y[2 * o + 1]);
      const double e =
          (static_cast<double>(targets.numbers[i * outputs + o]) - static_cast<double>(y[2 * o])) * std::exp(-s);
      sum += s + e * e / 2 + std::log(2 * std::numbers::pi) / 2;
    }
    const std::size_t there = numbers_there(targets, outputs, i);
    return there == 0 ? 0.f : static_cast<float>(sum / static_cast<double>(there));
  }

  float gradient(float* y, std::size_t padded, std::size_t outputs, const Targets& targets, std::size_t i,
                 float scale) const override {
    const float row = loss(y, padded, outputs, targets, i);
    const std::size_t there = std::max<std::size_t>(1, numbers_there(targets, outputs, i));
    const double factor = static_cast<double>(scale) / static_cast<double>(there);
    for (std::size_t o = 0; o < outputs; ++o) {
      if (std::isnan(targets.numbers[i * outputs + o])) {
        y[2 * o] = y[2 * o + 1] = 0;
        continue;
      }
      const double s = log_of(y[2 * o + 1]), inverse = std::exp(-s);
      const double e =
          (static_cast<double>(targets.numbers[i * outputs + o]) - static_cast<double>(y[2 * o])) * inverse;
      const bool clamped = std::abs(static_cast<double>(y[2 * o + 1])) > kMostLog;
      y[2 * o] = static_cast<float>(-e * inverse * factor);
      y[2 * o + 1] = clamped ? 0.f : static_cast<float>((1 - e * e) * factor);
    }
    std::fill(y + columns(outputs), y + padded, 0.f);
    return row;
  }

  // Mean and deviation.
  void predict(const float* y, std::size_t padded, std::size_t outputs, float* out) const noexcept override {
    std::copy_n(y, padded, out);
    for (std::size_t o = 0; o < outputs; ++o) out[2 * o + 1] = static_cast<float>(std::exp(log_of(y[2 * o + 1])));
  }

  void constant(std::span<const float> values, float* outputs) const override {
    outputs[0] = mean_of(values);
    double squares = 0;
    for (const float v : values) {
      const double e = static_cast<double>(v) - static_cast<double>(outputs[0]);
      squares += e * e;
    }
    const double deviation = std::sqrt(squares / static_cast<double>(values.size()));
    outputs[1] = static_cast<float>(std::log(std::max(deviation, 1e-6)));
  }

 private:
  static double log_of(float s) { return std::clamp(static_cast<double>(s), -kMostLog, kMostLog); }
};

}  // namespace

std::unique_ptr<Head> make_normal(const HeadConfig&) { return std::make_unique<Normal>(); }

}  // namespace sluice
