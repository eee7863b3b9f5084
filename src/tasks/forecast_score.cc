// How far forecasts are off, beside those that need no network; see forecast.h.
#include <algorithm>
#include <cmath>
#include <memory>

#include "data/forecast_baselines.h"
#include "data/lines.h"
#include "tasks/forecast.h"

namespace sluice {
namespace {

constexpr std::size_t kMostRidge = 336;  // values that the linear one looks at

// Errors of one way to predict, over everything that has a truth.
class Sums {
 public:
  explicit Sums(std::size_t horizon) : squares_(horizon), counts_(horizon) {}

  void add(std::size_t h, double apart) {
    if (std::isnan(apart)) return;
    squares_[h] += apart * apart;
    absolute_ += std::abs(apart);
    ++counts_[h];
  }
  ForecastError error(const char* name) const {
    ForecastError error = {name, 0, 0, {}};
    double squares = 0;
    std::size_t count = 0;
    for (std::size_t h = 0; h < squares_.size(); ++h) {
      squares += squares_[h];
      count += counts_[h];
      error.mean_squared_by_step.push_back(counts_[h] == 0 ? 0 : squares_[h] / static_cast<double>(counts_[h]));
    }
    if (count == 0) return error;
    error.mean_squared = squares / static_cast<double>(count);
    error.mean_absolute = absolute_ / static_cast<double>(count);
    return error;
  }

 private:
  std::vector<double> squares_;
  std::vector<std::size_t> counts_;
  double absolute_ = 0;
};

// A target's filled values, scaled.
std::vector<double> values_of(const ForecastSeries& series, std::size_t target) {
  std::vector<double> values(series.size());
  for (std::size_t row = 0; row < values.size(); ++row) values[row] = static_cast<double>(series.value(row, target));
  return values;
}

// The linear autoregression of a target, from the rows that the model was trained and validated on.
std::unique_ptr<ForecastBaseline> ridge_of(const ForecastTask& task, std::span<const ForecastSeries> series,
                                           std::size_t target) {
  const std::size_t lookback = std::min(task.lookback, kMostRidge);
  std::vector<std::vector<double>> values;
  for (const ForecastSeries& one : series) values.push_back(values_of(one, target));
  std::vector<std::span<const double>> train, validation;
  for (std::size_t s = 0; s < series.size(); ++s) {
    const std::size_t trained = rows_until(series[s], task.trained), seen = rows_until(series[s], task.seen);
    const std::span<const double> all = values[s];
    train.push_back(all.first(trained));
    const std::size_t first = trained - std::min(trained, lookback);
    if (seen > trained) validation.push_back(all.subspan(first, seen - first));
  }
  return ridge_autoregression(train, validation, {lookback, task.horizon});
}

}  // namespace

std::size_t middle_of(const Model& model) {
  const std::vector<double>& quantiles = model.config().head.quantiles;
  return static_cast<std::size_t>(std::ranges::min_element(quantiles, {}, [](double q) { return std::abs(q - 0.5); }) -
                                  quantiles.begin());
}

std::vector<double> usual_errors(const ForecastTask& task, const Model& model, std::span<const ForecastSeries> series,
                                 const ForecastPart& part, std::size_t most, std::size_t threads) {
  const std::size_t targets = task.targets.size();
  const std::vector<ForecastOrigin> origins = origins_of(task, series, part, most);
  const std::size_t middle = middle_of(model);
  std::vector<double> squares(targets), counts(targets);
  predict_each(task, model, series, origins, threads, [&](const ForecastOrigin& o, std::span<const float> values) {
    const double apart = truth_of(task, series[o.series], o.at, o.target) - static_cast<double>(values[middle]);
    if (std::isnan(apart)) return;
    squares[o.target] += apart * apart;
    ++counts[o.target];
  });
  // A column that never differs from its forecast has some error all the same, for a score to be divided by.
  constexpr double kLeast = 1e-6;
  std::vector<double> errors;
  for (std::size_t t = 0; t < targets; ++t) {
    errors.push_back(std::max(kLeast, counts[t] > 0 ? std::sqrt(squares[t] / counts[t]) : 1));
  }
  return errors;
}

ForecastEvaluation score_forecasts(const ForecastTask& task, const Model& model, const ForecastScoring& scoring,
                                   const std::string& name) {
  const std::span<const ForecastSeries> series = scoring.series;
  const std::vector<ForecastOrigin> origins =
      origins_of(task, series, {task.seen, std::nullopt}, kMostForecasts * task.targets.size());
  if (origins.empty()) {
    refuse_at(name,
              std::to_string(task.horizon) + " rows or more behind " + time_text(task.seen, task.time_form) +
                  ", up to where the model was trained and validated, and " + std::to_string(task.lookback) +
                  " before them",
              "fewer");
  }
  const std::size_t targets = task.targets.size(), horizon = task.horizon;
  const std::size_t quantiles = model.config().head.quantiles.size(), middle = middle_of(model);
  ForecastEvaluation result;
  result.forecasts = origins.size();
  Sums of_model(horizon);
  std::vector<double> squares(targets), counts(targets);
  std::size_t inside = 0, all = 0;
  Time first = series[origins[0].series].times[origins[0].at], last = first;
  predict_each(
      task, model, series, origins, scoring.threads, [&](const ForecastOrigin& origin, std::span<const float> values) {
        const ForecastSeries& one = series[origin.series];
        first = std::min(first, one.times[origin.at]);
        last = std::max(last, one.times[origin.at + horizon - 1]);
        for (std::size_t h = 0; h < horizon; ++h) {
          const double truth = truth_of(task, one, origin.at + h, origin.target);
          if (std::isnan(truth)) continue;
          const auto of_step = values.subspan(h * quantiles, quantiles);
          const double apart = truth - static_cast<double>(of_step[middle]);
          of_model.add(h, apart);
          squares[origin.target] += apart * apart;
          ++counts[origin.target];
          inside += truth >= static_cast<double>(of_step.front()) && truth <= static_cast<double>(of_step.back());
          ++all;
        }
      });
  result.first = time_text(first, task.time_form);
  result.last = time_text(last, task.time_form);
  std::vector<ForecastOrigin> example;
  const std::size_t shown = origins[0].series;
  for (const ForecastOrigin& origin : origins) {
    if (origin.series != shown) continue;
    if (!example.empty() && origin.at > example[0].at) example.clear();
    if (example.empty() || origin.at == example[0].at) example.push_back(origin);
  }
  result.example = std::move(forecasts_from(task, model, series, example, task.time_form, scoring.threads).front());
  result.errors.push_back(of_model.error("model"));
  result.coverage = all == 0 ? 0 : static_cast<double>(inside) / static_cast<double>(all);
  for (std::size_t t = 0; t < targets; ++t) {
    const double mean = counts[t] > 0 ? squares[t] / counts[t] : 0;
    result.root_mean_squared.push_back(std::sqrt(mean) * task.scaling.deviation[t]);
  }

  Sums of_last(horizon), of_season(horizon), of_ridge(horizon);
  const auto simple = last_value(), seasonal = last_value(std::max<std::size_t>(1, task.season));
  bool has_ridge = true;
  std::vector<double> predicted(horizon);
  for (std::size_t t = 0; t < targets; ++t) {
    const auto ridge = ridge_of(task, scoring.training, t);
    has_ridge = has_ridge && ridge;
    std::size_t s = series.size();
    std::vector<double> values;
    for (const ForecastOrigin& origin : origins) {
      if (origin.target != t) continue;
      if (origin.series != s) values = values_of(series[s = origin.series], t);
      const auto past = std::span<const double>(values).first(origin.at);
      const auto add = [&](const ForecastBaseline& baseline, Sums& sums) {
        baseline.predict(past, predicted);
        for (std::size_t h = 0; h < horizon; ++h) {
          sums.add(h, truth_of(task, series[s], origin.at + h, t) - predicted[h]);
        }
      };
      add(*simple, of_last);
      if (task.season > 1 && task.season <= origin.at) add(*seasonal, of_season);
      if (ridge) add(*ridge, of_ridge);
    }
  }
  result.errors.push_back(of_last.error("last_value"));
  if (task.season > 1) result.errors.push_back(of_season.error("seasonal_last_value"));
  if (has_ridge) result.errors.push_back(of_ridge.error("ridge"));
  return result;
}

}  // namespace sluice
