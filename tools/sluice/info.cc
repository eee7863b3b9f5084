// sluice info MODEL
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/json_tree.h"
#include "formats/model_check.h"
#include "model/config.h"
#include "model/layout.h"
#include "needs.h"
#include "options.h"
#include "output.h"
#include "parts.h"
#include "task_forecast.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

struct Info {
  Invocation typed;
  std::string path;
  ResultFlags result;

  int run() const;
};

std::uint64_t file_size(const std::string& path) {
  std::error_code unknown;
  const auto size = std::filesystem::file_size(path, unknown);
  return unknown ? 0 : size;
}

Json json_or_text(const std::string& text) {
  try {
    return read_json(text, "note");
  } catch (const Error&) {
    return text;
  }
}

// The notes of a model are text; those that are JSON are shown as such.
Json notes_of(const Model& model) {
  Json notes = Json::object();
  for (const auto& [name, text] : model.notes()) {
    notes[name] = json_or_text(text);
    if (name == check_note) notes[name] = {{"sequences", std::ranges::count(text, '\n')}};
  }
  return notes;
}

const CellInfo& cell_of(const LayerConfig& layer) { return find_cell(layer.cell, layer.activation); }

// The cells of the recurrent layers, each once, from the input on.
std::vector<const CellInfo*> cells_of(const Config& config) {
  std::vector<const CellInfo*> cells;
  for (const LayerConfig& layer : layers_of(config)) {
    if (layer.kind != "recurrent") continue;
    const CellInfo* cell = &cell_of(layer);
    if (std::ranges::find(cells, cell) == cells.end()) cells.push_back(cell);
  }
  return cells;
}

// Where there is a stack, the fields of the shorthand are those of no layer.
bool of_every_layer(std::string_view field) {
  constexpr std::array<std::string_view, 7> fields = {"cell",           "layers",     "hidden",     "dropout",
                                                      "weight-dropout", "activation", "forget-bias"};
  return std::ranges::find(fields, field) != fields.end();
}

// Whether the layers of a config without a stack have a use for its field of that name.
bool uses(const Config& config, std::string_view name) {
  bool found = true;
  for_each_layer_field([&](const char* field, auto, const char*) {
    if (name == field) found = uses_field(shorthand_layer(config), field);
  });
  return found;
}

Json config_object(const Config& config) {
  Json object = Json::object();
  const Json fields = read_json(config_to_json(config), "config");
  for (const auto& [name, value] : fields.items()) {
    if (config.stack.empty() || !of_every_layer(name)) object[name] = value;
  }
  if (!config.stack.empty()) object["stack"] = read_json(stack_to_json(config), "stack");
  if (const std::string head = head_to_json(config); !head.empty()) object["head"] = read_json(head, "head");
  if (const std::string spelling = spelling_to_json(config); !spelling.empty()) {
    object["spelling"] = read_json(spelling, "spelling");
  }
  return object;
}

Json to_json(const std::string& path, const Model& model) {
  const CellInfo& cell = *cells_of(model.config()).front();
  const Vocabulary& vocabulary = model.vocabulary();
  Json gates = Json::array();
  for (const GateInfo& gate : cell.gates) gates.push_back({{"name", gate.name}, {"meaning", gate.meaning}});
  Json json = {{"model", path},
               {"bytes", file_size(path)},
               {"cell", cell.name},
               {"title", cell.title},
               {"source", cell.source},
               {"equations", cell.equations},
               {"gates", gates},
               {"config", config_object(model.config())},
               {"parameters", model.parameter_count()}};
  json.update(parts_json(parts_of(model)));
  if (model.reads_text()) {
    json["vocabulary"] = {{"size", vocabulary.size()},
                          {"level", name(vocabulary.text().level)},
                          {"lowercase", vocabulary.text().lowercase},
                          {"lossy", vocabulary.text().lossy}};
  }
  json["notes"] = notes_of(model);
  return json;
}

// The most frequent tokens, as many as fit a line.
std::string first_tokens(const Vocabulary& vocabulary, std::size_t room) {
  std::string list;
  for (std::size_t i = 1; i < vocabulary.size(); ++i) {
    const std::string next = visible(vocabulary.token(static_cast<Token>(i)));
    if (columns(list) + columns(next) + 3 > room) return list + " …";
    list += (list.empty() ? "" : " ") + next;
  }
  return list;
}

std::string row(const Style& style, std::string_view name, const std::string& value) {
  return fmt::format("{}  {}\n", style.dim(pad_right(std::string(name), 13)), value);
}

// What the model reads.
std::string vocabulary_rows(const Style& style, const Model& model) {
  if (!model.reads_text()) return row(style, "reads", what_it_reads(model.config()));
  const Vocabulary& vocabulary = model.vocabulary();
  const TextOptions& text = vocabulary.text();
  return row(style, "vocabulary",
             fmt::format("{} tokens, level {}{}", thousands(vocabulary.size()), name(text.level),
                         text.lowercase ? ", lowercase" : "")) +
         row(style, "the first", first_tokens(vocabulary, style.width - 16));
}

// A note in words: objects one field after another, but those that are empty.
std::string note_text(const Json& note) {
  if (!note.is_object()) return note.is_string() ? note.get<std::string>() : note.dump();
  std::string text;
  for (const auto& [name, value] : note.items()) {
    if (value.is_string() ? value.get<std::string>().empty() : value.empty()) continue;
    const std::string shown = value.is_object()         ? "(" + note_text(value) + ")"
                              : value.is_string()       ? value.get<std::string>()
                              : value.is_number_float() ? fmt::format("{}", value.get<double>())
                                                        : value.dump();
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, shown);
  }
  return text;
}

// The note on forecasts by what it means, where it is one; any other as it stands.
std::vector<std::string> note_lines(const Model& model, const std::string& path, std::string_view name,
                                    const Json& note) {
  try {
    if (name == "forecast") return forecast_lines(model, path);
  } catch (const Error&) {
    // Whoever wrote it, it is shown.
  }
  return {one_line(note_text(note))};
}

std::string cell_rows(const Style& style, const CellInfo& cell) {
  std::string page = row(style, "cell", fmt::format("{}  {}", style.bold(cell.name), cell.title));
  page += row(style, "source", std::string(cell.source));
  std::string label = "equations";
  for (const std::string_view equation : cell.equations) {
    page += row(style, label, style.colour(equation, colours::blue));
    label.clear();
  }
  return page;
}

std::string title(const Style& style, const std::string& path) {
  return fmt::format("{}  {}\n\n", style.bold(one_line(path)), style.dim(memory(file_size(path))));
}

std::string draw(const Style& style, const std::string& path, const Model& model) {
  const Config& config = model.config();
  const std::vector<const CellInfo*> cells = cells_of(config);
  std::string page = title(style, path);
  for (const CellInfo* cell : cells) page += cell_rows(style, *cell);
  const std::vector<PartRow> parts = parts_of(model);
  page += "\n" + draw_part_table(style, parts) + "\n" + row(style, "parameters", thousands(model.parameter_count()));
  visit_config(config, [&](const char* name, const auto& member, const char*) {
    const bool elsewhere = std::string_view(name) == "cell" || (!config.stack.empty() && of_every_layer(name));
    if (!elsewhere && uses(config, name)) page += row(style, name, field_text(member));
  });
  for (std::size_t l = 0; l < config.stack.size(); ++l) {
    const PartRow& part = parts[parts.size() - 1 - config.stack.size() + l];  // the head is the last
    page += row(style, fmt::format("layer {}", l), part.name + ", " + part.detail);
  }
  if (config.spelling.characters > 0) page += row(style, "spelling", parts[1].detail);
  if (config.head != HeadConfig()) page += row(style, "head", parts.back().name + ", " + parts.back().detail);
  page += "\n" + vocabulary_rows(style, model);
  const Json notes = notes_of(model);
  if (!notes.empty()) page += "\n";
  for (const auto& [name, note] : notes.items()) {
    std::string margin = one_line(name);
    for (const std::string& one : note_lines(model, path, name, note)) {
      for (const std::string& line : wrapped(one, style.width - 16)) {
        page += row(style, margin, line);
        margin.clear();
      }
    }
  }
  return page;
}

int Info::run() const {
  result.check();
  const Model model = load_for("info", path);
  const auto view = [&](const Style& style) { return draw(style, path, model); };
  show(result, view, [&] { return to_json(path, model); });
  const auto picture = [&](const Style& style) {
    const std::vector<PartRow> parts = parts_of(model);
    return title(style, path) + draw_part_picture(style, model, parts) + "\n" + draw_part_table(style, parts);
  };
  draw_picture(result, typed.line(typed.program, {"--svg"}, {"--force"}), picture);
  return 0;
}

}  // namespace

Action add_info(CLI::App& app, const Invocation& typed) {
  const auto verb = std::make_shared<Info>();
  verb->typed = typed;
  app.add_option("MODEL", verb->path, "a file that train wrote")->required();
  verb->result.add(app);
  verb->result.add_picture(app, "draw the parts of the network into this file");
  return [verb] { return verb->run(); };
}

}  // namespace sluice::tool
