#include "task_forecast.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <optional>
#include <utility>

#include "base/file.h"
#include "data/lines.h"
#include "task_pictures.h"
#include "tasks/forecast.h"
#include "terminal.h"
#include "text_sources.h"
#include "train/options.h"

namespace sluice::tool {
namespace {

// "OT, HUFL" as names; quotes are the shell's. A header has no blanks around its names either.
std::vector<std::string> names_in(const std::string& text) {
  std::vector<std::string> names = split(text, ',');
  for (std::string& name : names) name = std::string(trimmed(name));
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + one_line(name);
  return all;
}

std::string page_of(const Style& style, const Forecaster& f, const ForecastEvaluation& e) {
  const std::size_t horizon = f.horizon();
  std::vector<std::size_t> steps = {1, (1 + horizon) / 2, horizon};
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  std::string page =
      fmt::format("{} forecasts of {}, {} to {}\n\n", thousands(e.forecasts), joined(f.targets()), e.first, e.last);
  page += fmt::format("{}  {:>9}  {:>9}", pad_right("", 19), "MSE", "MAE");
  for (const std::size_t step : steps) page += fmt::format("  {:>9}", fmt::format("at {}", step));
  page += '\n';
  for (const ForecastError& error : e.errors) {
    const std::string row = fmt::format("{:>9.4f}  {:>9.4f}", error.mean_squared, error.mean_absolute);
    page += pad_right(title_of(error.name), 19) + "  " + (error.name == "model" ? style.bold(row) : row);
    for (const std::size_t step : steps) page += fmt::format("  {:>9.4f}", error.mean_squared_by_step[step - 1]);
    page += '\n';
  }
  page += style.dim(
      "squares and absolutes in units of each column's deviation in training; \"at\": the MSE so many steps "
      "ahead\n");
  page += '\n';
  for (std::size_t t = 0; t < f.targets().size(); ++t) {
    page += fmt::format("{}  root of the mean square {:.6g}\n", pad_right(one_line(f.targets()[t]), 19),
                        e.root_mean_squared[t]);
  }
  const std::vector<double>& q = f.quantiles();
  if (q.size() > 1) {
    page += fmt::format("{} of the numbers lie between the quantiles {} and {}\n", percent(e.coverage), q.front(),
                        q.back());
  }
  if (e.errors.back().name != "ridge") {
    page += "no ridge: the table lacks the rows that were trained on (--training FILE has them)\n";
  }
  std::vector<std::string> better = e.loses_to();
  std::ranges::transform(better, better.begin(), title_of);
  if (!better.empty()) page += fmt::format("the model loses to: {}\n", joined(better));
  return page;
}

Json json_of(const Forecaster& f, const ForecastEvaluation& e) {
  Json json = {{"task", f.detects() ? "detect" : "forecast"},
               {"forecasts", e.forecasts},
               {"first", e.first},
               {"last", e.last},
               {"targets", f.targets()},
               {"horizon", f.horizon()}};
  const auto error_of = [](const ForecastError& error) -> Json {
    return {{"mean_squared_error", error.mean_squared},
            {"mean_absolute_error", error.mean_absolute},
            {"mean_squared_error_by_step", error.mean_squared_by_step}};
  };
  json.update(error_of(e.errors[0]));
  Json roots = Json::object();
  for (std::size_t t = 0; t < f.targets().size(); ++t) roots[f.targets()[t]] = e.root_mean_squared[t];
  json["root_mean_squared_error"] = roots;
  json["coverage"] = e.coverage;
  json["baselines"] = Json::object();
  for (std::size_t i = 1; i < e.errors.size(); ++i) json["baselines"][e.errors[i].name] = error_of(e.errors[i]);
  json["loses_to"] = e.loses_to();
  return json;
}

}  // namespace

void ForecastFlags::add(CLI::App& app) {
  const auto keep = [&](CLI::Option* option, const char* type) {
    flags_.push_back(option->type_name(type)->group("Forecast"));
    return option;
  };
  const auto name = [&](const char* flag, std::string& value, const char* help) {
    keep(app.add_option(flag, value, help), "NAME");
  };
  const auto names = [&](const char* flag, std::vector<std::string>& value, const char* help) {
    const auto read = [&value](const std::string& text) { value = names_in(text); };
    keep(app.add_option_function<std::string>(flag, read, help), "NAMES");
  };
  ForecastOptions& o = typed_;
  names("--target", o.targets, "columns to predict, between commas; without it, every column of numbers");
  name("--time", o.time, "the column of times; without it, the first with dates, else rows are counted");
  name("--id", o.id, "the column that tells series apart, which follow each other or are mixed");
  names("--past", o.past, "columns that are known up to now");
  names("--future", o.future, "columns that are known in advance as well");
  names("--static", o.fixed, "columns of text that say what kind of series it is");
  const auto number = [&](const char* flag, std::size_t& value, const char* help) {
    keep(add_value(app, flag, value, help, "N"), "N");
  };
  number("--horizon", o.horizon, "rows to predict; 0: a season, or 10 where none is known");
  number("--lookback", o.lookback, "rows that a forecast looks at; 0: some 30 seasons, as far as there are rows");
  number("--season", o.season, "rows after which the series repeats itself; 0: by how far apart they are");
  const auto read_quantiles = [&o](const std::string& text) {
    o.quantiles.clear();
    for (const std::string& one : split(text, ',')) read_value("--quantiles", one, o.quantiles.emplace_back());
    const bool fit = std::ranges::all_of(o.quantiles, [](double q) { return q > 0 && q < 1; });
    const bool ascend = std::ranges::adjacent_find(o.quantiles, std::greater_equal<>()) == o.quantiles.end();
    expect(fit && ascend && !o.quantiles.empty(), "--quantiles", "ascending numbers between 0 and 1", text);
  };
  keep(app.add_option_function<std::string>("--quantiles", read_quantiles, "what is predicted of each number"),
       "NUMBERS")
      ->default_str(fmt::format("{}", fmt::join(o.quantiles, ",")));
  const auto read_missing = [&o](const std::string& text) {
    Missing missing{};
    read_value("--missing", text, missing);
    o.missing = text;
  };
  keep(app.add_option_function<std::string>(
           "--missing", read_missing,
           "numbers that are missing: refuse; fill, with the last value; or mask, which also feeds whether they are "
           "there and since when not"),
       "NAME")
      ->default_str(o.missing);
  keep(add_value(app, "--test-split", o.test_split, "the last share of the rows, for `eval` alone", "X"), "X");
}

bool ForecastFlags::given() const {
  return std::ranges::any_of(flags_, [](const CLI::Option* flag) { return flag->count() > 0; });
}

ForecastOptions ForecastFlags::options() const {
  ForecastOptions options = typed_;
  options.detect = detect;
  return options;
}

std::vector<std::string> forecast_lines(const Model& model, const std::string& path) {
  const std::optional<ForecastTask> task = forecast_of(model, path);
  if (!task) return {};
  std::string rows = fmt::format("{}, {} ahead from {} rows", joined(task->targets), task->horizon, task->lookback);
  if (task->timed) rows += fmt::format(", {} a row", frequency_text(task->frequency));
  if (task->season > 1) rows += fmt::format(", season {}", task->season);
  std::string read = fmt::format("missing numbers: {}", field_text(task->missing));
  const auto more = [&](const char* what, const std::vector<std::string>& names) {
    if (!names.empty()) read += fmt::format("; {} {}", what, joined(names));
  };
  more("past", task->past);
  more("future", task->future);
  for (std::size_t f = 0; f < task->fixed.size(); ++f) {
    read += fmt::format("; {} is one of {}", one_line(task->fixed[f]), joined(task->categories[f]));
  }
  if (!task->id.empty()) read += fmt::format("; a series for each {}", one_line(task->id));
  std::string step = fmt::format("a step of the network: {} rows", task->segment);
  if (task->span > 1) step += fmt::format("; a mean: over {} rows", task->span);
  if (task->yearly) step += "; the time of the year is read too";
  std::vector<std::string> lines = {rows, read, step};
  const std::vector<std::string> columns = table_options(*task).numbers;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    lines.push_back(fmt::format("{}: mean {}, deviation {}", one_line(columns[c]), task->scaling.mean[c],
                                task->scaling.deviation[c]));
    if (c < task->bases.size()) lines.back() += fmt::format(", base {}", field_text(task->bases[c]));
    if (task->detect && c < task->errors.size()) lines.back() += fmt::format(", error {}", task->errors[c]);
  }
  lines.push_back(fmt::format("trained up to {}, validated up to {}", time_text(task->trained, task->time_form),
                              time_text(task->seen, task->time_form)));
  return lines;
}

int train_forecast(const ForecastRun& run, Console& console, const Stopwatch& clock) {
  ForecastOptions options = run.flags.options();
  if (run.training.fields.given("validation-split")) options.validation_split = run.early.validation_split;
  Forecaster forecaster = read_in_time(run.file, run.early, clock, [&] {
    return Forecaster(run.table, options, [&](ForecastDefaults& d) {
      run.network.apply(d.config);
      run.training.apply(d.train);
      d.train.checkpoint = run.early.checkpoint;
      d.train.validation_split = 0;
    });
  });
  const TrainOptions& train = forecaster.train_options();
  check_options(train, forecaster.validates());
  const std::string frequency = forecaster.frequency();
  const char* task = run.flags.detect ? "detect" : "forecast";
  console.say(fmt::format("{} {}: {}; {}{} steps ahead from {}{}, {} windows to train on", task, printable(run.file),
                          joined(forecaster.targets()), frequency.empty() ? "" : frequency + " a row; ",
                          forecaster.horizon(), forecaster.lookback(),
                          forecaster.season() > 1 ? fmt::format(" (season {})", forecaster.season()) : "",
                          thousands(forecaster.windows())));
  if (frequency.empty() && options.time.empty()) {
    console.say(
        "no column of dates (YYYY-MM-DD ...), so rows are counted; --time NAME names one, also one of integers");
  }
  if (!forecaster.validates()) console.say("too few rows to validate on: the last weights are kept");
  TrainJob job = {forecaster.model(), train, [&](Model& model, const TrainOptions& o, const auto& report) {
                    const TrainResult result = forecaster.train(o, report);
                    model = forecaster.model();
                    return result;
                  }};
  say_model(console, job.model, train);
  job.unit = "window";
  job.validated = forecaster.validates();
  job.material = {
      {"task", task}, {"file", std::filesystem::path(run.file).filename().string()}, {"windows", forecaster.windows()}};
  job.facts = {{"task", task},
               {"targets", forecaster.targets()},
               {"horizon", forecaster.horizon()},
               {"lookback", forecaster.lookback()},
               {"season", forecaster.season()},
               {"windows", forecaster.windows()}};
  job.then = fmt::format("eval {} {}", shell_word(run.target.output), shell_word(run.file));
  return run_job(run.target, std::move(job), console, clock);
}

int eval_forecast(const ForecastQuestion& q, const std::string& training_file) {
  const Forecaster forecaster(q.model, q.path);
  std::optional<TextSource> training;
  if (!training_file.empty()) training = open_examples(training_file);
  const ForecastEvaluation e = forecaster.evaluate(open_examples(q.file), training ? &*training : nullptr, q.threads);
  show(
      q.result, [&](const Style& style) { return page_of(style, forecaster, e); },
      [&] { return json_of(forecaster, e); });
  if (!q.result.svg.empty()) write_file(q.result.svg, evaluation_picture(forecaster, e), q.result.force);
  return 0;
}

void ForecastFiles::add(CLI::App& app) {
  const std::string group = "Forecast";
  const auto file = [&](const char* flag, std::string& value, const char* help) {
    app.add_option(flag, value, help)->type_name("FILE")->group(group);
  };
  file("--future", future, "a table of the columns that are known in advance");
  file("--state-in", state_in, "what --state-out wrote: the table goes on where that one ended");
  file("--state-out", state_out, "write what the next call needs of the rows so far");
}

namespace {

// A row a time and target, with the quantiles.
void print_forecasts(const Forecaster& forecaster, const std::vector<Forecast>& all, bool json) {
  const std::vector<double>& quantiles = forecaster.quantiles();
  const std::vector<std::string>& targets = forecaster.targets();
  const bool named = !all.empty() && !all[0].series.empty();
  if (!json) {
    std::string header = named ? "series\ttime\ttarget" : "time\ttarget";
    for (const double quantile : quantiles) header += fmt::format("\tq{}", quantile);
    print(header + '\n');
  }
  for (const Forecast& one : all) {
    for (std::size_t h = 0; h < one.times.size(); ++h) {
      for (std::size_t t = 0; t < targets.size(); ++t) {
        const double* values = one.values.data() + (t * one.times.size() + h) * quantiles.size();
        if (json) {
          Json row = Json::object(), of = Json::object();
          if (named) row["series"] = one.series;
          row["time"] = one.times[h];
          row["target"] = targets[t];
          for (std::size_t k = 0; k < quantiles.size(); ++k) of[fmt::format("{}", quantiles[k])] = values[k];
          row["quantiles"] = of;
          print_json(row);
          continue;
        }
        std::string line = (named ? one_line(one.series) + '\t' : "") + one.times[h] + '\t' + one_line(targets[t]);
        for (std::size_t k = 0; k < quantiles.size(); ++k) line += fmt::format("\t{:.7g}", values[k]);
        print(line + '\n');
      }
    }
  }
}

// A row for each row that is read, as soon as it is.
void print_detections(const Forecaster& forecaster, const ForecastQuestion& q, const ForecastInput& input) {
  const std::vector<std::string>& targets = forecaster.targets();
  bool first = true;
  const auto text = [](double score) { return std::isnan(score) ? std::string("-") : fmt::format("{:.4f}", score); };
  const auto show_row = [&](const Detection& found) {
    const bool named = !found.series.empty(), none = std::isnan(found.score);
    if (q.result.json) {
      Json row = Json::object(), scores = Json::object();
      if (named) row["series"] = found.series;
      row["time"] = found.time;
      row["score"] = none ? Json(nullptr) : Json(found.score);
      row["column"] = none ? Json(nullptr) : Json(targets[found.column]);
      for (std::size_t t = 0; t < targets.size(); ++t) {
        scores[targets[t]] = std::isnan(found.scores[t]) ? Json(nullptr) : Json(found.scores[t]);
      }
      row["scores"] = scores;
      print_json(row);
    } else {
      if (std::exchange(first, false)) {
        std::string header = named ? "series\ttime\tscore\tcolumn" : "time\tscore\tcolumn";
        for (const std::string& target : targets) header += '\t' + one_line(target);
        print(header + '\n');
      }
      std::string line = (named ? one_line(found.series) + '\t' : "") + found.time + '\t' + text(found.score) + '\t' +
                         (none ? "-" : one_line(targets[found.column]));
      for (const double score : found.scores) line += '\t' + text(score);
      print(line + '\n');
    }
    flush();
    return true;
  };
  forecaster.detect(open_examples(q.file), show_row, input);
}

}  // namespace

int predict_forecast(const ForecastQuestion& q, const ForecastFiles& files) {
  const Forecaster forecaster(q.model, q.path);
  if (!files.state_out.empty()) q.result.expect_output("--state-out", files.state_out, q.result.force);
  std::optional<TextSource> future;
  std::string state;
  ForecastInput input;
  if (!files.future.empty()) input.future = &future.emplace(open_examples(files.future));
  if (!files.state_in.empty()) {
    const RawVector<char> bytes = read_file(files.state_in);
    input.state_in.assign(bytes.data(), bytes.size());
    input.state_name = files.state_in;
    expect(!input.state_in.empty(), "--state-in", "a file that --state-out wrote", "an empty one");
  }
  if (!files.state_out.empty()) input.state_out = &state;
  if (forecaster.detects()) {
    expect(files.future.empty(), "--future", "a model that forecasts", "one that detects");
    print_detections(forecaster, q, input);
  } else {
    const std::vector<Forecast> all = forecaster.predict(open_examples(q.file), input, q.threads);
    print_forecasts(forecaster, all, q.result.json);
    if (!q.result.svg.empty()) write_file(q.result.svg, forecast_picture(forecaster, all), q.result.force);
  }
  if (!files.state_out.empty()) write_file(files.state_out, state, q.result.force);
  return 0;
}

}  // namespace sluice::tool
