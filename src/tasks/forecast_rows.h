// The last rows of every series of a table, read one after another: what the next forecast looks at.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "data/table.h"
#include "model/network.h"
#include "tasks/forecast.h"

namespace sluice {

class ForecastRows {
 public:
  // `network`: that of the model which the states are of.
  ForecastRows(const ForecastTask& task, const Network& network)
      : task_(task), model_(network.fingerprint()), former_model_(network.former_fingerprint()) {}

  // Adds the rows of a table, and before each those whose times are missing. `added` gets the number of each row's
  // series; false ends the reading. Throws Error (bad_file): no rows at all; with the line, a time that does not
  // follow the one before.
  void add_all(const TextSource& source, const std::function<bool(std::size_t)>& added = {});

  // Every series with its last rows: at least as many as a forecast looks at, where there were so many.
  std::span<const ForecastSeries> series() const { return series_; }
  const TimeForm& time_form() const { return form_; }

  // What is here as a table, so that another one, in another process, can go on where this ends.
  std::string state() const;
  // Begins with such a table. Throws Error (bad_file) where its columns are not those of the task, or where it is of
  // another model; a table without its model's name is taken as it is.
  void begin(const std::string& state, const std::string& name);

  // A copy of the series with `horizon` rows more, whose numbers are missing but for those of future columns, which
  // `future` has. Throws Error (bad_file) that names the times that are not there.
  std::vector<ForecastSeries> with_next_rows(const Table* future) const;

 private:
  std::size_t add(const TableReader& reader);
  std::size_t find_series(const std::string& name);
  void append(std::size_t s, Time time, std::span<const double> numbers, std::span<const std::uint32_t> fixed);
  void forget(std::size_t s);
  std::size_t first_needed(std::size_t s) const;
  std::string time_column() const;

  const ForecastTask& task_;
  std::uint64_t model_, former_model_;
  std::map<std::string, std::size_t> names_;
  std::vector<ForecastSeries> series_;
  std::vector<std::vector<double>> raw_;  // [series][rows, columns]: as read, NaN where missing
  std::vector<RowFiller> fillers_;
  TimeForm form_ = {};
  bool counted_ = false;  // the rows that are read say their own numbers
};

}  // namespace sluice
