// Forecasts of tables, and how unlike its forecast each row of a table is.
#include "sluice/forecast.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <memory>

#include "arrays.h"
#include "fields.h"
#include "reports.h"
#include "subjects.h"
#include "tables.h"

namespace sluice::python {
namespace {

ForecastOptions forecast_options(const nb::dict& given) {
  ForecastOptions o;
  apply(given, "time", o.time);
  apply(given, "id", o.id);
  apply(given, "targets", o.targets);
  apply(given, "past", o.past);
  apply(given, "future", o.future);
  apply(given, "static", o.fixed);
  apply(given, "horizon", o.horizon);
  apply(given, "lookback", o.lookback);
  apply(given, "season", o.season);
  apply(given, "quantiles", o.quantiles);
  apply(given, "missing", o.missing);
  apply(given, "detect", o.detect);
  apply(given, "test-split", o.test_split);
  apply(given, "validation-split", o.validation_split);
  return o;
}

nb::dict dict_of(const ForecastError& error) {
  nb::dict all;
  all["mean_squared_error"] = error.mean_squared;
  all["mean_absolute_error"] = error.mean_absolute;
  all["mean_squared_error_by_step"] = error.mean_squared_by_step;
  return all;
}

// A forecaster that nothing but train() changes.
class PythonForecaster {
 public:
  PythonForecaster(const PythonTable& table, const nb::dict& options, const nb::dict& network,
                   const nb::dict& training) {
    const ForecastOptions o = forecast_options(options);
    // Read twice: a wrong value is refused before the table is read, and with the interpreter's lock.
    ForecastDefaults read;
    apply_network(network, read.config);
    apply_training(training, read.train);
    const auto settle = [&](ForecastDefaults& d) {
      nb::gil_scoped_acquire lock;
      apply_network(network, d.config);
      apply_training(training, d.train);
    };
    Signals signals;
    interruptible(signals, [&] { forecaster_ = std::make_unique<Forecaster>(table.source, o, settle); });
  }
  PythonForecaster(const Model& model, const std::string& name)
      : forecaster_(std::make_unique<Forecaster>(model, name)) {}

  const Forecaster& get() const { return *forecaster_; }

  // As train_text(): the model, the result and what was raised, and the settings for the model's note.
  nb::tuple train(nb::object report) {
    const Use use(used_, "train");
    nb::tuple trained = run(forecaster_->model(), std::move(report), [&](Model& model, const auto& reports) {
      const TrainResult result = forecaster_->train(reports);
      model = forecaster_->model();
      return result;
    });
    return nb::make_tuple(std::move(trained), noted(forecaster_->train_options()));
  }

  // For each series its name, the times, and the numbers [targets, horizon, quantiles]; and the state, if asked for.
  nb::tuple predict(const PythonTable& table, const PythonTable* future, const std::optional<std::string>& state,
                    bool with_state, std::size_t threads) const {
    std::string next;
    ForecastInput input;
    if (future != nullptr) input.future = &future->source;
    begin(input, state, with_state ? &next : nullptr);
    Signals signals;
    const std::vector<Forecast> all =
        interruptible(signals, [&] { return forecaster_->predict(table.source, input, threads); });
    nb::list forecasts;
    const std::size_t targets = get().targets().size(), horizon = get().horizon(), count = get().quantiles().size();
    for (const Forecast& one : all) {
      forecasts.append(nb::make_tuple(one.series, one.times, to_array(one.values, {targets, horizon, count})));
    }
    return nb::make_tuple(std::move(forecasts), state_or_none(with_state, next));
  }

  // Scores [rows, targets] in the order of the table's rows, their times and series, and the state, if asked for.
  nb::tuple detect(const PythonTable& table, const std::optional<std::string>& state, bool with_state) const {
    std::string next;
    ForecastInput input;
    begin(input, state, with_state ? &next : nullptr);
    std::vector<double> scores;
    std::vector<std::string> times, series;
    const auto add = [&](const Detection& row) {
      scores.insert(scores.end(), row.scores.begin(), row.scores.end());
      times.push_back(row.time);
      series.push_back(row.series);
      return true;
    };
    Signals signals;
    interruptible(signals, [&] { forecaster_->detect(table.source, add, input); });
    const std::size_t targets = get().targets().size();
    return nb::make_tuple(to_array(scores, {scores.size() / targets, targets}), times, series,
                          state_or_none(with_state, next));
  }

  nb::dict evaluate(const PythonTable& table, const PythonTable* training, std::size_t threads) const {
    Signals signals;
    const ForecastEvaluation e = interruptible(signals, [&] {
      return forecaster_->evaluate(table.source, training == nullptr ? nullptr : &training->source, threads);
    });
    nb::dict all = dict_of(e.errors[0]), roots, baselines;
    all["forecasts"] = e.forecasts;
    all["first"] = e.first;
    all["last"] = e.last;
    all["coverage"] = e.coverage;
    for (std::size_t t = 0; t < e.root_mean_squared.size(); ++t) {
      roots[get().targets()[t].c_str()] = e.root_mean_squared[t];
    }
    for (std::size_t i = 1; i < e.errors.size(); ++i) baselines[e.errors[i].name.c_str()] = dict_of(e.errors[i]);
    all["root_mean_squared_error"] = roots;
    all["baselines"] = baselines;
    return all;
  }

 private:
  static void begin(ForecastInput& input, const std::optional<std::string>& state, std::string* next) {
    if (state && state->empty()) refuse_field("state", "one that predict or detect returned", "an empty text");
    if (state) input.state_in = *state;
    input.state_out = next;
  }
  static nb::object state_or_none(bool with_state, const std::string& state) {
    return with_state ? nb::cast(state) : nb::none();
  }

  std::unique_ptr<Forecaster> forecaster_;
  std::atomic<bool> used_{false};
};

}  // namespace

void bind_forecast(nb::module_& m) {
  using namespace nb::literals;
  nb::class_<PythonForecaster>(m, "Forecaster", "A model that predicts columns of a table, and how the table is read.")
      .def(nb::init<const PythonTable&, const nb::dict&, const nb::dict&, const nb::dict&>(), "table"_a, "options"_a,
           "network"_a, "training"_a)
      .def_static(
          "from_model", [](const Model& model, const std::string& name) { return new PythonForecaster(model, name); },
          "model"_a, "name"_a = "model", nb::rv_policy::take_ownership)
      .def("train", &PythonForecaster::train, "report"_a.none())
      .def("predict", &PythonForecaster::predict, "table"_a, "future"_a.none() = nb::none(),
           "state"_a.none() = nb::none(), "with_state"_a = false, "threads"_a = 0)
      .def("detect", &PythonForecaster::detect, "table"_a, "state"_a.none() = nb::none(), "with_state"_a = false)
      .def("evaluate", &PythonForecaster::evaluate, "table"_a, "training"_a.none() = nb::none(), "threads"_a = 0)
      .def_prop_ro("detects", [](const PythonForecaster& f) { return f.get().detects(); })
      .def_prop_ro("validates", [](const PythonForecaster& f) { return f.get().validates(); })
      .def_prop_ro("targets", [](const PythonForecaster& f) { return f.get().targets(); })
      .def_prop_ro("horizon", [](const PythonForecaster& f) { return f.get().horizon(); })
      .def_prop_ro("lookback", [](const PythonForecaster& f) { return f.get().lookback(); })
      .def_prop_ro("season", [](const PythonForecaster& f) { return f.get().season(); })
      .def_prop_ro("frequency", [](const PythonForecaster& f) { return f.get().frequency(); })
      .def_prop_ro("quantiles", [](const PythonForecaster& f) { return f.get().quantiles(); })
      .def_prop_ro("windows", [](const PythonForecaster& f) { return f.get().windows(); });
}

}  // namespace sluice::python
