// The tokens of a text that is read piece by piece, so that a text far larger than memory can be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "data/utf8.h"
#include "data/words.h"
#include "sluice/data.h"

namespace sluice {

// One source's tokens.
class TokenReader {
 public:
  using Read = TextSource::Read;

  static constexpr std::size_t kChunk = std::size_t{1} << 20;

  // `name` stands for the text in messages, `chunk` is how many bytes are read at a time.
  TokenReader(Read read, std::string name, const TextOptions& options, std::size_t chunk = kChunk);

  TokenReader(const TokenReader&) = delete;  // the splitter looks into text_
  TokenReader& operator=(const TokenReader&) = delete;

  // The next token, with case folded if the options say so; the view holds until the next call. At
  // Level::pretokenized the end of the text ends a line. Throws Error (bad_file) on what is not UTF-8, naming the
  // encoding where the bytes show it, and what `read` throws.
  bool next(std::string_view& token);

  std::uint64_t bytes() const { return bytes_; }  // read so far
  bool visible() const { return visible_; }       // a token so far was more than white space

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
  bool last_ = false;  // all is read
  bool visible_ = false;
  bool line_open_ = false;  // the last token ended no line
};

// The tokens of several sources, one after another, as one text.
class TextReader {
 public:
  // The sources must outlive it. `name` stands for all of them in messages.
  TextReader(std::span<const TextSource> sources, std::string name, const TextOptions& options,
             std::size_t chunk = TokenReader::kChunk)
      : sources_(sources), name_(std::move(name)), options_(options), chunk_(chunk) {}

  // As TokenReader. The end of a source ends its line where another source follows. Throws besides, at the end of
  // sources without a visible token, Error (bad_file) that says they are empty.
  bool next(std::string_view& token);

  const std::string& name() const { return name_; }
  std::uint64_t bytes() const { return bytes_ + (reader_ ? reader_->bytes() : 0); }

 private:
  std::span<const TextSource> sources_;
  std::string name_;
  TextOptions options_;
  std::size_t chunk_;
  std::optional<TokenReader> reader_;  // of the source before next_
  std::size_t next_ = 0;
  std::uint64_t bytes_ = 0;  // of the sources that are done with
  bool visible_ = false, line_open_ = false;
};

// A file ("-": standard input). Opening it throws Error (bad_file): missing, a directory, unreadable.
TextSource file_source(const std::string& path);
TextSource::Read read_from_memory(std::string_view text);

}  // namespace sluice
