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
  bool detect = false;  // of --task, not a flag of its own

  void add(CLI::App& app);
  bool given() const;  // one of them
  ForecastOptions options() const;

 private:
  ForecastOptions typed_;  // and where nothing was typed, the library's defaults
  std::vector<CLI::Option*> flags_;
};

// What was typed for one training.
struct ForecastRun {
  const TrainTarget& target;
  TextSource table;
  const std::string& file;  // as it was typed
  const ForecastFlags& flags;
  const NetworkFlags& network;
  const TrainingFlags& training;
  const TrainOptions& early;  // as they were typed, before the defaults of the table are known
};
int train_forecast(const ForecastRun& run, Console& console, const Stopwatch& clock);

// What a model's note on forecasts says, for people; nothing where it has none. Throws as forecast_of().
std::vector<std::string> forecast_lines(const Model& model, const std::string& path);

// What a verb is asked of a model of forecasts.
struct ForecastQuestion {
  const Model& model;
  const std::string& path;
  const std::string& file;
  std::size_t threads = 0;
  const ResultFlags& result;
};
// training: the table that was trained on; empty: none.
int eval_forecast(const ForecastQuestion& question, const std::string& training);

// The flags of `predict` for forecasts.
struct ForecastFiles {
  std::string future, state_in, state_out;  // empty: none

  void add(CLI::App& app);
  bool given() const { return !future.empty() || !state_in.empty() || !state_out.empty(); }
};
// Rows of what comes, or of a model that detects, a row for every row that is read.
int predict_forecast(const ForecastQuestion& question, const ForecastFiles& files);

}  // namespace sluice::tool
