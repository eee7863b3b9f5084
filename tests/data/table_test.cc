// Tables: what other tools write is read alike, and what is not well-formed is refused with its place.
#include "data/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <string>
#include <vector>

#include "data/reader.h"
#include "data/sources.h"
#include "errors.h"

namespace sluice::table_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Table table(const std::string& text, const TableOptions& options = {}, const std::string& id = {}) {
  return read_table(test::source_of(text), options, id);
}

std::string refusal(const std::string& text, const TableOptions& options = {}, const std::string& id = {}) {
  return test::error_of(Status::bad_file, [&] { table(text, options, id); });
}

TableOptions of_columns(std::vector<std::string> numbers, std::string time = {}, std::vector<std::string> texts = {}) {
  TableOptions options;
  options.numbers = std::move(numbers);
  options.time = std::move(time);
  options.texts = std::move(texts);
  return options;
}

TEST(TableTest, ColumnsByName) {
  const std::string text = "date,a,shop,b\n2020-01-01,1,x,-2.5e1\n2020-01-02,3,\"y, z\",.5\n";
  const Table all = table(text);
  EXPECT_THAT(all.columns, ElementsAre("a", "b"));
  EXPECT_THAT(all.numbers[0], ElementsAre(1, 3));
  EXPECT_THAT(all.numbers[1], ElementsAre(-25, 0.5));
  EXPECT_EQ(all.rows, 2u);
  EXPECT_EQ(frequency_text(*all.frequency), "1 day");
  const Table some = table(text, of_columns({"b"}, "date", {"shop"}));
  EXPECT_THAT(some.columns, ElementsAre("b"));
  EXPECT_THAT(some.texts[0].names, ElementsAre("x", "y, z"));
  EXPECT_THAT(some.texts[0].rows, ElementsAre(0, 1));
  EXPECT_EQ(time_text(some.times[1], some.time_form), "2020-01-02");
}

// The same table as other tools write it.
TEST(TableTest, OtherToolsTablesAreReadAlike) {
  const std::vector<std::string> texts{
      "date,a,b\n2020-01-01,1.5,2\n2020-01-02,3,\n",                                 // pandas, index=False
      ",date,a,b\n0,2020-01-01,1.5,2.0\n1,2020-01-02,3.0,\n",                        // pandas, a counting index
      ",a,b\n2020-01-01,1.5,2.0\n2020-01-02,3.0,\n",                                 // pandas, an index of dates
      "\"\",\"date\",\"a\",\"b\"\n\"1\",2020-01-01,1.5,2\n\"2\",2020-01-02,3,NA\n",  // R, write.csv
      "\"date\" \"a\" \"b\"\n\"1\" 2020-01-01 1.5 2\n\"2\" 2020-01-02 3 NA\n",       // R, write.table
      "\"date\";\"a\";\"b\"\n2020-01-01;1,5;2\n2020-01-02;3;NA\n",                   // R, write.csv2
      "\xef\xbb\xbf"
      "date;a;b\r\n2020-01-01;1,5;2\r\n2020-01-02;3;\r\n;;\r\n",         // a spreadsheet in Europe
      "sep=;\r\ndate;a;b\r\n2020-01-01;1.5;2\r\n2020-01-02;3;#N/A\r\n",  // for a spreadsheet
      "date\ta\tb\t\n2020-01-01\t+1.5\t2e0\t\n2020-01-02\t3\t\t\n\n",    // tabs, an empty column
      "date,a,b\r2020-01-01, 1.5 ,2\r2020-01-02,\" 3\",NaN",             // old ends of lines, blanks
  };
  for (const std::string& text : texts) {
    TableOptions options;
    options.missing = Missing::mask;
    options.numbers = {"a", "b"};
    const Table read = table(text, options);
    EXPECT_THAT(read.numbers[0], ElementsAre(1.5, 3)) << text;
    EXPECT_EQ(read.numbers[1][0], 2) << text;
    EXPECT_TRUE(std::isnan(read.numbers[1][1])) << text;
    ASSERT_EQ(read.times.size(), 2u) << text;
    EXPECT_EQ(time_text(read.times[1], read.time_form), "2020-01-02") << text;
    options.numbers.clear();
    EXPECT_THAT(table(text, options).columns, ElementsAre("a", "b")) << text;
  }
}

TEST(TableTest, NumbersAreReadTheSameInEveryLocale) {
  const char* const set = std::setlocale(LC_ALL, "de_DE.UTF-8");
  EXPECT_THAT(table("a\n1.5\n1e-3\n").numbers[0], ElementsAre(1.5, 0.001)) << (set != nullptr ? set : "C");
  std::setlocale(LC_ALL, "C");
}

TEST(TableTest, NumbersKeepTheirDigits) {
  const Table all = table("a,b\n1000000000001,1e-310\n1000000000002,1.7976931348623157e308\n");
  EXPECT_EQ(all.numbers[0][1] - all.numbers[0][0], 1);
  EXPECT_EQ(all.numbers[1][0], 1e-310);
  EXPECT_EQ(table("a\n1e-400\n").numbers[0][0], 0);
}

TEST(TableTest, QuotesMayHoldSeparatorsQuotesAndLineEnds) {
  const Table all =
      table("a,\"the \"\"b\"\"\",c\n1,\"2\",\"x\n\ny\"\n3,4,z\n", of_columns({"a", "the \"b\""}, "", {"c"}));
  EXPECT_THAT(all.numbers[1], ElementsAre(2, 4));
  EXPECT_THAT(all.texts[0].names, ElementsAre("x\n\ny", "z"));
  EXPECT_EQ(refusal("a,b\n1,\"2\n3\"\n4,5,6\n", of_columns({"a"})),
            "data, line 4: expected 2 cells, as many as the header has, found 3");
}

TEST(TableTest, SeriesOfATable) {
  const std::string mixed = "t,id,a\n1,x,1\n1,y,10\n2,x,2\n2,y,20\n3,x,3\n";
  const Table all = table(mixed, of_columns({"a"}, "t", {"id"}), "id");
  EXPECT_THAT(all.series, ElementsAre("x", "y"));
  EXPECT_THAT(all.starts, ElementsAre(0, 3, 5));
  EXPECT_THAT(all.numbers[0], ElementsAre(1, 2, 3, 10, 20));
  EXPECT_THAT(all.times, ElementsAre(1, 2, 3, 1, 2));
  EXPECT_THAT(all.texts[0].rows, ElementsAre(0, 0, 0, 1, 1));
  EXPECT_EQ(all.frequency, (Frequency{Frequency::Unit::one, 1}));
  EXPECT_EQ(refusal(mixed, of_columns({"a"}, "t")), "data, line 3: expected each time once, found 1 again (line 2)");
  EXPECT_EQ(refusal("t,id,a\n2,x,1\n1,y,10\n1,x,2\n", of_columns({"a"}, "t", {"id"}), "id"),
            "data, line 4: expected rows in the order of time, after 2 (line 2), found 1");
}

TEST(TableTest, GapsAreCountedAndFilled) {
  Table all = table("date,id,a\n2020-01-01,x,1\n2020-01-02,x,2\n2020-01-05,x,5\n2020-01-06,x,6\n",
                    of_columns({"a"}, "date", {"id"}), "id");
  EXPECT_EQ(all.gaps, 2u);
  EXPECT_EQ(all.first_gap, "2020-01-02");
  fill_gaps(all);
  EXPECT_EQ(all.rows, 6u);
  EXPECT_THAT(all.starts, ElementsAre(0, 6));
  EXPECT_EQ(all.numbers[0][4], 5);
  EXPECT_TRUE(std::isnan(all.numbers[0][2]) && std::isnan(all.numbers[0][3]));
  EXPECT_EQ(time_text(all.times[3], all.time_form), "2020-01-04");
  EXPECT_THAT(all.texts[0].rows, ElementsAre(0, 0, 0, 0, 0, 0));
  EXPECT_EQ(all.gaps, 0u);
  Table far = table("t,a\n0,1\n1,2\n2,3\n1000000000000,4\n", of_columns({"a"}, "t"));
  EXPECT_THAT(test::error_of(Status::bad_file, [&] { fill_gaps(far); }),
              HasSubstr("found 999999999997 missing ones, the first after 2"));
  EXPECT_FALSE(table("t,a\n0,1\n1,2\n3,3\n5,4\n6,4\n6000,3\n6001,2\n", of_columns({"a"}, "t")).frequency ==
               std::nullopt);
  EXPECT_EQ(table("t,a\n0,1\n2,2\n4,3\n7,4\n", of_columns({"a"}, "t")).frequency, std::nullopt);
}

TEST(TableTest, RowsOfTimesToCome) {
  const Table one = table("date,a\n2020-01-01,1\n2020-01-02,2\n2020-01-03,3\n2020-01-05,5\n");
  TimeForm form;
  NextTimes next{"", *read_time("2020-01-01", form), *one.frequency, 2};
  EXPECT_THAT(rows_of(one, next), ElementsAre(1, 2));
  const auto refused = [&](const Table& of) { return test::error_of(Status::bad_file, [&] { rows_of(of, next); }); };
  next.steps = 4;
  EXPECT_EQ(refused(one), "data: expected a row for each of the 4 times after 2020-01-01, found none for 2020-01-04");
  next.steps = 9;
  EXPECT_EQ(refused(one),
            "data: expected a row for each of the 9 times after 2020-01-01, found none for 2020-01-04, 2020-01-06, "
            "2020-01-07, 2020-01-08, ..., 2020-01-10");
  const Table two = table("t,id,a\n1,x,1\n1,y,10\n2,x,2\n2,y,20\n", of_columns({"a"}, "t", {"id"}), "id");
  next = {"y", 0, *two.frequency, 2};
  EXPECT_THAT(rows_of(two, next), ElementsAre(2, 3));
  next.steps = 3;
  EXPECT_EQ(refused(two), "data: expected a row for each of the 3 times after 0 of the series \"y\", found none for 3");
  EXPECT_EQ(refused(table("a\n1\n")), "data: expected a column of times, found none");
  next.series = "z";
  EXPECT_EQ(refused(two), "data: expected rows of \"z\", found none");
}

TEST(TableTest, WhatDoesNotFitIsNamedWithItsPlace) {
  EXPECT_EQ(refusal(""), "data: expected a table with a header, found an empty file");
  EXPECT_EQ(refusal("a,b\n"), "data: expected rows under the header, found none");
  EXPECT_EQ(refusal("1,2\n3,4\n"), "data, line 1: expected a header with the names of the columns, found values");
  EXPECT_EQ(refusal("2020-01-01,2\n2020-01-02,4\n"),
            "data, line 1: expected a header with the names of the columns, found values");
  EXPECT_EQ(refusal("a,b\n1,2\n3\n"), "data, line 3: expected 2 cells, as many as the header has, found 1");
  for (const char* empty : {"", " \t", ","}) {
    const std::string line = std::string(empty) + "\n";
    // Where rows have times, none is lost.
    EXPECT_EQ(table("t,a\n1,5\n" + line + "2,6\n" + line, of_columns({"a"}, "t")).rows, 2u);
    EXPECT_EQ(table("a,b\n1,2\n3,4\n" + line + line).rows, 2u);
    EXPECT_EQ(refusal("a,b\n1,2\n" + line + line + "3,4\n"), "data, line 3: expected a row, found an empty line");
    EXPECT_EQ(refusal("a,b\n" + line + "3,4\n"), "data, line 2: expected a row, found an empty line");
  }
  EXPECT_EQ(refusal("a\n1\n\n2\n"), "data, line 3: expected a row, found an empty line");
  EXPECT_EQ(refusal("a,b\n1,2\n3,x\n"), "data, line 3, column \"b\": expected a number, found \"x\"");
  EXPECT_EQ(refusal("a,b\n1,2\n3,\n"),
            "data, line 3, column \"b\": expected a number (or missing=mask or fill), found none");
  EXPECT_EQ(refusal("a,b\n1,2\nNaN,2\n"),
            "data, line 3, column \"a\": expected a number (or missing=mask or fill), found \"NaN\"");
  EXPECT_EQ(refusal("a,b\n1,inf\n", of_columns({"b"})), "data, line 2, column \"b\": expected a number, found \"inf\"");
  EXPECT_EQ(refusal("a,b\n1,1e400\n", of_columns({"b"})),
            "data, line 2, column \"b\": expected a number, found \"1e400\"");
  EXPECT_EQ(refusal("a,b\n1,0x10\n", of_columns({"b"})),
            "data, line 2, column \"b\": expected a number, found \"0x10\"");
  EXPECT_EQ(refusal("a,b\n1,\"1,234\"\n", of_columns({"b"})),
            "data, line 2, column \"b\": expected a number, found \"1,234\"");
  EXPECT_EQ(refusal("a;b\n1;2,5\n1;2.5\n"),
            "data, line 3, column \"b\": expected a comma for the point of every number, as in the lines before, found "
            "\"2.5\"");
  EXPECT_EQ(refusal("a;b\n1;2.5\n1;2,5\n"), "data, line 3, column \"b\": expected a number, found \"2,5\"");
  EXPECT_EQ(refusal("a,b\n1,2\n", of_columns({"c"})), "data: expected a column \"c\", found the columns a, b");
  EXPECT_EQ(refusal("a,a\n1,2\n"), "data: expected one column \"a\", found several");
  EXPECT_EQ(refusal("a,b\nx,y\n"), "data: expected a column of numbers, found the columns a, b");
  EXPECT_EQ(refusal("a,b\n1,\"2\" 3\n"), "data, line 2, column 2: expected a comma behind the quotes, found more text");
  EXPECT_EQ(
      refusal("a,b\n1,2\"3\n"),
      "data, line 2, column 2: expected quotes around all of a cell (and two for one inside), found one within it");
  EXPECT_EQ(refusal("a,b\n1,2\n3,\"4\n5,6\n"),
            "data, line 3, column 2: expected quotes that are closed, found none that end");
  EXPECT_EQ(refusal("a,b\n1,2\n1,\xff\n"), "data, line 3: expected UTF-8, found an invalid byte (0xFF) at byte 2");
  const TableOptions timed = of_columns({"a"}, "t");
  EXPECT_EQ(
      refusal("t,a\n01/02/2020,1\n", timed),
      "data, line 2, column \"t\": expected a time (YYYY-MM-DD, YYYY-MM-DD HH:MM:SS, YYYY-MM or an integer), found "
      "\"01/02/2020\"");
  EXPECT_EQ(refusal("t,a\n2020-01-01,1\nx,2\n", timed),
            "data, line 3, column \"t\": expected a date (YYYY-MM-DD), found \"x\"");
  EXPECT_EQ(refusal("t,a\n2020-01-01,1\n5,2\n", timed),
            "data, line 3, column \"t\": expected a date (YYYY-MM-DD), as in the lines before, found \"5\"");
  EXPECT_EQ(
      refusal("t,a\n2020-01-01 00:00Z,1\n2020-01-01 01:00,2\n", timed),
      "data, line 3, column \"t\": expected a date and time (YYYY-MM-DD HH:MM) with a zone, as in the lines before, "
      "found \"2020-01-01 01:00\"");
  EXPECT_EQ(refusal("t,a\n2020-01-02,1\n2020-01-01,2\n", timed),
            "data, line 3: expected rows in the order of time, after 2020-01-02 (line 2), found 2020-01-01");
  EXPECT_EQ(refusal("t,a,id\n1,1,\n", of_columns({"a"}, "t", {"id"})),
            "data, line 2, column \"id\": expected a text, found none");
}

TEST(TableTest, PublishedFiles) {
  const std::string folder = "timeseries/forecast/";
  SLUICE_NEEDS_DATA(folder);
  const auto read = [&](const std::string& file) {
    return read_table(file_source(test::data_folder() + "/" + folder + file), {});
  };
  const Table ett = read("ETTh1.csv");
  EXPECT_EQ(ett.rows, 17420u);
  EXPECT_THAT(ett.columns, ElementsAre("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"));
  EXPECT_EQ(frequency_text(*ett.frequency), "1 hour");
  EXPECT_EQ(ett.gaps, 0u);
  EXPECT_EQ(ett.numbers[6][0], 30.5310001373291);
  EXPECT_EQ(frequency_text(*read("monthly-sunspots.csv").frequency), "1 month");
  EXPECT_EQ(read("monthly-airline-passengers.csv").rows, 144u);
  const Table daily = read("daily-min-temperatures.csv");
  EXPECT_EQ(frequency_text(*daily.frequency), "1 day");
  EXPECT_EQ(daily.gaps, 2u);  // the last day of both leap years
  EXPECT_EQ(daily.first_gap, "1984-12-30");
}

}  // namespace
}  // namespace sluice::table_test
