// UTF-8 as bytes; see utf8.h. What asks for Unicode's tables stands in characters.cc, which whoever only loads a model
// does without.
#include "data/utf8.h"

#include <cstdio>
#include <cstring>

#include "sluice/error.h"

namespace sluice {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Offset of the first byte from `at` on that is not ASCII or is `stop`, eight at a time.
std::size_t skip_plain(std::string_view text, std::size_t at, char stop) {
  constexpr std::uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
  const std::uint64_t stops = ones * static_cast<unsigned char>(stop);
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    const std::uint64_t difference = word ^ stops;
    // A byte of `difference` is zero where `stop` stands (Mycroft's test; a false alarm costs only time).
    if (((word | (difference - ones)) & highs) != 0) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80 && text[at] != stop) ++at;
  return at;
}

}  // namespace

Utf8Sequence read_sequence(std::string_view text) {
  using Kind = Utf8Sequence::Kind;
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {Kind::valid, 1};
  // What may follow the lead byte: the bounds of the second byte exclude overlong forms (E0, F0), surrogates (ED) and
  // what lies beyond U+10FFFF (F4).
  std::size_t length = 0;
  unsigned char least = 0x80, most = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) least = 0xa0;
    if (lead == 0xed) most = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) least = 0x90;
    if (lead == 0xf4) most = 0x8f;
  } else {
    return {Kind::invalid, 1};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {Kind::cut, i};
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < least || byte > most) return {Kind::invalid, i};
    least = 0x80, most = 0xbf;
  }
  return {Kind::valid, length};
}

std::size_t find_invalid(std::string_view text) {
  std::size_t at = 0;
  while (true) {
    at = skip_plain(text, at, '\x7f');
    if (at == text.size()) return std::string_view::npos;
    const Utf8Sequence sequence = read_sequence(text.substr(at));
    if (sequence.kind != Utf8Sequence::Kind::valid) return at;
    at += sequence.length;
  }
}

char32_t last_code_point(std::string_view text) {
  if (text.empty()) return 0;
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
  text.remove_prefix(at);
  const Utf8Sequence sequence = read_sequence(text);
  const bool whole = sequence.kind == Utf8Sequence::Kind::valid && sequence.length == text.size();
  return whole ? code_point(text) : 0xfffd;
}

void TextCleaner::clean(std::string_view bytes, bool last, std::string& out) {
  // What was held back is completed byte by byte, so that the rest of the piece is cleaned where it lies.
  while (!held_.empty() && !bytes.empty()) {
    held_ += bytes.front();
    bytes.remove_prefix(1);
    held_.erase(0, clean_available(held_, last && bytes.empty(), out));
  }
  if (!held_.empty()) {
    if (last) held_.erase(0, clean_available(held_, true, out));
    return;
  }
  held_ = bytes.substr(clean_available(bytes, last, out));
}

// Returns how many bytes were cleaned: all when `last`, otherwise all but the start of something unfinished.
std::size_t TextCleaner::clean_available(std::string_view bytes, bool last, std::string& out) {
  std::size_t from = 0, at = 0;  // [from, at) is good as it stands and not yet in `out`
  const auto skip_to = [&](std::size_t next) {
    out.append(bytes, from, at - from);
    from = at = next;
  };
  while (true) {
    at = skip_plain(bytes, at, '\r');
    if (at == bytes.size()) break;
    if (bytes[at] == '\r') {
      if (at + 1 == bytes.size() && !last) break;
      const bool pair = at + 1 < bytes.size() && bytes[at + 1] == '\n';
      out.append(bytes, from, at - from);
      out += '\n';
      from = at = at + (pair ? 2 : 1);
      continue;
    }
    const Utf8Sequence sequence = read_sequence(bytes.substr(at));
    if (sequence.kind == Utf8Sequence::Kind::valid) {
      at += sequence.length;
      if (at == kByteOrderMark.size() && offset_ == 0 && bytes.starts_with(kByteOrderMark)) from = at;
      continue;
    }
    const bool cut = sequence.kind == Utf8Sequence::Kind::cut;
    if (cut && !last) break;
    if (!lossy_) {
      offset_ += at;
      refuse(bytes.substr(at), cut);
    }
    skip_to(at + sequence.length);
    out += kReplacement;
  }
  skip_to(at);
  offset_ += at;
  return at;
}

void TextCleaner::refuse(std::string_view bytes, bool cut) const {
  char found[8];
  std::snprintf(found, sizeof found, "0x%02X", static_cast<unsigned>(static_cast<unsigned char>(bytes[0])));
  throw Error(Status::bad_file, name_ + ": expected UTF-8, found " +
                                    (cut ? "a sequence cut short" : "an invalid byte") + " (" + found + ") at byte " +
                                    std::to_string(offset_));
}

}  // namespace sluice
