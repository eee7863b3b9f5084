// From a table to what a model of its forecasts is made of; see forecast.h.
#include <algorithm>
#include <cmath>

#include "base/fields.h"
#include "base/shown.h"
#include "data/lines.h"
#include "data/missing.h"
#include "sluice/error.h"
#include "tasks/forecast.h"

namespace sluice {
namespace {

constexpr std::size_t kMostLookback = 960, kMostCategories = 256;
constexpr Time kYear = Time{31556952} * 1'000'000, kDay = Time{86400} * 1'000'000;

std::vector<std::string> all_columns(const ForecastTask& task) {
  std::vector<std::string> all = task.targets;
  all.insert(all.end(), task.past.begin(), task.past.end());
  all.insert(all.end(), task.future.begin(), task.future.end());
  return all;
}

// The last rows of all series, by time, are for tests, and those before them for validation.
void split_by_time(const Table& table, const ForecastOptions& options, ForecastTask& task) {
  const auto share = [](const char* name, double value) {
    if (!(value >= 0 && value < 1)) refuse_field(name, "a number from 0 to below 1", field_text(value));
  };
  constexpr double kUsual = 0.1;
  const bool chosen = options.validation_split >= 0;
  const double to_validate = chosen ? options.validation_split : kUsual;
  share("validation-split", to_validate);
  share("test-split", options.test_split);
  share("validation-split and test-split together", to_validate + options.test_split);
  std::vector<Time> times = table.times;
  std::ranges::sort(times);
  const auto part = [&](double of) {
    return static_cast<std::size_t>(std::floor(static_cast<double>(times.size()) * of + 1e-9));
  };
  const std::size_t seen = times.size() - part(options.test_split);
  const std::size_t validated = std::min(seen, part(to_validate));
  const std::size_t least = chosen ? 0 : 5 * task.horizon * (table.starts.size() - 1);
  const std::size_t trained = seen - (validated < least ? 0 : validated);
  task.seen = times[std::max<std::size_t>(1, seen) - 1];
  task.trained = times[std::max<std::size_t>(1, trained) - 1];
}

std::size_t largest_divisor(std::size_t number, std::size_t most) {
  for (std::size_t d = std::min(number, most); d > 1; --d) {
    if (number % d == 0) return d;
  }
  return 1;
}

// What does not depend on how the rows are split.
void choose_horizon(const ForecastOptions& options, ForecastTask& task) {
  const auto expect = [](const char* what, std::size_t found) {
    constexpr std::size_t kMost = std::size_t{1} << 16;
    if (found > kMost) refuse_field(what, "1 to " + std::to_string(kMost), std::to_string(found));
  };
  expect("horizon", options.horizon);
  expect("lookback", options.lookback);
  expect("season", options.season);
  task.season = options.season > 0 ? options.season : usual_season(task.frequency);
  if (options.detect && options.horizon > 1) refuse_field("horizon", "1 to detect", std::to_string(options.horizon));
  task.detect = options.detect;
  task.horizon = options.detect        ? 1
                 : options.horizon > 0 ? options.horizon
                 : task.season > 1     ? std::min(task.season, kMostLookback)
                                       : 10;
}

void choose_lookback(const ForecastOptions& options, std::size_t rows, ForecastTask& task) {
  task.lookback = options.lookback;
  if (task.lookback == 0) {
    const std::size_t usual = task.season > 1 ? 30 * task.season : std::clamp<std::size_t>(4 * task.horizon, 64, 512);
    const std::size_t least = task.season > 1 ? 2 * task.season : 8;
    task.lookback = std::clamp(std::max(least, std::min(usual, rows / 6)), std::size_t{1}, kMostLookback);
    if (task.season > 1 && task.season < task.lookback) task.lookback -= task.lookback % task.season;
  }
  const bool seasons = task.season > 1 && 2 * task.season <= task.lookback;
  task.segment = largest_divisor(task.lookback, seasons ? task.season : std::max<std::size_t>(1, task.lookback / 16));
  task.span = seasons ? task.season : task.segment;
}

// The base of each target: the one with the least error on the training part. The last season's values bring all of
// its noise into a forecast, so they have to be better by far where there are rows enough to learn the season from.
void choose_bases(std::span<const ForecastSeries> series, ForecastTask& task) {
  constexpr std::size_t kMost = 2000;
  std::vector<ForecastBase> bases{ForecastBase::last, ForecastBase::mean};
  if (task.season > 1 && task.season <= task.lookback) bases.push_back(ForecastBase::seasonal);
  std::vector<std::vector<double>> errors(task.targets.size(), std::vector<double>(bases.size(), 0.0));
  task.bases.assign(task.targets.size(), ForecastBase::last);
  const auto origins = origins_of(task, series, {std::nullopt, task.trained}, kMost * task.targets.size());
  for (std::size_t b = 0; b < bases.size(); ++b) {
    std::ranges::fill(task.bases, bases[b]);
    for (const ForecastOrigin& origin : origins) {
      const ForecastSeries& one = series[origin.series];
      const ForecastLevel level = level_of(task, one, origin.at, origin.target);
      for (std::size_t h = 0; h < task.horizon; ++h) {
        const double truth = truth_of(task, one, origin.at + h, origin.target);
        const double apart = truth - base_of(task, one, origin.at, origin.target, h, level);
        if (!std::isnan(apart)) errors[origin.target][b] += apart * apart;
      }
    }
  }
  constexpr std::size_t kEnough = 1000;
  const double by = most_rows_until(series, task.trained) < kEnough ? 1 : 0.5;
  for (std::size_t t = 0; t < task.targets.size(); ++t) {
    const std::vector<double>& of = errors[t];
    task.bases[t] = of[1] < of[0] ? ForecastBase::mean : ForecastBase::last;
    if (of.size() > 2 && of[2] < by * std::min(of[0], of[1])) task.bases[t] = ForecastBase::seasonal;
  }
}

}  // namespace

std::size_t ForecastTask::inputs() const {
  const std::size_t numbers = (1 + past.size() + future.size()) * segment;
  std::size_t count = missing == Missing::mask ? 3 * numbers : numbers;
  for (const auto& names : categories) count += names.size();
  return count + (future.empty() ? 0 : 1) + (yearly ? 2 : 0);
}

std::size_t ForecastTask::steps() const {
  return lookback / segment + (future.empty() ? 0 : (horizon + segment - 1) / segment);
}

TableOptions table_options(const ForecastTask& task) {
  TableOptions options;
  options.time = task.time;
  options.numbers = all_columns(task);
  options.texts = task.fixed;
  if (!task.id.empty()) options.texts.push_back(task.id);
  options.missing = task.missing;
  return options;
}

Table read_forecast_table(const TextSource& source, ForecastTask& task) {
  const TableOptions options = table_options(task);
  const bool any = task.targets.empty();
  // Where every column of numbers is a target, none may be read besides.
  if (any && !options.numbers.empty()) refuse_field("target", "columns beside past and future ones", "none");
  Table table = read_table(source, options, task.id);
  if (any) task.targets = table.columns;
  task.timed = !table.times.empty();
  if (!task.timed) {
    task.frequency = {};
    for (std::size_t s = 0; s + 1 < table.starts.size(); ++s) {
      for (std::size_t row = table.starts[s]; row < table.starts[s + 1]; ++row) {
        table.times.push_back(static_cast<Time>(row - table.starts[s]));
      }
    }
    table.frequency = Frequency{};
    return table;
  }
  // One row a series does not say how far apart rows are, but a model's task does.
  const bool known = !task.scaling.mean.empty();
  if (!table.frequency && known && table.rows > 0 && table.rows + 1 == table.starts.size()) {
    table.frequency = task.frequency;
  }
  if (!table.frequency) {
    if (table.rows < 2) refuse_at(table.name, "rows of two times or more", std::to_string(table.rows));
    refuse_at(table.name, "times at equal distances, some of which may be missing", "others");
  }
  if (table.gaps > 0 && task.missing == Missing::refuse) {
    refuse_at(table.name, "every time from the first to the last (or missing=mask or fill)",
              std::to_string(table.gaps) + " missing, the first after " + table.first_gap);
  }
  fill_gaps(table);
  task.time_form = table.time_form;
  return table;
}

void expect_frequency(const ForecastTask& task, const Table& table) {
  if (*table.frequency == task.frequency) return;
  refuse_at(table.name, "rows " + frequency_text(task.frequency) + " apart, as in training",
            frequency_text(*table.frequency));
}

std::size_t rows_until(const ForecastSeries& series, Time last) {
  return static_cast<std::size_t>(std::ranges::upper_bound(series.times, last) - series.times.begin());
}

std::size_t most_rows_until(std::span<const ForecastSeries> series, Time last) {
  std::size_t rows = 0;
  for (const ForecastSeries& one : series) rows = std::max(rows, rows_until(one, last));
  return rows;
}

void fit_forecast(const Table& table, const ForecastOptions& options, ForecastTask& task) {
  task.frequency = *table.frequency;
  choose_horizon(options, task);
  split_by_time(table, options, task);
  task.scaling = {};
  for (const std::vector<double>& column : table.numbers) {
    std::vector<double> values;
    for (std::size_t row = 0; row < table.rows; ++row) {
      if (table.times[row] <= task.trained) values.push_back(column[row]);
    }
    add_column(task.scaling, values);
  }
  task.categories.clear();
  for (std::size_t f = 0; f < task.fixed.size(); ++f) {
    task.categories.push_back(table.texts[f].names);
    if (table.texts[f].names.size() <= kMostCategories) continue;
    refuse_at(table.name + ", column " + shown(task.fixed[f]), "at most " + std::to_string(kMostCategories) + " texts",
              std::to_string(table.texts[f].names.size()));
  }
  const std::vector<ForecastSeries> series = series_of(task, table);
  choose_lookback(options, most_rows_until(series, task.trained), task);
  const Time first = *std::ranges::min_element(table.times);
  const bool of_days = task.timed && table.time_form.kind != TimeForm::Kind::integer;
  const Time step = later(first, task.frequency, 1) - first;
  task.yearly = of_days && step >= kDay && step < 28 * kDay && task.trained - first >= 2 * kYear;
  choose_bases(series, task);
}

RowFiller::RowFiller(const ForecastTask& task)
    : task_(task), filler_(task.missing, task.columns()), scaled_(task.columns()) {}

void RowFiller::add(Time time, std::span<const double> numbers, std::span<const std::uint32_t> fixed,
                    ForecastSeries& to) {
  for (std::size_t c = 0; c < scaled_.size(); ++c) {
    scaled_[c] = static_cast<float>(to_scale(task_.scaling, numbers[c], c));
  }
  to.width = width();
  to.times.push_back(time);
  to.truth.insert(to.truth.end(), scaled_.begin(), scaled_.begin() + static_cast<std::ptrdiff_t>(task_.targets.size()));
  to.fixed.insert(to.fixed.end(), fixed.begin(), fixed.end());
  to.rows.resize(to.rows.size() + to.width);
  filler_.step(scaled_, to.rows.data() + to.rows.size() - to.width);
}

std::vector<ForecastSeries> series_of(const ForecastTask& task, const Table& table) {
  const std::size_t targets = task.targets.size(), fixed = task.fixed.size();
  // The numbers of the table's texts as those of the task's categories.
  std::vector<std::vector<std::uint32_t>> category(fixed);
  for (std::size_t f = 0; f < fixed; ++f) {
    for (const std::string& name : table.texts[f].names) {
      const auto found = std::ranges::find(task.categories[f], name);
      category[f].push_back(static_cast<std::uint32_t>(found - task.categories[f].begin()));
    }
  }
  std::vector<ForecastSeries> all;
  std::vector<double> numbers(task.columns());
  std::vector<std::uint32_t> categories(fixed);
  for (std::size_t s = 0; s + 1 < table.starts.size(); ++s) {
    ForecastSeries& one = all.emplace_back();
    const std::size_t first = table.starts[s], size = table.starts[s + 1] - first;
    if (!table.series.empty()) one.name = table.series[s];
    RowFiller filler(task);
    one.times.reserve(size);
    one.rows.reserve(size * filler.width());
    one.truth.reserve(size * targets);
    one.fixed.reserve(size * fixed);
    for (std::size_t row = first; row < first + size; ++row) {
      for (std::size_t c = 0; c < numbers.size(); ++c) numbers[c] = table.numbers[c][row];
      for (std::size_t f = 0; f < fixed; ++f) categories[f] = category[f][table.texts[f].rows[row]];
      filler.add(table.times[row], numbers, categories, one);
    }
  }
  return all;
}

}  // namespace sluice
