// Flags that several verbs share. Every list of fields stands once (src/model/config.h for the network, visit_training
// below): flag, help and what a model file says about its training follow from it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/sluice.h"

namespace sluice::tool {

// Values from the command line: the whole text, or Error (usage) naming the flag, what was expected and what was found.
// Never by locale.
void read_value(std::string_view flag, std::string_view text, std::uint64_t& value);
void read_value(std::string_view flag, std::string_view text, double& value);
void read_value(std::string_view flag, std::string_view text, bool& value);
void read_value(std::string_view flag, std::string_view text, std::string& value);
void read_value(std::string_view flag, std::string_view text, Optimizer& value);
void read_value(std::string_view flag, std::string_view text, Schedule& value);
void read_value(std::string_view flag, std::string_view text, Precision& value);

std::string show_value(std::uint64_t value);
std::string show_value(double value);
std::string show_value(bool value);
std::string show_value(const std::string& value);
std::string show_value(Optimizer value);
std::string show_value(Schedule value);
std::string show_value(Precision value);

// "1,2,5" as numbers.
std::vector<std::uint64_t> read_numbers(std::string_view flag, std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
// Throws Error (usage) unless `holds`.
void expect(bool holds, std::string_view flag, std::string_view expected, const std::string& found);

// A flag ("-n,--tokens") that writes its value to `value`, whose present content is the default that help shows.
template <class T>
CLI::Option* add_value(CLI::App& app, const std::string& flags, T& value, const std::string& help,
                       const std::string& type) {
  const auto read = [&value, flag = flags.substr(flags.rfind(',') + 1)](const std::string& text) {
    read_value(flag, text, value);
  };
  return app.add_option_function<std::string>(flags, read, help)->type_name(type)->default_str(show_value(value));
}

// The flags of a list of fields, kept as text until the defaults that they change are known.
class FieldFlags {
 public:
  template <class T>
  void add(CLI::App& app, const std::string& group, const std::string& name, const T& shown, const std::string& help) {
    const auto keep = [this, name](const std::string& text) { given_[name] = text; };
    if constexpr (std::is_same_v<T, bool>) {
      app.add_flag_function(
             "--" + name + ",!--no-" + name, [keep](std::int64_t count) { keep(count > 0 ? "true" : "false"); }, help)
          ->default_str(shown ? "yes" : "no")
          ->group(group);
    } else {
      const std::string type = std::is_same_v<T, std::uint64_t> ? "N" : std::is_same_v<T, double> ? "X" : "NAME";
      app.add_option_function<std::string>("--" + name, keep, help)
          ->type_name(type)
          ->default_str(show_value(shown))
          ->group(group);
    }
  }
  template <class T>
  void apply(const std::string& name, T& member) const {
    const auto found = given_.find(name);
    if (found != given_.end()) read_value("--" + name, found->second, member);
  }
  bool given(const std::string& name) const { return given_.contains(name); }

 private:
  std::map<std::string, std::string> given_;
};

// The model in a file, for verbs that give it words. Throws Error (bad_file) besides for one that reads numbers.
Model load_text_model(const std::string& path, Precision precision = Precision::f32);
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
};

// What a network is made of and how it is trained. `apply` lays what was given over defaults.
struct NetworkFlags {
  FieldFlags fields;
  void add(CLI::App& app, const Config& shown, const std::vector<std::string>& without = {});
  void apply(Config& config) const;
};
struct TrainingFlags {
  FieldFlags fields;
  void add(CLI::App& app, const TrainOptions& shown, const std::vector<std::string>& without = {});
  void apply(TrainOptions& options) const;
};

// Calls f(flag, member, help) for each field of TrainOptions that decides what is learned.
template <class Options, class F>
void visit_training(Options& o, F&& f) {
  f("epochs", o.epochs, "times the text is read");
  f("batch", o.batch, "streams of text read side by side");
  f("steps", o.steps, "tokens a window of truncated back-propagation");
  f("optimizer", o.optimizer, "sgd, rmsprop, adam or adamw");
  f("lr", o.learning_rate, "learning rate");
  f("momentum", o.momentum, "of sgd");
  f("beta1", o.beta1, "of adam and adamw");
  f("beta2", o.beta2, "of adam and adamw");
  f("epsilon", o.epsilon, "of rmsprop, adam and adamw");
  f("precision", o.precision, "f32, or bf16: products of rounded numbers, about twice as fast where the processor can");
  f("weight-decay", o.weight_decay, "adamw: decoupled; others: added to the gradient");
  f("clip", o.clip, "greatest global norm of the gradient; 0: any");
  f("average", o.average, "decay of the moving average of the weights, which is kept in their place; 0: none");
  f("calibrate", o.calibrate, "scale the output so that the loss on the validation text is lowest; not if tied");
  f("reset", o.reset, "share of windows that begin with an empty state instead of the carried one");
  f("schedule", o.schedule, "constant, cosine or plateau");
  f("warmup", o.warmup, "updates of linear warm-up");
  f("final-rate", o.final_rate, "share of the learning rate at which cosine ends");
  f("plateau-factor", o.plateau_factor, "the rate times this when validation does not improve (plateau)");
  f("plateau-patience", o.plateau_patience, "epochs without improvement before that");
  f("validation-split", o.validation_split, "last share of the text, kept for validation");
  f("patience", o.patience, "stop after so many validations without improvement; 0: never");
  f("max-seconds", o.max_seconds, "stop after this time, best model kept; 0: no limit");
  f("seed", o.seed, "of the weights and of dropout");
}

}  // namespace sluice::tool
