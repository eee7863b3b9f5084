#include "options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "model/config.h"

namespace sluice::tool {
namespace {

constexpr std::array<std::pair<std::string_view, Optimizer>, 4> kOptimizers = {
    {{"sgd", Optimizer::sgd}, {"rmsprop", Optimizer::rmsprop}, {"adam", Optimizer::adam}, {"adamw", Optimizer::adamw}}};
constexpr std::array<std::pair<std::string_view, Precision>, 3> kPrecisions = {
    {{"f32", Precision::f32}, {"bf16", Precision::bf16}, {"int8", Precision::int8}}};
constexpr std::array<std::pair<std::string_view, Schedule>, 3> kSchedules = {
    {{"constant", Schedule::constant}, {"cosine", Schedule::cosine}, {"plateau", Schedule::plateau}}};

[[noreturn]] void refuse(std::string_view flag, std::string_view expected, std::string_view found) {
  throw Error(Status::usage, fmt::format("{}: expected {}, found '{}'", flag, expected, found));
}

template <class List, class Value>
void read_name(std::string_view flag, std::string_view text, const List& list, Value& value) {
  std::string known;
  for (const auto& [name, meant] : list) {
    if (name == text) {
      value = meant;
      return;
    }
    known += known.empty() ? "" : ", ";
    known += name;
  }
  refuse(flag, "one of " + known, text);
}

template <class List, class Value>
std::string show_name(const List& list, Value value) {
  return std::string(
      std::find_if(list.begin(), list.end(), [&](const auto& entry) { return entry.second == value; })->first);
}

template <class Number>
void read_number(std::string_view flag, std::string_view text, std::string_view expected, Number& value) {
  Number read{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
  if (error != std::errc() || end != text.data() + text.size()) refuse(flag, expected, text);
  value = read;
}

}  // namespace

void read_value(std::string_view flag, std::string_view text, std::uint64_t& value) {
  read_number(flag, text, "a whole number, 0 or more", value);
}

void read_value(std::string_view flag, std::string_view text, double& value) {
  double read = 0;
  read_number(flag, text, "a number", read);
  if (!std::isfinite(read)) refuse(flag, "a finite number", text);
  value = read;
}

void read_value(std::string_view flag, std::string_view text, bool& value) {
  if (text != "true" && text != "false") refuse(flag, "true or false", text);
  value = text == "true";
}

void read_value(std::string_view, std::string_view text, std::string& value) { value = text; }

void read_value(std::string_view flag, std::string_view text, Optimizer& value) {
  read_name(flag, text, kOptimizers, value);
}

void read_value(std::string_view flag, std::string_view text, Schedule& value) {
  read_name(flag, text, kSchedules, value);
}

void read_value(std::string_view flag, std::string_view text, Precision& value) {
  read_name(flag, text, kPrecisions, value);
}

std::string show_value(std::uint64_t value) { return std::to_string(value); }
std::string show_value(double value) { return fmt::format("{}", value); }
std::string show_value(bool value) { return value ? "true" : "false"; }
std::string show_value(const std::string& value) { return value; }
std::string show_value(Optimizer value) { return show_name(kOptimizers, value); }
std::string show_value(Precision value) { return show_name(kPrecisions, value); }
std::string show_value(Schedule value) { return show_name(kSchedules, value); }

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

Model load_text_model(const std::string& path, Precision precision) {
  Model model = load(path);
  if (!model.reads_text()) {
    throw Error(Status::bad_file, path + ": expected a model of text, found one of " + what_it_reads(model.config()));
  }
  if (precision != Precision::f32) model.set_precision(precision);  // which packs anew
  return model;
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
    if (!contains(without, name)) fields.add(app, "Network", name, member, help);
  });
}

void NetworkFlags::apply(Config& config) const {
  visit_config(config, [&](const char* name, auto& member, const char*) { fields.apply(name, member); });
}

void TrainingFlags::add(CLI::App& app, const TrainOptions& shown, const std::vector<std::string>& without) {
  visit_training(shown, [&](const char* name, const auto& member, const char* help) {
    if (!contains(without, name)) fields.add(app, "Training", name, member, help);
  });
}

void TrainingFlags::apply(TrainOptions& options) const {
  visit_training(options, [&](const char* name, auto& member, const char*) { fields.apply(name, member); });
  // The one flag whose name is not the field's.
  expect(options.learning_rate > 0, "--lr", "a number above 0", show_value(options.learning_rate));
}

}  // namespace sluice::tool
