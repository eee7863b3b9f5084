// The last rows of every series of a table, read one after another: what the next forecast looks at.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "data/missing.h"
#include "data/table.h"
#include "tasks/forecast.h"

namespace sluice {

class ForecastRows {
 public:
  explicit ForecastRows(const ForecastTask& task) : task_(task) {}

  // Adds the last row that a reader gave, and before it those whose times are missing; the number of its series. Throws
  // Error (bad_file), with the line, for a time that does not follow the one before.
  std::size_t add(const TableReader& reader);
  // All rows of a table.
  void add_all(const TextSource& source);

  // Every series with its last rows: at least as many as a forecast looks at, where there were so many.
  std::span<const ForecastSeries> series() const { return series_; }
  const TimeForm& time_form() const { return form_; }

  // What is here as a table, so that another one, in another process, can go on where this ends.
  std::string state() const;
  // Begins with such a table. Throws Error (bad_file) where its columns are not those of the task.
  void begin(const std::string& state, const std::string& name);

  // A copy of the series with `horizon` rows more, whose numbers are missing but for those of future columns, which
  // `future` has. Throws Error (bad_file) that names the times that are not there.
  std::vector<ForecastSeries> with_next_rows(const Table* future) const;

 private:
  std::size_t find_series(const std::string& name);
  void append(std::size_t s, Time time, std::span<const double> numbers, std::span<const std::uint32_t> fixed);
  void forget(std::size_t s);
  std::size_t first_needed(std::size_t s) const;
  std::string time_column() const;

  const ForecastTask& task_;
  std::map<std::string, std::size_t> names_;
  std::vector<ForecastSeries> series_;
  std::vector<std::vector<double>> raw_;  // [series][rows, columns]: as read, NaN where missing
  std::vector<MissingFiller> fillers_;
  TimeForm form_ = {};
  bool counted_ = false;  // the rows that are read say their own numbers
};

}  // namespace sluice
