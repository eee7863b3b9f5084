// For each of O numbers one output a quantile q: the pinball loss max(q e, (q - 1) e) with e = target - y, in the mean
// over numbers and quantiles. Outputs of a number stand side by side.
#include <algorithm>
#include <cmath>
#include <functional>

#include "heads/head.h"
#include "sluice/error.h"

namespace sluice {
namespace {

class Quantiles : public Head {
 public:
  explicit Quantiles(std::vector<double> levels) : levels_(std::move(levels)) {}
  std::unique_ptr<Head> clone() const override { return std::make_unique<Quantiles>(*this); }

  std::size_t columns(std::size_t outputs) const override { return outputs * levels_.size(); }

  void shift(float* y, std::size_t o, float by) const noexcept override {
    for (std::size_t k = 0; k < levels_.size(); ++k) y[o * levels_.size() + k] += by;
  }

  float loss(const float* y, std::size_t, std::size_t outputs, const Targets& targets, std::size_t i) const override {
    double sum = 0;
    for (std::size_t o = 0; o < outputs; ++o) {
      if (std::isnan(targets.numbers[i * outputs + o])) continue;
      for (std::size_t k = 0; k < levels_.size(); ++k) {
        const double e =
            static_cast<double>(targets.numbers[i * outputs + o]) - static_cast<double>(y[o * levels_.size() + k]);
        sum += std::max(levels_[k] * e, (levels_[k] - 1) * e);
      }
    }
    const std::size_t there = numbers_there(targets, outputs, i);
    return there == 0 ? 0.f : static_cast<float>(sum / static_cast<double>(columns(there)));
  }

  float gradient(float* y, std::size_t padded, std::size_t outputs, const Targets& targets, std::size_t i,
                 float scale) const override {
    const float row = loss(y, padded, outputs, targets, i);
    const std::size_t there = std::max<std::size_t>(1, numbers_there(targets, outputs, i));
    const float factor = scale / static_cast<float>(columns(there));
    for (std::size_t o = 0; o < outputs; ++o) {
      for (std::size_t k = 0; k < levels_.size(); ++k) {
        float& out = y[o * levels_.size() + k];
        const auto q = static_cast<float>(levels_[k]);
        const float target = targets.numbers[i * outputs + o], e = target - out;
        // e: zero, or NaN, which has to be seen where it comes from the output.
        out = std::isnan(target) ? 0.f : (e > 0 ? -q : e < 0 ? 1 - q : e) * factor;
      }
    }
    std::fill(y + columns(outputs), y + padded, 0.f);
    return row;
  }

  void predict(const float* y, std::size_t padded, std::size_t, float* out) const noexcept override {
    std::copy_n(y, padded, out);
  }

  void constant(std::span<const float> values, float* outputs) const override {
    for (std::size_t k = 0; k < levels_.size(); ++k) outputs[k] = quantile_of(values, levels_[k]);
  }

 private:
  std::vector<double> levels_;
};

}  // namespace

std::unique_ptr<Head> make_quantiles(const HeadConfig& config) {
  const auto fits = [](double q) { return q > 0 && q < 1; };
  if (config.quantiles.empty() || !std::ranges::all_of(config.quantiles, fits) ||
      std::ranges::adjacent_find(config.quantiles, std::greater_equal<>()) != config.quantiles.end()) {
    throw Error(Status::usage, "quantiles: expected ascending numbers between 0 and 1, found others or none");
  }
  return std::make_unique<Quantiles>(config.quantiles);
}

}  // namespace sluice
