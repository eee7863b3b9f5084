// Lines of a source, and rows of separated values.
#include "data/lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/csv.h"
#include "data/sources.h"
#include "errors.h"

namespace sluice::lines_test {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> lines_of(const TextSource& source) {
  LineReader reader(source);
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  return lines;
}

// The text in pieces of one byte.
TextSource slowly(const std::string& text) {
  const TextSource whole = test::source_of(text);
  return {whole.name, [whole]() -> TextSource::Read {
            return [read = whole.open()](char* into, std::size_t most) {
              return read(into, std::min<std::size_t>(most, 1));
            };
          }};
}

TEST(LineReaderTest, EveryKindOfLineEnd) {
  const std::string text = "a\nb\r\nc\rd\n\n\r\n\re";
  const auto expected = ElementsAre("a", "b", "c", "d", "", "", "", "e");
  EXPECT_THAT(lines_of(test::source_of(text)), expected);
  EXPECT_THAT(lines_of(slowly(text)), expected);
  EXPECT_THAT(lines_of(test::source_of("")), ElementsAre());
  EXPECT_THAT(lines_of(test::source_of("a\n")), ElementsAre("a"));
}

TEST(LineReaderTest, AByteOrderMarkIsNoPartOfALine) {
  const std::string mark = "\xef\xbb\xbf";
  EXPECT_THAT(lines_of(test::source_of(mark + "a\nb" + mark + "\n")), ElementsAre("a", "b" + mark));
}

TEST(LineReaderTest, ALineThatIsNotUtf8IsNamedAndTheNextIsGiven) {
  LineReader reader(test::source_of("a\n\xc3(\nb\n"));
  std::string line;
  EXPECT_TRUE(reader.next(line));
  EXPECT_EQ(test::error_of(Status::bad_file, [&] { reader.next(line); }),
            "data, line 2: expected UTF-8, found an invalid byte (0xC3) at byte 0");
  EXPECT_TRUE(reader.next(line));
  EXPECT_EQ(line, "b");
  EXPECT_EQ(reader.place(), "data, line 3");
}

// Any cells, written with quotes around them, are read again, whatever separates them.
RC_GTEST_PROP(CsvReaderTest, WhatIsQuotedIsReadAgain, ()) {
  const char separator = *rc::gen::element(',', ';', '\t');
  const auto cell = rc::gen::container<std::string>(rc::gen::element('a', '"', ',', ';', '\t', '\n', ' ', '1'));
  const auto columns = *rc::gen::inRange<std::size_t>(2, 5);
  const auto rows = *rc::gen::container<std::vector<std::vector<std::string>>>(
      rc::gen::container<std::vector<std::string>>(columns, cell));
  std::string text;
  for (std::size_t i = 0; i < columns; ++i) text += (i > 0 ? std::string(1, separator) : "") + "h";
  for (const auto& row : rows) {
    text += '\n';
    for (std::size_t i = 0; i < columns; ++i) {
      if (i > 0) text += separator;
      text += '"';
      for (const char c : row[i]) text += c == '"' ? "\"\"" : std::string(1, c);
      text += '"';
    }
  }
  CsvReader reader(test::source_of(text));
  std::vector<std::string_view> cells;
  RC_ASSERT(reader.next(cells));
  RC_ASSERT(cells.size() == columns);
  std::uint64_t line = 2;
  for (const auto& row : rows) {
    RC_ASSERT(reader.next(cells));
    RC_ASSERT(reader.line() == line);
    RC_ASSERT(std::vector<std::string>(cells.begin(), cells.end()) == row);
    for (const auto& of_row : row) line += static_cast<std::uint64_t>(std::ranges::count(of_row, '\n'));
    ++line;
  }
  RC_ASSERT(!reader.next(cells));
}

}  // namespace
}  // namespace sluice::lines_test
