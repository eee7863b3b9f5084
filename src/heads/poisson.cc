// O counts: the logarithm y of each one's mean, the loss of Poisson's distribution
// -log probability = e^y - target y + log(target!), in the mean over the counts.
#include <algorithm>
#include <cmath>

#include "heads/head.h"

namespace sluice {
namespace {

// Beyond this y changes neither loss nor gradient, so that no number overflows.
constexpr double kMostLog = 20;

class Poisson : public Head {
 public:
  std::unique_ptr<Head> clone() const override { return std::make_unique<Poisson>(*this); }

  float loss(const float* y, std::size_t, std::size_t outputs, const Targets& targets, std::size_t i) const override {
    double sum = 0;
    for (std::size_t o = 0; o < outputs; ++o) {
      const auto target = static_cast<double>(targets.numbers[i * outputs + o]);
      if (std::isnan(target)) continue;
      const double log_mean = log_of(y[o]);
      sum += std::exp(log_mean) - target * log_mean + std::lgamma(target + 1);
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
      const auto target = static_cast<double>(targets.numbers[i * outputs + o]);
      const bool counts = !std::isnan(target) && std::abs(static_cast<double>(y[o])) <= kMostLog;
      y[o] = counts ? static_cast<float>((std::exp(static_cast<double>(y[o])) - target) * factor) : 0.f;
    }
    std::fill(y + outputs, y + padded, 0.f);
    return row;
  }

  // The means.
  void predict(const float* y, std::size_t padded, std::size_t outputs, float* out) const noexcept override {
    std::copy_n(y, padded, out);
    for (std::size_t o = 0; o < outputs; ++o) out[o] = static_cast<float>(std::exp(log_of(y[o])));
  }

  bool takes_residual() const override { return false; }
  const char* unfit(float target) const override { return target < 0 ? "counts of 0 or more" : nullptr; }

  void constant(std::span<const float> values, float* outputs) const override {
    outputs[0] = static_cast<float>(std::log(std::max(static_cast<double>(mean_of(values)), 1e-6)));
  }

 private:
  static double log_of(float y) { return std::clamp(static_cast<double>(y), -kMostLog, kMostLog); }
};

}  // namespace

std::unique_ptr<Head> make_poisson(const HeadConfig&) { return std::make_unique<Poisson>(); }

}  // namespace sluice
