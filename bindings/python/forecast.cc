// Forecasts of tables, and how unlike its forecast each row of a table is.
#include "sluice/forecast.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "arrays.h"
#include "fields.h"
#include "reports.h"
#include "subjects.h"
#include "tables.h"

namespace sluice::python {
namespace {

// f(name, field) of every option, by the names that the estimators' arguments have.
template <class Options, class F>
void visit_options(Options& o, F&& f) {
  f("time", o.time);
  f("id", o.id);
  f("target", o.targets);
  f("past", o.past);
  f("future", o.future);
  f("static", o.fixed);
  f("horizon", o.horizon);
  f("lookback", o.lookback);
  f("season", o.season);
  f("quantiles", o.quantiles);
  f("missing", o.missing);
  f("detect", o.detect);
  f("test_split", o.test_split);
  f("validation_split", o.validation_split);
}

ForecastOptions options_of(const nb::dict& given) {
  ForecastOptions o;
  visit_options(o, [&](const char* name, auto& field) { apply(given, name, field); });
  return o;
}

nb::dict default_options() {
  const ForecastOptions o;
  nb::dict all;
  visit_options(o, [&](const char* name, const auto& field) { all[name] = nb::cast(field); });
  return all;
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
    const ForecastOptions o = options_of(options);
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

  // For each series its name, the times, and the numbers [targets, horizon, quantiles]; the state, if asked for; and
  // the fewest rows that a forecast looked at.
  nb::tuple predict(const PythonTable& table, const PythonTable* future, const std::optional<std::string>& state,
                    bool with_state, std::size_t threads) const {
    std::string next;
    ForecastInput input;
    if (future != nullptr) input.future = &future->source;
    input.fewer_rows = true;
    begin(input, state, with_state ? &next : nullptr);
    Signals signals;
    const std::vector<Forecast> all =
        interruptible(signals, [&] { return forecaster_->predict(table.source, input, threads); });
    nb::list forecasts;
    const std::size_t targets = get().targets().size(), horizon = get().horizon(), count = get().quantiles().size();
    std::size_t fewest = get().lookback();
    for (const Forecast& one : all) {
      fewest = std::min(fewest, one.past_times.size());
      forecasts.append(nb::make_tuple(one.series, one.times, to_array(one.values, {targets, horizon, count})));
    }
    return nb::make_tuple(std::move(forecasts), state_or_none(with_state, next), fewest);
  }

  // Of every row of the table, in their order: the scores [rows, targets], the largest, the column that it is of, the
  // time and the series; and the state, if asked for.
  nb::tuple detect(const PythonTable& table, const std::optional<std::string>& state, bool with_state) const {
    std::string next;
    ForecastInput input;
    begin(input, state, with_state ? &next : nullptr);
    std::vector<double> all, largest;
    std::vector<std::size_t> columns;
    std::vector<std::string> times, series;
    const auto add = [&](const Detection& row) {
      all.insert(all.end(), row.scores.begin(), row.scores.end());
      largest.push_back(row.score);
      columns.push_back(row.column);
      times.push_back(row.time);
      series.push_back(row.series);
      return true;
    };
    Signals signals;
    interruptible(signals, [&] { forecaster_->detect(table.source, add, input); });
    return nb::make_tuple(to_array(all, {largest.size(), get().targets().size()}), to_array(largest, {largest.size()}),
                          columns, times, series, state_or_none(with_state, next));
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
    all["loses_to"] = e.loses_to();
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
  m.def("forecast_defaults", default_options, "What a Forecaster does where its options say nothing.");
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
      .def_prop_ro("targets", [](const PythonForecaster& f) { return f.get().targets(); })
      .def_prop_ro("horizon", [](const PythonForecaster& f) { return f.get().horizon(); })
      .def_prop_ro("quantiles", [](const PythonForecaster& f) { return f.get().quantiles(); })
      .def_prop_ro("windows", [](const PythonForecaster& f) { return f.get().windows(); });
}

}  // namespace sluice::python
