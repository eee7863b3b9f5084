// sluice train FILE... -o MODEL
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/file.h"
#include "base/lock.h"
#include "defaults.h"
#include "from.h"
#include "interrupts.h"
#include "log.h"
#include "model/config.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "text_files.h"
#include "train/options.h"
#include "train/stopwatch.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

namespace fs = std::filesystem;

struct Train {
  Invocation typed;
  std::vector<std::string> files;
  std::string output, validation, log;
  bool force = false, quiet = false;
  From from;
  TextFlags text;
  NetworkFlags network;
  TrainingFlags training;
  ResultFlags result;

  int run();
  void refuse_what_exists(const TrainOptions& options) const;
  void save_or_keep_checkpoint(const Model& model, const std::string& checkpoint) const;
  Defaults options() const;
};

void Train::refuse_what_exists(const TrainOptions& options) const {
  check_writable(output, force);
  check_writable(options.checkpoint, true);
  if (!options.resume && !force && fs::exists(options.checkpoint)) {
    throw Error(Status::failed, fmt::format("{}: a checkpoint of an earlier run: go on with --resume, or begin anew "
                                            "with --force",
                                            options.checkpoint));
  }
  if (!log.empty()) check_writable(log, force || options.resume);
}

Defaults Train::options() const {
  Defaults d = defaults_for(from.given() ? from.model().vocabulary().text().level : text.checked().level);
  if (from.given()) d.config = from.model().config();
  network.apply(d.config);
  training.apply(d.train);
  if (d.train.checkpoint.empty()) d.train.checkpoint = output + ".checkpoint";
  const bool has_validation = !validation.empty() || d.train.validation_split > 0;
  settle(network, training, has_validation, d.config, d.train);
  d.config = checked(d.config);
  check_options(d.train, has_validation);
  return d;
}

void say_text(Talk& talk, const std::string& what, const Corpus& corpus) {
  const double share = static_cast<double>(corpus.unknown()) / static_cast<double>(corpus.tokens().size());
  talk.say(fmt::format("{} {}: {} in, {} tokens, vocabulary {}, {} <unk>; {} {}", what, printable(corpus.name()),
                       memory(corpus.bytes()), thousands(corpus.tokens().size()), thousands(corpus.vocabulary().size()),
                       percent(share, 2), memory(corpus.memory_bytes()),
                       corpus.mapped() ? "on disk, mapped" : "in memory"));
}

void say_model(Talk& talk, const Model& model, const TrainOptions& options) {
  const Config& c = model.config();
  // Weights, their copy of the best epoch, gradients and the optimiser's moments.
  const std::size_t copies = 3 + (options.optimizer == Optimizer::sgd ? 1 : 2);
  talk.say(fmt::format("model {}: {}, {} parameters; {} with gradients and moments", model.cell().name,
                       layers_in_words(c), thousands(model.parameter_count()),
                       memory(model.parameter_count() * sizeof(float) * copies)));
}

// "2x256", or "256,128" where layers differ.
std::string sizes_of(const Config& config) {
  if (config.stack.empty()) return fmt::format("{}x{}", config.layers, config.hidden);
  std::string sizes;
  for (const LayerConfig& layer : config.stack) sizes += (sizes.empty() ? "" : ",") + field_text(layer.units);
  return sizes;
}

Json trained_note(const Corpus& corpus, const TrainOptions& options, const TrainResult& r, const From& from) {
  Json given = Json::object();
  visit_training(options, [&](const Field& field, const auto& value, Effect effect) {
    if (effect == Effect::execution) return;
    if constexpr (NamedEnum<std::decay_t<decltype(value)>>) {
      given[field.name] = field_text(value);
    } else {
      given[field.name] = value;
    }
  });
  Json note = {{"sluice", SLUICE_VERSION},
               {"text", fs::path(corpus.name()).filename().string()},
               {"text_tokens", corpus.tokens().size()},
               {"text_unknown", corpus.unknown()},
               {"options", given},
               {"epochs", r.epochs},
               {"updates", r.updates},
               {"tokens", r.tokens},
               {"train_loss", r.train_loss},
               {"validation_loss", r.validation_loss},
               {"guess_loss", r.guess_loss}};
  if (from.given()) note["from"] = from.note();
  // https://reproducible-builds.org/specs/source-date-epoch: with it, the same run gives the same file.
  if (std::getenv("SOURCE_DATE_EPOCH") == nullptr) {
    char date[32];
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    note["finished"] = date;
    note["seconds"] = r.seconds;
    note["tokens_per_second"] = r.tokens_per_second;
  }
  return note;
}

std::string summary(const std::string& path, const Model& model, const TrainResult& r, const std::string& learned) {
  return fmt::format("{}: {} {}, {} epoch{}, {} tokens in {:.1f} s ({:.0f} a second), {}{}\n", one_line(path),
                     model.cell().name, sizes_of(model.config()), r.epochs, r.epochs == 1 ? "" : "s", r.tokens,
                     r.seconds, r.tokens_per_second, learned,
                     r.worse_than_guess ? fmt::format(", no better than a guess ({:.4f})", r.guess_loss) : "");
}

Json to_json(const std::string& path, const Model& model, const Corpus& corpus, const TrainResult& r, bool validated) {
  return {{"parameters", model.parameter_count()},
          {"tokens", r.tokens},
          {"epochs", r.epochs},
          {"updates", r.updates},
          {"seconds", r.seconds},
          {"tokens_per_second", r.tokens_per_second},
          {"train_loss", r.train_loss},
          {"validation_loss", validated ? Json(r.validation_loss) : Json(nullptr)},
          {"validation_tokens", r.validation_tokens},
          {"guess_loss", r.guess_loss},
          {"worse_than_guess", r.worse_than_guess},
          {"stopped_early", r.stopped_early},
          {"vocabulary", corpus.vocabulary().size()},
          {"text_tokens", corpus.tokens().size()},
          {"text_unknown", corpus.unknown()},
          {"model", path}};
}

// The disk may be full, and the work must not be lost for that.
void Train::save_or_keep_checkpoint(const Model& model, const std::string& checkpoint) const {
  try {
    save(model, output, {.force = force});
  } catch (const Error& error) {
    std::error_code unreadable;
    if (!fs::exists(checkpoint, unreadable)) throw;
    throw Error(error.status(),
                fmt::format("{}; what was trained is in {}: go on from it with --resume", error.what(), checkpoint));
  }
}

int Train::run() {
  const Stopwatch clock;
  const Defaults d = options();
  // Until the model is saved and the checkpoint removed.
  const FileLock output_lock(output), checkpoint_lock(d.train.checkpoint);
  refuse_what_exists(d.train);
  Talk talk(quiet);
  const TextFiles read = text_files(files);
  say_files(talk, read);
  const Corpus corpus = from.given() ? from.read(read, text.vocabulary, d.config, d.train.seed)
                                     : Corpus::read(read.sources, read.name, text.checked(), text.vocabulary);
  say_text(talk, "text", corpus);
  const std::vector<std::string> warnings = text_warnings(read, corpus);
  for (const std::string& warning : warnings) talk.say("warning: " + one_line(warning));
  std::optional<Corpus> held_out;
  if (!validation.empty()) {
    const TextFiles apart = text_files({validation});
    say_files(talk, apart);
    held_out = Corpus::read(apart.sources, apart.name, corpus.vocabulary());
    say_text(talk, "validation", *held_out);
  }
  Model model = from.given() ? from.model() : Model(d.config, corpus.vocabulary(), d.train.seed);
  say_model(talk, model, d.train);

  Log lines(log, d.train.resume);
  Progress progress(talk);
  FewerThreads fewer(talk, d.train.threads);
  Interrupts interrupts;
  const auto report = [&](const Report& r) {
    fewer.say(r.threads);
    lines.write(tool::to_json(r));
    progress.show(r);
    if (const std::string lost = lines.news(); !lost.empty()) talk.say(lost + "; training goes on");
    return interrupts.go_on();
  };
  TrainOptions options_now = d.train;
  // To read the text took some of the time.
  if (options_now.max_seconds > 0) options_now.max_seconds = std::max(1e-9, options_now.max_seconds - clock.seconds());
  const TrainResult r =
      held_out ? train(model, corpus, *held_out, options_now, report) : train(model, corpus, options_now, report);
  talk.clear();
  const std::string lost = lines.close();
  if (r.stopped) {
    if (!lost.empty()) talk.say(lost);
    talk.say(fmt::format("stopped by {} after {}; the work so far is in {}\ngo on with: {}", interrupts.name(),
                         duration(r.seconds), d.train.checkpoint,
                         typed.line(typed.program, {}, {"--resume"}) + " --resume"));
    return interrupts.exit_code();
  }

  const bool validated = held_out.has_value() || d.train.validation_split > 0;
  model.notes()["trained"] =
      trained_note(corpus, d.train, r, from).dump(-1, ' ', false, Json::error_handler_t::replace);
  save_or_keep_checkpoint(model, d.train.checkpoint);
  std::error_code gone_already;
  fs::remove(d.train.checkpoint, gone_already);
  if (result.json) {
    Json object = to_json(output, model, corpus, r, validated);
    object["files"] = names_of(read);
    object["warnings"] = warnings;
    print_json(object);
  } else {
    print(summary(output, model, r, progress.result(r, validated)));
  }
  flush();
  if (!lost.empty()) throw Error(Status::failed, lost);
  talk.say(fmt::format("go on with: {} complete {} \"...\" -n 100", shell_word(typed.program), shell_word(output)));
  return 0;
}

// Where words and characters have different defaults, help shows both.
void show_both(CLI::App& app) {
  const Defaults characters = defaults_for(Level::character);
  const auto both = [&](const std::string& name, const auto& member) {
    CLI::Option* option = app.get_option("--" + name);
    const std::string words = option->get_default_str();
    std::string other = field_text(member);
    if constexpr (std::is_same_v<std::decay_t<decltype(member)>, bool>) other = member ? "yes" : "no";
    if (words != other) option->default_str(fmt::format("{}; char: {}", words, other));
  };
  visit_config(characters.config, [&](const char* name, const auto& member, const char*) { both(name, member); });
  visit_training(characters.train, [&](const Field& field, const auto& value, Effect) { both(field.name, value); });
  app.get_option("--checkpoint")->type_name("FILE")->default_str("MODEL.checkpoint");
}

}  // namespace

Action add_train(CLI::App& app, const Invocation& typed) {
  const auto verb = std::make_shared<Train>();
  verb->typed = typed;
  app.add_option("FILE", verb->files, "the text, UTF-8: files, folders, - for standard input, any of them gzipped")
      ->required();
  app.add_option("-o,--output", verb->output, "where the model goes")->type_name("MODEL")->required();
  app.add_flag("--force", verb->force, "replace an existing MODEL");
  app.add_option("--validation", verb->validation, "a validation text of its own")->type_name("FILE");
  app.add_option("--log", verb->log, "write a JSON line for every update and validation")->type_name("FILE");
  verb->from.add(app);
  verb->result.add(app);
  app.add_flag("-q,--quiet", verb->quiet, "say nothing but errors and the result");
  verb->text.add(app);
  const Defaults words = defaults_for(Level::word);
  verb->network.add_stack(app, words.config);
  verb->training.add(app, words.train);
  show_both(app);
  return [verb, &app] {
    verb->from.load(app, verb->files);
    return verb->run();
  };
}

}  // namespace sluice::tool
