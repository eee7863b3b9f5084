// UTF-8 in and out of code points, by the table of well-formed sequences of the Unicode Standard (3.9, table 3-7), and
// the cleaning that every text passes before it is split.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

struct Utf8Sequence {
  enum class Kind { valid, invalid, cut } kind;  // cut: valid so far, but the text ends before the sequence does
  std::size_t length;  // bytes of the sequence; invalid: of the part that one U+FFFD replaces, at least 1
};

// The sequence at the start of `text`, which must not be empty.
Utf8Sequence read_sequence(std::string_view text);

// Offset of the first byte that is not part of a well-formed sequence; npos when there is none.
std::size_t find_invalid(std::string_view text);

// Bytes of the well-formed sequence that starts with `lead`.
inline std::size_t sequence_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

// The code point at the start of a well-formed, nonempty text.
inline char32_t code_point(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  const char32_t lead = at(0);
  if (lead < 0x80) return lead;
  if (lead < 0xe0) return (lead & 0x1f) << 6 | (at(1) & 0x3f);
  if (lead < 0xf0) return (lead & 0x0f) << 12 | (at(1) & 0x3f) << 6 | (at(2) & 0x3f);
  return (lead & 0x07) << 18 | (at(1) & 0x3f) << 12 | (at(2) & 0x3f) << 6 | (at(3) & 0x3f);
}

// The last code point; U+FFFD when the text does not end in a well-formed sequence, 0 when it is empty.
char32_t last_code_point(std::string_view text);

void append_code_point(char32_t value, std::string& out);

// Letters, marks and digits (categories L, M, N), and the two joiners that scripts like Persian and Devanagari write
// inside words (U+200C, U+200D).
bool is_word_character(char32_t value);
// Space that separates words but ends no line.
bool is_blank(char32_t value);
// Ends of lines: LF, CR, NEL, LS, PS.
bool is_line_end(char32_t value);

// `text` with every code point mapped by Unicode's simple lowercase mapping: `text` itself when nothing changes,
// otherwise a view into `scratch`.
std::string_view lowercase(std::string_view text, std::string& scratch);

// Makes well-formed UTF-8 with LF line ends out of bytes that come in pieces: skips a byte order mark at the start,
// turns CR LF and a lone CR into LF, and refuses or replaces what is invalid. Sequences may be cut by the ends of
// pieces.
class TextCleaner {
 public:
  // `name` stands for the source in messages.
  TextCleaner(std::string name, bool lossy) : name_(std::move(name)), lossy_(lossy) {}

  // Appends the clean form of `bytes` to `out`. `last` says that no more will come. Throws Error (bad_file) with the
  // offset of the first invalid byte, unless lossy.
  void clean(std::string_view bytes, bool last, std::string& out);

  // Of the first byte not yet cleaned; after a refusal, of the byte that was refused.
  std::uint64_t offset() const { return offset_; }

 private:
  std::size_t clean_available(std::string_view bytes, bool last, std::string& out);
  [[noreturn]] void refuse(std::string_view bytes, bool cut) const;

  std::string name_;
  bool lossy_;
  std::string held_;  // the start of something that goes on in the next piece: at most 3 bytes
  std::uint64_t offset_ = 0;
};

}  // namespace sluice
