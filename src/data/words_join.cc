// Joining words to readable text; see words.h. The rules are in attaches(); merges() keeps two tokens apart that
// splitting would take for one.
#include <utf8proc.h>

#include "data/utf8.h"
#include "data/words.h"

namespace sluice {
namespace {

constexpr std::u32string_view kAttachLeft =
    U",.;:!?%\u2026\u2030\u00b0\u2032\u2033\u3001\u3002\uff0c\uff0e\uff01\uff1f\uff1a\uff1b\u060c\u061b"
    U"\u061f\u0964\u0965";
constexpr std::u32string_view kAttachRight = U"\u00bf\u00a1";
constexpr std::u32string_view kAttachBoth = U"\u2014\u2015/_";
constexpr std::u32string_view kAttachNumber = U"$\u00a3\u20ac\u00a5#";
constexpr char32_t kHighMark = U'\u201c', kLowMark = U'\u201e';

bool among(std::u32string_view set, char32_t value) { return set.find(value) != std::u32string_view::npos; }
bool is_digit(char32_t value) { return value >= U'0' && value <= U'9'; }

auto category(char32_t value) { return utf8proc_category(static_cast<utf8proc_int32_t>(value)); }
bool opens(char32_t value) {
  return category(value) == UTF8PROC_CATEGORY_PS || category(value) == UTF8PROC_CATEGORY_PI;
}
bool closes(char32_t value) {
  return category(value) == UTF8PROC_CATEGORY_PE || category(value) == UTF8PROC_CATEGORY_PF;
}
// Marks of which only the text before says whether they open or close.
bool is_ambiguous_mark(char32_t value) { return value == U'"' || value == U'\'' || value == kHighMark; }

// How many times `c` stands at the end.
std::size_t run_at_end(std::string_view text, char c) {
  const std::size_t before = text.find_last_not_of(c);
  return before == std::string_view::npos ? text.size() : text.size() - 1 - before;
}

// Whether what stands at the end of the text takes the next token without a space.
bool takes_next(std::string_view text, char32_t tail, char32_t first, const OpenQuotes& quotes) {
  if (is_ambiguous_mark(tail)) return quotes.last_opened();
  if (opens(tail) || among(kAttachRight, tail) || among(kAttachBoth, tail)) return true;
  if (tail == U'-') return run_at_end(text, '-') % 2 == 0;
  if (!is_digit(first)) return false;
  if (among(kAttachNumber, tail)) return true;
  return tail == U':' && text.size() >= 2 && is_digit(static_cast<unsigned char>(text[text.size() - 2]));  // 10:30
}

bool attaches(std::string_view text, char32_t tail, std::string_view token, const OpenQuotes& quotes) {
  const char32_t first = code_point(token);
  if (takes_next(text, tail, first, quotes)) return true;
  if (token == "..." || token == "--") return true;
  if (token == "'s" || token == "'S" || token == "\u2019s" || token == "\u2019S") return true;
  if (token.size() != sequence_length(token[0])) return false;
  if (first == U'"') return quotes.double_open();
  if (first == U'\'') return quotes.single_open();
  if (first == kHighMark) return quotes.low_open();
  return closes(first) || among(kAttachLeft, first) || among(kAttachBoth, first);
}

// Whether text and token, written together, would be split elsewhere than between them.
bool merges(std::string_view text, char32_t tail, std::string_view token) {
  const char32_t first = code_point(token);
  if (first == U'.') return run_at_end(text, '.') % 3 != 0;
  if (first == U'-') return run_at_end(text, '-') % 2 != 0;
  if (is_word_character(tail)) return false;
  return !utf8proc_grapheme_break(static_cast<utf8proc_int32_t>(tail), static_cast<utf8proc_int32_t>(first));
}

}  // namespace

void OpenQuotes::read(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); at += sequence_length(text[at])) read(code_point(text.substr(at)));
}

void OpenQuotes::read(char32_t value) {
  // Space before a mark makes it an opening one, a word or its punctuation a closing one; after anything else, what is
  // open closes and what is closed opens.
  const auto mark = [&](bool open) {
    if (is_blank(previous_) || is_line_end(previous_)) return last_ = true;
    if (is_word_character(previous_) || among(kAttachLeft, previous_) || closes(previous_)) return last_ = false;
    return last_ = !open;
  };
  if (value == U'\n') {
    single_ = false;
    if (previous_ == U'\n') double_ = low_ = false;
  } else if (value == U'"') {
    double_ = mark(double_);
  } else if (value == U'\'') {
    single_before_ = single_;
    single_ = mark(single_);
  } else if (value == kLowMark) {
    low_ = true;
  } else if (value == kHighMark) {
    last_ = !low_;
    low_ = false;
  } else if (previous_ == U'\'' && is_word_character(value) && after_word_) {
    single_ = single_before_;
  }
  after_word_ = is_word_character(previous_);
  previous_ = value;
}

bool needs_space(std::string_view text, std::string_view token, const OpenQuotes& quotes) {
  const char32_t tail = last_code_point(text);
  if (text.empty() || token.empty() || token == kNewline || is_blank(tail) || is_line_end(tail)) return false;
  return !attaches(text, tail, token, quotes) || merges(text, tail, token);
}

bool needs_space(std::string_view text, std::string_view token) {
  OpenQuotes quotes;
  if (!text.empty() && !token.empty() &&
      (is_ambiguous_mark(last_code_point(text)) || is_ambiguous_mark(code_point(token)))) {
    const std::size_t paragraph = text.rfind("\n\n");
    std::string clean;
    TextCleaner("text", true)
        .clean(paragraph == std::string_view::npos ? text : text.substr(paragraph + 2), true, clean);
    quotes.read(clean);
  }
  return needs_space(text, token, quotes);
}

}  // namespace sluice
