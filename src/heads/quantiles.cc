// For each of O numbers one output a quantile q: the pinball loss max(q e, (q - 1) e) with e = target - y, in the mean
// over numbers and quantiles. Outputs of a number stand side by side.
#include <functional>
#include <vector>

#include "heads/numbers.h"
#include "sluice/error.h"

namespace sluice {
namespace {

struct Quantiles : NumberRule {
  explicit Quantiles(std::vector<double> q) : levels(std::move(q)) {}
  static constexpr bool kPredictsOutputs = false;  // there are several of a number
  std::size_t columns() const { return levels.size(); }
  std::size_t shifted() const { return levels.size(); }
  std::size_t losses() const { return levels.size(); }

  void add_loss(const float* y, double target, double& sum) const {
    for (std::size_t k = 0; k < levels.size(); ++k) {
      const double e = target - static_cast<double>(y[k]);
      sum += std::max(levels[k] * e, (levels[k] - 1) * e);
    }
  }
  float factor(float scale, std::size_t count) const { return scale / static_cast<float>(count); }
  void gradient(float* y, float target, float factor) const {
    for (std::size_t k = 0; k < levels.size(); ++k) {
      const auto q = static_cast<float>(levels[k]);
      const float e = target - y[k];
      y[k] = (e > 0 ? -q : e < 0 ? 1 - q : e) * factor;  // e: zero, or NaN, which has to be seen
    }
  }
  void constant(std::span<const float> values, float* y) const {
    for (std::size_t k = 0; k < levels.size(); ++k) y[k] = quantile_of(values, levels[k]);
  }

  std::vector<double> levels;
};

}  // namespace

std::unique_ptr<Head> make_quantiles(const HeadConfig& config) {
  const auto fits = [](double q) { return q > 0 && q < 1; };
  if (config.quantiles.empty() || !std::ranges::all_of(config.quantiles, fits) ||
      std::ranges::adjacent_find(config.quantiles, std::greater_equal<>()) != config.quantiles.end()) {
    throw Error(Status::usage, "quantiles: expected ascending numbers between 0 and 1, found others or none");
  }
  return std::make_unique<NumbersHead<Quantiles>>(Quantiles(config.quantiles));
}

}  // namespace sluice
