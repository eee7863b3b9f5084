// What a model's notes say of its task, also where they were not written by us; and the words of a tagger.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "errors.h"
#include "tasks/changed_note.h"
#include "tasks/examples.h"
#include "tasks/task.h"

namespace sluice {
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
}

}  // namespace
}  // namespace sluice
