#include "gates_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "example_text.h"
#include "explain/facts.h"
#include "model/config.h"

namespace sluice::tool {
namespace {

// From 0 to 1.
struct Ramp {
  Rgb low, high;
};
constexpr Ramp kKept = {{24, 38, 56}, {103, 190, 255}}, kTaken = {{54, 34, 22}, {255, 176, 84}},
               kOut = {{24, 46, 32}, {128, 224, 122}};
constexpr Ramp kMemoryRamp = {{42, 30, 54}, {206, 150, 245}};

// The past that is kept has one hue in every cell.
Ramp ramp_of(std::string_view gate) {
  return gate == "retain" || gate == "forget" ? kKept : gate == "output" ? kOut : kTaken;
}

// One number a unit and token in [0, 1], and what it is called.
struct Row {
  std::string name, meaning;
  Ramp ramp;
  std::span<const float> values;  // [T, H]
};

std::vector<Row> rows_of(const GatesOfText& gates, std::size_t layer) {
  const LayerTrace& trace = gates.trace.layers[layer];
  std::vector<Row> rows;
  for (std::size_t g = 0; g < trace.gates.size(); ++g) {
    const GateInfo& info = gates.cell->gates[g];
    rows.push_back({std::string(info.name), std::string(info.meaning), ramp_of(info.name), trace.gates[g]});
  }
  if (rows.empty()) rows.push_back({"hidden", "mean size of the memory's units, |h|", kMemoryRamp, trace.hidden});
  return rows;
}

double mean_size(std::span<const float> units) {
  double sum = 0;
  for (const float unit : units) sum += std::abs(static_cast<double>(unit));
  return sum / static_cast<double>(units.size());
}

double mean_at(const Row& row, std::size_t step, std::size_t hidden) {
  return mean_size(row.values.subspan(step * hidden, hidden));
}

std::string layer_name(const GatesOfText& gates, std::size_t layer) {
  return gates.layers.empty() ? std::to_string(layer + 1) : gates.layers[layer];
}

std::string row_name(const GatesOfText& gates, std::size_t layer, const Row& row) {
  return gates.trace.layers.size() == 1 ? row.name : fmt::format("{} {}", layer_name(gates, layer), row.name);
}

std::string heading(const Style& style, const GatesOfText& gates) {
  const std::size_t layers = gates.trace.layers.size();
  const std::string title(gates.cell->title),
      shape = gates.shape.empty()
                  ? fmt::format("{} layer{} of {} units", layers, layers == 1 ? "" : "s", gates.trace.hidden)
                  : gates.shape,
      sizes = fmt::format("{}, {} tokens", shape, gates.trace.steps);
  if (columns(title) + 2 + columns(sizes) < style.width) {
    return fmt::format("{}  {}\n", style.bold(title), style.dim(sizes));
  }
  std::string page;
  for (const std::string& line : wrapped(title, style.width - 1)) page += style.bold(line) + "\n";
  for (const std::string& line : wrapped(sizes, style.width - 1)) page += style.dim(line) + "\n";
  return page;
}

// "mean here 52 %", or one for each layer.
std::string means(const GatesOfText& gates, std::size_t row) {
  std::string text = "mean here";
  const std::size_t layers = gates.trace.layers.size();
  for (std::size_t layer = 0; layer < layers; ++layer) {
    text += " " + percent(mean_size(rows_of(gates, layer)[row].values));
    if (layers > 1) text += fmt::format(" in layer {}{}", layer_name(gates, layer), layer + 1 < layers ? "," : "");
  }
  return text;
}

// A line for each row: its scale, and beside it what it means; beneath it where there is no room.
std::string legend(const Style& style, const GatesOfText& gates) {
  constexpr std::size_t kName = 6, kShade = 5, kNarrow = 20;
  const std::vector<int> all = {0, 25, 50, 75, 100}, few = {0, 100};
  std::string page;
  const std::vector<Row> rows = rows_of(gates, 0);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line = "  " + pad_right(rows[r].name, kName) + "  ";
    for (const int share : columns(line) + all.size() * kShade < style.width ? all : few) {
      line +=
          style.block(centred(std::to_string(share), kShade), mix(rows[r].ramp.low, rows[r].ramp.high, share / 100.0));
    }
    const std::string text = fmt::format("{}; {}", rows[r].meaning, means(gates, r));
    std::size_t margin = columns(line) + 2;
    if (margin + kNarrow >= style.width) {
      page += line + "\n";
      margin = 4;
      line = "  ";
    }
    for (const std::string& part : wrapped(text, style.width - margin - 1)) {
      page += fmt::format("{}  {}\n", line, part);
      line = std::string(margin - 2, ' ');
    }
  }
  if (gates.cell->gates.empty()) {
    const std::string text = "A plain RNN has no gates: every step writes all of its memory anew.";
    for (const std::string& line : wrapped(text, style.width - 3)) page += "  " + line + "\n";
  }
  return page;
}

// Room for a word and for a number under it.
std::size_t cell_width(const std::string& label) { return std::max<std::size_t>(4, columns(label)); }

// The first token after those that fit beside the row names.
std::size_t end_of_line(const std::vector<std::string>& labels, std::size_t first, std::size_t room) {
  std::size_t used = 0, end = first;
  for (; end < labels.size(); ++end) {
    used += cell_width(labels[end]) + 1;
    if (used > room && end > first) break;
  }
  return end;
}

std::string grid(const Style& style, const GatesOfText& gates) {
  std::size_t margin = 0;
  for (std::size_t layer = 0; layer < gates.trace.layers.size(); ++layer) {
    for (const Row& row : rows_of(gates, layer)) margin = std::max(margin, columns(row_name(gates, layer, row)));
  }
  const std::size_t longest = std::min<std::size_t>(18, std::max(style.width, margin + 9) - margin - 5);
  std::vector<std::string> labels;
  for (const std::string& word : gates.words) labels.push_back(shortened(visible(word), longest));
  std::string page;
  for (std::size_t first = 0; first < labels.size();) {
    const std::size_t end = end_of_line(labels, first, style.width - margin - 4);
    const auto width = [&](std::size_t t) { return cell_width(labels[t]); };
    std::string line = std::string(margin + 4, ' ');
    for (std::size_t t = first; t < end; ++t) {
      const std::string label = centred(labels[t], width(t)) + " ";
      line += gates.known[t] ? style.bold(label) : style.dim(label);
    }
    page += line + "\n";
    for (std::size_t layer = 0; layer < gates.trace.layers.size(); ++layer) {
      for (const Row& row : rows_of(gates, layer)) {
        line = "  " + pad_right(row_name(gates, layer, row), margin) + "  ";
        for (std::size_t t = first; t < end; ++t) {
          const double mean = mean_at(row, t, gates.trace.hidden);
          line += style.block(centred(percentage(mean), width(t)), mix(row.ramp.low, row.ramp.high, mean)) + " ";
        }
        page += line + "\n";
      }
    }
    page += "\n";
    first = end;
  }
  return page;
}

// One line a token: the word and a number a column.
std::string table(const GatesOfText& gates) {
  constexpr std::size_t kNumber = 8;
  std::size_t widest = 5;
  for (const std::string& word : gates.words) widest = std::max(widest, columns(visible(word)));
  std::string page = pad_right("token", widest);
  for (std::size_t layer = 0; layer < gates.trace.layers.size(); ++layer) {
    for (const Row& row : rows_of(gates, layer)) page += "  " + pad_left(row_name(gates, layer, row), kNumber);
  }
  page += "\n";
  for (std::size_t t = 0; t < gates.words.size(); ++t) {
    page += pad_right(visible(gates.words[t]), widest);
    for (std::size_t layer = 0; layer < gates.trace.layers.size(); ++layer) {
      for (const Row& row : rows_of(gates, layer)) {
        const std::size_t width = std::max(kNumber, columns(row_name(gates, layer, row)));
        page += fmt::format("  {:{}.4f}", mean_at(row, t, gates.trace.hidden), width);
      }
    }
    page += "\n";
  }
  return page;
}

// The units of one token: marks for a person, numbers for a program.
std::string strip(const Style& style, const Row& row, std::span<const float> units, std::size_t room,
                  std::size_t margin) {
  std::string line;
  for (std::size_t unit = 0; unit < units.size(); ++unit) {
    const double value = std::abs(static_cast<double>(units[unit]));
    if (!style.terminal) {
      line += fmt::format(" {:.4f}", units[unit]);
      continue;
    }
    if (unit > 0 && unit % room == 0) line += "\n" + std::string(margin, ' ');
    line += style.colour(height_mark(value), mix(row.ramp.low, row.ramp.high, 0.25 + 0.75 * value));
  }
  return line;
}

// What a text begins after is no word of it.
void drop_first(GateTrace& trace) {
  const auto hidden = static_cast<std::ptrdiff_t>(trace.hidden);
  const auto drop = [&](std::vector<float>& values) {
    if (!values.empty()) values.erase(values.begin(), values.begin() + hidden);
  };
  for (LayerTrace& layer : trace.layers) {
    for (std::vector<float>& gate : layer.gates) drop(gate);
    drop(layer.candidate);
    drop(layer.hidden);
    drop(layer.memory);
  }
  --trace.steps;
}

}  // namespace

GatesOfText read_gates(const Model& model, const std::string& text) {
  GatesOfText gates;
  std::vector<Token> tokens = model.vocabulary().encode(text, &gates.words);
  if (tokens.empty()) {
    throw Error(Status::usage, fmt::format("TEXT: expected at least one {}, found an empty text", unit_name(model)));
  }
  for (const Token token : tokens) gates.known.push_back(token != Vocabulary::unknown);
  gates.cell = &model.cell();
  const std::vector<Token> before = tokens_before(model, tokens);
  if (!before.empty()) gates.begins_after = text_before(model, before);
  tokens.insert(tokens.begin(), before.begin(), before.end());
  gates.trace = model.trace(tokens);
  for (std::size_t i = 0; i < before.size(); ++i) drop_first(gates.trace);
  return gates;
}

GatesOfText read_gates(const Model& model, const Task& task, const std::string& text) {
  ExampleText read = read_example_text(model, task, text);
  GatesOfText gates;
  gates.cell = &model.cell();
  gates.trace = trace_example(model, read, gates.layers);
  gates.shape = layers_in_words(model.config());
  gates.words = std::move(read.words);
  gates.known = std::move(read.known);
  return gates;
}

std::vector<std::string> unknown_words(const GatesOfText& gates) {
  std::vector<std::string> unknown;
  for (std::size_t t = 0; t < gates.words.size(); ++t) {
    const bool new_one = std::find(unknown.begin(), unknown.end(), gates.words[t]) == unknown.end();
    if (!gates.known[t] && new_one) unknown.push_back(gates.words[t]);
  }
  return unknown;
}

std::string draw_gates(const Style& style, const GatesOfText& gates) {
  if (!style.terminal) return table(gates);
  return heading(style, gates) + "\n" + grid(style, gates) + legend(style, gates);
}

std::string draw_units(const Style& style, const GatesOfText& gates) {
  const std::size_t hidden = gates.trace.hidden, margin = 18;
  const std::size_t most = style.width > margin + 8 ? style.width - margin - 1 : 8;
  const std::size_t lines = (hidden + most - 1) / most;
  const std::size_t room = (hidden + lines - 1) / lines;  // lines of equal length
  std::string page = style.terminal ? heading(style, gates) : "";
  for (std::size_t layer = 0; layer < gates.trace.layers.size(); ++layer) {
    for (const Row& row : rows_of(gates, layer)) {
      if (style.terminal) {
        page += "\n";
        const std::string about = fmt::format("layer {}, {}: {}", layer_name(gates, layer), row.name, row.meaning);
        for (const std::string& line : wrapped(about, style.width - 1)) page += line + "\n";
        page += style.dim("a character a unit, ▁ 0 to █ 1") + "\n";
      }
      for (std::size_t t = 0; t < gates.words.size(); ++t) {
        const std::string word = visible(gates.words[t]);
        page += style.terminal ? "  " + pad_right(shortened(word, margin - 3), margin - 2)
                               : fmt::format("{} {} {}", layer_name(gates, layer), row.name, word);
        page += strip(style, row, row.values.subspan(t * hidden, hidden), room, margin) + "\n";
      }
    }
  }
  return page;
}

Json to_json(const GatesOfText& gates) {
  const auto units = [&](std::span<const float> values) {
    Json tokens = Json::array();
    for (std::size_t t = 0; t < gates.trace.steps; ++t) {
      Json one = Json::array();
      for (const float v : values.subspan(t * gates.trace.hidden, gates.trace.hidden)) one.push_back(tidy(v));
      tokens.push_back(std::move(one));
    }
    return tokens;
  };
  Json layers = Json::array();
  for (std::size_t l = 0; l < gates.trace.layers.size(); ++l) {
    const LayerTrace& trace = gates.trace.layers[l];
    Json layer = Json::object();
    if (!gates.layers.empty()) layer["layer"] = gates.layers[l];
    layer["gates"] = Json::object();
    for (std::size_t g = 0; g < trace.gates.size(); ++g) {
      layer["gates"][std::string(gates.cell->gates[g].name)] = units(trace.gates[g]);
    }
    layer["hidden"] = units(trace.hidden);
    if (!trace.memory.empty()) layer["memory"] = units(trace.memory);
    layers.push_back(std::move(layer));
  }
  return {{"cell", gates.cell->name},
          {"tokens", gates.words},
          {"begins_after", gates.begins_after ? Json(*gates.begins_after) : Json(nullptr)},
          {"unknown", unknown_words(gates)},
          {"layers", layers}};
}

Json means_json(const GatesOfText& gates) {
  Json layers = Json::array();
  for (std::size_t layer = 0; layer < gates.trace.layers.size(); ++layer) {
    Json means = Json::object();
    for (const Row& row : rows_of(gates, layer)) {
      for (std::size_t t = 0; t < gates.trace.steps; ++t) {
        means[row.name].push_back(mean_at(row, t, gates.trace.hidden));
      }
    }
    layers.push_back(std::move(means));
  }
  return {{"cell", gates.cell->name}, {"tokens", gates.words}, {"mean", layers}};
}

}  // namespace sluice::tool
