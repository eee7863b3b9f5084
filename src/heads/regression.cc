// O numbers: the mean of squared, absolute or Huber's errors, added in double and in order.
#include <algorithm>
#include <cmath>

#include "heads/head.h"

namespace sluice {
namespace {

// The mean over O numbers of what Error::loss says of each difference y - target.
template <class Error>
class Regression : public Head {
 public:
  explicit Regression(const Error& error) : error_(error) {}
  std::unique_ptr<Head> clone() const override { return std::make_unique<Regression>(*this); }

  float loss(const float* y, std::size_t, std::size_t outputs, const Targets& targets, std::size_t i) const override {
    const float* target = targets.numbers.data() + i * outputs;
    double sum = 0;
    for (std::size_t o = 0; o < outputs; ++o) {
      if (std::isnan(target[o])) continue;
      sum += error_.loss(static_cast<double>(y[o]) - static_cast<double>(target[o]));
    }
    const std::size_t there = numbers_there(targets, outputs, i);
    return there == 0 ? 0.f : static_cast<float>(sum / static_cast<double>(there));
  }

  float gradient(float* y, std::size_t padded, std::size_t outputs, const Targets& targets, std::size_t i,
                 float scale) const override {
    const float row = loss(y, padded, outputs, targets, i);
    const float* target = targets.numbers.data() + i * outputs;
    const std::size_t there = numbers_there(targets, outputs, i);
    const float factor = Error::kFactor * scale / static_cast<float>(std::max<std::size_t>(1, there));
    for (std::size_t o = 0; o < outputs; ++o) {
      y[o] = std::isnan(target[o]) ? 0.f : error_.slope(y[o] - target[o]) * factor;
    }
    std::fill(y + outputs, y + padded, 0.f);
    return row;
  }

  void predict(const float* y, std::size_t padded, std::size_t, float* out) const noexcept override {
    std::copy_n(y, padded, out);
  }
  bool predicts_outputs() const override { return true; }
  // The mean is best by squares, and the median by distances.
  void constant(std::span<const float> values, float* outputs) const override {
    outputs[0] = Error::kMean ? mean_of(values) : quantile_of(values, 0.5);
  }

 private:
  Error error_;
};

struct Squared {
  static constexpr float kFactor = 2;
  static constexpr bool kMean = true;
  double loss(double e) const { return e * e; }
  float slope(float e) const { return e; }
};

struct Absolute {
  static constexpr float kFactor = 1;
  static constexpr bool kMean = false;
  double loss(double e) const { return std::abs(e); }
  float slope(float e) const { return e > 0 ? 1.f : e < 0 ? -1.f : e; }
};

struct Huber {
  static constexpr float kFactor = 1;
  static constexpr bool kMean = false;
  double delta;
  double loss(double e) const {
    const double size = std::abs(e);
    return size <= delta ? e * e / 2 : delta * (size - delta / 2);
  }
  float slope(float e) const {
    const auto d = static_cast<float>(delta);
    return e > d ? d : e < -d ? -d : e;
  }
};

}  // namespace

std::unique_ptr<Head> make_regression(const HeadConfig& config) {
  if (config.loss == "absolute") return std::make_unique<Regression<Absolute>>(Absolute());
  if (config.loss == "huber") return std::make_unique<Regression<Huber>>(Huber{config.huber_delta});
  return std::make_unique<Regression<Squared>>(Squared());
}

}  // namespace sluice
