#include "tables.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "arrays.h"
#include "base/shown.h"
#include "fields.h"
#include "sluice/error.h"
#include "subjects.h"
#include "text_sources.h"

namespace sluice::python {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 16;  // bytes that are written at once

void write_quoted(std::string_view text, std::string& to) {
  to += '"';
  for (const char c : text) to.append(c == '"' ? 2 : 1, c);
  to += '"';
}

void write_number(double number, std::string& to) {
  std::array<char, 32> text;
  to.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
}

// The text of a table, piece after piece.
class RowWriter {
 public:
  explicit RowWriter(std::shared_ptr<const std::vector<TableColumn>> columns) : columns_(std::move(columns)) {
    for (const TableColumn& column : *columns_) {
      between();
      write_quoted(column.name, text_);
    }
    text_ += '\n';
  }

  std::size_t read(char* into, std::size_t most) {
    if (at_ == text_.size()) write_piece();
    const std::size_t count = std::string_view(text_).substr(at_).copy(into, most);
    at_ += count;
    return count;
  }

 private:
  void between() {
    if (!text_.empty() && text_.back() != '\n') text_ += ',';
  }
  void write_piece() {
    text_.clear();
    at_ = 0;
    for (const std::size_t rows = (*columns_)[0].size(); row_ < rows && text_.size() < kPiece; ++row_) {
      for (const TableColumn& column : *columns_) {
        between();
        column.write(row_, text_);
      }
      text_ += '\n';
    }
  }

  std::shared_ptr<const std::vector<TableColumn>> columns_;
  std::string text_;
  std::size_t at_ = 0, row_ = 0;
};

// times: microseconds since 1970, or with the form "integer" any whole numbers.
TableColumn::Times times_of(nb::handle values, const std::string& kind) {
  TableColumn::Times column;
  if (kind == "date") column.form.kind = TimeForm::Kind::date;
  if (kind == "second" || kind == "utc second") column.form.kind = TimeForm::Kind::second;
  if (kind == "fraction" || kind == "utc fraction") column.form.kind = TimeForm::Kind::fraction;
  column.form.zone = column.form.z = kind.starts_with("utc ");
  const Given<std::int64_t> given = whole_numbers(values, "times");
  column.times.assign(given.data, given.data + given.size());
  // Years of four digits, which ISO 8601 has.
  constexpr Time kLow = -62135596800000000, kHigh = 253402300799999999;
  const bool integer = column.form.kind == TimeForm::Kind::integer;
  const auto out = std::ranges::find_if(column.times, [](Time t) { return t < kLow || t > kHigh; });
  if (!integer && out != column.times.end()) {
    throw Error(Status::usage, "times: expected years from 1 to 9999, found another in row " +
                                   std::to_string(out - column.times.begin()));
  }
  return column;
}

// kind: number, text, or how times are written: integer, date, second, fraction, utc second, utc fraction.
TableColumn column_of(const std::string& name, const std::string& kind, nb::handle values) {
  TableColumn column = {name, {}};
  constexpr std::array<std::string_view, 6> kTimes{"integer",  "date",       "second",
                                                   "fraction", "utc second", "utc fraction"};
  if (kind == "number") {
    const Given<double> given = doubles(values, "columns");
    column.cells = std::vector<double>(given.data, given.data + given.size());
  } else if (kind == "text") {
    std::vector<std::string> texts;
    read(values, "columns", texts);
    column.cells = std::move(texts);
  } else if (std::ranges::find(kTimes, kind) != kTimes.end()) {
    column.cells = times_of(values, kind);
  } else {
    refuse_field("columns", "numbers, texts or times", shown(nb::cast(kind)));
  }
  return column;
}

PythonTable table_of(const std::string& name, nb::handle columns) {
  auto made = std::make_shared<std::vector<TableColumn>>();
  for (const nb::handle entry : columns) {
    std::vector<nb::object> parts;
    std::string column, kind;
    if (!nb::try_cast(entry, parts) || parts.size() != 3 || !nb::try_cast(parts[0], column) ||
        !nb::try_cast(parts[1], kind)) {
      refuse_field("columns", "a name, a kind and values of each", shown(entry));
    }
    made->push_back(column_of(column, kind, parts[2]));
    if (made->back().size() == (*made)[0].size()) continue;
    throw Error(Status::usage, name + ": expected as many rows in every column, found " +
                                   std::to_string((*made)[0].size()) + " and in " + sluice::shown(column) + ' ' +
                                   std::to_string(made->back().size()));
  }
  if (made->empty()) throw Error(Status::usage, name + ": expected a table with columns, found none");
  const std::shared_ptr<const std::vector<TableColumn>> shared = std::move(made);
  return {{name, [shared]() -> TextSource::Read {
             return
                 [writer = RowWriter(shared)](char* into, std::size_t most) mutable { return writer.read(into, most); };
           }}};
}

PythonTable table_in(const std::string& path) { return {tool::open_examples(path)}; }

}  // namespace

std::size_t TableColumn::size() const {
  if (const auto* of_times = std::get_if<Times>(&cells)) return of_times->times.size();
  if (const auto* numbers = std::get_if<std::vector<double>>(&cells)) return numbers->size();
  return std::get<std::vector<std::string>>(cells).size();
}

void TableColumn::write(std::size_t row, std::string& to) const {
  if (const auto* numbers = std::get_if<std::vector<double>>(&cells)) {
    const double number = (*numbers)[row];
    if (std::isnan(number)) {
      to += "NA";
    } else {
      write_number(number, to);
    }
  } else if (const auto* of_times = std::get_if<Times>(&cells)) {
    write_quoted(time_text(of_times->times[row], of_times->form), to);
  } else {
    write_quoted(std::get<std::vector<std::string>>(cells)[row], to);
  }
}

void bind_tables(nb::module_& m) {
  using namespace nb::literals;
  nb::class_<PythonTable>(m, "Table", "A table over time: a file, or a copy of columns.")
      .def_static("from_file", table_in, "path"_a)
      .def(
          "__init__",
          [](PythonTable* self, const std::string& name, nb::handle columns) {
            new (self) PythonTable(table_of(name, columns));
          },
          "name"_a, "columns"_a);
}

}  // namespace sluice::python
