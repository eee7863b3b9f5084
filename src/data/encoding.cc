// Other encodings than UTF-8; see encoding.h.
#include "data/encoding.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "data/utf8.h"
#include "sluice/error.h"

namespace sluice {
namespace {

constexpr std::size_t kLookedAt = std::size_t{1} << 16;  // bytes of a text's start
constexpr double kMuchInvalid = 0.1;                     // of a text's bytes

// NUL bytes by their place in a group of four.
struct Nuls {
  std::array<std::size_t, 4> at{};
  std::size_t bytes = 0;

  explicit Nuls(std::string_view text) : bytes(text.size()) {
    for (std::size_t i = 0; i < text.size(); ++i) at[i % 4] += text[i] == '\0';
  }
  std::size_t count() const { return at[0] + at[1] + at[2] + at[3]; }
  bool many() const { return count() >= 8 && count() * 20 >= bytes; }
};

// UTF-16 and UTF-32 give themselves away by where NULs stand: in the upper bytes of the characters of Europe, and in
// the two uppermost bytes of every character of UTF-32. nullptr: neither.
const char* wide_encoding(const Nuls& nuls) {
  const auto full = [&](std::size_t place) { return nuls.at[place] * 40 >= nuls.bytes * 9; };  // nine of ten
  const auto mostly = [](std::size_t more, std::size_t less) { return more > 0 && more >= 9 * less; };
  if (full(2) && full(3) && !full(0)) return "UTF-32LE";
  if (full(0) && full(1) && !full(3)) return "UTF-32BE";
  const std::size_t even = nuls.at[0] + nuls.at[2], odd = nuls.at[1] + nuls.at[3];
  return mostly(odd, even) ? "UTF-16LE" : mostly(even, odd) ? "UTF-16BE" : nullptr;
}

// The same of a text that is no UTF-8: that of Asia in UTF-16 has NULs only where a space or a line end stands.
const char* wide_with_invalid(const Nuls& nuls) {
  return nuls.count() * 1000 >= nuls.bytes * 2 ? wide_encoding(nuls) : nullptr;
}

// The scripts of a block of Unicode below U+2000 (Greek, Cyrillic, Thai, Khmer...) have a control character in the
// upper byte of each character of UTF-16. nullptr: there is none in most of every other place.
const char* wide_by_controls(std::string_view text) {
  std::array<std::array<std::size_t, 32>, 2> at{};  // by the place in a pair
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const auto byte = static_cast<unsigned char>(text[i]); byte < 32) ++at[i % 2][byte];
  }
  for (std::size_t place = 0; place < 2; ++place) {
    for (std::size_t c = 1; c < 32; ++c) {
      const std::size_t here = at[place][c], other = at[1 - place][c];
      if (c == '\t' || c == '\n' || c == '\r' || here < 8) continue;
      if (here * 5 >= text.size() && here >= 9 * other) return place == 1 ? "UTF-16LE" : "UTF-16BE";
    }
  }
  return nullptr;
}

const char* marked_encoding(std::string_view start) {
  using namespace std::string_view_literals;
  for (const auto& [mark, name] : {std::pair{"\xff\xfe\0\0"sv, "UTF-32LE"},
                                   {"\0\0\xfe\xff"sv, "UTF-32BE"},
                                   {"\xff\xfe"sv, "UTF-16LE"},
                                   {"\xfe\xff"sv, "UTF-16BE"}}) {
    if (start.starts_with(mark)) return name;
  }
  return nullptr;
}

// Where Latin-1 has control characters, which no text uses, Windows-1252 has quotation marks and dashes.
bool has_upper_controls(std::string_view text) {
  while (true) {
    const std::size_t at = find_invalid(text);
    if (at == std::string_view::npos) return false;
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x80 && byte < 0xa0) return true;
    text.remove_prefix(at + 1);
  }
}

std::string conversion(const std::string& encoding) {
  return "; convert it first: iconv -f " + encoding + " -t UTF-8 FILE > NEW";
}

}  // namespace

void refuse_other_encoding(std::string_view start, const std::string& name, bool lossy) {
  const auto refuse = [&](const std::string& found) {
    throw Error(Status::bad_file, name + ": expected UTF-8, found " + found);
  };
  if (const char* encoding = marked_encoding(start)) {
    refuse(std::string(encoding) + " (its byte order mark)" + conversion(encoding));
  }
  start = start.substr(0, kLookedAt);
  if (const char* encoding = wide_by_controls(start)) {
    refuse(std::string("what looks like ") + encoding + conversion(encoding));
  }
  const Nuls nuls(start);
  if (!nuls.many()) {
    const char* encoding = lossy ? wide_with_invalid(nuls) : nullptr;
    if (encoding == nullptr || invalid_share(start) < kMuchInvalid) return;
    refuse(std::string("what looks like ") + encoding + conversion(encoding));
  }
  const std::string share = std::to_string(100 * nuls.count() / nuls.bytes) + " % of its bytes are NUL";
  if (const char* encoding = wide_encoding(nuls))
    refuse(std::string(encoding) + " (" + share + ")" + conversion(encoding));
  refuse("a file of another kind (" + share + ")");
}

double invalid_share(std::string_view text) {
  if (text.empty()) return 0;
  const auto all = static_cast<double>(text.size());
  std::size_t invalid = 0;
  for (std::size_t at = find_invalid(text); at != std::string_view::npos; at = find_invalid(text)) {
    const std::size_t length = read_sequence(text.substr(at)).length;
    invalid += length;
    text.remove_prefix(at + length);
  }
  return static_cast<double>(invalid) / all;
}

std::string advice_on_invalid(std::string_view text, std::size_t at) {
  const std::string replaced = "replace what is invalid with --lossy when training";
  if (at >= text.size() || static_cast<unsigned char>(text[at]) < 0x80) return "";
  const char* wide = wide_with_invalid(Nuls(text.substr(0, kLookedAt)));
  if (wide != nullptr) return std::string("; it looks like ") + wide + conversion(wide);
  const bool windows = has_upper_controls(text.substr(at, kLookedAt));
  return std::string("; if it is ") + (windows ? "Windows-1252" : "Latin-1") + ", convert it first: iconv -f " +
         (windows ? "WINDOWS-1252" : "LATIN1") + " -t UTF-8 FILE > NEW; or " + replaced;
}

}  // namespace sluice
