// Flags that several verbs share. Those of a network and of its training follow from the lists of their fields
// (src/model/config.h, src/train/options.h).
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "help.h"
#include "model/config.h"
#include "sluice/sluice.h"

namespace sluice::tool {

[[noreturn]] void refuse_value(std::string_view flag, const std::string& expected, std::string_view found);
void check_finite(std::string_view flag, std::string_view text, double value);

// A value from the command line: the whole text, or Error (usage) naming the flag, what was expected and what was
// found.
template <class T>
void read_value(std::string_view flag, std::string_view text, T& value) {
  if (!read_field(text, value)) refuse_value(flag, expected_of<T>(), text);
  if constexpr (std::is_same_v<T, double>) check_finite(flag, text, value);
}

// "1,2,5" as numbers.
std::vector<std::uint64_t> read_numbers(std::string_view flag, std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
// "\n", "\t" and "\\" as a shell hands them on, for what is hard to type.
std::string unescaped(std::string_view text);
// Throws Error (usage) unless `holds`.
void expect(bool holds, std::string_view flag, std::string_view expected, const std::string& found);

// A flag ("-n,--tokens") that writes its value to `value`, whose present content is the default that help shows.
template <class T>
CLI::Option* add_value(CLI::App& app, const std::string& flags, T& value, const std::string& help,
                       const std::string& type) {
  const auto read = [&value, flag = flags.substr(flags.rfind(',') + 1)](const std::string& text) {
    read_value(flag, text, value);
  };
  return app.add_option_function<std::string>(flags, read, help)->type_name(type)->default_str(field_text(value));
}

// The flags of a list of fields, kept as text until the defaults that they change are known.
class FieldFlags {
 public:
  template <class T>
  void add(CLI::App& app, const std::string& group, const Field& field, const T& shown) {
    CLI::Option* option = add_name<T>(app, field.name, field)->group(group);
    if constexpr (std::is_same_v<T, bool>) {
      option->default_str(shown ? "yes" : "no");
    } else {
      option->default_str(field_text(shown));
    }
    // Understood, but not in the help.
    if (*field.former != 0) add_name<T>(app, field.former, field)->group(kHidden)->excludes(option);
  }
  // Throws Error (usage), naming the flag as it was typed, for a value that is none or out of range.
  template <class T>
  void apply(const Field& field, T& value) const {
    const auto found = given_.find(field.name);
    if (found == given_.end()) return;
    const auto& [flag, text] = found->second;
    read_value(flag, text, value);
    Field typed = field;
    typed.name = flag.c_str();
    check_field(typed, value);
  }
  bool given(const std::string& name) const { return given_.contains(name); }

 private:
  struct Given {
    std::string flag, text;
  };

  template <class T>
  CLI::Option* add_name(CLI::App& app, const std::string& name, const Field& field) {
    const std::string flag = "--" + name;
    const auto keep = [this, flag, key = field.name](const std::string& text) { given_[key] = {flag, text}; };
    if constexpr (std::is_same_v<T, bool>) {
      return app.add_flag_function(
          flag + ",!--no-" + name, [keep](std::int64_t count) { keep(count > 0 ? "true" : "false"); }, field.help);
    } else {
      std::string help = field.help;
      if constexpr (NamedEnum<T>) help = expected_of<T>(field.bounds) + (help.empty() ? "" : "; ") + help;
      const std::string type = std::is_same_v<T, std::uint64_t> ? "N" : std::is_same_v<T, double> ? "X" : "NAME";
      return app.add_option_function<std::string>(flag, keep, help)->type_name(type);
    }
  }

  std::map<std::string, Given> given_;  // by the field's name
};

// --precision of verbs that infer.
void add_precision(CLI::App& app, Precision& precision);

// How a text is read.
struct TextFlags {
  std::string level = "word";
  bool pretokenized = false;
  TextOptions text;
  VocabularyOptions vocabulary;

  void add(CLI::App& app);
  TextOptions checked() const;
  bool level_given() const { return pretokenized || given->count() > 0; }

 private:
  CLI::Option* given = nullptr;
};

// What a network is made of and how it is trained. `apply` lays what was given over defaults.
struct NetworkFlags {
  FieldFlags fields;
  std::string sizes;  // --hidden of add_stack()

  void add(CLI::App& app, const Config& shown, const std::vector<std::string>& without = {});
  // The same with --hidden 256,128 for layers of different sizes.
  void add_stack(CLI::App& app, const Config& shown);
  void apply(Config& config) const;

 private:
  void apply_sizes(Config& config) const;
};
struct TrainingFlags {
  FieldFlags fields;
  void add(CLI::App& app, const TrainOptions& shown, const std::vector<std::string>& without = {});
  void apply(TrainOptions& options) const;
};

}  // namespace sluice::tool
