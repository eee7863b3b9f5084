// One of O classes: softmax and cross-entropy.
#include <algorithm>

#include "heads/head.h"
#include "kernels/pointwise.h"

namespace sluice {
namespace {

class Softmax : public Head {
 public:
  explicit Softmax(const HeadConfig& config)
      : weights_(config.class_weights), smoothing_(static_cast<float>(config.label_smoothing)) {}
  std::unique_ptr<Head> clone() const override { return std::make_unique<Softmax>(*this); }

  bool classes() const override { return true; }
  bool takes_residual() const override { return false; }
  float pad() const override { return kNoLogit; }

  double own_weight(const Targets& targets, std::size_t, std::size_t i) const override {
    const std::uint32_t target = targets.classes[i];
    if (target == kIgnoredLabel) return 0;
    return weights_.empty() ? 1 : weights_[target];
  }

  float loss(const float* y, std::size_t padded, std::size_t outputs, const Targets& targets,
             std::size_t i) const override {
    const std::uint32_t target = targets.classes[i];
    if (target == kIgnoredLabel) return 0;
    const float hard = softmax_loss(y, padded, target);
    return smoothing_ > 0 ? smoothed(hard, y, outputs, target) : hard;
  }

  float gradient(float* y, std::size_t padded, std::size_t outputs, const Targets& targets, std::size_t i,
                 float scale) const override {
    const std::uint32_t target = targets.classes[i];
    if (target == kIgnoredLabel) {
      std::fill_n(y, padded, 0.f);
      return 0;
    }
    if (smoothing_ == 0) return softmax_gradient(y, padded, target, scale);
    // p - ((1 - s) target + s / O): what stands at the target is moved from there to all.
    const float logit = y[target], mean = mean_of(y, outputs);
    const float hard = softmax_gradient(y, padded, target, scale);
    y[target] += smoothing_ * scale;
    const float each = smoothing_ * scale / static_cast<float>(outputs);
    for (std::size_t o = 0; o < outputs; ++o) y[o] -= each;
    return hard + smoothing_ * (logit - mean);
  }

  void predict(const float* y, std::size_t padded, std::size_t, float* out) const noexcept override {
    softmax(y, padded, out);
  }

 private:
  static float mean_of(const float* y, std::size_t outputs) {
    double sum = 0;
    for (std::size_t o = 0; o < outputs; ++o) sum += static_cast<double>(y[o]);
    return static_cast<float>(sum / static_cast<double>(outputs));
  }
  // -sum_o q_o log p_o with q = (1 - s) target + s / O, given -log p of the target.
  float smoothed(float hard, const float* y, std::size_t outputs, std::uint32_t target) const {
    return hard + smoothing_ * (y[target] - mean_of(y, outputs));
  }

  std::vector<double> weights_;
  float smoothing_;
};

}  // namespace

std::unique_ptr<Head> make_softmax(const HeadConfig& config) { return std::make_unique<Softmax>(config); }

}  // namespace sluice
