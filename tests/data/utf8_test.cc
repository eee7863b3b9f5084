// UTF-8: what is well-formed, where it is not, and cleaning in pieces. utf8proc_iterate is the second opinion.
#include "data/utf8.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <utf8proc.h>

#include <string>
#include <vector>

#include "sluice/error.h"

namespace sluice::utf8_test {
namespace {

using Kind = Utf8Sequence::Kind;

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

std::string clean(const std::vector<std::string>& pieces, bool lossy = false) {
  TextCleaner cleaner("text", lossy);
  std::string out;
  for (const std::string& piece : pieces) cleaner.clean(piece, false, out);
  cleaner.clean("", true, out);
  return out;
}

std::string message_of(const std::string& text, std::size_t piece) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < text.size(); at += piece) pieces.push_back(text.substr(at, piece));
  try {
    clean(pieces);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::bad_file);
    return error.what();
  }
  return "no error";
}

// Bytes that make sequences, whole and broken, far more often than chance would.
rc::Gen<std::string> mixed_bytes() {
  const auto part = rc::gen::oneOf(
      rc::gen::elementOf(std::vector<std::string>{"a", " ", "\r", "\n", "\r\n", "\u00e9", "\u20ac", "\U0001f600",
                                                  "\xef\xbb\xbf", "longer than a word of eight"}),
      rc::gen::map(rc::gen::elementOf(std::vector<int>{0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2,
                                                       0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff}),
                   [](int value) { return bytes({value}); }));
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(part), [](const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& p : parts) text += p;
    return text;
  });
}

TEST(Utf8, KnowsTheLimitsOfWellFormedSequences) {
  const auto expect = [](const std::string& text, Kind kind, std::size_t length) {
    const Utf8Sequence found = read_sequence(text);
    EXPECT_EQ(found.kind, kind) << testing::PrintToString(text);
    EXPECT_EQ(found.length, length) << testing::PrintToString(text);
  };
  expect(bytes({0x00}), Kind::valid, 1);
  expect(bytes({0x7f}), Kind::valid, 1);
  expect(bytes({0x80}), Kind::invalid, 1);
  expect(bytes({0xc1, 0xbf}), Kind::invalid, 1);  // overlong U+007F
  expect(bytes({0xc2, 0x80}), Kind::valid, 2);
  expect(bytes({0xe0, 0x9f, 0xbf}), Kind::invalid, 1);  // overlong U+07FF
  expect(bytes({0xe0, 0xa0, 0x80}), Kind::valid, 3);
  expect(bytes({0xed, 0x9f, 0xbf}), Kind::valid, 3);
  expect(bytes({0xed, 0xa0, 0x80}), Kind::invalid, 1);        // surrogate U+D800
  expect(bytes({0xf0, 0x8f, 0xbf, 0xbf}), Kind::invalid, 1);  // overlong U+FFFF
  expect(bytes({0xf0, 0x90, 0x80, 0x80}), Kind::valid, 4);
  expect(bytes({0xf4, 0x8f, 0xbf, 0xbf}), Kind::valid, 4);
  expect(bytes({0xf4, 0x90, 0x80, 0x80}), Kind::invalid, 1);  // U+110000
  expect(bytes({0xf5, 0x80, 0x80, 0x80}), Kind::invalid, 1);
  expect(bytes({0xe2, 0x82}), Kind::cut, 2);
  expect(bytes({0xe2, 0x82, 0x41}), Kind::invalid, 2);  // one U+FFFD for the two that belong together
}

TEST(Utf8, FindsTheFirstInvalidByteLikeUtf8proc) {
  EXPECT_TRUE(rc::check([] {
    const std::string text = *mixed_bytes();
    std::size_t expected = std::string::npos;
    for (std::size_t at = 0; at < text.size();) {
      utf8proc_int32_t value = 0;
      const auto* from = reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at;
      const auto length = utf8proc_iterate(from, static_cast<utf8proc_ssize_t>(text.size() - at), &value);
      if (length <= 0) {
        expected = at;
        break;
      }
      RC_ASSERT(code_point(std::string_view(text).substr(at)) == static_cast<char32_t>(value));
      RC_ASSERT(sequence_length(text[at]) == static_cast<std::size_t>(length));
      at += static_cast<std::size_t>(length);
    }
    RC_ASSERT(find_invalid(text) == expected);
  }));
}

TEST(Utf8, LastCodePointOfAnyBytes) {
  EXPECT_EQ(last_code_point(""), 0u);
  EXPECT_EQ(last_code_point("a\u20ac"), 0x20acu);
  EXPECT_EQ(last_code_point("a\U0001f600"), 0x1f600u);
  EXPECT_EQ(last_code_point("a\xe2\x82"), 0xfffdu);
  EXPECT_EQ(last_code_point("\x80\x80"), 0xfffdu);
}

TEST(TextCleaner, SkipsTheByteOrderMarkAtTheStartOnly) {
  EXPECT_EQ(clean({"\xef\xbb\xbfone"}), "one");
  EXPECT_EQ(clean({"\xef", "\xbb", "\xbfone"}), "one");
  EXPECT_EQ(clean({"one\xef\xbb\xbf"}), "one\xef\xbb\xbf");
  EXPECT_EQ(clean({"\xef\xbb\xbf\xef\xbb\xbf"}), "\xef\xbb\xbf");
  EXPECT_EQ(clean({"\xef\xbb\xbf"}), "");
}

TEST(TextCleaner, TurnsCarriageReturnAloneOrWithALineFeedIntoALineEnd) {
  EXPECT_EQ(clean({"a\r\nb\r\n\r\nc\rd\r"}), "a\nb\n\nc\nd\n");
  EXPECT_EQ(clean({"a\r", "\nb\r", "c"}), "a\nb\nc");
  EXPECT_EQ(clean({"\r\r\n"}), "\n\n");
  EXPECT_EQ(clean({"\r"}), "\n");
  EXPECT_EQ(clean({"", "\r", ""}), "\n");
}

TEST(TextCleaner, NamesTheOffsetOfInvalidBytesForAnyPieces) {
  for (const std::size_t piece : {1, 2, 3, 5, 100}) {
    EXPECT_EQ(message_of("abc\xffxyz", piece), "text: expected UTF-8, found an invalid byte (0xFF) at byte 3");
    EXPECT_EQ(message_of("\xef\xbb\xbf\u20ac\r\n\xed\xa0\x80", piece),
              "text: expected UTF-8, found an invalid byte (0xED) at byte 8");
    EXPECT_EQ(message_of("abc\xe2\x82", piece), "text: expected UTF-8, found a sequence cut short (0xE2) at byte 3");
    EXPECT_EQ(message_of("a\u00e9 only", piece), "no error");
  }
}

TEST(TextCleaner, ReplacesInvalidBytesWhenLossy) {
  EXPECT_EQ(clean({"a\xff\xfe"
                   "b\xe2\x82"},
                  true),
            "a\ufffd\ufffdb\ufffd");
  EXPECT_EQ(clean({bytes({0xc0, 0x80, 0xed, 0xa0, 0x80, 0x41})}, true), "\ufffd\ufffd\ufffd\ufffd\ufffdA");
}

TEST(TextCleaner, GivesTheSameForAnyPiecesAndAlwaysWellFormedText) {
  EXPECT_TRUE(rc::check([] {
    const std::string text = *mixed_bytes();
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
      const auto length = *rc::gen::inRange<std::size_t>(1, 9);
      pieces.push_back(text.substr(at, length));
      at += length;
    }
    const std::string whole = clean({text}, true);
    RC_ASSERT(clean(pieces, true) == whole);
    RC_ASSERT(find_invalid(whole) == std::string::npos);
    RC_ASSERT(whole.find('\r') == std::string::npos);
  }));
}

TEST(Utf8, LowercaseMapsCodePointsOneToOne) {
  std::string scratch;
  EXPECT_EQ(lowercase("already lower 1", scratch), "already lower 1");
  EXPECT_EQ(lowercase("MiXed [\\]^ \u00c9\u0394\u0416", scratch), "mixed [\\]^ \u00e9\u03b4\u0436");
  EXPECT_EQ(lowercase("\u00df\u03a3", scratch), "\u00df\u03c3");  // simple: no final sigma, no SS
}

TEST(Utf8, ClassesOfCharacters) {
  for (const char32_t value : {U'a', U'Z', U'7', U'\u00e9', U'\u0301', U'\u0967', U'\u216b', U'\u4e2d', U'\u200d'}) {
    EXPECT_TRUE(is_word_character(value)) << std::hex << static_cast<std::uint32_t>(value);
  }
  for (const char32_t value : {U'\0', U'@', U'[', U'`', U'{', U'/', U':', U'_', U'\u20ac', U'\u00a0', U'\u2019'}) {
    EXPECT_FALSE(is_word_character(value)) << std::hex << static_cast<std::uint32_t>(value);
  }
  for (const char32_t value : {U' ', U'\t', U'\u00a0', U'\u3000', U'\u200b'}) EXPECT_TRUE(is_blank(value));
  for (const char32_t value : {U'\n', U'a', U'\0', U'\u2028'}) EXPECT_FALSE(is_blank(value));
}

}  // namespace
}  // namespace sluice::utf8_test
