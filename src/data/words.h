// Text to tokens and back. Splitting: a word is a run of letters, marks and digits with inner apostrophes and hyphens
// kept ("shouldn't", "well-known", "3.14", "1,000"); a possessive 's is a token of its own ("Bhavin" "'s"); "...", "--"
// and "<unk>" are one token; every other sign is one, together with what Unicode attaches to it (UAX 29, grapheme
// clusters); a line end is "\n". Joining restores spacing by the rules of English typography, and so that splitting the
// result gives the same tokens again.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sluice/data.h"

namespace sluice {

inline constexpr std::size_t kLongestToken = 1000;  // bytes; what is longer is cut, so that memory stays bounded
inline constexpr std::string_view kNewline = "\n";

// Splits well-formed UTF-8 with LF line ends (TextCleaner makes it) that may come in pieces.
class Splitter {
 public:
  explicit Splitter(Level level) : level_(level) {}

  // Continues with `text`: it begins with what consumed() left of the text before. `last` says that nothing follows.
  void start(std::string_view text, bool last);
  // The next token, a view into the text (or a constant). false: none is left that is certain to be whole.
  bool next(std::string_view& token);
  // Bytes of the text that next() is done with.
  std::size_t consumed() const { return at_; }

 private:
  bool next_word(std::string_view& token);
  bool next_character(std::string_view& token);
  bool next_between_spaces(std::string_view& token);
  bool take(std::size_t length, std::string_view& token);

  Level level_;
  std::string_view text_;
  std::size_t at_ = 0;
  bool last_ = false;
  std::size_t line_ends_ = 0;  // tokens "\n" since the last other token
  std::string_view pending_;   // a possessive that next() gives before it goes on
};

// Which quotation marks are open at the end of a text. Straight marks do not say whether they open or close, so this
// follows them: double marks from the last blank line, single ones from the last line end.
class OpenQuotes {
 public:
  // Goes on by `text`, well-formed UTF-8.
  void read(std::string_view text);

  bool double_open() const { return double_; }
  bool single_open() const { return single_; }
  bool low_open() const { return low_; }      // U+201E, which U+201C closes in German
  bool last_opened() const { return last_; }  // whether the last mark read was an opening one

 private:
  void read(char32_t value);

  char32_t previous_ = U'\n';
  bool double_ = false, single_ = false, low_ = false, last_ = false;
  bool after_word_ = false;     // whether previous_ itself stands after a character of a word
  bool single_before_ = false;  // what single_ was before the last apostrophe
};

// Whether a space belongs between a text and the token that follows. `quotes` has read that text.
bool needs_space(std::string_view text, std::string_view token, const OpenQuotes& quotes);
// The same for any text, even malformed, that nobody has followed: reads back as far as the answer needs.
bool needs_space(std::string_view text, std::string_view token);

}  // namespace sluice
