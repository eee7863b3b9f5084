// The tokens of a text that is read piece by piece, so that a text far larger than memory can be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "data/utf8.h"
#include "data/words.h"
#include "sluice/data.h"

namespace sluice {

class TokenReader {
 public:
  // Fills at most `most` bytes and says how many; 0 at the end.
  using Read = std::function<std::size_t(char* into, std::size_t most)>;

  static constexpr std::size_t kChunk = std::size_t{1} << 20;

  // `name` stands for the text in messages, `chunk` is how many bytes are read at a time.
  TokenReader(Read read, std::string name, const TextOptions& options, std::size_t chunk = kChunk);

  TokenReader(const TokenReader&) = delete;  // the splitter looks into text_
  TokenReader& operator=(const TokenReader&) = delete;

  // The next token, with case folded if the options say so; the view holds until the next call. At
  // Level::pretokenized the end of the text ends a line. Throws Error (bad_file) on invalid UTF-8 and what `read`
  // throws; at the end of a text without a token, Error (bad_file) that says it is empty.
  bool next(std::string_view& token);

  const std::string& name() const { return name_; }
  std::uint64_t bytes() const { return bytes_; }  // read so far

 private:
  void refill();
  bool finish(std::string_view& token);

  Read read_;
  std::string name_;
  TextOptions options_;
  TextCleaner cleaner_;
  Splitter splitter_;
  std::string raw_, text_, lowered_;  // a piece as read; clean text not yet split; a token with case folded
  std::uint64_t bytes_ = 0;
  bool last_ = false;       // all is read
  bool visible_ = false;    // a token was more than white space
  bool line_open_ = false;  // the last token ended no line
};

// Reads of a file ("-": standard input) or of text in memory. Opening throws Error (bad_file): missing, a directory,
// unreadable.
TokenReader::Read read_from_file(const std::string& path);
TokenReader::Read read_from_memory(std::string_view text);
// What messages call a path.
std::string source_name(const std::string& path);

}  // namespace sluice
