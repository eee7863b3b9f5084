#include "tasks/forecast_rows.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/fields.h"
#include "base/shown.h"
#include "data/lines.h"
#include "data/reader.h"
#include "sluice/error.h"

namespace sluice {
namespace {

constexpr std::string_view kOfModel = "(model ";
constexpr std::size_t kMostLookbacks = 16;  // how far back a number is looked for that stands for missing ones

// The last column of a state, which is empty: its name says which model the state is of.
std::string model_column(std::uint64_t model) {
  std::array<char, 16> digits;
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), model, 16).ptr;
  return std::string(kOfModel).append(digits.data(), end) + ')';
}

// A cell of a table between commas.
std::string cell(const std::string& text) {
  if (text.find_first_of(",\"; \t\r\n") == std::string::npos && !text.empty()) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

template <class T>
void drop(std::vector<T>& values, std::size_t count) {
  values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace

std::size_t ForecastRows::find_series(const std::string& name) {
  const auto [at, fresh] = names_.try_emplace(name, series_.size());
  if (fresh) {
    fillers_.emplace_back(task_);
    series_.emplace_back().name = name;
    raw_.emplace_back();
  }
  return at->second;
}

void ForecastRows::append(std::size_t s, Time time, std::span<const double> numbers,
                          std::span<const std::uint32_t> fixed) {
  fillers_[s].add(time, numbers, fixed, series_[s]);
  raw_[s].insert(raw_[s].end(), numbers.begin(), numbers.end());
  if (series_[s].size() >= 2 * kMostLookbacks * task_.lookback + 4096) forget(s);
}

// The row from which the next forecast can be made again: `lookback` rows, and those before them whose numbers stand
// for missing ones.
std::size_t ForecastRows::first_needed(std::size_t s) const {
  const std::size_t size = series_[s].size(), columns = task_.columns();
  const std::size_t window = size - std::min(size, task_.lookback);
  const std::size_t least = size - std::min(size, kMostLookbacks * task_.lookback);
  std::size_t first = window;
  for (std::size_t c = 0; c < columns && window < size; ++c) {
    std::size_t row = window;
    while (row > least && std::isnan(raw_[s][row * columns + c])) --row;
    first = std::min(first, row);
  }
  return first;
}

void ForecastRows::forget(std::size_t s) {
  const std::size_t count = first_needed(s);
  ForecastSeries& one = series_[s];
  drop(one.times, count);
  drop(one.truth, count * task_.targets.size());
  drop(one.fixed, count * task_.fixed.size());
  drop(one.rows, count * one.width);
  drop(raw_[s], count * task_.columns());
}

std::size_t ForecastRows::add(const TableReader& reader) {
  const std::size_t fixed_count = task_.fixed.size();
  const std::size_t s = find_series(task_.id.empty() ? "" : std::string(reader.texts()[fixed_count]));
  ForecastSeries& one = series_[s];
  std::vector<std::uint32_t> fixed;
  for (std::size_t f = 0; f < fixed_count; ++f) {
    const auto found = std::ranges::find(task_.categories[f], reader.texts()[f]);
    fixed.push_back(static_cast<std::uint32_t>(found - task_.categories[f].begin()));
  }
  if (task_.timed) form_ = reader.time_form();
  const Time time = task_.timed || counted_ ? reader.time() : one.times.empty() ? 0 : one.times.back() + 1;
  if (!one.times.empty()) {
    const Time last = one.times.back();
    const auto steps = steps_between(last, time, task_.frequency);
    const bool gap = steps && *steps > 1;
    const std::size_t most = kMostLookbacks * task_.lookback;
    if (!steps || *steps < 1 ||
        (gap && (task_.missing == Missing::refuse || static_cast<std::size_t>(*steps) > most))) {
      refuse_at(reader.place(),
                "the time " + frequency_text(task_.frequency) + " after " + time_text(last, form_) + ", as in training",
                time_text(time, form_));
    }
    if (gap) {
      const std::vector<double> missing(task_.columns(), std::numeric_limits<double>::quiet_NaN());
      const std::vector<std::uint32_t> before(one.fixed.end() - static_cast<std::ptrdiff_t>(fixed_count),
                                              one.fixed.end());
      for (std::int64_t k = 1; k < *steps; ++k) append(s, later(last, task_.frequency, k), missing, before);
    }
  }
  append(s, time, reader.numbers(), fixed);
  return s;
}

void ForecastRows::add_all(const TextSource& source, const std::function<bool(std::size_t)>& added) {
  TableReader reader(source, table_options(task_));
  bool any = reader.next();
  if (!any && series_.empty()) refuse_at(source.name, "rows under the header", "none");
  if (any && task_.timed && !reader.timed()) refuse_at(source.name, "a column of times, as in training", "none");
  for (; any; any = reader.next()) {
    const std::size_t s = add(reader);
    if (added && !added(s)) return;
  }
}

std::string ForecastRows::time_column() const { return task_.time.empty() ? "(time)" : task_.time; }

std::string ForecastRows::state() const {
  std::string text = cell(time_column());
  for (const std::string& column : table_options(task_).numbers) (text += ',') += cell(column);
  for (const std::string& column : task_.fixed) (text += ',') += cell(column);
  if (!task_.id.empty()) (text += ',') += cell(task_.id);
  (text += ',') += cell(model_column(model_)) + '\n';
  const std::size_t columns = task_.columns();
  for (std::size_t s = 0; s < series_.size(); ++s) {
    const ForecastSeries& one = series_[s];
    for (std::size_t row = first_needed(s); row < one.size(); ++row) {
      text += cell(time_text(one.times[row], form_));
      for (std::size_t c = 0; c < columns; ++c) {
        const double number = raw_[s][row * columns + c];
        (text += ',') += (std::isnan(number) ? std::string("NA") : field_text(number));
      }
      for (std::size_t f = 0; f < task_.fixed.size(); ++f) {
        const std::uint32_t category = one.fixed[row * task_.fixed.size() + f];
        const auto& names = task_.categories[f];
        (text += ',') += cell(category < names.size() ? names[category] : "(another)");
      }
      if (!task_.id.empty()) (text += ',') += cell(one.name);
      text += ",\n";
    }
  }
  return text;
}

void ForecastRows::begin(const std::string& state, const std::string& name) {
  TableOptions options = table_options(task_);
  options.time = time_column();
  TableReader reader({name, [&state] { return read_from_memory(state); }}, options);
  for (const std::string& column : reader.columns()) {
    if (!column.starts_with(kOfModel)) continue;
    if (column == model_column(model_) || column == model_column(former_model_)) continue;
    refuse_at(name, "a state of this model, with a column " + shown(model_column(model_)),
              "one of another, with " + shown(column));
  }
  counted_ = true;
  while (reader.next()) add(reader);
  counted_ = false;
}

std::vector<ForecastSeries> ForecastRows::with_next_rows(const Table* future) const {
  std::vector<ForecastSeries> longer = series_;
  const std::size_t first_future = task_.targets.size() + task_.past.size(), columns = task_.columns();
  for (std::size_t s = 0; s < longer.size(); ++s) {
    ForecastSeries& one = longer[s];
    const NextTimes next = {task_.id.empty() ? "" : one.name, one.times.back(), task_.frequency, task_.horizon};
    std::vector<std::size_t> rows;
    if (!task_.future.empty()) rows = rows_of(*future, next);
    RowFiller filler = fillers_[s];
    std::vector<double> numbers(columns, std::numeric_limits<double>::quiet_NaN());
    const std::vector<std::uint32_t> fixed(one.fixed.end() - static_cast<std::ptrdiff_t>(task_.fixed.size()),
                                           one.fixed.end());
    for (std::size_t h = 0; h < task_.horizon; ++h) {
      for (std::size_t c = first_future; c < columns; ++c) numbers[c] = future->numbers[c - first_future][rows[h]];
      filler.add(later(next.last, next.frequency, static_cast<std::int64_t>(h) + 1), numbers, fixed, one);
    }
  }
  return longer;
}

}  // namespace sluice
