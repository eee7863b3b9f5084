// What a model's notes say of its task, also where they were not written by us; and the words of a tagger.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "errors.h"
#include "tasks/changed_note.h"
#include "tasks/examples.h"
#include "tasks/task.h"

namespace sluice::task_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Model classifier() {
  Config config = {.inputs = 1, .outputs = 2};
  config.head.loss = "softmax";
  return Model(config);
}

TEST(Task, IsKeptWithTheModel) {
  Model model = classifier();
  EXPECT_EQ(task_of(model, "file").kind, TaskKind::language);
  const Task task = {TaskKind::classify, DataForm::labelled, TextForm::prefix, "first", "upos", {"a \"b\"", "c"}};
  set_task(model, task);
  const Task found = task_of(model, "file");
  EXPECT_EQ(found.kind, task.kind);
  EXPECT_EQ(found.form, task.form);
  EXPECT_EQ(found.texts, task.texts);
  EXPECT_EQ(found.label, task.label);
  EXPECT_EQ(found.column, task.column);
  EXPECT_EQ(found.classes, task.classes);
}

TEST(Task, NotesThatAreNoTaskAreRefused) {
  Model model = classifier();
  set_task(model, {TaskKind::classify, DataForm::ts, TextForm::plain, "last", "", {"a", "b"}});
  const auto refused = [&](const std::string& from, const std::string& to) {
    return test::error_of(Status::bad_file, [&] { task_of(test::changed_note(model, "task", from, to), "file"); });
  };
  EXPECT_THAT(refused("classify", "clasify"),
              HasSubstr("file: note \"task\": expected language, classify, tag, music, forecast or detect"));
  EXPECT_THAT(refused("\"ts\"", "7"), HasSubstr("a text as form, found \"7\""));
  EXPECT_THAT(refused("\"label\"", "\"lable\""), HasSubstr("expected label"));
  EXPECT_THAT(refused("[\"a\",\"b\"]", "[\"a\"]"), HasSubstr("a class for each of 2 outputs, found 1"));
  EXPECT_THAT(refused("[\"a\",\"b\"]", "[\"a\",1]"), HasSubstr("names of classes"));
  EXPECT_THAT(refused("[\"a\",\"b\"]", "{}"), HasSubstr("classes in an array"));
  EXPECT_THAT(refused("{", "["), HasSubstr("file: note \"task\""));
}

TEST(Task, WhatABaselineNeedsIsKept) {
  Model model = classifier();
  Task task = {.kind = TaskKind::classify, .form = DataForm::ts, .classes = {"a", "b"}};
  set_task(model, task);
  EXPECT_EQ(task_of(model, "file").counted, 0u);  // as in models from before it was kept
  EXPECT_EQ(model.notes().at("task").find("frequencies"), std::string::npos);
  Examples examples;
  examples.sequences.labels = {1, 0, 1};
  count_frequencies(examples, task);
  set_task(model, task);
  const Task found = task_of(model, "file");
  EXPECT_THAT(found.frequencies, ElementsAre(1, 2));
  EXPECT_EQ(found.counted, 3u);
  const auto refused = [&](const std::string& from, const std::string& to) {
    return test::error_of(Status::bad_file, [&] { task_of(test::changed_note(model, "task", from, to), "file"); });
  };
  EXPECT_THAT(refused("[1,2]", "[1]"), HasSubstr("frequencies in an array of 2"));
  EXPECT_THAT(refused("[1,2]", "7"), HasSubstr("frequencies in an array of 2"));
  EXPECT_THAT(refused("[1,2]", "[1,4]"), HasSubstr("frequencies up to 3, found \"4\""));
  EXPECT_THAT(refused("[1,2]", "[1,-2]"), HasSubstr("frequencies up to 3"));
  EXPECT_THAT(refused("\"counted\":3", "\"counted\":\"3\""), HasSubstr("how many were counted"));
  Task notes = {.kind = TaskKind::music, .form = DataForm::notes};
  examples.sequences.outputs = 2;
  examples.sequences.targets = {0, 1, 1, 1, 0, 0};
  count_frequencies(examples, notes);
  EXPECT_THAT(notes.frequencies, ElementsAre(1, 2));
  EXPECT_EQ(notes.counted, 3u);
}

TEST(Task, OfAModelThatSpellsHasAnAlphabet) {
  Config config = {.embedding = 2, .outputs = 2};
  config.head.loss = "softmax";
  config.spelling = {.characters = 4, .embedding = 2, .units = 2};
  Model model(config, Vocabulary({}, {"<unk>", "a"}), 1);
  set_task(model, {.kind = TaskKind::tag, .form = DataForm::tagged, .classes = {"a", "b"}, .alphabet = "aéz"});
  EXPECT_EQ(task_of(model, "file").alphabet, "aéz");
  const auto refused = [&](const std::string& from, const std::string& to) {
    return test::error_of(Status::bad_file, [&] { task_of(test::changed_note(model, "task", from, to), "file"); });
  };
  EXPECT_THAT(refused("aéz", "aéa"), HasSubstr("an alphabet of 3 characters, as the model has them, found 2"));
  EXPECT_THAT(refused("\"aéz\"", "7"), HasSubstr("a text as alphabet"));
  EXPECT_THAT(refused("alphabet", "alphabets"), HasSubstr("expected alphabet"));
  // What other models have in their notes is what it was.
  Model other = classifier();
  set_task(other, {.kind = TaskKind::classify, .form = DataForm::ts, .classes = {"a", "b"}, .alphabet = "a"});
  EXPECT_EQ(other.notes().at("task").find("alphabet"), std::string::npos);
}

TEST(Words, OnesThatAreRareBecomeTheirShape) {
  EXPECT_THAT(word_shapes("Running"),
              ElementsAre("<unk-Capital:ing>", "<unk-Capital:ng>", "<unk-Capital:g>", "<unk-Capital>"));
  EXPECT_THAT(word_shapes("1999"),
              ElementsAre("<unk-number:000>", "<unk-number:00>", "<unk-number:0>", "<unk-number>"));
  EXPECT_THAT(word_shapes("é"), ElementsAre("<unk-other:é>", "<unk-other>"));
  EXPECT_THAT(word_shapes(""), ElementsAre("<unk-other:>", "<unk-other>"));
  TaggedSentences sentences;
  sentences.words = {"the", "the", "singing", "ringing", "Bo"};
  sentences.starts = {0, 5};
  Examples examples;
  examples.tagged = sentences;
  const Vocabulary vocabulary = make_vocabulary(examples, {}, {});
  const auto token = [&](const char* word) { return vocabulary.token(find_word(vocabulary, word)); };
  EXPECT_EQ(token("the"), "the");
  EXPECT_EQ(token("singing"), "<unk:ing>");
  EXPECT_EQ(token("flying"), "<unk:ing>");
  EXPECT_EQ(token("song"), "<unk:ng>");
  EXPECT_EQ(token("Bo"), "<unk>");  // the only word of its shape
  const Vocabulary bare = make_vocabulary(examples, {}, {}, false);
  EXPECT_THAT(bare.tokens(), ElementsAre("<unk>", "the"));
}

TEST(Words, AreSpeltOnceEach) {
  Examples examples;
  examples.tagged.words = {"ab", "c", "ab", "ba"};
  examples.tagged.starts = {0, 3, 4};
  const Vocabulary vocabulary = make_vocabulary(examples, {}, {}, false);
  const Alphabet alphabet("ab");
  encode(vocabulary, examples, &alphabet);
  const Sequences& all = examples.sequences;
  EXPECT_THAT(all.words, ElementsAre(0, 1, 0, 2));
  EXPECT_THAT(all.spellings.characters, ElementsAre(1, 2, 0, 2, 1));
  EXPECT_THAT(all.spellings.starts, ElementsAre(0, 2, 3, 5));
  encode(vocabulary, examples);
  EXPECT_TRUE(examples.sequences.words.empty());
}

}  // namespace
}  // namespace sluice::task_test
