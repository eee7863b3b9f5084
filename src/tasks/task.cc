#include "tasks/task.h"

#include "base/fields.h"
#include "base/json_tree.h"
#include "base/json_writer.h"
#include "base/shown.h"
#include "sluice/error.h"
#include "tasks/alphabet.h"

namespace sluice {
namespace {

constexpr const char* kNote = "task";
constexpr std::size_t kMostBytes = std::size_t{1} << 22;  // of the note: a million classes are no classes

TaskKind kind_of(DataForm form) {
  switch (form) {
    case DataForm::ts:
    case DataForm::sequence_lines:
    case DataForm::labelled:
      return TaskKind::classify;
    case DataForm::conllu:
    case DataForm::tagged:
      return TaskKind::tag;
    case DataForm::notes:
      return TaskKind::music;
    case DataForm::table:
      return TaskKind::forecast;
    case DataForm::text:
      break;
  }
  return TaskKind::language;
}

void read_frequencies(const nlohmann::ordered_json& json, std::size_t outputs, const std::string& where, Task& task) {
  const auto refuse = [&](const std::string& expected) {
    throw Error(Status::bad_file, where + ": expected " + expected);
  };
  const auto& all = json["frequencies"];
  if (!all.is_array() || all.size() != outputs) {
    refuse("frequencies in an array of " + std::to_string(outputs) + ", found another");
  }
  if (!json.contains("counted") || !json["counted"].is_number_unsigned()) refuse("how many were counted, found none");
  task.counted = json["counted"].get<std::uint64_t>();
  for (const auto& one : all) {
    if (!one.is_number_unsigned() || one.get<std::uint64_t>() > task.counted) {
      refuse("frequencies up to " + std::to_string(task.counted) + ", found " + shown(one.dump()));
    }
    task.frequencies.push_back(one.get<std::uint64_t>());
  }
}

}  // namespace

Task task_of(const DataKind& kind) {
  Task task;
  task.kind = kind_of(kind.form);
  task.form = kind.form;
  task.texts = kind.texts;
  return task;
}

void expect_task(const Task& task, TaskKind wanted, const DataKind& kind, const std::string& path) {
  if (task.kind == wanted) return;
  throw Error(Status::usage, path + ": expected a file for --task " + field_text(wanted) + ", found one for " +
                                 field_text(task.kind) + ": " + kind.saw);
}

Task task_of(const Model& model, const std::string& path) {
  const auto note = model.notes().find(kNote);
  Task task;
  if (note == model.notes().end()) return task;
  const std::string where = path + ": note \"task\"";
  const nlohmann::ordered_json json = read_json(note->second, where, kMostBytes);
  const auto field = [&](const char* name) -> const nlohmann::ordered_json& {
    if (json.is_object() && json.contains(name)) return json[name];
    throw Error(Status::bad_file, where + ": expected " + name + " in an object, found none");
  };
  const auto text = [&](const char* name) {
    if (field(name).is_string()) return field(name).get<std::string>();
    throw Error(Status::bad_file, where + ": expected a text as " + name + ", found " + shown(field(name).dump()));
  };
  const auto choose = [&](const char* name, auto& value) {
    if (read_field(text(name), value)) return;
    throw Error(Status::bad_file,
                where + ": expected " + list_of(choices(value)) + " as " + name + ", found " + shown(text(name)));
  };
  choose("kind", task.kind);
  choose("form", task.form);
  choose("texts", task.texts);
  task.label = text("label");
  task.column = text("column");
  if (!field("classes").is_array()) throw Error(Status::bad_file, where + ": expected classes in an array, found none");
  for (const auto& name : field("classes")) {
    if (!name.is_string()) throw Error(Status::bad_file, where + ": expected names of classes, found " + name.dump());
    task.classes.push_back(name.get<std::string>());
  }
  const bool classes = task.kind == TaskKind::classify || task.kind == TaskKind::tag;
  if (classes && task.classes.size() != model.config().outputs) {
    throw Error(Status::bad_file, where + ": expected a class for each of " + std::to_string(model.config().outputs) +
                                      " outputs, found " + std::to_string(task.classes.size()));
  }
  if (json.contains("frequencies")) read_frequencies(json, model.config().outputs, where, task);
  const std::size_t characters = model.config().spelling.characters;
  if (characters == 0) return task;
  task.alphabet = text("alphabet");
  if (const std::size_t found = Alphabet(task.alphabet).size(); found != characters) {
    throw Error(Status::bad_file, where + ": expected an alphabet of " + std::to_string(characters - 1) +
                                      " characters, as the model has them, found " + std::to_string(found - 1));
  }
  return task;
}

void set_task(Model& model, const Task& task) {
  JsonWriter json;
  json.begin_object();
  const auto write = [&](const char* name, std::string_view value) { json.key(name).string(value); };
  write("kind", field_text(task.kind));
  write("form", field_text(task.form));
  write("texts", field_text(task.texts));
  write("label", task.label);
  write("column", task.column);
  json.key("classes").begin_array();
  for (const std::string& name : task.classes) json.string(name);
  json.end_array();
  if (task.counted > 0) {
    json.key("frequencies").begin_array();
    for (const std::uint64_t count : task.frequencies) json.integer(count);
    json.end_array().key("counted").integer(task.counted);
  }
  if (model.config().spelling.characters > 0) write("alphabet", task.alphabet);
  model.notes()[kNote] = json.end_object().take();
}

}  // namespace sluice
