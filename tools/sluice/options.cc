#include "options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "model/config.h"
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
  for (const std::string& part : split(text, ',')) read_value(flag, part, numbers.emplace_back());
  if (numbers.empty()) refuse(flag, "whole numbers with commas between them", text);
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
  add_value(app, "--level", level, "what a token is: word, char or pretokenized", "NAME")->group("Text");
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

void NetworkFlags::apply(Config& config) const {
  visit_config(config, [&](const char* name, auto& member, const char*) { fields.apply({name, ""}, member); });
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
