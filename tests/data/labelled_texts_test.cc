// Texts with classes, and which kind a file is of.
#include "data/labelled_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "data/data_kind.h"
#include "data/reader.h"
#include "data/sources.h"
#include "errors.h"

namespace sluice::labelled_texts_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

LabelledTexts texts(const std::string& text, TextForm form, const LabelledTextOptions& options = {}) {
  return read_labelled_lines(test::source_of(text), form, options);
}

std::string refusal(const std::string& text, TextForm form, const LabelledTextOptions& options = {}) {
  return test::error_of(Status::bad_file, [&] { texts(text, form, options); });
}

// A folder of files, made for a test.
class Files {
 public:
  explicit Files(const std::vector<std::pair<std::string, std::string>>& files) {
    std::string path = (std::filesystem::temp_directory_path() / "sluice-texts-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = path;
    for (const auto& [file, text] : files) {
      std::filesystem::create_directories((path_ / file).parent_path());
      std::ofstream(path_ / file, std::ios::binary) << text;
    }
  }
  ~Files() { std::filesystem::remove_all(path_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(LabelledTextsTest, ClassTabText) {
  const LabelledTexts all = texts("spam\tbuy now\r\n\nham\thow are you\tthen?\nspam\t x \n", TextForm::tab);
  EXPECT_THAT(all.classes, ElementsAre("ham", "spam"));
  EXPECT_THAT(all.labels, ElementsAre(1, 0, 1));
  EXPECT_THAT(all.texts, ElementsAre("buy now", "how are you\tthen?", "x"));
}

TEST(LabelledTextsTest, PrefixAndPlain) {
  const LabelledTexts all = texts("__label__b great  book\n__label__a no\n", TextForm::prefix);
  EXPECT_THAT(all.classes, ElementsAre("a", "b"));
  EXPECT_THAT(all.labels, ElementsAre(1, 0));
  EXPECT_THAT(all.texts, ElementsAre("great  book", "no"));
  const LabelledTexts plain = texts("one\ttwo\nthree\n", TextForm::plain);
  EXPECT_THAT(plain.texts, ElementsAre("one\ttwo", "three"));
  EXPECT_THAT(plain.labels, IsEmpty());
}

TEST(LabelledTextsTest, WhatDoesNotFitIsNamedWithItsLine) {
  EXPECT_EQ(refusal("", TextForm::tab), "data: expected one text a line, found an empty file");
  EXPECT_EQ(refusal("\n \n", TextForm::tab), "data: expected one text a line, found none");
  EXPECT_EQ(refusal("a\tb\nc d\n", TextForm::tab), "data, line 2: expected a class, a tab and a text, found no tab");
  EXPECT_EQ(refusal("a\tb\n\tc\n", TextForm::tab), "data, line 2: expected a class, found none");
  EXPECT_EQ(refusal("a\tb\nc\t \n", TextForm::tab), "data, line 2: expected a text behind the class, found none");
  EXPECT_EQ(refusal("__label__a b\nc d\n", TextForm::prefix),
            "data, line 2: expected __label__ and a class before the text, found \"c d\"");
  EXPECT_EQ(refusal("__label__a __label__b c\n", TextForm::prefix),
            "data, line 1: expected one class a text, found several");
  LabelledTextOptions options;
  options.classes = {"a", "b"};
  EXPECT_THAT(texts("b\tx\n", TextForm::tab, options).labels, ElementsAre(1));
  EXPECT_EQ(refusal("a\tx\nc\ty\n", TextForm::tab, options),
            "data, line 2: expected a class of the training file (a, b), found \"c\"");
  EXPECT_THAT(refusal("a\tx\na\t\xe9\n", TextForm::tab), HasSubstr("data, line 2: expected UTF-8"));
}

TEST(LabelledTextsTest, FoldersAndFiles) {
  const Files folder({{"pos/2.txt", "b\nc\n"},
                      {"pos/1.txt", "a"},
                      {"neg/deep/3.txt", "d"},
                      {"neg/.hidden", "e"},
                      {"pos/.git/4.txt", "e"},
                      {"readme", "f"}});
  const LabelledTexts all = read_labelled_folder(folder.path(), TextForm::folders, file_source);
  EXPECT_THAT(all.classes, ElementsAre("neg", "pos"));
  EXPECT_THAT(all.texts, ElementsAre("d", "a", "b\nc"));
  EXPECT_THAT(all.labels, ElementsAre(0, 1, 1));
  LabelledTextOptions options;
  options.classes = {"pos"};
  EXPECT_EQ(test::error_of(Status::bad_file,
                           [&] { read_labelled_folder(folder.path(), TextForm::folders, file_source, options); }),
            folder.path() + "/neg/deep/3.txt: expected a class of the training file (pos), found \"neg\"");
  const Files names({{"Irish.txt", "Byrne\n\nKelly\n"}, {"Greek.txt", "Leos\n"}});
  const LabelledTexts surnames = read_labelled_folder(names.path(), TextForm::files, file_source);
  EXPECT_THAT(surnames.classes, ElementsAre("Greek", "Irish"));
  EXPECT_THAT(surnames.texts, ElementsAre("Leos", "Byrne", "Kelly"));
  EXPECT_THAT(surnames.labels, ElementsAre(0, 1, 1));
  EXPECT_EQ(
      test::error_of(Status::bad_file, [&] { read_labelled_folder(names.path(), TextForm::folders, file_source); }),
      names.path() + ": expected a folder a class with texts in it, found none");
  EXPECT_THAT(test::error_of(Status::bad_file, [&] { read_labelled_folder("/none", TextForm::files, file_source); }),
              HasSubstr("/none: expected a folder, found that it cannot be read"));
}

TEST(LabelledTextsTest, HeldOutByTheTextAlone) {
  std::size_t held = 0;
  for (int i = 0; i < 10000; ++i) held += is_held_out("text " + std::to_string(i), 0.2);
  EXPECT_NEAR(static_cast<double>(held), 2000, 120);
  EXPECT_FALSE(is_held_out("a", 0));
  EXPECT_TRUE(is_held_out("a", 1));
}

DataForm form_of(const std::string& text, const std::string& name = "data.txt") {
  return find_data_kind(name, [&](const std::string& path) { return test::source_of(text, path); }).form;
}

TEST(DataKindTest, ByTheFirstLines) {
  EXPECT_EQ(form_of("# made by us\n@problemName X\n@data\n1:a\n"), DataForm::ts);
  EXPECT_EQ(form_of("x", "X_TRAIN.ts"), DataForm::ts);
  EXPECT_EQ(form_of("x", "X_TRAIN.ts.gz"), DataForm::ts);
  EXPECT_EQ(form_of("x", "en.conllu"), DataForm::conllu);
  EXPECT_EQ(form_of("# text = a\n1\ta\ta\tX\t_\t_\t_\t_\t_\t_\n\n# text = b\n1\tb\tb\tX\t_\t_\t_\t_\t_\t_\n"),
            DataForm::conllu);
  EXPECT_EQ(form_of("the\tDET\ncat\tNOUN\n\nit\tPRON\n"), DataForm::tagged);
  EXPECT_EQ(form_of("the\tDT\tB-NP\ncat\tNN\tI-NP\n\nit\tPRP\tB-NP\n"), DataForm::tagged);
  EXPECT_EQ(form_of("the\tDT\tB-NP\ncat\tI-NP\n\nit\tPRP\tB-NP\n"), DataForm::text);  // not as many columns
  EXPECT_EQ(form_of("day\tload\twind\nmon\t1\t2\n\ntue\t3\t4\n"), DataForm::table);
  EXPECT_EQ(form_of("spam\tbuy it now\nham\tyes\n"), DataForm::labelled);
  EXPECT_EQ(form_of("Irish\tByrne\nGreek\tLeos\n"), DataForm::labelled);  // no sentences
  EXPECT_EQ(form_of("__label__a b\n__label__b c d\n"), DataForm::labelled);
  EXPECT_EQ(form_of("60 64 67 ; - ; 62\n61 ; 62\n"), DataForm::notes);
  EXPECT_EQ(form_of("date,a,b\n2020-01-01,1,2\n2020-01-02,1,\n"), DataForm::table);
  EXPECT_EQ(form_of("\"\",\"a\"\n\"1\",1\n"), DataForm::table);
  EXPECT_EQ(form_of("date;a;shop\n2020-01-01;1;x\n"), DataForm::table);
  EXPECT_EQ(form_of("date;a\n2020-01-01;1,5\n2020-01-02;2,25\n"), DataForm::table);  // a decimal comma
  EXPECT_EQ(form_of("a\tb\n1,5\t2,5\n"), DataForm::table);
  EXPECT_EQ(form_of("1,5;2,5;x\n0,5;1,5;y\n"), DataForm::sequence_lines);
  EXPECT_EQ(form_of("1,0.5,0.25\n2,0.5,1\n"), DataForm::sequence_lines);
  EXPECT_EQ(form_of("a\t1\t2\nb\t1\t2\t3\n"), DataForm::sequence_lines);
  EXPECT_EQ(form_of("It was a dark, stormy night; the rain fell.\nAnd so on, and so on.\n"), DataForm::text);
  EXPECT_EQ(form_of("One word\n\nAnother\n"), DataForm::text);
  EXPECT_EQ(form_of(""), DataForm::text);
}

TEST(DataKindTest, SaysWhatItSaw) {
  const auto saw = [](const std::string& text) {
    return find_data_kind("x", [&](const std::string& path) { return test::source_of(text, path); }).saw;
  };
  EXPECT_EQ(saw("date,a,b\n2020-01-01,1,2\n"), "a header of 3 columns, separated by comma");
  EXPECT_EQ(saw("1 0.5 2\n2 0.5 1\n"), "rows of numbers without a header, separated by blank");
  const Files folder({{"pos/2.txt", "b"}, {"neg/3.txt", "d"}, {"readme", "f"}});
  const DataKind kind = find_data_kind(folder.path(), file_source);
  EXPECT_EQ(kind.form, DataForm::labelled);
  EXPECT_EQ(kind.texts, TextForm::folders);
  EXPECT_EQ(kind.saw, "a folder with 2 folders, one a class (1 file beside them left out)");
  const Files texts({{"a.txt", "b"}, {"c.txt", "d"}, {"e.txt", "f"}});
  EXPECT_EQ(find_data_kind(texts.path(), file_source).form, DataForm::text);
}

// As from a pipe: what was read is gone.
TEST(DataKindTest, APipeIsReadAfterItsKindWasFound) {
  std::string text = "__label__a first\n";
  while (text.size() < 200000) text += "__label__b text " + std::to_string(text.size()) + "\n";
  int opened = 0;
  const TextSource whole = test::source_of(text);
  const TextSource pipe{whole.name, [&] {
                          ++opened;
                          return whole.open();
                        }};
  const TextSource source = opened_twice(pipe);
  EXPECT_EQ(find_data_kind("-", [&](const std::string&) { return source; }).form, DataForm::labelled);
  const LabelledTexts all = read_labelled_lines(source, TextForm::prefix);
  EXPECT_EQ(opened, 1);
  EXPECT_EQ(all.texts.front(), "first");
  EXPECT_EQ(all.texts, texts(text, TextForm::prefix).texts);
}

TEST(DataKindTest, PublishedFiles) {
  SLUICE_NEEDS_DATA("names");
  const auto form = [](const std::string& path) {
    return find_data_kind(test::data_folder() + "/" + path, file_source).form;
  };
  EXPECT_EQ(form("timeseries/classification/JapaneseVowels_TRAIN.ts"), DataForm::ts);
  EXPECT_EQ(form("timeseries/forecast/ETTh1.csv"), DataForm::table);
  EXPECT_EQ(form("timeseries/forecast/monthly-sunspots.csv"), DataForm::table);
  EXPECT_EQ(form("ud-ewt/en_ewt-dev-first200.conllu"), DataForm::conllu);
  EXPECT_EQ(form("ud-ewt/en_ewt.train.tsv"), DataForm::tagged);
  EXPECT_EQ(form("music/JSB_Chorales.train.txt"), DataForm::notes);
  EXPECT_EQ(form("music/Nottingham.test.txt"), DataForm::notes);
  EXPECT_EQ(form("tinyshakespeare/input.txt"), DataForm::text);
  EXPECT_EQ(form("wikitext-2/valid.txt"), DataForm::text);
  EXPECT_EQ(form("names"), DataForm::text);
}

}  // namespace
}  // namespace sluice::labelled_texts_test
