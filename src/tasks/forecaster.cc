// The public face of forecasts.
#include "sluice/forecast.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "base/failure.h"
#include "base/fields.h"
#include "base/shown.h"
#include "base/watch.h"
#include "data/lines.h"
#include "model/config.h"
#include "model/model_access.h"
#include "sluice/error.h"
#include "tasks/forecast.h"
#include "tasks/forecast_rows.h"
#include "tasks/task.h"

namespace sluice {
namespace {

constexpr std::size_t kMostWindows = 16384, kMostValidated = 4096;
constexpr std::size_t kMostNumbers = std::size_t{1} << 26;  // of all windows, which are float32: 256 MB

// As many windows as fit, but no more than teach the network something new.
std::size_t most_windows(const ForecastTask& task, std::size_t usual) {
  const std::size_t size = task.steps() * task.inputs() + task.horizon;
  return std::clamp<std::size_t>(kMostNumbers / size, 64, usual);
}

ForecastDefaults defaults_of(const ForecastTask& task, std::size_t windows, bool validates) {
  ForecastDefaults d;
  const bool large = windows >= 6000;
  d.config.cell = "gru";
  d.config.hidden = large ? 128 : 64;
  d.config.dropout = large ? 0.5 : 0.3;
  d.config.input_dropout = windows < 512 ? 0.1 : 0;
  d.config.inputs = task.inputs();
  d.config.outputs = task.horizon;
  d.train.optimizer = Optimizer::adamw;
  d.train.schedule = Schedule::cosine;
  d.train.learning_rate = large ? 1e-3 : 3e-3;
  d.train.weight_decay = 0.01;
  d.train.ema_decay = 0.99;
  d.train.batch = windows >= 512 ? 32 : 16;
  const std::size_t updates = validates ? 1000 : 720;  // where no validation says which epoch was the best
  d.train.epochs = std::clamp<std::size_t>(updates * d.train.batch / std::max<std::size_t>(1, windows), 4, 200);
  d.train.validation_split = 0;
  return d;
}

void check_columns(const ForecastTask& task) {
  std::vector<std::string> all = table_options(task).numbers;
  all.insert(all.end(), task.fixed.begin(), task.fixed.end());
  if (!task.id.empty()) all.push_back(task.id);
  if (!task.time.empty()) all.push_back(task.time);
  std::ranges::sort(all);
  const auto twice = std::ranges::adjacent_find(all);
  if (twice != all.end()) throw Error(Status::usage, "columns: expected each once, found " + shown(*twice) + " again");
}

// The pass behind the training of a detector that says how large its errors usually are.
struct ErrorPass {
  std::size_t most = 0;  // forecasts
  double seconds = 0;    // that it takes, where training has to end within some time
};

// Within a limit, the pass takes a twentieth of it: as many forecasts as that is enough for, by how long some take.
ErrorPass plan_errors(const ForecastTask& task, const Model& model, std::span<const ForecastSeries> series,
                      const ForecastPart& part, const TrainOptions& options) {
  constexpr double kShare = 0.05;
  constexpr std::size_t kTried = 256;
  ErrorPass pass = {kMostForecasts * task.targets.size()};
  const std::size_t tried = options.max_seconds > 0 ? origins_of(task, series, part, kTried).size() : 0;
  if (tried == 0) return pass;
  const std::size_t all = origins_of(task, series, part, pass.most).size();
  const auto start = std::chrono::steady_clock::now();
  usual_errors(task, model, series, part, kTried, options.threads);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  const double each = taken.count() / static_cast<double>(tried);
  const double enough = std::clamp(kShare * options.max_seconds / each, double(kTried), double(pass.most));
  pass.most = static_cast<std::size_t>(enough);
  pass.seconds = each * static_cast<double>(std::min(pass.most, all));
  return pass;
}

// Rows that a forecast cannot do without: a segment of the network, and what it is measured from.
std::size_t least_lookback(const ForecastTask& task) {
  std::size_t rows = std::max(task.segment, task.span);
  if (std::ranges::find(task.bases, ForecastBase::seasonal) != task.bases.end()) rows = std::max(rows, task.season);
  return (rows + task.segment - 1) / task.segment * task.segment;
}

// Of so many rows those that a forecast looks at.
std::size_t looked_at(const ForecastTask& task, std::size_t rows) {
  return std::min(task.lookback, rows - rows % task.segment);
}

}  // namespace

struct Forecaster::Impl {
  std::optional<Model> model;
  std::string name;
  ForecastTask task;
  ForecastDefaults defaults;
  std::vector<ForecastSeries> series;  // of the table that it was made from, where errors are still to be measured
  Sequences training, validation;

  std::optional<Table> read_future(const std::string& name_of_table, const TextSource* future) const {
    if (future == nullptr) {
      if (task.future.empty()) return std::nullopt;
      refuse_at(name_of_table, "a table of what is known in advance (future) beside it", "none");
    }
    if (task.future.empty()) {
      refuse_at(future->name, "no table of the future for a model that reads no column of it", "one");
    }
    ForecastTask ahead = task;
    ahead.targets = task.future;
    ahead.past.clear();
    ahead.future.clear();
    ahead.fixed.clear();
    ahead.missing = Missing::fill;
    return read_forecast_table(*future, ahead);
  }
  // Another table for the same task.
  Table read(const TextSource& source) const {
    ForecastTask found = task;
    Table table = read_forecast_table(source, found);
    expect_frequency(task, table);
    return table;
  }
};

Forecaster::Forecaster(const TextSource& source, const ForecastOptions& options,
                       const std::function<void(ForecastDefaults&)>& settle) try
    : impl_(std::make_unique<Impl>()) {
  Impl& i = *impl_;
  ForecastTask& task = i.task;
  i.name = source.name;
  task.time = options.time;
  task.id = options.id;
  task.targets = options.targets;
  task.past = options.past;
  task.future = options.future;
  task.fixed = options.fixed;
  task.missing = find_missing(options.missing);
  check_columns(task);
  if (options.detect && !task.future.empty()) {
    throw Error(Status::usage, "future: expected no columns that are known in advance to detect, found some");
  }
  const Table table = read_forecast_table(source, task);
  fit_forecast(table, options, task);
  i.series = series_of(task, table);
  const std::vector<ForecastSeries>& series = i.series;
  const auto cut = [&](const ForecastPart& part, std::size_t most) {
    Sequences windows = windows_of(task, series, origins_of(task, series, part, most_windows(task, most)), true);
    windows.name = source.name;
    return windows;
  };
  i.training = cut({std::nullopt, task.trained}, kMostWindows);
  if (i.training.size() == 0) {
    refuse_at(source.name,
              std::to_string(task.lookback + task.horizon) + " rows or more to train on (lookback " +
                  std::to_string(task.lookback) + ", horizon " + std::to_string(task.horizon) + ")",
              std::to_string(most_rows_until(series, task.trained)));
  }
  if (std::ranges::all_of(i.training.targets, [](float target) { return std::isnan(target); })) {
    refuse_at(source.name, "a number or more to predict in the rows to train on", "none");
  }
  if (task.seen > task.trained) i.validation = cut({task.trained, task.seen}, kMostValidated);
  i.defaults = defaults_of(task, i.training.size(), validates());
  if (settle) settle(i.defaults);
  Config config = i.defaults.config;
  config.inputs = task.inputs();
  config.outputs = task.horizon;
  config.head.loss = "quantiles";
  config.head.quantiles = options.quantiles;
  config.head.at = "last";
  i.defaults.config = checked(config);
  i.defaults.train.validation_split = 0;
  i.model.emplace(i.defaults.config, i.defaults.train.seed);
  if (task.detect) {
    task.errors.assign(task.targets.size(), 1);  // until it is trained
  } else {
    i.series.clear();
  }
  Task named;
  named.kind = task.detect ? TaskKind::detect : TaskKind::forecast;
  named.form = DataForm::table;
  set_task(*i.model, named);
  set_forecast(*i.model, task);
} catch (...) {
  rethrow_as_error("forecaster");
}

Forecaster::Forecaster(Model model, const std::string& name) try : impl_(std::make_unique<Impl>()) {
  const std::optional<ForecastTask> task = forecast_of(model, name);
  if (!task) throw Error(Status::bad_file, name + ": expected a model that forecasts, found another");
  impl_->name = name;
  impl_->task = *task;
  impl_->model.emplace(std::move(model));
} catch (...) {
  rethrow_as_error("forecaster");
}

Forecaster::~Forecaster() = default;
Forecaster::Forecaster(Forecaster&&) noexcept = default;
Forecaster& Forecaster::operator=(Forecaster&&) noexcept = default;

TrainResult Forecaster::train(const std::function<bool(const Report&)>& report) {
  return train(impl_->defaults.train, report);
}

TrainResult Forecaster::train(const TrainOptions& options, const std::function<bool(const Report&)>& report) {
  Impl& i = *impl_;
  if (i.training.size() == 0) throw Error(Status::usage, "forecaster: expected a table to train on, found a model");
  TrainOptions now = options;
  now.validation_split = 0;
  const ForecastPart measured =
      validates() ? ForecastPart{i.task.trained, i.task.seen} : ForecastPart{std::nullopt, i.task.trained};
  ErrorPass errors;
  if (i.task.detect) {
    const auto start = std::chrono::steady_clock::now();
    errors = plan_errors(i.task, *i.model, i.series, measured, now);
    const std::chrono::duration<double> planned = std::chrono::steady_clock::now() - start;
    if (now.max_seconds > 0) now.max_seconds = std::max(1e-9, now.max_seconds - planned.count() - errors.seconds);
  }
  TrainResult result = validates() ? sluice::train(*i.model, i.training, i.validation, now, report)
                                   : sluice::train(*i.model, i.training, now, report);
  if (i.task.detect) {
    try {
      const Watch::Heeded heeded;
      i.task.errors = usual_errors(i.task, *i.model, i.series, measured, errors.most, now.threads);
    } catch (const Stopped&) {
      result.stopped = true;
    }
    set_forecast(*i.model, i.task);
  }
  return result;
}

const TrainOptions& Forecaster::train_options() const { return impl_->defaults.train; }
bool Forecaster::validates() const { return impl_->validation.size() > 0; }
const Model& Forecaster::model() const { return *impl_->model; }
Model& Forecaster::model() { return *impl_->model; }
const std::vector<std::string>& Forecaster::targets() const { return impl_->task.targets; }
std::size_t Forecaster::horizon() const { return impl_->task.horizon; }
std::size_t Forecaster::lookback() const { return impl_->task.lookback; }
std::size_t Forecaster::season() const { return impl_->task.season; }
std::string Forecaster::frequency() const { return impl_->task.timed ? frequency_text(impl_->task.frequency) : ""; }
const std::vector<double>& Forecaster::quantiles() const { return impl_->model->config().head.quantiles; }
std::size_t Forecaster::windows() const { return impl_->training.size(); }

std::vector<Forecast> Forecaster::predict(const TextSource& source, const ForecastInput& input,
                                          std::size_t threads) const try {
  const Impl& i = *impl_;
  const ForecastTask& task = i.task;
  const std::optional<Table> known = i.read_future(source.name, input.future);
  ForecastRows rows(task, network_of(*i.model));
  if (!input.state_in.empty()) rows.begin(input.state_in, input.state_name);
  rows.add_all(source);
  const std::size_t least = input.fewer_rows ? least_lookback(task) : task.lookback;
  for (const ForecastSeries& one : rows.series()) {
    if (one.size() >= least) continue;
    refuse_at(source.name,
              std::to_string(least) + " rows or more before a forecast" +
                  (one.name.empty() ? "" : ", of " + shown(one.name) + " too"),
              std::to_string(one.size()));
  }
  const std::vector<ForecastSeries> series = rows.with_next_rows(known ? &*known : nullptr);
  std::vector<ForecastOrigin> origins;
  std::vector<Forecast> all;
  for (std::size_t s = 0; s < series.size(); ++s) {
    const std::size_t there = series[s].size() - task.horizon;
    for (std::size_t t = 0; t < task.targets.size(); ++t) origins.push_back({s, t, there});
    // Those with as many rows together.
    const bool last = s + 1 == series.size();
    if (!last && looked_at(task, series[s + 1].size() - task.horizon) == looked_at(task, there)) continue;
    ForecastTask now = task;
    now.lookback = looked_at(task, there);
    std::ranges::move(forecasts_from(now, *i.model, series, origins, rows.time_form(), threads),
                      std::back_inserter(all));
    origins.clear();
  }
  if (input.state_out != nullptr) *input.state_out = rows.state();
  return all;
} catch (...) {
  rethrow_as_error("forecast");
}

void Forecaster::detect(const TextSource& source, const std::function<bool(const Detection&)>& row,
                        const ForecastInput& input) const try {
  const Impl& i = *impl_;
  const ForecastTask& task = i.task;
  if (!task.detect)
    throw Error(Status::usage, i.name + ": expected a model that was trained to detect, found a forecast");
  ForecastRows rows(task, network_of(*i.model));
  if (!input.state_in.empty()) rows.begin(input.state_in, input.state_name);
  const std::size_t targets = task.targets.size(), middle = middle_of(*i.model);
  std::vector<ForecastOrigin> origins(targets);
  rows.add_all(source, [&](std::size_t s) {
    const ForecastSeries& one = rows.series()[s];
    const std::size_t at = one.size() - 1;
    Detection found;
    found.series = one.name;
    found.time = time_text(one.times[at], rows.time_form());
    found.scores.assign(targets, std::numeric_limits<double>::quiet_NaN());
    found.score = found.scores[0];
    if (at >= task.lookback) {
      for (std::size_t t = 0; t < targets; ++t) origins[t] = {s, t, at};
      predict_each(task, *i.model, rows.series(), origins, 1,
                   [&](const ForecastOrigin& origin, std::span<const float> values) {
                     const std::size_t t = origin.target;
                     const double apart = truth_of(task, one, at, t) - static_cast<double>(values[middle]);
                     found.scores[t] = std::abs(apart) / task.errors[t];
                     if (std::isnan(found.scores[t]) || found.score >= found.scores[t]) return;
                     found.score = found.scores[t];
                     found.column = t;
                   });
    }
    return row(found);
  });
  if (input.state_out != nullptr) *input.state_out = rows.state();
} catch (...) {
  rethrow_as_error("detect");
}

bool Forecaster::detects() const { return impl_->task.detect; }

std::vector<std::string> ForecastEvaluation::loses_to() const {
  std::vector<std::string> names;
  for (std::size_t i = 1; i < errors.size(); ++i) {
    if (errors[i].mean_squared <= errors[0].mean_squared) names.push_back(errors[i].name);
  }
  return names;
}

ForecastEvaluation Forecaster::evaluate(const TextSource& source, const TextSource* training, std::size_t threads) const
    try {
  const Impl& i = *impl_;
  const std::vector<ForecastSeries> series = series_of(i.task, i.read(source));
  std::vector<ForecastSeries> before;
  if (training != nullptr) before = series_of(i.task, i.read(*training));
  return score_forecasts(i.task, *i.model, {series, training != nullptr ? before : series, threads}, source.name);
} catch (...) {
  rethrow_as_error("evaluate");
}

}  // namespace sluice
