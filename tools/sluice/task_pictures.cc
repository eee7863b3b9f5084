// See task_pictures.h.
#include "task_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "chart.h"
#include "progress.h"
#include "tasks/forecast.h"
#include "terminal.h"

namespace sluice::tool {
namespace {

constexpr std::size_t kMostCharts = 12;

// So much of the past as tells what the forecast goes on from.
std::size_t rows_shown(const Forecaster& forecaster, const Forecast& one) {
  const std::size_t wanted = std::max({std::size_t{24}, 2 * forecaster.horizon(), 2 * forecaster.season()});
  return std::min(wanted, one.past_times.size());
}

Chart chart_of(const Forecaster& forecaster, const Forecast& one, std::size_t target) {
  const std::vector<double>& quantiles = forecaster.quantiles();
  const std::size_t all = one.past_times.size(), shown = rows_shown(forecaster, one), ahead = one.times.size();
  const std::size_t middle = middle_of(forecaster.model());
  Chart chart;
  chart.title = (one.series.empty() ? "" : one.series + ": ") + forecaster.targets()[target];
  chart.x_names.assign(one.past_times.end() - static_cast<std::ptrdiff_t>(shown), one.past_times.end());
  chart.x_names.insert(chart.x_names.end(), one.times.begin(), one.times.end());
  chart.now = static_cast<double>(shown) - 0.5;
  ChartSeries known = {"truth", 2}, forecast = {"forecast", 3};
  const auto add = [](ChartSeries& to, std::size_t x, double y) {
    to.x.push_back(static_cast<double>(x));
    to.y.push_back(y);
  };
  for (std::size_t i = 0; i < shown; ++i) add(known, i, one.past[target * all + all - shown + i]);
  for (std::size_t h = 0; h < ahead; ++h) {
    const double* values = one.values.data() + (target * ahead + h) * quantiles.size();
    add(known, shown + h, one.truth[target * ahead + h]);
    add(forecast, shown + h, values[middle]);
    if (quantiles.size() == 1) continue;
    forecast.low.push_back(values[0]);
    forecast.high.push_back(values[quantiles.size() - 1]);
  }
  if (quantiles.size() > 1) {
    chart.y_label = fmt::format("band: quantiles {} to {}", quantiles.front(), quantiles.back());
  }
  const bool came = std::any_of(known.y.begin() + static_cast<std::ptrdiff_t>(shown), known.y.end(),
                                [](double y) { return std::isfinite(y); });
  if (!came) known.name = "past";
  chart.series = {std::move(known), std::move(forecast)};
  return chart;
}

std::vector<Chart> charts_of(const Forecaster& forecaster, const std::vector<Forecast>& forecasts) {
  std::vector<Chart> charts;
  for (const Forecast& one : forecasts) {
    for (std::size_t t = 0; t < forecaster.targets().size() && charts.size() < kMostCharts; ++t) {
      charts.push_back(chart_of(forecaster, one, t));
    }
  }
  return charts;
}

// How much of it is drawn, where that is not all.
std::string of_many(std::size_t drawn, std::size_t all) {
  return drawn == all ? "" : fmt::format("; {} of {} are drawn", drawn, all);
}

}  // namespace

std::string title_of(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

std::string forecast_picture(const Forecaster& forecaster, const std::vector<Forecast>& forecasts) {
  const std::vector<Chart> charts = charts_of(forecaster, forecasts);
  return chart_picture(
      fmt::format("Forecast, {} row{} ahead{}", forecaster.horizon(), forecaster.horizon() == 1 ? "" : "s",
                  of_many(charts.size(), forecasts.size() * forecaster.targets().size())),
      charts);
}

std::string evaluation_picture(const Forecaster& forecaster, const ForecastEvaluation& e) {
  Chart errors;
  errors.title = "Mean squared error by step";
  errors.x_label = "rows ahead";
  errors.y_label = "in units of each column's deviation in training, squared";
  for (std::size_t i = 0; i < e.errors.size(); ++i) {
    // The model has the forecast's look.
    constexpr std::size_t kStyles[] = {3, 0, 1, 2};
    std::string name = title_of(e.errors[i].name);
    if (name == "seasonal last value") name = "last season";
    ChartSeries one = {std::move(name), kStyles[i % 4]};
    for (std::size_t h = 0; h < e.errors[i].mean_squared_by_step.size(); ++h) {
      one.x.push_back(static_cast<double>(h + 1));
      one.y.push_back(e.errors[i].mean_squared_by_step[h]);
    }
    errors.series.push_back(std::move(one));
  }
  std::vector<Chart> charts = charts_of(forecaster, {e.example});
  const std::string drawn = of_many(charts.size(), forecaster.targets().size());
  charts.insert(charts.begin(), std::move(errors));
  return chart_picture(
      fmt::format("{} forecasts, {} to {}; below: the last of them{}", thousands(e.forecasts), e.first, e.last, drawn),
      charts);
}

std::string learning_picture(const Course& course, const std::string& model, const std::string& unit) {
  Chart chart;
  chart.title = "Loss by epoch";
  chart.x_label = "epochs";
  chart.y_label = loss_unit(unit);
  ChartSeries train = {"training", 1}, validation = {"validation", 2};
  for (const Course::Epoch& epoch : course.epochs) {
    train.x.push_back(static_cast<double>(epoch.number));
    train.y.push_back(epoch.loss);
  }
  for (const Course::Validation& one : course.validations) {
    validation.x.push_back(one.epochs);
    validation.y.push_back(one.loss);
  }
  chart.series.push_back(std::move(train));
  if (!validation.x.empty()) chart.series.push_back(std::move(validation));
  return chart_picture(model, std::span(&chart, 1));
}

}  // namespace sluice::tool
