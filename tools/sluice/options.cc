#include "options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "model/config.h"
#include "model/layout.h"
#include "train/options.h"

namespace sluice::tool {
namespace {

[[noreturn]] void refuse(std::string_view flag, std::string_view expected, std::string_view found) {
  throw Error(Status::usage, fmt::format("{}: expected {}, found '{}'", flag, expected, found));
}

}  // namespace

void refuse_value(std::string_view flag, const std::string& expected, std::string_view found) {
  refuse(flag, expected, found);
}

void check_finite(std::string_view flag, std::string_view text, double value) {
  if (!std::isfinite(value)) refuse(flag, "a finite number", text);
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    const bool escape = next == 'n' || next == 't' || next == '\\';
    out += !escape ? text[i] : next == 'n' ? '\n' : next == 't' ? '\t' : '\\';
    i += escape ? 1 : 0;
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(separator, start), text.size());
    if (end > start) parts.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

std::vector<std::uint64_t> read_numbers(std::string_view flag, std::string_view text) {
  std::vector<std::uint64_t> numbers;
  const bool gap = text.empty() || text.front() == ',' || text.back() == ',' || text.find(",,") != text.npos;
  if (gap) refuse(flag, "whole numbers with commas between them", text);
  for (const std::string& part : split(text, ',')) read_value(flag, part, numbers.emplace_back());
  return numbers;
}

void expect(bool holds, std::string_view flag, std::string_view expected, const std::string& found) {
  if (!holds) refuse(flag, expected, found);
}

void add_precision(CLI::App& app, Precision& precision) {
  add_value(app, "--precision", precision, "how the weights are held: f32, or bf16 or int8, smaller and faster",
            "NAME");
}

void TextFlags::add(CLI::App& app) {
  given = add_value(app, "--level", level, "what a token is: word, char or pretokenized", "NAME")->group("Text");
  app.add_flag("--pretokenized", pretokenized, "already split by spaces; every line end becomes <eos>")->group("Text");
  app.add_flag("--lowercase", text.lowercase, "fold case")->group("Text");
  app.add_flag("--lossy", text.lossy, "replace invalid UTF-8 instead of refusing it")->group("Text");
  add_value(app, "--min-count", vocabulary.min_count, "rarer tokens become <unk>; 0: 2 for words, else 1", "N")
      ->group("Text");
  add_value(app, "--max-vocabulary", vocabulary.max_vocabulary, "most tokens to keep; 0: no limit", "N")->group("Text");
}

TextOptions TextFlags::checked() const {
  TextOptions options = text;
  options.level = pretokenized ? Level::pretokenized : find_level(level);
  return options;
}

namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

void NetworkFlags::add(CLI::App& app, const Config& shown, const std::vector<std::string>& without) {
  visit_config(shown, [&](const char* name, const auto& member, const char* help) {
    if (!contains(without, name)) fields.add(app, "Network", {name, help}, member);
  });
}

void NetworkFlags::add_stack(CLI::App& app, const Config& shown) {
  visit_config(shown, [&](const char* name, const auto& member, const char* help) {
    if (std::string_view(name) != "hidden") return fields.add(app, "Network", {name, help}, member);
    app.add_option_function<std::string>(
           "--hidden", [this](const std::string& text) { sizes = text; },
           std::string(help) + "; with commas between them, one a layer")
        ->type_name("N,...")
        ->group("Network")
        ->default_str(field_text(member));
  });
}

// --hidden: one size for all layers, or one for each.
void NetworkFlags::apply_sizes(Config& config) const {
  const std::vector<std::uint64_t> units = read_numbers("--hidden", sizes);
  const std::size_t layers = config.stack.empty() ? config.layers : config.stack.size();
  if (units.size() > 1 && (fields.given("layers") || !config.stack.empty())) {
    expect(units.size() == layers, "--hidden",
           layers == 1 ? "one size for one layer" : fmt::format("one size, or {} of them, one a layer", layers), sizes);
  }
  if (config.stack.empty()) {
    config.hidden = units.front();
    if (units.size() > 1) config.layers = units.size();
    if (std::ranges::all_of(units, [&](std::uint64_t size) { return size == units.front(); })) return;
    set_stack(config, layers_of(config));
  }
  for (std::size_t l = 0; l < config.stack.size(); ++l) config.stack[l].units = units[units.size() > 1 ? l : 0];
}

void NetworkFlags::apply(Config& config) const {
  visit_config(config, [&](const char* name, auto& member, const char*) { fields.apply({name, ""}, member); });
  if (!config.stack.empty()) {
    const std::size_t layers = config.stack.size();
    expect(!fields.given("layers") || config.layers == layers, "--layers",
           fmt::format("{}, as the model has them", layers), field_text(config.layers));
    set_stack(config, std::move(config.stack));
  }
  for (LayerConfig& layer : config.stack) {
    visit_layer(layer, [&](const char* name, auto& member, const char*) {
      const bool of_every_kind = std::string_view(name) == "dropout";
      if ((of_every_kind || layer.kind == "recurrent") && uses_field(layer, name)) fields.apply({name, ""}, member);
    });
  }
  if (!sizes.empty()) apply_sizes(config);
}

void TrainingFlags::add(CLI::App& app, const TrainOptions& shown, const std::vector<std::string>& without) {
  visit_training(shown, [&](const Field& field, const auto& value, Effect effect) {
    if (contains(without, field.name)) return;
    fields.add(app, effect == Effect::execution ? "Options" : "Training", field, value);
  });
  app.get_option("--reset-at")->type_name("TEXT");
}

void TrainingFlags::apply(TrainOptions& options) const {
  visit_training(options, [&](const Field& field, auto& value, Effect) { fields.apply(field, value); });
  options.reset_at = unescaped(options.reset_at);
}

}  // namespace sluice::tool
