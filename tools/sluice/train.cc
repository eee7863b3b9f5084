// sluice train FILE... -o MODEL
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "base/lock.h"
#include "data/missing.h"
#include "defaults.h"
#include "from.h"
#include "model/config.h"
#include "needs.h"
#include "ngram_baseline.h"
#include "options.h"
#include "output.h"
#include "plan_words.h"
#include "spelling_flags.h"
#include "task_flags.h"
#include "task_forecast.h"
#include "text_files.h"
#include "train/checkpoint.h"
#include "train/options.h"
#include "train/plan.h"
#include "train_job.h"
#include "verbs.h"

namespace sluice::tool {
namespace {

namespace fs = std::filesystem;

struct Train {
  TrainTarget target;
  std::vector<std::string> files;
  std::string validation;
  From from;
  TaskFlags tasks;
  ForecastFlags forecast;
  SpellingFlags spelling;
  TextFlags text;
  bool no_ngram = false, dry_run = false;
  NetworkFlags network;
  TrainingFlags training;

  int run();
  int run_language(const TextFiles& read, Console& console, const Stopwatch& clock);
  int run_task(const Task& wanted, const TextFiles& material, const TrainOptions& early, Console& console,
               const Stopwatch& clock);
  void check_task_flags() const;
  Choices given() const;
  Defaults settled(Defaults planned) const;
  // Of a model that is trained further the defaults of its level.
  Defaults options_from() const;
  int show_plan(const Plan& plan, const Corpus& corpus, const TextKind& kind) const;
};

Choices Train::given() const {
  Choices all;
  all.apply = [this](Config& config, TrainOptions& o) {
    network.apply(config);
    training.apply(o);
  };
  all.has = [this](std::string_view name) {
    const std::string key(name);
    return network.fields.given(key) || training.fields.given(key) || (name == "hidden" && !network.sizes.empty());
  };
  return all;
}

Defaults Train::options_from() const {
  Defaults d = defaults_for(from.model().vocabulary().text().level);
  d.config = from.model().config();
  if (training.fields.given("minutes")) d.train.schedule = Schedule::trapezoid;
  return settled(std::move(d));
}

// With what was given laid over it, and what leaves no room for each other settled; checked.
Defaults Train::settled(Defaults d) const {
  network.apply(d.config);
  training.apply(d.train);
  if (d.train.checkpoint.empty() && !dry_run) d.train.checkpoint = target.output + ".checkpoint";
  const bool has_validation = !validation.empty() || d.train.validation_split > 0;
  settle({network.fields.given("tied"), training.fields.given("calibrate-temperature")}, has_validation, d.config,
         d.train);
  d.config = checked(d.config);
  check_options(d.train, has_validation);
  return d;
}

int Train::show_plan(const Plan& plan, const Corpus& corpus, const TextKind& kind) const {
  constexpr double kMeasured = 0.5;
  const double seconds = plan.work / measured_speed(corpus, plan.config, plan.train, kMeasured);
  if (target.result.json) {
    print_json(to_json(plan, kind, seconds));
  } else {
    print(in_words(plan, kind) + "\n" + costs_in_words(plan, seconds) + "\n");
  }
  flush();
  return 0;
}

void say_text(Console& console, const std::string& what, const Corpus& corpus) {
  const double share = static_cast<double>(corpus.unknown()) / static_cast<double>(corpus.tokens().size());
  console.say(fmt::format("{} {}: {} in, {} tokens, vocabulary {}, {} <unk>; {} {}", what, printable(corpus.name()),
                          memory(corpus.bytes()), thousands(corpus.tokens().size()),
                          thousands(corpus.vocabulary().size()), percent(share, 2), memory(corpus.memory_bytes()),
                          corpus.mapped() ? "on disk, mapped" : "in memory"));
}

// Names and the like, which are spelt.
bool short_texts(const Examples& examples) {
  std::size_t bytes = 0;
  for (const std::string& one : examples.texts.texts) bytes += one.size();
  return bytes < 25 * examples.texts.texts.size();
}

int Train::run_language(const TextFiles& read, Console& console, const Stopwatch& clock) {
  // Of a text that is not known yet, so that what was given is checked.
  const auto unknown = [&] {
    const Plan some = plan_for({text.checked().level, 1000000, 100, validation.empty() ? 0u : 1u}, given());
    return settled({some.config, some.train});
  };
  Defaults d = from.given() ? options_from() : unknown();
  // Until the model is saved and the checkpoint removed.
  std::optional<FileLock> output_lock, checkpoint_lock;
  if (!dry_run) {
    output_lock.emplace(target.output);
    checkpoint_lock.emplace(d.train.checkpoint);
    target.refuse_what_exists(d.train);
  }
  say_files(console, read);
  const Corpus corpus = read_in_time(read.name, d.train, clock, [&] {
    return from.given() ? from.read(read, text.vocabulary, d.config, d.train.seed)
                        : Corpus::read(read.sources, read.name, text.checked(), text.vocabulary);
  });
  say_text(console, "text", corpus);
  std::vector<std::string> warnings = text_warnings(read, corpus);
  if (!from.left_out().empty()) warnings.push_back(from.left_out());
  for (const std::string& warning : warnings) console.say("warning: " + one_line(warning));
  std::optional<Corpus> held_out;
  if (!validation.empty()) {
    const TextFiles apart = text_files({validation});
    say_files(console, apart);
    held_out = read_in_time(apart.name, d.train, clock,
                            [&] { return Corpus::read(apart.sources, apart.name, corpus.vocabulary()); });
    say_text(console, "validation", *held_out);
  }
  const TextKind kind = {corpus.vocabulary().text().level, corpus.tokens().size(), corpus.vocabulary().size(),
                         held_out ? held_out->tokens().size() : 0};
  double updates = 0;
  if (!from.given()) {
    Plan planned = plan_for(corpus, kind, given(), 60 * d.train.minutes - clock.seconds());
    if (d.train.minutes > 0) updates = static_cast<double>(planned.updates);
    Defaults all = {std::move(planned.config), std::move(planned.train)};
    if (d.train.resume && fs::exists(d.train.checkpoint)) as_in_checkpoint(d.train.checkpoint, all.config, all.train);
    d = settled(std::move(all));
  }
  const Plan planned = plan_of(d.config, d.train, kind, updates);
  if (dry_run) return show_plan(planned, corpus, kind);
  console.say(in_words(planned, kind));
  TrainJob job = {from.given() ? from.model() : Model(d.config, corpus.vocabulary(), d.train.seed), d.train,
                  [&](Model& model, const TrainOptions& o, const auto& report) {
                    return held_out ? train(model, corpus, *held_out, o, report) : train(model, corpus, o, report);
                  }};
  say_model(console, job.model, d.train);
  job.validated = held_out.has_value() || d.train.validation_split > 0;
  job.material = {{"text", fs::path(corpus.name()).filename().string()},
                  {"text_tokens", corpus.tokens().size()},
                  {"text_unknown", corpus.unknown()}};
  if (from.given()) job.material["from"] = from.note();
  job.facts = {{"vocabulary", corpus.vocabulary().size()},
               {"text_tokens", corpus.tokens().size()},
               {"text_unknown", corpus.unknown()},
               {"files", names_of(read)}};
  job.warnings = warnings;
  job.looks_at_course = true;
  if (const auto split = split_of(corpus, held_out ? &*held_out : nullptr, d.train)) {
    if (!no_ngram) job.ngram = ngram_baseline(console, *split, d.train);
    if (auto remark = remark_on(split->validation)) job.remarks.push_back(std::move(*remark));
  }
  job.then = fmt::format("complete {} \"...\" -n 100", shell_word(target.output));
  return run_job(target, std::move(job), console, clock);
}

void Train::check_task_flags() const {
  expect(!dry_run, "--dry-run", "it with a text for a language model", "another task");
  expect(!from.given(), "--from", "a language model's file with --task language alone", "another task");
  expect(!training.fields.given("state-reset"), "--state-reset", "none for sequences, which begin from an empty state",
         "one");
}

// `early`: the options as they were typed, before the defaults of the examples are known.
int Train::run_task(const Task& wanted, const TextFiles& material, const TrainOptions& early, Console& console,
                    const Stopwatch& clock) {
  Task found = wanted;
  const auto open = [&](const std::string& path) {
    return path == files[0] ? one_file(path, material) : open_examples(path);  // of a folder's files, each
  };
  Examples examples = read_in_time(files[0], early, clock,
                                   [&] { return read_examples(found, files[0], open, {.lossy = text.text.lossy}); });
  if (text.text.lossy) {
    if (const auto warning = replaced_warning(material)) console.say("warning: " + one_line(*warning));
  }
  found.classes = examples.classes;
  const bool music = found.kind == TaskKind::music;
  if (!music && found.classes.size() < 2) {
    throw Error(Status::bad_file,
                fmt::format("{}: expected 2 classes or more, found {}", printable(files[0]), found.classes.size()));
  }

  const bool spelt = found.kind == TaskKind::classify && examples.sequences.inputs == 0 &&
                     (text.level_given() ? text.checked().level == Level::character : short_texts(examples));
  const Steps steps = examples.sequences.inputs > 0 ? Steps::numbers : spelt ? Steps::characters : Steps::words;
  Defaults d = defaults_for(found.kind, examples.size(), 0, steps);
  d.config.inputs = examples.sequences.inputs;
  d.config.outputs = music ? examples.sequences.outputs : found.classes.size();
  network.apply(d.config);
  if (early.minutes > 0) d.train.schedule = Schedule::trapezoid;
  training.apply(d.train);
  d.train.checkpoint = early.checkpoint;
  if (!validation.empty()) d.train.validation_split = 0;
  tasks.apply(found, d.config);
  if (found.kind == TaskKind::classify && d.config.inputs > 0) d.config.scaling = find_scaling(examples.sequences);
  std::optional<Examples> held_out;
  if (!validation.empty()) {
    held_out = read_in_time(validation, early, clock, [&] {
      return read_examples(found, validation, open_examples,
                           {.lossy = text.text.lossy, .inputs = d.config.inputs, .as_trained = true});
    });
  }

  std::optional<Vocabulary> vocabulary;
  std::optional<Alphabet> alphabet;
  if (found.kind == TaskKind::tag) {
    spelling.apply(d.config.spelling);
    if (d.config.spelling.units > 0) {
      alphabet = Alphabet::of(examples.tagged.words);
      d.config.spelling.characters = alphabet->size();
      found.alphabet = alphabet->text();
    }
  }
  if (d.config.inputs == 0) {
    TextOptions how = text.checked();
    if (spelt) how.level = Level::character;
    vocabulary = make_vocabulary(examples, how, text.vocabulary, !alphabet);
    encode(*vocabulary, examples, alphabet ? &*alphabet : nullptr);
    if (held_out) encode(*vocabulary, *held_out, alphabet ? &*alphabet : nullptr);
  }
  d.config = checked(d.config);
  check_options(d.train, !validation.empty() || d.train.validation_split > 0);
  console.say(fmt::format("{} {}: {} {}, {} steps, {}{}", field_text(found.kind), printable(files[0]),
                          thousands(examples.size()), found.kind == TaskKind::tag ? "sentences" : "sequences",
                          thousands(examples.sequences.steps()),
                          vocabulary ? fmt::format("vocabulary {}", thousands(vocabulary->size()))
                                     : fmt::format("{} numbers a step", d.config.inputs),
                          music ? "" : fmt::format(", {} classes", found.classes.size())));
  TrainJob job = {vocabulary ? Model(d.config, *vocabulary, d.train.seed) : Model(d.config, d.train.seed), d.train,
                  [&](Model& model, const TrainOptions& o, const auto& report) {
                    return held_out ? train(model, examples.sequences, held_out->sequences, o, report)
                                    : train(model, examples.sequences, o, report);
                  }};
  count_frequencies(examples, found);
  set_task(job.model, found);
  say_model(console, job.model, d.train);
  job.unit = music ? "frame" : found.kind == TaskKind::tag ? "word" : "sequence";
  job.validated = held_out.has_value() || d.train.validation_split > 0;
  job.material = {{"task", field_text(found.kind)},
                  {"file", fs::path(files[0]).filename().string()},
                  {"sequences", examples.size()},
                  {"steps", examples.sequences.steps()}};
  job.facts = {{"task", field_text(found.kind)},
               {"sequences", examples.size()},
               {"steps", examples.sequences.steps()},
               {"classes", found.classes}};
  job.then = fmt::format("eval {} FILE --training {}", shell_word(target.output), shell_word(files[0]));
  return run_job(target, std::move(job), console, clock);
}

int Train::run() {
  const Stopwatch clock;
  Console console(target.quiet);
  refuse_models("train", files);
  TextFiles material = text_files(files);
  Task found = from.given() ? Task() : tasks.find(files, material, console);
  // Whoever names columns of a table wants a forecast, though the file looks like something else that it may be.
  const bool unlike_a_table = found.form == DataForm::ts || found.form == DataForm::conllu ||
                              found.form == DataForm::tagged || found.form == DataForm::notes;
  if (tasks.task.empty() && forecast.given() && !of_tables(found.kind) && !unlike_a_table) {
    found = {TaskKind::forecast, DataForm::table};
  }
  const bool table = of_tables(found.kind);
  expect(table || !forecast.given(), "--horizon and the like", "them with --task forecast or detect",
         fmt::format("--task {}", field_text(found.kind)));
  tasks.check(found.kind);
  spelling.check(found.kind);
  if (found.kind == TaskKind::language) return run_language(material, console, clock);
  check_task_flags();
  expect(files.size() == 1, "FILE", "one table for a forecast", std::to_string(files.size()));
  expect(!table || validation.empty(), "--validation", "none for a forecast, which has --validation-split", validation);
  TrainOptions early;
  training.apply(early);
  if (early.checkpoint.empty()) early.checkpoint = target.output + ".checkpoint";
  const FileLock output_lock(target.output), checkpoint_lock(early.checkpoint);
  target.refuse_what_exists(early);
  if (!table) return run_task(found, material, early, console, clock);
  expect(early.minutes == 0, "--minutes", "--max-seconds for a forecast, whose length nothing plans", "it");
  forecast.detect = found.kind == TaskKind::detect;
  return train_forecast({target, one_file(files[0], material), files[0], forecast, network, training, early}, console,
                        clock);
}

// What every text has is a default; where words and characters differ in it, help shows both.
void show_planned(CLI::App& app) {
  const Plan characters = plan_for({Level::character, 10000, 100}, {});
  const auto both = [&](const std::string& name, const auto& member) {
    CLI::Option* option = app.get_option("--" + name);
    const std::string one = option->get_default_str();
    std::string other = field_text(member);
    if constexpr (std::is_same_v<std::decay_t<decltype(member)>, bool>) other = member ? "yes" : "no";
    if (one != other) option->default_str(fmt::format("{}; char: {}", one, other));
  };
  visit_config(characters.config, [&](const char* name, const auto& member, const char*) { both(name, member); });
  visit_training(characters.train, [&](const Field& field, const auto& value, Effect) { both(field.name, value); });
  for (const std::string& name : decided_by_text()) app.get_option("--" + name)->default_str("by the text");
  app.get_option("--checkpoint")->type_name("FILE")->default_str("MODEL.checkpoint");
}

}  // namespace

Action add_train(CLI::App& app, const Invocation& typed) {
  const auto verb = std::make_shared<Train>();
  verb->target.typed = typed;
  app.add_option(
         "FILE", verb->files,
         "the text, UTF-8: files, folders, - for standard input, any of them gzipped; or the examples of a task")
      ->required();
  CLI::Option* output =
      app.add_option("-o,--output", verb->target.output, "where the model goes")->type_name("MODEL")->required();
  app.add_flag_callback(
         "--dry-run",
         [verb, output] {
           verb->dry_run = true;
           output->required(false);
         },
         "print the plan with what it needs, train nothing and write nothing")
      ->trigger_on_parse();
  app.add_flag("--force", verb->target.force, "replace an existing MODEL");
  app.add_option("--validation", verb->validation, "what to validate on, a text or examples of its own")
      ->type_name("FILE");
  app.add_option("--log", verb->target.log, "write a JSON line for every update and validation")->type_name("FILE");
  app.add_option("--html", verb->target.result.html,
                 "write a page that draws the course of training, anew at every validation")
      ->type_name("FILE");
  app.add_option("--tensorboard", verb->target.tensorboard, "write event files for TensorBoard into this folder")
      ->type_name("DIR");
  app.add_option("--svg", verb->target.result.svg, "draw the losses of training and validation by epoch")
      ->type_name("FILE");
  verb->from.add(app);
  verb->target.result.add(app);
  app.add_flag("--no-ngram", verb->no_ngram, "do not compare with an n-gram model of the same text");
  app.add_flag("-q,--quiet", verb->target.quiet, "say nothing but errors and the result");
  verb->tasks.add(app);
  verb->forecast.add(app);
  verb->spelling.add(app, defaults_for(TaskKind::tag, 1).config.spelling);
  verb->text.add(app);
  const Plan words = plan_for({Level::word, 10000, 100}, {});
  verb->network.add_stack(app, words.config);
  verb->training.add(app, words.train);
  show_planned(app);
  return [verb, &app] {
    verb->from.load(app, verb->files);
    return verb->run();
  };
}

}  // namespace sluice::tool
