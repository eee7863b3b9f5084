// O counts: the logarithm y of each one's mean, the loss of Poisson's distribution
// -log probability = e^y - target y + log(target!), in the mean over the counts.
#include <math.h>

#include "heads/numbers.h"

namespace sluice {
namespace {

struct Poisson : NumberRule {
  static constexpr bool kPredictsOutputs = false, kTakesResidual = false;
  const char* unfit(float target) const { return target < 0 ? "counts of 0 or more" : nullptr; }

  void add_loss(const float* y, double target, double& sum) const {
    int sign = 0;  // std::lgamma() writes it to a variable that all threads share
    sum += std::exp(log_of(*y)) - target * log_of(*y) + ::lgamma_r(target + 1, &sign);
  }
  void gradient(float* y, float target, double factor) const {
    const auto log_mean = static_cast<double>(*y);
    const bool clamped = std::abs(log_mean) > kMostLog;
    *y = clamped ? 0.f : static_cast<float>((std::exp(log_mean) - static_cast<double>(target)) * factor);
  }
  // The mean.
  void predict(float* y) const noexcept { *y = static_cast<float>(std::exp(log_of(*y))); }
  void constant(std::span<const float> values, float* y) const {
    *y = static_cast<float>(std::log(std::max(static_cast<double>(mean_of(values)), 1e-6)));
  }
};

}  // namespace

std::unique_ptr<Head> make_poisson(const HeadConfig&) { return std::make_unique<NumbersHead<Poisson>>(Poisson()); }

}  // namespace sluice
