// Texts and lines that a verb is given: standard input means the same as an argument.
//
// A line ends at LF, CR LF or a lone CR, as in the texts that are trained on, and its end is no part of it. The last
// line may lack one. A byte order mark at the start of a line is skipped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/sluice.h"

namespace sluice::tool {

class LineReader {
 public:
  // Lossy: invalid UTF-8 is replaced instead of refused. Throws Error (bad_file) when the source cannot be opened.
  LineReader(const TextSource& source, bool lossy);

  // The next line. Throws Error (bad_file) that names the line where it is not UTF-8; the call after that gives the
  // line behind it. Throws Error (bad_file) besides for text in another encoding, after which no line comes.
  bool next(std::string& line);
  std::uint64_t number() const { return number_; }  // of the last line, from 1

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

// What a TEXT argument says: its words, or standard input where it is "-", all lines of it.
std::string text_argument(const std::vector<std::string>& words, bool lossy);

}  // namespace sluice::tool
