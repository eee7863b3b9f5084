// What a model was trained for, beside its network: which files it reads, and what its classes are called. Kept in the
// model's notes, so in its file.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/data_kind.h"
#include "sluice/model.h"

namespace sluice {

enum class TaskKind {
  language,  // the next token of a text
  classify,  // a class for a sequence or text
  tag,       // a class for each word of a sentence
  music,     // the next frame of notes
  forecast,  // the next rows of a table
  detect,    // how unlike its forecast a row is
};
constexpr std::array<std::string_view, 6> choices(TaskKind) {
  return {"language", "classify", "tag", "music", "forecast", "detect"};
}

// Whether it is about tables over time (tasks/forecast.h).
constexpr bool of_tables(TaskKind kind) { return kind == TaskKind::forecast || kind == TaskKind::detect; }

struct Task {
  TaskKind kind = TaskKind::language;
  DataForm form = DataForm::text;    // of the file that was trained on
  TextForm texts = TextForm::plain;  // of labelled texts
  std::string label = "last";        // classify, of rows of numbers: the column of the class, first or last
  std::string column = {};           // tag: the column of the tags, as TagOptions has it
  std::vector<std::string> classes = {};
  std::string alphabet = {};  // tag: the characters of words, where the model spells them (tasks/alphabet.h)
  // What a baseline needs to know of training (data/baselines.h): how often it had each class or tag, or in how many of
  // its frames each note sounds. Empty, and 0, in models from before this was kept.
  std::vector<std::uint64_t> frequencies = {};
  std::uint64_t counted = 0;  // labels or frames in all
};

// The task of a file that find_data_kind() has looked at: language where it is running text.
Task task_of(const DataKind& kind);
// The same file as examples of the named task. Throws Error (usage) where it has another form.
void expect_task(const Task& task, TaskKind wanted, const DataKind& kind, const std::string& path);

// The task of a model; language where its notes name none. Throws Error (bad_file): notes that were not written so.
Task task_of(const Model& model, const std::string& path);
void set_task(Model& model, const Task& task);

}  // namespace sluice
