#include "input.h"

#include <fmt/format.h>

#include "data/encoding.h"
#include "data/reader.h"
#include "data/utf8.h"

namespace sluice::tool {

LineReader::LineReader(const TextSource& source, bool lossy)
    : read_(source.open()), name_(source.name), lossy_(lossy) {}

bool LineReader::fill() {
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  const bool first = number_ == 0 && line_.empty();
  buffer_.resize(kPiece);
  at_ = 0;
  ended_ = true;  // also when what follows throws
  buffer_.resize(read_(buffer_.data(), kPiece));
  if (first) refuse_other_encoding(buffer_, name_);
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
  line.clear();
  TextCleaner(fmt::format("{}, line {}", name_, number_), lossy_).clean(line_, true, line);
  return true;
}

std::string text_argument(const std::vector<std::string>& words, bool lossy) {
  std::string text;
  if (words.size() == 1 && words.front() == "-") {
    LineReader lines(file_source("-"), lossy);
    for (std::string line; lines.next(line);) {
      if (lines.number() > 1) text += '\n';
      text += line;
    }
    return text;
  }
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace sluice::tool
