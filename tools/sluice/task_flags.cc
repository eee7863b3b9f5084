#include "task_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>

#include "defaults.h"
#include "model/config.h"
#include "model/layout.h"
#include "options.h"
#include "terminal.h"
#include "text_sources.h"

namespace sluice::tool {

void TaskFlags::add(CLI::App& app) {
  const std::string group = "Task";
  app.add_option("--task", task,
                 "language, classify, tag, music, forecast or detect; without it, what the file looks like decides, "
                 "and is said")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--label", label, "classify rows of numbers: the column of the class, first or last (last)")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--column", column, "tag: the column of the tags: upos, xpos, ..., or its number in a file of columns")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--direction", direction,
                 "classify and tag: forward, backward, both or sum (both); a forward network alone can stream")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--at", at, "classify: what a class is read from: last, mean or max (mean, or last of few sequences)")
      ->type_name("NAME")
      ->group(group);
}

void TaskFlags::check(TaskKind kind) const {
  const auto only = [&](const std::string& value, std::string_view flag, std::initializer_list<TaskKind> kinds) {
    if (value.empty() || std::ranges::find(kinds, kind) != kinds.end()) return;
    std::string names;
    for (const TaskKind one : kinds) names += (names.empty() ? "" : " or ") + field_text(one);
    refuse_value(flag, fmt::format("it with --task {}", names), "--task " + field_text(kind));
  };
  only(label, "--label", {TaskKind::classify});
  only(column, "--column", {TaskKind::tag});
  only(direction, "--direction", {TaskKind::classify, TaskKind::tag, TaskKind::music});
  only(at, "--at", {TaskKind::classify});
}

Task TaskFlags::find(const std::vector<std::string>& files, TextFiles& material, Console& console) const {
  expect(label.empty() || label == "first" || label == "last", "--label", "first or last", label);
  std::optional<TaskKind> wanted;
  if (!task.empty()) read_value("--task", task, wanted.emplace());
  if (wanted == TaskKind::language || (!wanted && (files.size() != 1 || files[0] == "-"))) return {};
  expect(files.size() == 1, "FILE", fmt::format("one file or folder for --task {}", task),
         std::to_string(files.size()));
  if (wanted && of_tables(*wanted)) return Task{*wanted, DataForm::table};
  DataKind kind;
  try {
    kind = kind_of_file(files[0], material);
  } catch (const Error&) {
    if (wanted) throw;
    return {};  // whoever reads it as a text says what is wrong with it
  }
  // A folder of files is one text, unless it is said that each of them is a class.
  if (wanted == TaskKind::classify && kind.form == DataForm::text && std::filesystem::is_directory(files[0])) {
    kind = {DataForm::labelled, TextForm::files, "a folder with a file a class"};
  }
  // What a file does not say of itself: columns between blanks, or of one sentence alone; a header over sequences.
  const bool lines = kind.form == DataForm::text || kind.texts == TextForm::tab;
  if (wanted == TaskKind::tag && lines && !std::filesystem::is_directory(files[0])) {
    kind = {DataForm::tagged, TextForm::plain, "a word and its tag a line"};
  }
  if (wanted == TaskKind::classify && kind.form == DataForm::table) {
    kind = {DataForm::sequence_lines, TextForm::plain, "a sequence of numbers a line under a header"};
  }
  if (!wanted && kind.form == DataForm::text) return {};
  Task found = task_of(kind);
  if (wanted) {
    expect_task(found, *wanted, kind, files[0]);
  } else {
    console.say(fmt::format("task {}: {} ({}); --task language trains on the file as a text", field_text(found.kind),
                            printable(files[0]), kind.saw));
  }
  if (!label.empty()) found.label = label;
  found.column = column;
  return found;
}

void TaskFlags::apply(const Task& task_found, Config& config) const {
  std::vector<LayerConfig> stack = layers_of(config);
  const bool music = task_found.kind == TaskKind::music;
  for (LayerConfig& layer : stack) layer.direction = !direction.empty() ? direction : music ? "forward" : "both";
  set_stack(config, std::move(stack));
  config.head.loss = music ? "multilabel" : "softmax";
  if (!at.empty()) config.head.at = at;
  if (at.empty()) settle_at(direction, config);
}

}  // namespace sluice::tool
