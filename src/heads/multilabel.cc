// O labels, each there (1) or not (0): a sigmoid each, the sum of the binary cross-entropies.
#include <algorithm>
#include <cmath>

#include "heads/head.h"
#include "kernels/pointwise.h"

namespace sluice {
namespace {

class MultiLabel : public Head {
 public:
  std::unique_ptr<Head> clone() const override { return std::make_unique<MultiLabel>(*this); }

  double own_weight(const Targets&, std::size_t, std::size_t) const override { return 1; }

  // log(1 + e^y) - target y, without overflow.
  float loss(const float* y, std::size_t, std::size_t outputs, const Targets& targets, std::size_t i) const override {
    double sum = 0;
    for (std::size_t o = 0; o < outputs; ++o) {
      const auto x = static_cast<double>(y[o]);
      sum += std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))) -
             static_cast<double>(targets.numbers[i * outputs + o]) * x;
    }
    return static_cast<float>(sum);
  }

  float gradient(float* y, std::size_t padded, std::size_t outputs, const Targets& targets, std::size_t i,
                 float scale) const override {
    const float row = loss(y, padded, outputs, targets, i);
    activate(Activation::sigmoid, y, outputs, padded);
    for (std::size_t o = 0; o < outputs; ++o) y[o] = (y[o] - targets.numbers[i * outputs + o]) * scale;
    return row;
  }

  void predict(const float* y, std::size_t padded, std::size_t outputs, float* out) const noexcept override {
    std::copy_n(y, padded, out);
    activate(Activation::sigmoid, out, outputs, padded);
  }

  bool takes_residual() const override { return false; }
  const char* unfit(float target) const override {
    return target >= 0 && target <= 1 ? nullptr : "labels from 0 to 1, none missing";
  }

  // The logit of the share that has the label, by Laplace's rule of succession.
  void constant(std::span<const float> values, float* outputs) const override {
    const double n = static_cast<double>(values.size()), sum = n * static_cast<double>(mean_of(values));
    outputs[0] = static_cast<float>(std::log((sum + 0.5) / (n - sum + 0.5)));
  }
};

}  // namespace

std::unique_ptr<Head> make_multilabel(const HeadConfig&) { return std::make_unique<MultiLabel>(); }

}  // namespace sluice
