// Rows of separated values; see csv.h.
#include "data/csv.h"

#include <algorithm>
#include <array>

namespace sluice {
namespace {

bool is_blank_byte(char c) { return c == ' ' || c == '\t'; }

// What a row has most of, outside quotes; of as many, the one that numbers contain less often.
char find_separator(std::string_view row) {
  constexpr std::array<char, 3> kSeparators{'\t', ';', ','};
  std::array<std::size_t, 3> counts{};
  bool quoted = false;
  for (const char c : row) {
    if (c == '"') quoted = !quoted;
    const auto found = std::ranges::find(kSeparators, c);
    if (!quoted && found != kSeparators.end()) ++counts[static_cast<std::size_t>(found - kSeparators.begin())];
  }
  const auto most = std::ranges::max_element(counts);
  return *most == 0 ? ' ' : kSeparators[static_cast<std::size_t>(most - counts.begin())];
}

}  // namespace

std::string_view separator_name(char separator) {
  return separator == ',' ? "comma" : separator == ';' ? "semicolon" : separator == '\t' ? "tab" : "blank";
}

bool CsvReader::next(std::vector<std::string_view>& cells) {
  blank_ = 0;
  if (!next_line()) return false;
  if (separator_ == '\0' && row_.size() == 5 && row_.starts_with("sep=")) {  // a spreadsheet's own line
    separator_ = row_.back();
    if (!next_line()) return false;
  }
  line_ = lines_.number();
  if (separator_ == '\0') separator_ = find_separator(row_);
  cells_.clear();
  if (row_.find('"') == std::string::npos) {
    split_plain();
  } else {
    split_quoted();
  }
  cells.resize(cells_.size());
  const std::string_view row = row_;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = row.substr(cells_[i].first, cells_[i].second - cells_[i].first);
  }
  return true;
}

// The next line that is not blank.
bool CsvReader::next_line() {
  while (lines_.next(row_)) {
    if (!trimmed(row_).empty()) return true;
    if (blank_ == 0) blank_ = lines_.number();
  }
  return false;
}

void CsvReader::split_plain() {
  for (std::size_t at = 0; at <= row_.size();) at = take_plain(at);
}

void CsvReader::split_quoted() {
  for (std::size_t at = 0; at <= row_.size();) {
    std::size_t start = at;
    while (start < row_.size() && is_blank_byte(row_[start]) && row_[start] != separator_) ++start;
    if (start < row_.size() && row_[start] == '"') {
      at = take_quoted(start + 1);
      continue;
    }
    at = take_plain(at);
    const auto [first, last] = cells_.back();
    if (std::string_view(row_).substr(first, last - first).find('"') != std::string_view::npos) {
      refuse(cells_.size() - 1, "quotes around all of a cell (and two for one inside)", "one within it");
    }
  }
}

// Adds the cell that begins at `at` and ends at a separator; where the next one begins, beyond the row at its end.
std::size_t CsvReader::take_plain(std::size_t at) {
  if (separator_ == ' ') {  // any number of blanks separates, and those at the ends do not count
    while (at < row_.size() && is_blank_byte(row_[at])) ++at;
    std::size_t end = at;
    while (end < row_.size() && !is_blank_byte(row_[end])) ++end;
    cells_.emplace_back(at, end);
    while (end < row_.size() && is_blank_byte(row_[end])) ++end;
    return end == row_.size() ? end + 1 : end;
  }
  const std::size_t end = std::min(row_.find(separator_, at), row_.size());
  add_trimmed(at, end);
  return end + 1;
}

// As take_plain, of a cell whose text begins at `at`, behind its quote. Doubled quotes become one, in place.
std::size_t CsvReader::take_quoted(std::size_t at) {
  const std::size_t column = cells_.size(), start = at;
  std::size_t to = at;
  while (true) {
    if (at == row_.size()) {  // the cell goes on in the next line
      if (at - start > kMostQuoted || !lines_.next(more_)) refuse(column, "quotes that are closed", "none that end");
      row_.resize(to);
      row_ += '\n';
      row_ += more_;
      at = ++to;
      continue;
    }
    if (row_[at] == '"') {
      if (at + 1 == row_.size() || row_[at + 1] != '"') break;
      ++at;
    }
    row_[to++] = row_[at++];
  }
  cells_.emplace_back(start, to);
  ++at;
  while (at < row_.size() && is_blank_byte(row_[at]) && row_[at] != separator_) ++at;
  if (at < row_.size() && row_[at] != separator_) {
    if (separator_ == ' ') return at;
    refuse(column, "a " + std::string(separator_name(separator_)) + " behind the quotes", "more text");
  }
  return at + 1;
}

void CsvReader::add_trimmed(std::size_t first, std::size_t last) {
  while (first < last && is_blank_byte(row_[first])) ++first;
  while (first < last && is_blank_byte(row_[last - 1])) --last;
  cells_.emplace_back(first, last);
}

void CsvReader::refuse(std::size_t column, std::string_view expected, std::string_view found) const {
  refuse_at(place(column), expected, found);
}

void CsvReader::refuse(std::string_view expected, std::string_view found) const { refuse_at(place(), expected, found); }

}  // namespace sluice
