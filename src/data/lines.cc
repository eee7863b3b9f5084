// Lines of a source; see lines.h.
#include "data/lines.h"

#include "base/watch.h"
#include "data/encoding.h"
#include "data/utf8.h"
#include "sluice/error.h"

namespace sluice {

LineReader::LineReader(const TextSource& source, bool lossy)
    : read_(source.open()), name_(source.name), lossy_(lossy) {}

bool LineReader::fill() {
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  Watch::ask();
  const bool first = number_ == 0 && line_.empty();
  buffer_.resize(kPiece);
  at_ = 0;
  ended_ = true;  // also when what follows throws
  buffer_.resize(read_(buffer_.data(), kPiece));
  if (first) refuse_other_encoding(buffer_, name_, lossy_);
  ended_ = buffer_.empty();
  return !ended_;
}

// Moves the next line into line_. No byte is waited for beyond the one that ends it, since a person may be typing.
bool LineReader::take_line() {
  line_.clear();
  while (true) {
    if (at_ == buffer_.size()) {
      if (!ended_ && fill()) continue;
      return !line_.empty();
    }
    if (after_cr_ && buffer_[at_] == '\n') ++at_;
    after_cr_ = false;
    const std::size_t end = buffer_.find_first_of("\r\n", at_);
    line_.append(buffer_, at_, end - at_);
    at_ = end == std::string::npos ? buffer_.size() : end + 1;
    if (end == std::string::npos) continue;
    after_cr_ = buffer_[end] == '\r';
    return true;
  }
}

bool LineReader::next(std::string& line) {
  if (!take_line()) return false;
  ++number_;
  if (!line_.starts_with("\xef\xbb\xbf") && find_invalid(line_) == std::string_view::npos) {
    line.swap(line_);  // as in nearly all lines, there is nothing to clean
    return true;
  }
  line.clear();
  TextCleaner(name_ + ", line " + std::to_string(number_), lossy_).clean(line_, true, line);
  return true;
}

void LineReader::refuse(std::string_view expected, std::string_view found) const {
  refuse_line(name_, number_, expected, found);
}

void refuse_at(std::string place, std::string_view expected, std::string_view found) {
  place += ": expected ";
  place += expected;
  place += ", found ";
  place += found;
  throw Error(Status::bad_file, place);
}

void refuse_line(const std::string& name, std::uint64_t line, std::string_view expected, std::string_view found) {
  refuse_at(name + ", line " + std::to_string(line), expected, found);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace sluice
