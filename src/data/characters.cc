// What Unicode says of a character; see utf8.h.
#include <utf8proc.h>

#include "data/utf8.h"

namespace sluice {

void append_code_point(char32_t value, std::string& out) {
  utf8proc_uint8_t bytes[4];
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(value), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

bool is_word_character(char32_t value) {
  if (value < 0x80) return (value | 0x20) - U'a' < 26 || value - U'0' < 10;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(value));
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO) || value == 0x200c || value == 0x200d;
}

bool is_blank(char32_t value) {
  if (value < 0x80) return value == U' ' || value == U'\t' || value == U'\v' || value == U'\f';
  if (value == 0x200b || value == 0xfeff) return true;  // zero width space, and the byte order mark's code
  return utf8proc_category(static_cast<utf8proc_int32_t>(value)) == UTF8PROC_CATEGORY_ZS;
}

bool is_line_end(char32_t value) {
  return value == U'\n' || value == U'\r' || value == 0x85 || value == 0x2028 || value == 0x2029;
}

std::string_view lowercase(std::string_view text, std::string& scratch) {
  bool changes = false;
  for (const char c : text) changes |= static_cast<unsigned char>(c) >= 0x80 || (c >= 'A' && c <= 'Z');
  if (!changes) return text;
  scratch.clear();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text[at]);
    if (length == 1) {
      scratch += text[at] >= 'A' && text[at] <= 'Z' ? static_cast<char>(text[at] | 0x20) : text[at];
    } else {
      const auto value = static_cast<utf8proc_int32_t>(code_point(text.substr(at)));
      append_code_point(static_cast<char32_t>(utf8proc_tolower(value)), scratch);
    }
    at += length;
  }
  return scratch;
}

}  // namespace sluice
