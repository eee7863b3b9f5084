// Splitting text into tokens; see words.h. The rules are in next_word(); everything else is what it needs.
#include <utf8proc.h>

#include <array>

#include "data/utf8.h"
#include "data/words.h"

namespace sluice {
namespace {

// Bytes that must follow a token before its end is certain: a mark inside a word (3) and a code point after it (4).
constexpr std::size_t kLookAhead = 8;

enum class Kind : unsigned char { letter, digit, blank, line_end, sign, beyond };  // beyond: not ASCII

constexpr std::array<Kind, 256> make_kinds() {
  std::array<Kind, 256> kinds{};
  for (std::size_t c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool blank = c == ' ' || c == '\t' || c == '\v' || c == '\f';
    kinds[c] = c >= 0x80                ? Kind::beyond
               : letter                 ? Kind::letter
               : c >= '0' && c <= '9'   ? Kind::digit
               : blank                  ? Kind::blank
               : c == '\n' || c == '\r' ? Kind::line_end
                                        : Kind::sign;
  }
  return kinds;
}
constexpr std::array<Kind, 256> kKinds = make_kinds();

Kind kind_of(char c) { return kKinds[static_cast<unsigned char>(c)]; }

// What stands at a place: one code point.
struct Place {
  Kind kind = Kind::sign;
  char32_t value = 0;
  std::size_t length = 0;  // bytes; 0 at the end of the text
  bool in_word() const { return length > 0 && (kind == Kind::letter || kind == Kind::digit); }
};

Place place(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const Kind kind = kind_of(text[at]);
  if (kind != Kind::beyond) return {kind, static_cast<unsigned char>(text[at]), 1};
  const char32_t value = code_point(text.substr(at));
  const std::size_t length = sequence_length(text[at]);
  if (is_word_character(value)) {
    const bool digit = utf8proc_category(static_cast<utf8proc_int32_t>(value)) == UTF8PROC_CATEGORY_ND;
    return {digit ? Kind::digit : Kind::letter, value, length};
  }
  if (is_line_end(value)) return {Kind::line_end, value, length};
  return {is_blank(value) ? Kind::blank : Kind::sign, value, length};
}

bool is_apostrophe(char32_t value) { return value == U'\'' || value == U'\u2019'; }
bool is_hyphen(char32_t value) { return value == U'-' || value == U'\u2010' || value == U'\u2011'; }

// Bytes of the word at `at`, where a character of a word stands.
std::size_t word_length(std::string_view text, std::size_t at) {
  const std::size_t start = at;
  bool digit = false;  // the last character was one
  while (true) {
    const std::size_t before = at;
    while (at < text.size() && at - start < kLongestToken && kind_of(text[at]) <= Kind::digit) ++at;
    if (at > before) digit = kind_of(text[at - 1]) == Kind::digit;
    const Place here = place(text, at);
    std::size_t more = here.length;
    bool more_digit = here.kind == Kind::digit;
    if (!here.in_word()) {
      const Place after = place(text, at + here.length);
      const bool inner = (is_apostrophe(here.value) || is_hyphen(here.value)) && after.in_word();
      const bool separator =
          digit && (here.value == U'.' || here.value == U',') && after.length > 0 && after.kind == Kind::digit;
      if (here.length == 0 || !(inner || separator)) break;
      more += after.length;
      more_digit = after.kind == Kind::digit;
    }
    if (at - start + more > kLongestToken) break;
    at += more;
    digit = more_digit;
  }
  return at - start;
}

// Bytes of a possessive at the end of a word: 2, 4 with U+2019, or 0.
std::size_t possessive_length(std::string_view word) {
  if (word.size() < 3 || (word.back() != 's' && word.back() != 'S')) return 0;
  const std::string_view before = word.substr(0, word.size() - 1);
  const std::size_t length = before.ends_with('\'') ? 2 : before.ends_with("\u2019") ? 4 : 0;
  return length < word.size() ? length : 0;
}

// What never stands for itself: marks and the two joiners.
bool is_mark(char32_t value) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(value));
  return (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) || value == 0x200c || value == 0x200d;
}

// Bytes of "<unk>" and the possessive after it; 0 when something else is there.
std::size_t unknown_length(std::string_view text) {
  constexpr std::size_t length = Vocabulary::unknown_text.size();
  if (!text.starts_with(Vocabulary::unknown_text)) return 0;
  const Place apostrophe = place(text, length), s = place(text, length + apostrophe.length);
  const bool possessive = is_apostrophe(apostrophe.value) && (s.value | 0x20) == U's';
  const std::size_t end = length + apostrophe.length + s.length;
  return possessive && !place(text, end).in_word() ? end : length;
}

// Bytes of the sign at `at`: one grapheme cluster, or "...", "--" or "<unk>".
std::size_t sign_length(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("...")) return 3;
  if (rest.starts_with("--")) return 2;
  if (const std::size_t unknown = unknown_length(rest); unknown > 0) return unknown;
  std::size_t length = sequence_length(rest[0]);
  utf8proc_int32_t state = 0;
  char32_t previous = code_point(rest);
  while (length < rest.size()) {
    const Place next = place(rest, length);
    // ASCII, words and space never attach to a sign.
    if (next.value < 0x80 || !(next.kind == Kind::sign || is_mark(next.value))) break;
    if (length + next.length > kLongestToken) break;
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(previous),
                                         static_cast<utf8proc_int32_t>(next.value), &state)) {
      break;
    }
    length += next.length;
    previous = next.value;
  }
  return length;
}

}  // namespace

void Splitter::start(std::string_view text, bool last) {
  text_ = text;
  last_ = last;
  at_ = 0;
}

bool Splitter::next(std::string_view& token) {
  switch (level_) {
    case Level::word:
      return next_word(token);
    case Level::character:
      return next_character(token);
    case Level::pretokenized:
      return next_between_spaces(token);
  }
  return false;
}

bool Splitter::take(std::size_t length, std::string_view& token) {
  if (!last_ && text_.size() - at_ < length + kLookAhead) return false;
  token = text_.substr(at_, length);
  at_ += length;
  return true;
}

bool Splitter::next_word(std::string_view& token) {
  if (!pending_.empty()) {
    token = pending_;
    pending_ = {};
    return true;
  }
  while (at_ < text_.size()) {
    const Place here = place(text_, at_);
    if (here.kind == Kind::blank) {
      at_ += here.length;
      continue;
    }
    if (here.kind == Kind::line_end) {
      at_ += here.length;
      if (++line_ends_ > 2) continue;
      token = kNewline;
      return true;
    }
    if (!take(here.in_word() ? word_length(text_, at_) : sign_length(text_, at_), token)) return false;
    line_ends_ = 0;
    const std::size_t possessive = possessive_length(token);
    pending_ = token.substr(token.size() - possessive);
    token.remove_suffix(possessive);
    return true;
  }
  return false;
}

bool Splitter::next_character(std::string_view& token) {
  if (at_ == text_.size()) return false;
  token = text_.substr(at_, sequence_length(text_[at_]));
  at_ += token.size();
  return true;
}

bool Splitter::next_between_spaces(std::string_view& token) {
  const auto separates = [](char c) { return kind_of(c) == Kind::blank || kind_of(c) == Kind::line_end; };
  while (at_ < text_.size()) {
    if (kind_of(text_[at_]) == Kind::line_end) {
      ++at_;
      token = Vocabulary::end_of_line;
      return true;
    }
    if (kind_of(text_[at_]) == Kind::blank) {
      ++at_;
      continue;
    }
    std::size_t end = at_;
    while (end < text_.size() && !separates(text_[end])) {
      const std::size_t length = sequence_length(text_[end]);
      if (end + length - at_ > kLongestToken) break;
      end += length;
    }
    return take(end - at_, token);
  }
  return false;
}

}  // namespace sluice
