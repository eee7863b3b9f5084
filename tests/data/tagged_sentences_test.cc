// Sentences with tags: what is read, what is refused, and the file given back.
#include "data/tagged_sentences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "data/reader.h"
#include "data/sources.h"
#include "errors.h"
#include "files.h"

namespace sluice::tagged_sentences_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kConllu =
    "# text = It's here.\n"
    "1-2\tIt's\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tIt\tit\tPRON\tPRP\t_\t3\tnsubj\t_\t_\n"
    "2\t's\tbe\tAUX\tVBZ\t_\t3\tcop\t_\t_\n"
    "3\there\there\tADV\tRB\t_\t0\troot\t_\t_\n"
    "3.1\tnow\tnow\tADV\tRB\t_\t_\t_\t_\t_\n"
    "4\t.\t.\tPUNCT\t.\t_\t3\tpunct\t_\t_\n"
    "\n"
    "1\tYes\tyes\tINTJ\tUH\t_\t0\troot\t_\t_\n"
    "\n";

TaggedSentences conllu(const std::string& text, const TagOptions& options = {}) {
  return read_conllu(test::source_of(text), options);
}

TaggedSentences columns(const std::string& text, const TagOptions& options = {}) {
  return read_tagged(test::source_of(text), options);
}

TagOptions of_column(const std::string& column) {
  TagOptions options;
  options.column = column;
  return options;
}

TagOptions only_words() {
  TagOptions options;
  options.tags = false;
  return options;
}

TEST(Conllu, WordsAndTags) {
  const TaggedSentences all = conllu(kConllu);
  EXPECT_THAT(all.starts, ElementsAre(0, 4, 5));
  EXPECT_THAT(all.words, ElementsAre("It", "'s", "here", ".", "Yes"));
  EXPECT_THAT(all.classes, ElementsAre("ADV", "AUX", "INTJ", "PRON", "PUNCT"));
  EXPECT_THAT(all.tags, ElementsAre(3, 1, 0, 4, 2));
  EXPECT_THAT(conllu(kConllu, of_column("deprel")).classes, ElementsAre("cop", "nsubj", "punct", "root"));
  EXPECT_THAT(conllu(kConllu, of_column("xpos")).classes, ElementsAre(".", "PRP", "RB", "UH", "VBZ"));
}

TEST(Conllu, TheFileIsGivenBack) {
  const TaggedSentences all = conllu(kConllu);
  EXPECT_EQ(with_tags(all, all.tags, all.classes), kConllu);
  // What stood in the column before does not matter.
  std::string empty = kConllu;
  for (const std::string tag : {"PRON", "AUX", "ADV", "PUNCT", "INTJ"}) {
    const std::string cell = "\t" + tag + "\t";
    for (std::size_t at = 0; (at = empty.find(cell, at)) != std::string::npos;) {
      if (tag != "ADV" || empty.compare(at - 3, 3, "now") != 0) empty.replace(at, cell.size(), "\t_\t");
      ++at;
    }
  }
  const TaggedSentences words = conllu(empty, only_words());
  EXPECT_THAT(words.tags, IsEmpty());
  EXPECT_EQ(with_tags(words, all.tags, all.classes), kConllu);
}

TEST(Conllu, WhatDoesNotFitIsNamedWithItsLine) {
  const auto refused = [](const std::string& text, const TagOptions& options = {}) {
    return test::error_of(Status::bad_file, [&] { conllu(text, options); });
  };
  const std::string word = "1\ta\ta\tX\t_\t_\t_\t_\t_\t_\n";
  EXPECT_EQ(refused(""), "data: expected a word a line, found an empty file");
  EXPECT_EQ(refused("# text\n\n"), "data: expected a word a line, found no words");
  EXPECT_EQ(refused(word + "2\tb\n"), "data, line 2: expected 10 columns separated by tabs, found 2");
  EXPECT_EQ(refused(word + word), "data, line 2: expected the word numbered 2 of its sentence, found \"1\"");
  EXPECT_EQ(refused(word, of_column("xpos")), "data, line 1: expected a tag in the column xpos, found none (_)");
  EXPECT_EQ(refused("1\t\ta\tX\t_\t_\t_\t_\t_\t_\n"), "data, line 1: expected a word, found none");
  TagOptions options;
  options.classes = {"NOUN", "VERB"};
  EXPECT_EQ(refused("\n" + word, options),
            "data, line 2: expected a tag of the training file (NOUN, VERB), found \"X\"");
  EXPECT_EQ(test::error_of(Status::usage, [&] { conllu(word, of_column("pos")); }),
            "column: expected lemma, upos, xpos, feats, head, deprel, deps or misc, found \"pos\"");
}

TEST(TaggedColumns, WordsAndTags) {
  const std::string text = "the\tDET\n#\tSYM\n\n\nNew York\tPROPN";
  const TaggedSentences all = columns(text);
  EXPECT_THAT(all.words, ElementsAre("the", "#", "New York"));
  EXPECT_THAT(all.classes, ElementsAre("DET", "PROPN", "SYM"));
  EXPECT_THAT(all.starts, ElementsAre(0, 2, 3));
  EXPECT_EQ(with_tags(all, all.tags, all.classes), text + "\n");
  // Columns of blanks, as the CoNLL tasks before Unicode had them.
  const std::string four = "EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n";
  EXPECT_THAT(columns(four).classes, ElementsAre("B-ORG", "O"));
  const TaggedSentences second = columns(four, of_column("2"));
  EXPECT_THAT(second.classes, ElementsAre("NNP", "VBZ"));
  EXPECT_EQ(with_tags(second, std::vector<std::uint32_t>{1, 0}, second.classes),
            "EU VBZ B-NP B-ORG\nrejects NNP B-VP O\n");
}

TEST(TaggedColumns, WhatStandsBesideTheTagStays) {
  const std::string text = "  EU   NNP  B-NP \nrejects VBZ   B-VP\n";
  const TaggedSentences all = columns(text, of_column("2"));
  EXPECT_EQ(with_tags(all, all.tags, all.classes), text);
  EXPECT_EQ(with_tags(all, std::vector<std::uint32_t>{1, 1}, {"A", "LONG"}),
            "  EU   LONG  B-NP \nrejects LONG   B-VP\n");
}

TEST(TaggedColumns, WordsAloneGetAColumn) {
  const TaggedSentences words = columns("the\ncat\n\nsat\n", only_words());
  EXPECT_THAT(words.starts, ElementsAre(0, 2, 3));
  EXPECT_EQ(with_tags(words, std::vector<std::uint32_t>{0, 1, 0}, {"X", "Y"}), "the X\ncat Y\n\nsat X\n");
}

TEST(TaggedColumns, WhatDoesNotFitIsNamedWithItsLine) {
  const auto refused = [](const std::string& text, const TagOptions& options = {}) {
    return test::error_of(Status::bad_file, [&] { columns(text, options); });
  };
  EXPECT_EQ(refused(""), "data: expected a word a line, found an empty file");
  EXPECT_EQ(refused("the\n"), "data, line 1: expected a word and its tag in 2 columns, found 1");
  EXPECT_EQ(refused("a\tX\nb\n"), "data, line 2: expected 2 columns, as in the lines before, found 1");
  EXPECT_EQ(refused("a\tX\nb\t\n"), "data, line 2: expected a tag, found none");
  EXPECT_EQ(refused("a\tX\n", of_column("3")), "data, line 1: expected a word and its tag in 3 columns, found 2");
  EXPECT_EQ(test::error_of(Status::usage, [&] { columns("a\tX\n", of_column("1")); }),
            "column: expected the number of a column, from 2, found \"1\"");
}

TEST(TaggedColumns, PublishedFiles) {
  SLUICE_NEEDS_DATA("ud-ewt");
  const std::string folder = test::data_folder() + "/ud-ewt/";
  const TaggedSentences train = read_tagged(file_source(folder + "en_ewt.train.tsv"));
  EXPECT_EQ(train.classes.size(), 17u);
  EXPECT_EQ(train.size(), 12544u);
  EXPECT_EQ(train.words.size(), 204577u);
  const std::string path = folder + "en_ewt-dev-first200.conllu";
  const TaggedSentences dev = read_conllu(file_source(path));
  EXPECT_EQ(dev.size(), 200u);
  EXPECT_EQ(with_tags(dev, dev.tags, dev.classes), test::text_of(path));
  TagOptions options;
  options.classes = dev.classes;
  EXPECT_EQ(read_tagged(file_source(folder + "en_ewt.dev.tsv"), options).words.front(), "From");
}

}  // namespace
}  // namespace sluice::tagged_sentences_test
