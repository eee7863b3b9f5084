// Forecasts of the columns of a table over time.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sluice/data.h"
#include "sluice/export.h"
#include "sluice/model.h"
#include "sluice/standard.h"
#include "sluice/train.h"

namespace sluice {

struct ForecastOptions {
  std::string time = {};                  // the column of times; empty: the first with dates, else rows are counted
  std::string id = {};                    // the column that tells series apart; empty: there is one
  std::vector<std::string> targets = {};  // columns to predict; empty: every column of numbers
  std::vector<std::string> past = {};     // columns that are known up to now
  std::vector<std::string> future = {};   // columns that are known in advance as well
  std::vector<std::string> fixed = {};    // columns of text that say what kind of series it is
  std::size_t horizon = 0;                // steps to predict; 0: a season, or 10 where none is known
  std::size_t lookback = 0;  // values that a forecast looks at; 0: some 30 seasons, as far as there are rows
  std::size_t season = 0;    // steps after which a series repeats itself; 0: by its frequency
  std::vector<double> quantiles = {0.1, 0.5, 0.9};
  std::string missing = "refuse";  // refuse, mask or fill: what becomes of numbers that are missing
  bool detect = false;             // one step ahead, for detect(); the horizon is 1
  // The last shares of the rows: for evaluate(), and before them to validate on. Below 0: a tenth, or where that is
  // less than five horizons, which says little, none.
  double test_split = 0.2, validation_split = -1;
};

// What comes after the last row of one series.
struct Forecast {
  std::string series = {};              // empty where a table holds one
  std::vector<std::string> times = {};  // [horizon]
  std::vector<double> values = {};      // [targets, horizon, quantiles]
  // What it looked at, and what came; NaN: missing, or not known. As float32 holds them.
  std::vector<std::string> past_times = {};   // [lookback], or fewer
  std::vector<double> past = {}, truth = {};  // [targets, past_times], [targets, horizon]
};

// What a forecast may be given beside a table.
struct ForecastInput {
  const TextSource* future = nullptr;  // a table of the columns that are known in advance
  std::string state_in = {};           // of an earlier call: the table goes on where that one's ended
  std::string* state_out = nullptr;    // gets what the next call needs: a table of the last rows
  std::string state_name = "state";    // of state_in, in messages
  bool fewer_rows = false;  // a series may have fewer than the lookback: its forecast looks at those, in whole
                            // seasons or segments. It never did so in training, and may be further off.
};

// A row of a table, and how unlike the forecast of it from the rows before it is.
struct Detection {
  std::string series = {}, time = {};
  double score = 0;                 // the largest of scores; NaN where there is none
  std::size_t column = 0;           // of targets: whose score that is
  std::vector<double> scores = {};  // [targets] the error, divided by the root of the mean square of the errors on the
                                    // rows that were held out; NaN: missing, or too few rows before it
};

struct ForecastError {
  std::string name = {};                          // model, last_value, seasonal_last_value or ridge
  double mean_squared = 0, mean_absolute = 0;     // over all targets, each in units of its deviation in training
  std::vector<double> mean_squared_by_step = {};  // [horizon]
};

struct ForecastEvaluation {
  std::size_t forecasts = 0;
  std::string first = {}, last = {};           // times that were predicted
  std::vector<ForecastError> errors = {};      // the model's, and then those of baselines
  double coverage = 0;                         // share of numbers between the lowest and the highest quantile
  std::vector<double> root_mean_squared = {};  // [targets] of the model, in the column's own unit
  Forecast example = {};                       // the last of these forecasts, of the first series that has any

  // The names of baselines that are no worse than the model.
  SLUICE_API std::vector<std::string> loses_to() const;
};

// The options of training and the network that suit so many windows, where nobody says otherwise.
struct ForecastDefaults {
  Config config;
  TrainOptions train;
};

// A model that predicts columns of a table, and how the table is read. Splits are by time; scaling is that of the part
// that is trained on. Tables are read as the command does: CSV and its kin with a header.
class SLUICE_API Forecaster {
 public:
  // Reads the table, chooses what the options leave open, and makes a model with fresh weights. `settle` may change
  // what suits the number of windows. Throws Error: usage (options), bad_file (the table, with row and column).
  Forecaster(const TextSource& table, const ForecastOptions& options,
             const std::function<void(ForecastDefaults&)>& settle = {});
  // From a model that was trained and saved. Throws Error (bad_file) where it is none of forecasts.
  explicit Forecaster(Model model, const std::string& name = "model");
  ~Forecaster();
  Forecaster(Forecaster&&) noexcept;
  Forecaster& operator=(Forecaster&&) noexcept;

  // Trains on the table that it was made from.
  TrainResult train(const std::function<bool(const Report&)>& report = {});
  // The same with the options of this run.
  TrainResult train(const TrainOptions& options, const std::function<bool(const Report&)>& report = {});
  const TrainOptions& train_options() const;
  bool validates() const;  // there are rows enough to validate on

  const Model& model() const;
  Model& model();
  const std::vector<std::string>& targets() const;
  std::size_t horizon() const;
  std::size_t lookback() const;
  std::size_t season() const;
  std::string frequency() const;  // "1 hour"; empty: rows are counted
  const std::vector<double>& quantiles() const;
  std::size_t windows() const;  // that it trains on

  // What follows the last row of every series of a table. Throws Error (bad_file) for a table that does not fit,
  // naming what differs.
  std::vector<Forecast> predict(const TextSource& table, const ForecastInput& input = {},
                                std::size_t threads = 0) const;
  // Gives every row of a table, as soon as it is read, to `row`; false ends it. For a model that was trained with
  // ForecastOptions::detect. Throws Error as predict().
  void detect(const TextSource& table, const std::function<bool(const Detection&)>& row,
              const ForecastInput& input = {}) const;
  bool detects() const;
  // Forecasts from all rows after those that were trained and validated on (of many, evenly spread ones), beside
  // baselines. The linear one learns from `training`, or from the table where it has the rows that were trained on.
  ForecastEvaluation evaluate(const TextSource& table, const TextSource* training = nullptr,
                              std::size_t threads = 0) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
