// Forecasts of tables, as `train`, `eval` and `predict` make them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "options.h"
#include "output.h"
#include "sluice/forecast.h"
#include "train_job.h"

namespace sluice::tool {

struct ForecastFlags {
  std::string target, time, id, past, future, fixed, quantiles, missing = "refuse";
  std::uint64_t horizon = 0, lookback = 0, season = 0;
  double test_split = 0.2;

  void add(CLI::App& app);
  bool given() const;  // one of them
  ForecastOptions options() const;

 private:
  std::vector<CLI::Option*> flags_;
};

// What was typed for one training.
struct ForecastRun {
  const TrainTarget& target;
  const std::string& file;
  const ForecastFlags& flags;
  const NetworkFlags& network;
  const TrainingFlags& training;
};
int train_forecast(const ForecastRun& run, Talk& talk, const Stopwatch& clock);

// What a verb is asked of a model of forecasts. `beside`: the table that was trained on, or that of the future; empty:
// none.
struct ForecastQuestion {
  const Model& model;
  const std::string& path;
  const std::string& file;
  const std::string& beside;
  std::size_t threads = 0;
  const ResultFlags& result;
};
int eval_forecast(const ForecastQuestion& question);
int predict_forecast(const ForecastQuestion& question);

}  // namespace sluice::tool
