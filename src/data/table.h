// Tables of numbers over time: CSV and its kin with a header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/csv.h"
#include "data/numbers.h"
#include "data/times.h"
#include "data/token_table.h"

namespace sluice {

struct TableOptions {
  std::string time = {};                  // the column of times; empty: the first with a date in the first row, if any
  std::vector<std::string> numbers = {};  // columns to be read as numbers; empty: every one that is neither named here
                                          // as something else nor has text in the first row
  std::vector<std::string> texts = {};    // columns to be read as text, such as names of what a row belongs to
  Missing missing = Missing::refuse;      // refuse: a number that is missing is an error; else it is NaN
};

// The rows of a table, one after another, so that they can be used as they come.
//
// Read alike: separation by comma, semicolon and tab; a first line "sep=;", as spreadsheets write it; with and without
// quotes; a header that is one cell shorter than the rows, or has no name, over the names of rows (R, pandas); empty
// rows and columns at the end, and empty rows anywhere between rows that have times. Where a comma is not the
// separator, numbers may have it for a point, as long as no number has a point.
class TableReader {
 public:
  // Reads the header and looks at the first row. Throws Error (bad_file): an empty file, no header, a column that is
  // not there or is there twice.
  TableReader(const TextSource& source, TableOptions options);

  // The next row. Throws Error (bad_file) with its line and the column: a cell too many or too few, a number that is
  // missing or none, a time that cannot be read or is written unlike those before, an empty row between rows that have
  // no times.
  bool next();

  bool timed() const { return time_at_.has_value(); }  // there is a column of times

  // Of the last row.
  std::span<const double> numbers() const { return numbers_; }  // [number_columns]
  Time time() const { return time_; }
  const TimeForm& time_form() const { return form_; }
  std::span<const std::string_view> texts() const { return texts_; }  // [options.texts]
  std::uint64_t line() const { return rows_.line(); }
  std::string place() const { return rows_.place(); }

  const std::string& name() const { return rows_.name(); }
  const std::vector<std::string>& columns() const { return header_; }  // all there are
  const std::vector<std::string>& number_columns() const { return options_.numbers; }

 private:
  void read_header();
  void choose_columns();
  std::size_t find_column(const std::string& wanted) const;
  bool next_row();
  double read(std::size_t column);
  std::string place_of(std::size_t column) const;

  CsvReader rows_;
  TableOptions options_;
  std::vector<std::string> header_;
  std::vector<std::string_view> cells_;
  bool held_ = false;        // cells_ is a row that next() has not given yet
  std::uint64_t empty_ = 0;  // the first of the empty lines before the row in cells_; 0: there is none
  std::vector<std::size_t> number_at_, text_at_;
  std::optional<std::size_t> time_at_;
  enum class Decimal : std::uint8_t { unknown, point, comma } decimal_ = Decimal::unknown;
  std::vector<double> numbers_;
  std::vector<std::string_view> texts_;
  Time time_ = 0;
  TimeForm form_;
  bool formed_ = false;  // form_ is that of a row
};

// A column of text as numbers, in the order in which the texts first come.
struct TextColumn {
  std::vector<std::string> names = {};
  std::vector<std::uint32_t> rows = {};
};

// A whole table, by columns. What it takes of memory is 8 bytes a number and a time, and 4 a text.
struct Table {
  std::string name = {};
  std::vector<std::string> columns = {};          // of numbers
  std::vector<std::vector<double>> numbers = {};  // [columns][rows]; NaN: missing
  std::vector<TextColumn> texts = {};             // as TableOptions::texts
  std::vector<Time> times = {};                   // [rows]; empty: no column of them
  TimeForm time_form = {};
  std::size_t rows = 0;
  // The series of a table: that of each text in the column that tells them apart, or all rows. Series s has the rows
  // [starts[s], starts[s + 1]), in the order of time.
  std::vector<std::size_t> starts{0};
  std::vector<std::string> series = {};     // their names; empty: there is one, without a name
  std::optional<Frequency> frequency = {};  // nothing: no times, or not at equal distances
  std::uint64_t gaps = 0;                   // times that are missing between the first and the last of their series
  std::string first_gap = {};               // the time before the first of them
};

// Reads all rows. `id` is one of options.texts, or empty. Throws Error (bad_file) besides: no rows, times of a series
// that do not ascend or are the same, with the line.
Table read_table(const TextSource& source, const TableOptions& options, const std::string& id = {});

// Adds the rows that are missing between the times of each series, their numbers NaN and their texts those of the row
// before. Throws Error (bad_file) where that would make the table more than ten times as long.
void fill_gaps(Table& table);

// Times that follow a series, of which a forecast needs what is known in advance.
struct NextTimes {
  std::string series = {};  // empty where the table holds one, without a name
  Time last = 0;            // the last time of the series
  Frequency frequency = {};
  std::size_t steps = 1;
};
// The row of each of these times. Throws Error (bad_file) that names those which the table does not have.
std::vector<std::size_t> rows_of(const Table& table, const NextTimes& next);

}  // namespace sluice
