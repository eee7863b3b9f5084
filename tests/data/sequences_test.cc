// Files of many sequences: what is read from them, and what is refused.
#include "data/sequences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "data/reader.h"
#include "data/sources.h"
#include "errors.h"

namespace sluice::sequences_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Sequences ts(const std::string& text, const SequenceOptions& options = {}) {
  return read_ts(test::source_of(text), options);
}

std::string refusal(const std::string& text, const SequenceOptions& options = {}) {
  return test::error_of(Status::bad_file, [&] { ts(text, options); });
}

Sequences lines(const std::string& text, LabelColumn label, const SequenceOptions& options = {}) {
  return read_sequence_lines(test::source_of(text), label, options);
}

const std::string kTwo =
    "# two dimensions\r\n@problemName T\n@Univariate false\n@dimensions 2\n@classLabel true b a\n@data\n";

TEST(TsFile, StepsOfAllDimensionsStandTogether) {
  const Sequences all = ts(kTwo + "1,2,3:4,5,6:a\n\n# between\n7, 8 :9,1e1:b\n");
  EXPECT_EQ(all.inputs, 2u);
  EXPECT_THAT(all.starts, ElementsAre(0, 3, 5));
  EXPECT_THAT(all.values, ElementsAre(1, 4, 2, 5, 3, 6, 7, 9, 8, 10));
  EXPECT_THAT(all.classes, ElementsAre("b", "a"));  // as the header has them
  EXPECT_THAT(all.labels, ElementsAre(1, 0));
  EXPECT_THAT(all.values_of(1), ElementsAre(7, 9, 8, 10));
}

TEST(TsFile, WithoutClassesAndWithTargets) {
  const Sequences bare = ts("@univariate true\n@classLabel false\n@data\n1,2\n3\n");
  EXPECT_THAT(bare.labels, IsEmpty());
  EXPECT_THAT(bare.starts, ElementsAre(0, 2, 3));
  const Sequences targets = ts("@univariate true\n@targetLabel true\n@data\n1,2:0.5\n3:-1e-3\n");
  EXPECT_EQ(targets.outputs, 1u);
  EXPECT_THAT(targets.targets, ElementsAre(0.5f, -1e-3f));
  EXPECT_EQ(targets.inputs, 1u);
}

TEST(TsFile, MissingNumbersAreNaNWhereAllowed) {
  const std::string text = "@univariate true\n@classLabel true x\n@data\n1,?,NaN:x\n";
  EXPECT_EQ(refusal(text),
            "data, line 4, dimension 1, step 2: expected a number (none of a sequence may be missing), found \"?\"");
  SequenceOptions options;
  options.missing = Missing::fill;
  const Sequences all = ts(text, options);
  EXPECT_EQ(all.values[0], 1);
  EXPECT_TRUE(std::isnan(all.values[1]) && std::isnan(all.values[2]));
}

TEST(TsFile, AnotherFileHasTheClassesOfTraining) {
  SequenceOptions options;
  options.classes = {"x", "a", "b"};
  EXPECT_THAT(ts(kTwo + "1:2:a\n3:4:b\n", options).labels, ElementsAre(1, 2));
  EXPECT_THAT(ts(kTwo + "1:2:a\n", options).classes, ElementsAre("x", "a", "b"));
  EXPECT_EQ(refusal(kTwo + "1:2:a\n1:2:c\n", options),
            "data, line 8: expected a class of the training file (x, a, b), found \"c\"");
  EXPECT_EQ(refusal(kTwo + "1:2:c\n"), "data, line 7: expected a class of the training file (b, a), found \"c\"");
  options.inputs = 3;
  EXPECT_EQ(refusal(kTwo + "1:2:a\n", options), "data, line 7: expected 3 dimensions, as in training, found 2");
}

TEST(TsFile, WhatDoesNotFitIsNamedWithItsLine) {
  EXPECT_EQ(refusal(""), "data: expected @data in a .ts file, found an empty file");
  EXPECT_EQ(refusal("@univariate true\n"), "data: expected @data in a .ts file, found none");
  EXPECT_EQ(refusal(kTwo), "data: expected a sequence a line after @data, found none");
  EXPECT_EQ(refusal("1,2:a\n"), "data, line 1: expected a line that begins with # or @, before @data, found \"1,2:a\"");
  EXPECT_EQ(refusal(kTwo + "1,2:a\n"), "data, line 7: expected 2 dimensions separated by ':', found 1");
  EXPECT_EQ(refusal(kTwo + "1,2:1,2,3:a\n"),
            "data, line 7: expected 2 steps in dimension 2, as in dimension 1, found 3");
  EXPECT_EQ(refusal(kTwo + "1,2:1,x:a\n"), "data, line 7, dimension 2, step 2: expected a number, found \"x\"");
  EXPECT_EQ(refusal(kTwo + "1,2:,2:\n"), "data, line 7: expected a class, found none");
  EXPECT_EQ(refusal(kTwo + ":1:a\n"), "data, line 7: expected numbers in dimension 1, found none");
  EXPECT_EQ(refusal(kTwo + "1\n"), "data, line 7: expected a class at the end, after ':', found no ':'");
  EXPECT_EQ(refusal(kTwo + "1e39:1:a\n"),
            "data, line 7, dimension 1, step 1: expected a number of at most 3.4e38, found \"1e39\"");
  EXPECT_THAT(refusal("@timeStamps true\n@data\n"), HasSubstr("line 1: expected @timeStamps false"));
  EXPECT_THAT(refusal("@dimensions two\n@data\n"),
              HasSubstr("expected a whole number of at least 1 after @dimensions"));
  EXPECT_THAT(refusal("@equalLength maybe\n@data\n"),
              HasSubstr("expected true or false after @equallength, found \"maybe\""));
  EXPECT_EQ(refusal("@equalLength true\n@seriesLength 3\n@classLabel true a\n@data\n1,2:a\n"),
            "data, line 5: expected 3 steps, as @seriesLength says, found 2");
  EXPECT_EQ(refusal(kTwo + "1:2:a\n\xff:1:a\n"),
            "data, line 8: expected UTF-8, found an invalid byte (0xFF) at byte 0");
}

TEST(SequenceLines, ClassesFirstOrLast) {
  const Sequences first = lines("2,1.5,2\n10,3,4\n2,5,6,7\n", LabelColumn::first);
  EXPECT_THAT(first.classes, ElementsAre("10", "2"));
  EXPECT_THAT(first.labels, ElementsAre(1, 0, 1));
  EXPECT_THAT(first.starts, ElementsAre(0, 2, 4, 7));
  EXPECT_THAT(first.values, ElementsAre(1.5f, 2, 3, 4, 5, 6, 7));
  const Sequences last = lines("1\t2\t\"b, c\"\n3\t4\ta\n", LabelColumn::last);
  EXPECT_THAT(last.classes, ElementsAre("a", "b, c"));
  EXPECT_THAT(last.values, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(lines("1;2\n", LabelColumn::none).labels, IsEmpty());
}

// As the archives and other tools write them.
TEST(SequenceLines, BlanksHeadersAndNaNAtTheEnd) {
  const Sequences blanks = lines("  1.0000000e+00  -4.9e-01   2.5\n  2 1 2\n", LabelColumn::first);
  EXPECT_THAT(blanks.values, ElementsAre(-0.49f, 2.5f, 1, 2));
  EXPECT_THAT(blanks.classes, ElementsAre("1.0000000e+00", "2"));
  const Sequences padded = lines("1\t5\t6\tNaN\tNaN\n1\t7\t8\t9\tNaN\n", LabelColumn::first);
  EXPECT_THAT(padded.starts, ElementsAre(0, 2, 5));
  for (const std::string header : {"class,t0,t1,t2", "class,0,1,2", ",1,2,3", "\"class\",\"t0\""}) {
    const Sequences all = lines(header + "\na,0,1,2\nb,0,1,2\n", LabelColumn::first);
    EXPECT_THAT(all.classes, ElementsAre("a", "b")) << header;
  }
  const Sequences counting = lines("a,0,1,2\nb,5,6\na,7\n", LabelColumn::first);
  EXPECT_THAT(counting.values, ElementsAre(0, 1, 2, 5, 6, 7));
  EXPECT_THAT(counting.labels, ElementsAre(0, 1, 0));
}

TEST(SequenceLines, WhatDoesNotFitIsNamedWithItsLine) {
  const auto refused = [](const std::string& text, LabelColumn label, const SequenceOptions& options = {}) {
    return test::error_of(Status::bad_file, [&] { lines(text, label, options); });
  };
  EXPECT_EQ(refused("", LabelColumn::first), "data: expected one sequence a line, found an empty file");
  EXPECT_EQ(refused("class,a,b\n", LabelColumn::first), "data: expected one sequence a line, found a header alone");
  EXPECT_EQ(refused("a,1\nb,x\n", LabelColumn::first), "data, line 2, column 2: expected a number, found \"x\"");
  EXPECT_EQ(refused("a,1\nb,1,,2\n", LabelColumn::first),
            "data, line 2, column 3: expected a number (none of a sequence may be missing), found none");
  EXPECT_EQ(refused("a,1\nb\n", LabelColumn::first), "data, line 2: expected a sequence of numbers, found none");
  EXPECT_EQ(refused("a,1\n\"b,1\n", LabelColumn::first),
            "data, line 2, column 1: expected quotes that are closed, found none that end");
  SequenceOptions options;
  options.classes = {"a"};
  EXPECT_EQ(refused("a,1\nb,1\n", LabelColumn::first, options),
            "data, line 2: expected a class of the training file (a), found \"b\"");
}

TEST(SequenceLines, NamesOfTheLabelColumn) {
  for (const LabelColumn column : {LabelColumn::first, LabelColumn::last, LabelColumn::none}) {
    EXPECT_EQ(find_label_column(name(column)), column);
  }
  EXPECT_EQ(test::error_of(Status::usage, [] { find_label_column("middle"); }),
            "label column: expected first, last or none, found \"middle\"");
}

TEST(SequencesTest, Select) {
  Sequences all = ts(kTwo + "1,2,3:4,5,6:a\n7,8:9,10:b\n11:12:a\n");
  const std::vector<std::size_t> which{2, 0};
  const Sequences some = select(all, which);
  EXPECT_THAT(some.starts, ElementsAre(0, 1, 4));
  EXPECT_THAT(some.values, ElementsAre(11, 12, 1, 4, 2, 5, 3, 6));
  EXPECT_THAT(some.labels, ElementsAre(1, 1));
  EXPECT_EQ(some.classes, all.classes);
  all.labels_per_step = true;
  all.labels = {0, 1, 0, 1, 1, 0};
  EXPECT_THAT(select(all, which).labels, ElementsAre(0, 0, 1, 0));
}

TEST(TsFile, PublishedFiles) {
  const std::string folder = "timeseries/classification/";
  SLUICE_NEEDS_DATA(folder);
  const auto read = [&](const std::string& file) {
    return read_ts(file_source(test::data_folder() + "/" + folder + file));
  };
  const Sequences vowels = read("JapaneseVowels_TRAIN.ts");
  EXPECT_EQ(vowels.size(), 270u);
  EXPECT_EQ(vowels.inputs, 12u);
  EXPECT_EQ(vowels.classes.size(), 9u);
  EXPECT_EQ(vowels.length(0), 20u);
  EXPECT_FLOAT_EQ(vowels.values_of(0)[1], -0.207383f);
  EXPECT_EQ(read("JapaneseVowels_TEST.ts").size(), 370u);
  EXPECT_EQ(read("GunPoint_TRAIN.ts").size(), 50u);
  EXPECT_EQ(read("GunPoint_TEST.ts").steps(), 150u * 150u);
  EXPECT_EQ(read("ItalyPowerDemand_TEST.ts").size(), 1029u);
}

}  // namespace
}  // namespace sluice::sequences_test
