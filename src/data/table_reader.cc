// Rows of tables; see table.h.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/failure.h"
#include "base/shown.h"
#include "base/watch.h"
#include "data/table.h"

namespace sluice {
namespace {

std::string list_of(const std::vector<std::string>& names) {
  constexpr std::size_t kListed = 12;
  std::string list;
  for (std::size_t i = 0; i < std::min(kListed, names.size()); ++i) list += (i > 0 ? ", " : "") + names[i];
  return names.size() > kListed ? list + " and " + std::to_string(names.size() - kListed) + " more" : list;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::string_view kind_name(TimeForm::Kind kind) {
  switch (kind) {
    case TimeForm::Kind::integer:
      return "an integer";
    case TimeForm::Kind::month:
      return "a month (YYYY-MM)";
    case TimeForm::Kind::date:
      return "a date (YYYY-MM-DD)";
    default:
      return "a date and time (YYYY-MM-DD HH:MM)";
  }
}

// Whether both are dates, times or whatever else there is; seconds and their fractions may be left out.
bool alike(const TimeForm& a, const TimeForm& b) {
  return std::min(a.kind, TimeForm::Kind::minute) == std::min(b.kind, TimeForm::Kind::minute) && a.zone == b.zone;
}

}  // namespace

TableReader::TableReader(const TextSource& source, TableOptions options) try
    : rows_(source), options_(std::move(options)) {
  read_header();
  choose_columns();
} catch (...) {
  rethrow_as_error("table");
}

// The header, and the first row behind it, which shows whether the rows have names that the header does not mention.
void TableReader::read_header() {
  if (!rows_.next(cells_)) refuse_at(name(), "a table with a header", "an empty file");
  const auto is_value = [](std::string_view cell) { return cell.empty() || read_number(cell) || is_date(cell); };
  if (std::ranges::all_of(cells_, is_value) || std::ranges::any_of(cells_, is_date)) {
    rows_.refuse("a header with the names of the columns", "values");
  }
  header_.assign(cells_.begin(), cells_.end());
  held_ = next_row();
  if (held_ && cells_.size() == header_.size() + 1) header_.insert(header_.begin(), "");
}

std::size_t TableReader::find_column(const std::string& wanted) const {
  const auto found = std::ranges::find(header_, wanted);
  if (found == header_.end()) {
    refuse_at(name(), "a column " + shown(wanted), "the columns " + list_of(header_));
  }
  if (std::find(found + 1, header_.end(), wanted) != header_.end()) {
    refuse_at(name(), "one column " + shown(wanted), "several");
  }
  return static_cast<std::size_t>(found - header_.begin());
}

void TableReader::choose_columns() {
  if (!options_.time.empty()) {
    time_at_ = find_column(options_.time);
  } else if (held_) {
    const auto date = std::ranges::find_if(cells_, is_date);
    if (date != cells_.end()) time_at_ = std::min<std::size_t>(date - cells_.begin(), header_.size() - 1);
  }
  for (const std::string& text : options_.texts) text_at_.push_back(find_column(text));
  if (options_.numbers.empty()) {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      const std::string& column = header_[i];
      if (column.empty() || i == time_at_ || contains(options_.texts, column)) continue;
      // A column without a name holds the names of rows. Of the others, the first row tells.
      const std::string_view cell = held_ && i < cells_.size() ? trimmed(cells_[i]) : "";
      if (read_number(cell, rows_.separator()) || is_missing(cell)) options_.numbers.push_back(column);
    }
    if (options_.numbers.empty()) refuse_at(name(), "a column of numbers", "the columns " + list_of(header_));
  }
  for (const std::string& column : options_.numbers) number_at_.push_back(find_column(column));
  numbers_.resize(number_at_.size());
  texts_.resize(text_at_.size());
}

// The next row in which a cell has text: spreadsheets write empty rows at the end.
bool TableReader::next_row() {
  empty_ = 0;
  while (rows_.next(cells_)) {
    if (empty_ == 0) empty_ = rows_.blank();
    const bool empty = std::ranges::all_of(cells_, [](std::string_view cell) { return cell.empty(); });
    if (!empty || cells_.size() == 1) return true;
    if (empty_ == 0) empty_ = rows_.line();
  }
  return false;
}

std::string TableReader::place_of(std::size_t column) const {
  return rows_.place() + ", column " + (header_[column].empty() ? std::to_string(column + 1) : shown(header_[column]));
}

double TableReader::read(std::size_t column) {
  const std::string_view cell = trimmed(cells_[column]);
  if (const auto number = read_number(cell)) {
    if (rows_.separator() != ',' && cell.find('.') != std::string_view::npos) {
      if (decimal_ == Decimal::comma) {
        refuse_at(place_of(column), "a comma for the point of every number, as in the lines before", shown(cell));
      }
      decimal_ = Decimal::point;
    }
    return *number;
  }
  if (is_missing(cell)) {
    if (options_.missing == Missing::refuse) {
      refuse_at(place_of(column), "a number (or missing=mask or fill)", cell.empty() ? "none" : shown(cell));
    }
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (rows_.separator() != ',' && decimal_ != Decimal::point) {
    if (const auto number = read_number_with_comma(cell)) {
      decimal_ = Decimal::comma;
      return *number;
    }
  }
  refuse_at(place_of(column), "a number", shown(cell));
}

bool TableReader::next() try {
  Watch::ask();
  if (!std::exchange(held_, false) && !next_row()) return false;
  // Where rows are counted, a row that is not there would move all those after it.
  if (empty_ != 0 && !time_at_) refuse_at(name() + ", line " + std::to_string(empty_), "a row", "an empty line");
  if (cells_.size() != header_.size()) {
    rows_.refuse(
        std::to_string(header_.size()) + (header_.size() == 1 ? " cell" : " cells") + ", as many as the header has",
        std::to_string(cells_.size()));
  }
  if (time_at_) {
    TimeForm form;
    const auto time = read_time(cells_[*time_at_], form);
    if (!time) {
      const std::string expected = formed_ ? std::string(kind_name(form_.kind))
                                           : "a time (YYYY-MM-DD, YYYY-MM-DD HH:MM:SS, YYYY-MM or an integer)";
      refuse_at(place_of(*time_at_), expected, cells_[*time_at_].empty() ? "none" : shown(cells_[*time_at_]));
    }
    if (formed_ && !alike(form, form_)) {
      refuse_at(place_of(*time_at_),
                std::string(kind_name(form_.kind)) + (form_.zone ? " with a zone" : "") + ", as in the lines before",
                shown(cells_[*time_at_]));
    }
    if (formed_) form.kind = std::max(form.kind, form_.kind);
    form_ = form;
    formed_ = true;
    time_ = *time;
  }
  for (std::size_t i = 0; i < number_at_.size(); ++i) numbers_[i] = read(number_at_[i]);
  for (std::size_t i = 0; i < text_at_.size(); ++i) {
    texts_[i] = cells_[text_at_[i]];
    if (texts_[i].empty()) refuse_at(place_of(text_at_[i]), "a text", "none");
  }
  return true;
} catch (...) {
  rethrow_as_error("table");
}

}  // namespace sluice
