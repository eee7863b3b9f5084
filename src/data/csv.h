// The rows of a file of comma-separated values (RFC 4180), or of any other separator, one at a time.
//
// Our own reader, since what there is does not say in which line a row stands (libcsv), or must know the columns when
// it is compiled (fast-cpp-csv-parser).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/lines.h"

namespace sluice {

class CsvReader {
 public:
  // The separator is the one of comma, semicolon and tab that the first row has most of; a row without any of them is
  // split at its blanks. A first line "sep=;", which spreadsheets understand, says which it is. Throws as LineReader.
  explicit CsvReader(const TextSource& source) : lines_(source) {}

  // The cells of the next row that is not blank, without blanks at their ends and without their quotes; the views hold
  // until the next call. Throws Error (bad_file) that names the line and the column: text beside quotes, quotes that
  // are not closed, what is not UTF-8.
  bool next(std::vector<std::string_view>& cells);

  std::uint64_t line() const { return line_; }    // where the last row begins, from 1
  std::uint64_t blank() const { return blank_; }  // the first of the blank lines before it; 0: there is none
  char separator() const { return separator_; }
  const LineReader& lines() const { return lines_; }
  const std::string& name() const { return lines_.name(); }

  // Of the last row, and of one of its columns, counted from 0, for messages.
  std::string place() const { return name() + ", line " + std::to_string(line_); }
  std::string place(std::size_t column) const { return place() + ", column " + std::to_string(column + 1); }
  // Throw the Error (bad_file) about them.
  [[noreturn]] void refuse(std::size_t column, std::string_view expected, std::string_view found) const;
  [[noreturn]] void refuse(std::string_view expected, std::string_view found) const;

 private:
  static constexpr std::size_t kMostQuoted = std::size_t{1} << 20;  // bytes: beyond that a quote was forgotten

  bool next_line();
  void split_plain();
  void split_quoted();
  std::size_t take_quoted(std::size_t at);
  std::size_t take_plain(std::size_t at);
  void add_trimmed(std::size_t first, std::size_t last);

  LineReader lines_;
  std::string row_, more_;
  std::vector<std::pair<std::size_t, std::size_t>> cells_;  // in row_: where a cell begins and ends
  char separator_ = '\0';
  std::uint64_t line_ = 0, blank_ = 0;
};

// "comma", "semicolon", "tab" or "blank".
std::string_view separator_name(char separator);

}  // namespace sluice
