// Forecasts of the columns of a table: what a model of them is made of, the windows that it reads, and what its outputs
// mean.
//
// A forecast looks at one target at a time, so that one network serves all of them: the last `lookback` values, in
// segments one after another, relative to a level (the last value, or the mean over the last season) and in units of
// the column's deviation. What stands after the last segment predicts all steps ahead at once, as differences from a
// base that needs no network (Lin et al. 2023, arXiv 2308.11200, with another level and without their decoder).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/missing.h"
#include "data/table.h"
#include "sluice/forecast.h"
#include "sluice/model.h"
#include "sluice/sequences.h"

namespace sluice {

enum class ForecastBase {
  last,      // the last value
  mean,      // the mean over the last season
  seasonal,  // the values of the last season, again and again
};
constexpr std::array<std::string_view, 3> choices(ForecastBase) { return {"last", "mean", "seasonal"}; }

// Kept in the model's notes.
struct ForecastTask {
  std::string time = {}, id = {};  // columns; empty: rows are counted, or all are of one series
  bool timed = false;
  std::vector<std::string> targets = {}, past = {}, future = {}, fixed = {};
  std::vector<std::vector<std::string>> categories = {};  // of each fixed column, in training
  Missing missing = Missing::refuse;
  Frequency frequency = {};
  std::size_t horizon = 1, lookback = 1, segment = 1, season = 1, span = 1;  // span: of the mean
  std::vector<ForecastBase> bases = {};                                      // [targets]
  ScalingConfig scaling = {};                                                // of targets, past and future columns
  bool yearly = false;                                                       // the time of the year is read too
  bool detect = false;              // how unlike its forecast a row is, for which the horizon is 1
  std::vector<double> errors = {};  // [targets] then: roots of the mean squares of errors on what was held out
  Time trained = 0;                 // the last time of the part that was trained on
  Time seen = 0;                    // and of the part that was validated on
  TimeForm time_form = {};          // as the table wrote its times

  std::size_t columns() const { return targets.size() + past.size() + future.size(); }
  std::size_t inputs() const;  // numbers a step of the network
  std::size_t steps() const;   // of the network, for one forecast
};

// The numbers of one series as the network's windows are cut from them.
struct ForecastSeries {
  std::string name = {};
  std::vector<Time> times = {};
  std::vector<float> rows = {};           // [times, width]: scaled and filled; with a mask, what MissingFiller adds
  std::vector<float> truth = {};          // [times, targets]: scaled; NaN: missing
  std::vector<std::uint32_t> fixed = {};  // [times, fixed columns]: a category; as many as there are: another one
  std::size_t width = 0;

  std::size_t size() const { return times.size(); }
  float value(std::size_t row, std::size_t column) const { return rows[row * width + column]; }
};
// What a target really was, scaled; NaN: missing.
inline double truth_of(const ForecastTask& task, const ForecastSeries& series, std::size_t row, std::size_t target) {
  return static_cast<double>(series.truth[row * task.targets.size() + target]);
}

// Puts the rows of one series behind each other, scaled and filled.
class RowFiller {
 public:
  explicit RowFiller(const ForecastTask& task);
  std::size_t width() const { return filler_.inputs(); }
  // `numbers`: one a column of the task, as a table has them; NaN: missing.
  void add(Time time, std::span<const double> numbers, std::span<const std::uint32_t> fixed, ForecastSeries& to);

 private:
  const ForecastTask& task_;
  MissingFiller filler_;
  std::vector<float> scaled_;
};

// How a table is read for a task.
TableOptions table_options(const ForecastTask& task);
// Reads a table of the columns that options name; all columns of numbers where there are no targets. Puts in the names
// of what was found. Times that are missing become rows of missing numbers. Throws Error (bad_file): as read_table, and
// times that are not at equal distances or missing.
Table read_forecast_table(const TextSource& source, ForecastTask& task);
// Throws Error (bad_file) where the table's steps are not those of the task.
void expect_frequency(const ForecastTask& task, const Table& table);

// The rows of a series up to a time, and of the longest one.
std::size_t rows_until(const ForecastSeries& series, Time last);
std::size_t most_rows_until(std::span<const ForecastSeries> series, Time last);

// Completes a task, whose columns are known, from its table: the split, the sizes that nobody gave, and from the
// training part the scaling and the bases. Throws Error (usage) for sizes and shares that cannot be.
void fit_forecast(const Table& table, const ForecastOptions& options, ForecastTask& task);

// The series of a table, scaled and filled.
std::vector<ForecastSeries> series_of(const ForecastTask& task, const Table& table);

// What a window is measured from.
struct ForecastLevel {
  double level = 0, scale = 1;
};
ForecastLevel level_of(const ForecastTask& task, const ForecastSeries& series, std::size_t at, std::size_t target);
// The base of step h of a forecast from row `at` on, scaled as the column.
double base_of(const ForecastTask& task, const ForecastSeries& series, std::size_t at, std::size_t target,
               std::size_t h, const ForecastLevel& level);

// A forecast: of which target, from which row on.
struct ForecastOrigin {
  std::size_t series = 0, target = 0, at = 0;
};
// The forecasts whose steps all lie at times in (after, last], of all series and targets: at most about `most`, evenly
// spread.
struct ForecastPart {
  std::optional<Time> after = {}, last = {};  // nothing: no bound
};
std::vector<ForecastOrigin> origins_of(const ForecastTask& task, std::span<const ForecastSeries> series,
                                       const ForecastPart& part, std::size_t most);
// The windows of these forecasts; with what they are to predict where that is asked for.
Sequences windows_of(const ForecastTask& task, std::span<const ForecastSeries> series,
                     std::span<const ForecastOrigin> origins, bool targets);
// Outputs of the network for a forecast as numbers in the scale of its column, in place: [horizon, quantiles].
void to_values(const ForecastTask& task, std::span<const ForecastSeries> series, const ForecastOrigin& origin,
               std::span<float> outputs);

// Predicts from each of these origins, some at a time, so that many need no more memory: `use` gets the numbers in the
// scale of the column, [horizon, quantiles].
void predict_each(const ForecastTask& task, const Model& model, std::span<const ForecastSeries> series,
                  std::span<const ForecastOrigin> origins, std::size_t threads,
                  const std::function<void(const ForecastOrigin&, std::span<const float>)>& use);

// The forecasts from these origins in the units of their columns, those of all targets from one row in one Forecast;
// origins of one row follow each other, the first target first.
std::vector<Forecast> forecasts_from(const ForecastTask& task, const Model& model,
                                     std::span<const ForecastSeries> series, std::span<const ForecastOrigin> origins,
                                     const TimeForm& form, std::size_t threads);

// The quantile that stands for the forecast where one number is wanted.
std::size_t middle_of(const Model& model);
// Of each target so many forecasts are measured at most: evenly spread ones stand for more.
inline constexpr std::size_t kMostForecasts = 20000;
// The roots of the mean squares of errors of each target, one step ahead, scaled; of at most about `most` forecasts.
std::vector<double> usual_errors(const ForecastTask& task, const Model& model, std::span<const ForecastSeries> series,
                                 const ForecastPart& part, std::size_t most, std::size_t threads);

// How far the model and the baselines are off on what comes after the task's split; `training` has the rows that the
// linear one learns from.
struct ForecastScoring {
  std::span<const ForecastSeries> series, training;
  std::size_t threads = 0;
};
ForecastEvaluation score_forecasts(const ForecastTask& task, const Model& model, const ForecastScoring& scoring,
                                   const std::string& name);

// Of a model that train made; nothing where it has another task. Throws Error (bad_file): a note that was not written
// so, or does not fit the network.
std::optional<ForecastTask> forecast_of(const Model& model, const std::string& path);
void set_forecast(Model& model, const ForecastTask& task);

}  // namespace sluice
