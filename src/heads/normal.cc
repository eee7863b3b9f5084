// For each of O numbers a normal distribution: its mean m and the logarithm s of its deviation side by side, the loss
// -log density = s + (target - m)^2 / (2 e^2s) + log(2 pi) / 2, in the mean over the numbers.
#include <numbers>

#include "heads/numbers.h"

namespace sluice {
namespace {

struct Normal : NumberRule {
  static constexpr bool kPredictsOutputs = false;
  std::size_t columns() const { return 2; }

  void add_loss(const float* y, double target, double& sum) const {
    const double s = log_of(y[1]);
    const double e = (target - static_cast<double>(y[0])) * std::exp(-s);
    sum += s + e * e / 2 + std::log(2 * std::numbers::pi) / 2;
  }
  void gradient(float* y, float target, double factor) const {
    const double s = log_of(y[1]), inverse = std::exp(-s);
    const double e = (static_cast<double>(target) - static_cast<double>(y[0])) * inverse;
    const bool clamped = std::abs(static_cast<double>(y[1])) > kMostLog;
    y[0] = static_cast<float>(-e * inverse * factor);
    y[1] = clamped ? 0.f : static_cast<float>((1 - e * e) * factor);
  }
  // Mean and deviation.
  void predict(float* y) const noexcept { y[1] = static_cast<float>(std::exp(log_of(y[1]))); }
  void constant(std::span<const float> values, float* y) const {
    y[0] = mean_of(values);
    double squares = 0;
    for (const float v : values) {
      const double e = static_cast<double>(v) - static_cast<double>(y[0]);
      squares += e * e;
    }
    const double deviation = std::sqrt(squares / static_cast<double>(values.size()));
    y[1] = static_cast<float>(std::log(std::max(deviation, 1e-6)));
  }
};

}  // namespace

std::unique_ptr<Head> make_normal(const HeadConfig&) { return std::make_unique<NumbersHead<Normal>>(Normal()); }

}  // namespace sluice
