// A source's lines, one at a time.
//
// A line ends at LF, CR LF or a lone CR, as in the texts that are trained on, and its end is no part of it. The last
// line may lack one. A byte order mark at the start of a line is skipped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/data.h"

namespace sluice {

class LineReader {
 public:
  // Lossy: invalid UTF-8 is replaced instead of refused. Throws Error (bad_file) when the source cannot be opened.
  explicit LineReader(const TextSource& source, bool lossy = false);

  // The next line. Throws Error (bad_file) that names the line where it is not UTF-8; the call after that gives the
  // line behind it. Throws Error (bad_file) besides for text in another encoding, after which no line comes.
  bool next(std::string& line);
  std::uint64_t number() const { return number_; }  // of the last line, from 1
  const std::string& name() const { return name_; }
  std::string place() const { return name_ + ", line " + std::to_string(number_); }  // of the last line, for messages

  // Throws the Error (bad_file) about the last line: where, what was expected, what was found.
  [[noreturn]] void refuse(std::string_view expected, std::string_view found) const;

 private:
  bool take_line();
  bool fill();

  TextSource::Read read_;
  std::string name_;
  bool lossy_;
  std::string buffer_;  // what was read and not yet given, from at_ on
  std::size_t at_ = 0;
  std::string line_;       // as it stands in the source
  bool after_cr_ = false;  // an LF that comes now belongs to the CR before it
  bool ended_ = false;
  std::uint64_t number_ = 0;
};

// The Error (bad_file) about a place in a file, which may be a line of it.
[[noreturn]] void refuse_at(std::string place, std::string_view expected, std::string_view found);
[[noreturn]] void refuse_line(const std::string& name, std::uint64_t line, std::string_view expected,
                              std::string_view found);

// Blanks and tabs at both ends taken off.
std::string_view trimmed(std::string_view text);

}  // namespace sluice
