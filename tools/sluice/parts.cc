#include "parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "model/layout.h"

namespace sluice::tool {
namespace {

constexpr std::size_t kFloat = sizeof(float);

// What a tensor adds to the part that it is of.
void add(const Shape& tensor, PartRow& part) {
  part.parameters += tensor.size();
  part.bytes += tensor.size() * kFloat;
  switch (tensor.role) {
    case TensorRole::input:
    case TensorRole::recurrent:
    case TensorRole::weight:
    case TensorRole::head:
      part.multiply_adds += tensor.size();  // each weight once a step
      return;
    case TensorRole::embedding:  // a row is looked up
    case TensorRole::bias:
    case TensorRole::recurrent_bias:
    case TensorRole::initial_state:
    case TensorRole::zeros:
    case TensorRole::head_bias:
      return;
  }
}

std::string units_of(const LayerConfig& layer) {
  return fmt::format("{} unit{}", layer.units, layer.units == 1 ? "" : "s");
}

PartRow layer_row(const LayerConfig& layer) {
  PartRow row;
  row.kind = layer.kind;
  row.outputs = outputs_of(layer);
  row.detail = units_of(layer);
  if (layer.kind == "recurrent") {
    const CellInfo& cell = find_cell(layer.cell);
    row.name = layer.cell;
    if (layer.direction == "backward") row.detail += ", backward";
    if (layer.direction == "both") row.detail += " each way, side by side";
    if (layer.direction == "sum") row.detail += " each way, added";
    if (layer.activation != "tanh") row.detail += ", " + layer.activation;
    row.state_bytes = directions_of(layer).size() * cell.states.size() * layer.units * kFloat;
  } else {
    row.name = layer.kind;
    row.detail += ", " + (layer.activation == "none" ? "no activation" : layer.activation);
  }
  if (layer.kind == "recurrent" && layer.initial_state == "learned") row.detail += ", initial state learned";
  if (layer.dropout > 0) row.detail += fmt::format(", dropout {}", layer.dropout);
  if (layer.weight_dropout > 0) row.detail += fmt::format(", weight dropout {}", layer.weight_dropout);
  return row;
}

// Its work is that of a character: what a word costs depends on its length.
PartRow spelling_row(const SpellingConfig& spelling) {
  PartRow row = layer_row(spelling_layer(spelling));
  row.kind = row.name = "spelling";
  row.detail = fmt::format("{} of {} beside the word's embedding", spelling.cell, row.detail);
  if (spelling.word_dropout > 0) row.detail += fmt::format(", word dropout {}", spelling.word_dropout);
  row.inputs = spelling.characters;
  row.state_bytes = 0;  // none is left after a word
  row.per = "character";
  return row;
}

std::string rows_in_words(const std::string& at) {
  if (at == "last") return "after the last step";
  return at == "steps" ? "at every step" : at + " over the steps";
}

PartRow head_row(const Config& config) {
  PartRow row;
  row.kind = "head";
  row.name = !config.head.loss.empty() ? config.head.loss : config.inputs == 0 ? "softmax" : "squared";
  row.detail = rows_in_words(config.head.at) + (config.tied ? ", weights of the embedding" : "") +
               (config.head.residual.empty() ? "" : ", features added");
  if (config.head.at != "steps") row.per = "sequence";
  return row;
}

PartRow total(const std::vector<PartRow>& parts) {
  PartRow all;
  all.name = "total";
  for (const PartRow& part : parts) {
    all.parameters += part.parameters;
    all.bytes += part.bytes;
    all.state_bytes += part.state_bytes;
    if (part.per == "step") all.multiply_adds += part.multiply_adds;
  }
  return all;
}

std::string shape_of(const PartRow& part) {
  return fmt::format("{} -> {}", thousands(part.inputs), thousands(part.outputs));
}

std::string products_of(const PartRow& part) { return thousands(part.multiply_adds) + (part.per == "step" ? "" : "*"); }

Rgb colour_of(const PartRow& part) {
  if (part.kind == "embedding" || part.kind == "spelling" || part.kind == "scaling") return colours::green;
  if (part.kind == "recurrent") return colours::blue;
  return part.kind == "dense" ? colours::amber : colours::violet;
}

std::string line_of(const std::string& text, std::size_t count) {
  std::string line;
  for (std::size_t i = 0; i < count; ++i) line += text;
  return line;
}

}  // namespace

std::vector<PartRow> parts_of(const Model& model) {
  const Config& config = model.config();
  const std::vector<LayerConfig> layers = layers_of(config);
  std::vector<PartRow> parts;
  const bool tokens = config.inputs == 0;
  if (tokens) {
    PartRow row;
    row.kind = row.name = "embedding";
    row.detail = "a row for each token";
    if (config.input_dropout > 0) row.detail += fmt::format(", dropout {}", config.input_dropout);
    row.inputs = model.vocabulary().size();
    row.outputs = config.embedding;
    parts.push_back(row);
  }
  const std::size_t spelling = parts.size();
  if (config.spelling.characters > 0) parts.push_back(spelling_row(config.spelling));
  if (!config.scaling.mean.empty()) {
    PartRow row;
    row.kind = row.name = "scaling";
    row.detail = "by mean and deviation of each feature";
    row.inputs = row.outputs = config.inputs;
    row.bytes = 2 * config.inputs * kFloat;
    parts.push_back(row);
  }
  const std::size_t first = parts.size();
  std::size_t width = inputs_of(config);
  for (const LayerConfig& layer : layers) {
    parts.push_back(layer_row(layer));
    parts.back().inputs = std::exchange(width, parts.back().outputs);
  }
  parts.push_back(head_row(config));
  parts.back().inputs = width;
  for (const Shape& tensor : tensors_of(config, model.vocabulary().size())) {
    const bool embedding = tensor.role == TensorRole::embedding;
    add(tensor, parts[tensor.layer == spelling_place ? spelling : embedding ? 0 : first + tensor.layer]);
    if (tensor.role == TensorRole::head_bias) parts.back().outputs = tensor.rows;
  }
  if (config.tied) parts.back().multiply_adds += parts.back().inputs * parts.back().outputs;
  return parts;
}

Json parts_json(const std::vector<PartRow>& parts) {
  Json list = Json::array();
  const auto costs = [](const PartRow& part) -> Json {
    return {{"parameters", part.parameters},
            {"bytes", part.bytes},
            {"state_bytes", part.state_bytes},
            {"multiply_adds", part.multiply_adds}};
  };
  for (const PartRow& part : parts) {
    Json one = {{"kind", part.kind},
                {"name", part.name},
                {"detail", part.detail},
                {"inputs", part.inputs},
                {"outputs", part.outputs}};
    one.update(costs(part));
    one["per"] = part.per;
    list.push_back(one);
  }
  return {{"parts", list}, {"totals", costs(total(parts))}};
}

std::string draw_part_table(const Style& style, const std::vector<PartRow>& parts) {
  using Cells = std::array<std::string, 6>;
  std::vector<Cells> rows = {{"part", "in -> out", "parameters", "memory", "state", "multiply-adds"}};
  const auto count = [](std::uint64_t number, const std::string& text) { return number == 0 ? "-" : text; };
  const auto cells = [&](const PartRow& part) -> Cells {
    return {part.name,
            part.outputs == 0 ? "" : shape_of(part),
            count(part.parameters, thousands(part.parameters)),
            count(part.bytes, memory(part.bytes)),
            count(part.state_bytes, memory(part.state_bytes)),
            count(part.multiply_adds, products_of(part))};
  };
  for (const PartRow& part : parts) rows.push_back(cells(part));
  rows.push_back(cells(total(parts)));
  std::array<std::size_t, 6> widths{};
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  }
  std::string page;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line = pad_right(rows[r][0], widths[0]) + "  " + pad_right(rows[r][1], widths[1]);
    for (std::size_t i = 2; i < widths.size(); ++i) line += "  " + pad_left(rows[r][i], widths[i]);
    const bool edge = r == 0 || r + 1 == rows.size();
    page += (r == 0 ? style.dim(line) : edge ? style.bold(line) : line) + "\n";
  }
  for (const PartRow& part : parts) {
    if (part.per == "step") continue;
    page +=
        style.dim(fmt::format("* {}: once a {}, and not a part of the total of a step", part.name, part.per)) + "\n";
  }
  return page;
}

std::string draw_part_picture(const Style& style, const Model& model, const std::vector<PartRow>& parts) {
  constexpr std::size_t kBar = 12, kLeft = 6;
  std::size_t inside = 20;
  for (const PartRow& part : parts) inside = std::max(inside, columns(part.detail));
  const PartRow all = total(parts);
  std::uint64_t work = 0;
  for (const PartRow& part : parts) work += part.multiply_adds;
  const auto share = [&](std::uint64_t part, std::uint64_t whole, Rgb hue) {
    const double of = whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
    return style.colour(pad_right(bar(of, kBar), kBar), hue);
  };
  const auto border = [&](const char* left, const char* middle, const char* right) {
    return left + line_of("─", kLeft) + middle + line_of("─", inside + 1 - kLeft) + right;
  };
  const auto arrow = [&](const std::string& label) {
    const std::string margin(kLeft + 3, ' ');
    return margin + style.dim("│ " + label) + "\n" + margin + style.dim("▼") + "\n";
  };
  const bool tokens = model.reads_text();
  std::string page =
      arrow(tokens ? fmt::format("one of {} tokens", thousands(parts.front().inputs))
                   : fmt::format("{} number{}", parts.front().inputs, parts.front().inputs == 1 ? "" : "s"));
  for (const PartRow& part : parts) {
    const Rgb hue = colour_of(part);
    const auto line = [&](const std::string& text, const std::string& right) {
      return "  " + style.colour("│", hue) + " " + text + " " + style.colour("│", hue) + "  " + right + "\n";
    };
    page += "  " + style.colour(border("┌", "─", "┐"), hue) + "\n";
    page += line(pad_right(style.bold(part.name), inside),
                 share(part.parameters, all.parameters, hue) + " " + thousands(part.parameters) + " parameters");
    page += line(pad_right(part.detail, inside), share(part.multiply_adds, work, hue) + " " +
                                                     thousands(part.multiply_adds) + " multiply-adds a " + part.per);
    page += "  " + style.colour(border("└", "┬", "┘"), hue) + "\n";
    if (part.kind == "spelling") {  // beside the embedding
      page += arrow(thousands((&part + 1)->inputs));
      continue;
    }
    page += arrow(thousands(part.outputs) + (&part == &parts.back() ? " outputs" : ""));
  }
  return page;
}

}  // namespace sluice::tool
