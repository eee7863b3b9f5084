// Forecasts of a series that need no network, by which one is judged.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace sluice {

// A way to predict the next values of a series from those before.
class ForecastBaseline {
 public:
  virtual ~ForecastBaseline() = default;
  // Rows that it looks at; there must be as many before a forecast.
  virtual std::size_t lookback() const = 0;
  // The values after `past`, one a step of `to`.
  virtual void predict(std::span<const double> past, std::span<double> to) const = 0;
};

// The last value, at every step. Season 1; or the value a season before, of the last season that is known.
std::unique_ptr<ForecastBaseline> last_value(std::size_t season = 1);

// A linear autoregression for each step ahead: a constant and a weight for each of the last `lookback` values, by least
// squares with a ridge (Hoerl & Kennard 1970; the constant goes without). Learns from all windows of every part of
// `train`: series without missing numbers, scaled so that a deviation is about 1. The penalty is that of some powers of
// ten with the least error on (2000 forecasts of) each part of `validation`; 1 where none of them is long enough.
struct RidgeOptions {
  std::size_t lookback = 1, horizon = 1;
};
// Nothing where no part of `train` has lookback + horizon values.
std::unique_ptr<ForecastBaseline> ridge_autoregression(std::span<const std::span<const double>> train,
                                                       std::span<const std::span<const double>> validation,
                                                       const RidgeOptions& options);

struct ForecastErrors {
  double mean_squared = 0, mean_absolute = 0;
  std::size_t forecasts = 0;
};

// All forecasts whose steps lie in the rows [first, last): one from every `stride` rows.
struct ForecastRange {
  std::size_t first = 0, last = 0, horizon = 1, stride = 1;
};

// Each forecast looks at what is before it in `values`, also before the range's first row; those too early for the
// baseline are left out. A value of `truth` that is NaN does not count.
ForecastErrors forecast_errors(const ForecastBaseline& baseline, std::span<const double> values,
                               std::span<const double> truth, const ForecastRange& range);

}  // namespace sluice
