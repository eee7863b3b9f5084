// O numbers: the mean of squared, absolute or Huber's errors.
#include "heads/numbers.h"

namespace sluice {
namespace {

// What Error::loss says of the difference y - target.
template <class Error>
struct Regression : NumberRule {
  explicit Regression(const Error& e) : error(e) {}
  void add_loss(const float* y, double target, double& sum) const {
    sum += error.loss(static_cast<double>(*y) - target);
  }
  float factor(float scale, std::size_t count) const { return Error::kFactor * scale / static_cast<float>(count); }
  void gradient(float* y, float target, float factor) const { *y = error.slope(*y - target) * factor; }
  // The mean is best by squares, and the median by distances.
  void constant(std::span<const float> values, float* y) const {
    *y = Error::kMean ? mean_of(values) : quantile_of(values, 0.5);
  }

  Error error;
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

template <class Error>
std::unique_ptr<Head> make(const Error& error) {
  return std::make_unique<NumbersHead<Regression<Error>>>(Regression<Error>(error));
}

}  // namespace

std::unique_ptr<Head> make_regression(const HeadConfig& config) {
  if (config.loss == "absolute") return make(Absolute());
  if (config.loss == "huber") return make(Huber{config.huber_delta});
  return make(Squared());
}

}  // namespace sluice
