// Baselines of forecasts; see forecast_baselines.h.
#include "data/forecast_baselines.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/failure.h"
#include "base/watch.h"

namespace sluice {
namespace {

class LastValue : public ForecastBaseline {
 public:
  explicit LastValue(std::size_t season) : season_(season) {}
  std::size_t lookback() const override { return season_; }
  void predict(std::span<const double> past, std::span<double> to) const override {
    for (std::size_t h = 0; h < to.size(); ++h) to[h] = past[past.size() - season_ + h % season_];
  }

 private:
  std::size_t season_;
};

// The products of least squares: of inputs with each other, and of inputs with targets. Input 0 is 1, input i is the
// value i steps back; target h is the value h steps ahead, h = 0 for the next one.
struct Products {
  std::size_t inputs, horizon, windows = 0;
  std::vector<double> gram;    // [inputs, inputs], the lower half
  std::vector<double> target;  // [inputs, horizon]

  Products(std::size_t lookback, std::size_t steps)
      : inputs(lookback + 1), horizon(steps), gram(inputs * inputs), target(inputs * horizon) {}

  // Adds the windows of a series. The product of values i and j steps back is, but for one window at either end, that
  // of values i - 1 and j - 1 steps back; so only one row needs all windows.
  void add(std::span<const double> v) {
    const std::size_t back = inputs - 1;
    if (v.size() < back + horizon) return;
    const std::size_t begin = back, end = v.size() - horizon + 1;  // the first steps that windows predict
    windows += end - begin;
    gram[0] += static_cast<double>(end - begin);
    for (std::size_t i = 1; i < inputs; ++i) gram[i * inputs] += sum(v.subspan(begin - i, end - begin));
    for (std::size_t h = 0; h < horizon; ++h) target[h] += sum(v.subspan(begin + h, end - begin));
    for (std::size_t d = 0; d < back; ++d) {  // of values d steps apart
      Watch::ask();
      double product = dot(v.subspan(begin - 1, end - begin), v.subspan(begin - 1 - d, end - begin));
      for (std::size_t j = 1;; ++j) {
        gram[(j + d) * inputs + j] += product;
        if (j + d == back) break;
        product += v[begin - 1 - j] * v[begin - 1 - j - d] - v[end - 1 - j] * v[end - 1 - j - d];
      }
    }
    // A target lies i + h steps after input i: the same for the next target and the input before.
    for (std::size_t d = 1; d < back + horizon; ++d) {
      Watch::ask();
      std::size_t i = d < horizon ? 1 : d - horizon + 1, h = d - i;
      double product = dot(v.subspan(begin - i, end - begin), v.subspan(begin + h, end - begin));
      while (true) {
        target[i * horizon + h] += product;
        if (i == back || h == 0) break;
        // From the input i steps back to the one before it: every window moves one step back.
        product += v[begin - 1 - i] * v[begin - 1 + h] - v[end - 1 - i] * v[end - 1 + h];
        ++i;
        --h;
      }
    }
  }

 private:
  static double sum(std::span<const double> a) {
    double total = 0;
    for (const double value : a) total += value;
    return total;
  }
  static double dot(std::span<const double> a, std::span<const double> b) {
    double total = 0;
    for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
    return total;
  }
};

class Ridge : public ForecastBaseline {
 public:
  // Solves (G + penalty) W = T by Cholesky's decomposition G + penalty = L L^T. Rounding may leave G slightly
  // indefinite where values repeat each other exactly; a pivot is never below what rounding makes of it.
  Ridge(const Products& products, double penalty)
      : inputs_(products.inputs), horizon_(products.horizon), weights_(products.target) {
    std::vector<double> lower = products.gram;
    const double least = 1e-12 * (1 + largest(products));
    for (std::size_t i = 1; i < inputs_; ++i) lower[i * inputs_ + i] += penalty;
    for (std::size_t i = 0; i < inputs_; ++i) {
      double* const row = lower.data() + i * inputs_;
      for (std::size_t j = 0; j <= i; ++j) {
        const double* const other = lower.data() + j * inputs_;
        double rest = row[j];
        for (std::size_t k = 0; k < j; ++k) rest -= row[k] * other[k];
        row[j] = i == j ? std::sqrt(std::max(rest, least)) : rest / other[j];
      }
    }
    for (std::size_t i = 0; i < inputs_; ++i) {  // L Y = T
      for (std::size_t k = 0; k < i; ++k) subtract(i, k, lower[i * inputs_ + k]);
      divide(i, lower[i * inputs_ + i]);
    }
    for (std::size_t i = inputs_; i-- > 0;) {  // L^T W = Y
      for (std::size_t k = i + 1; k < inputs_; ++k) subtract(i, k, lower[k * inputs_ + i]);
      divide(i, lower[i * inputs_ + i]);
    }
  }

  std::size_t lookback() const override { return inputs_ - 1; }
  void predict(std::span<const double> past, std::span<double> to) const override {
    const std::size_t steps = std::min(to.size(), horizon_);
    std::copy_n(weights_.begin(), steps, to.begin());
    for (std::size_t i = 1; i < inputs_; ++i) {
      const double value = past[past.size() - i];
      const double* const row = weights_.data() + i * horizon_;
      for (std::size_t h = 0; h < steps; ++h) to[h] += value * row[h];
    }
  }

 private:
  double largest(const Products& products) const {
    double most = 0;
    for (std::size_t i = 0; i < inputs_; ++i) most = std::max(most, products.gram[i * inputs_ + i]);
    return most;
  }
  void subtract(std::size_t row, std::size_t other, double factor) {
    for (std::size_t h = 0; h < horizon_; ++h) weights_[row * horizon_ + h] -= factor * weights_[other * horizon_ + h];
  }
  void divide(std::size_t row, double by) {
    for (std::size_t h = 0; h < horizon_; ++h) weights_[row * horizon_ + h] /= by;
  }

  std::size_t inputs_, horizon_;
  std::vector<double> weights_;  // [inputs, horizon]
};

}  // namespace

std::unique_ptr<ForecastBaseline> last_value(std::size_t season) { return std::make_unique<LastValue>(season); }

std::unique_ptr<ForecastBaseline> ridge_autoregression(std::span<const std::span<const double>> train,
                                                       std::span<const std::span<const double>> validation,
                                                       const RidgeOptions& options) try {
  Products products(options.lookback, options.horizon);
  for (const auto part : train) products.add(part);
  if (products.windows == 0) return nullptr;
  constexpr double kUsual = 1;
  constexpr std::size_t kMostForecasts = 2000;
  std::unique_ptr<ForecastBaseline> best;
  double least = std::numeric_limits<double>::infinity();
  for (const double penalty : {0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0}) {
    auto candidate = std::make_unique<Ridge>(products, penalty);
    double squares = 0;
    std::size_t count = 0;
    for (const auto part : validation) {
      const std::size_t stride = 1 + part.size() / kMostForecasts;
      const ForecastErrors errors =
          forecast_errors(*candidate, part, part, {options.lookback, part.size(), options.horizon, stride});
      squares += errors.mean_squared * static_cast<double>(errors.forecasts);
      count += errors.forecasts;
    }
    if (count == 0) return std::make_unique<Ridge>(products, kUsual);
    if (squares >= least) continue;
    least = squares;
    best = std::move(candidate);
  }
  return best ? std::move(best) : std::make_unique<Ridge>(products, kUsual);
} catch (...) {
  rethrow_as_error("autoregression");
}

ForecastErrors forecast_errors(const ForecastBaseline& baseline, std::span<const double> values,
                               std::span<const double> truth, const ForecastRange& range) try {
  ForecastErrors errors;
  std::vector<double> predicted(range.horizon);
  double squares = 0, absolute = 0;
  std::size_t count = 0;
  for (std::size_t at = std::max(range.first, baseline.lookback()); at + range.horizon <= range.last;
       at += range.stride, ++errors.forecasts) {
    baseline.predict(values.first(at), predicted);
    for (std::size_t h = 0; h < range.horizon; ++h) {
      const double apart = truth[at + h] - predicted[h];
      if (std::isnan(apart)) continue;
      squares += apart * apart;
      absolute += std::abs(apart);
      ++count;
    }
  }
  if (count > 0) {
    errors.mean_squared = squares / static_cast<double>(count);
    errors.mean_absolute = absolute / static_cast<double>(count);
  }
  return errors;
} catch (...) {
  rethrow_as_error("forecasts");
}

}  // namespace sluice
