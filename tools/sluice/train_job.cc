#include "train_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "base/watch.h"
#include "interrupts.h"
#include "model/config.h"
#include "progress.h"
#include "task_pictures.h"
#include "train/checkpoint.h"
#include "train/options.h"
#include "training_record.h"

namespace sluice::tool {
namespace {

namespace fs = std::filesystem;

// "2x256", or "256,128" where layers differ.
std::string sizes_of(const Config& config) {
  if (config.stack.empty()) return fmt::format("{}x{}", config.layers, config.hidden);
  std::string sizes;
  for (const LayerConfig& layer : config.stack) sizes += (sizes.empty() ? "" : ",") + field_text(layer.units);
  return sizes;
}

Json trained_note(const TrainJob& job, const TrainResult& r, const NGramComparison* ngram) {
  Json given = Json::object();
  // With a clock, what it decided.
  const TrainOptions& options = job.options.minutes > 0 ? r.options : job.options;
  visit_training(options, [&](const Field& field, const auto& value, Effect effect) {
    if (effect == Effect::execution) return;
    if constexpr (NamedEnum<std::decay_t<decltype(value)>>) {
      given[field.name] = field_text(value);
    } else {
      given[field.name] = value;
    }
  });
  Json note = {{"sluice", SLUICE_VERSION}};
  for (const auto& [name, value] : job.material.items()) {
    if (name != "from") note[name] = value;
  }
  note["options"] = given;
  note["epochs"] = r.epochs;
  note["updates"] = r.updates;
  note["tokens"] = r.tokens;
  note["train_loss"] = r.train_loss;
  note["validation_loss"] = r.validation_loss;
  note["guess_loss"] = r.guess_loss;
  if (ngram != nullptr) note["ngram"] = ngram->note;
  if (job.material.contains("from")) note["from"] = job.material["from"];
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

std::string summary(const std::string& path, const TrainJob& job, const TrainResult& r, const std::string& learned) {
  return fmt::format("{}: {} {}, {} epoch{}, {} {}s in {:.1f} s ({:.0f} a second), {}{}\n", one_line(path),
                     job.model.cell().name, sizes_of(job.model.config()), r.epochs, r.epochs == 1 ? "" : "s", r.tokens,
                     job.unit, r.seconds, r.tokens_per_second, learned,
                     r.worse_than_guess ? fmt::format(", no better than a guess ({:.4f})", r.guess_loss) : "");
}

Json to_json(const std::string& path, const TrainJob& job, const TrainResult& r, const NGramComparison* ngram) {
  Json object = {{"parameters", job.model.parameter_count()},
                 {"tokens", r.tokens},
                 {"epochs", r.epochs},
                 {"updates", r.updates},
                 {"seconds", r.seconds},
                 {"tokens_per_second", r.tokens_per_second},
                 {"train_loss", r.train_loss},
                 {"validation_loss", job.validated ? Json(r.validation_loss) : Json(nullptr)},
                 {"validation_tokens", r.validation_tokens},
                 {"guess_loss", r.guess_loss},
                 {"worse_than_guess", r.worse_than_guess},
                 {"ngram", ngram != nullptr ? ngram->object : Json(nullptr)},
                 {"stopped_early", r.stopped_early},
                 {"diverged", r.diverged}};
  for (const auto& [name, value] : job.facts.items()) {
    if (name != "files") object[name] = value;
  }
  object["model"] = path;
  if (job.facts.contains("files")) object["files"] = job.facts["files"];
  object["warnings"] = job.warnings;
  object["remarks"] = job.remarks;
  return object;
}

// The disk may be full, and the work must not be lost for that.
void save_or_keep_checkpoint(const TrainTarget& target, const Model& model, const std::string& checkpoint) {
  try {
    save(model, target.output, {.force = target.force});
  } catch (const Error& error) {
    std::error_code unreadable;
    if (!fs::exists(checkpoint, unreadable)) throw;
    throw Error(error.status(),
                fmt::format("{}; what was trained is in {}: go on from it with --resume", error.what(), checkpoint));
  }
}

// The checkpoint of a run that diverged leads to the same end again, and would be in the way of another try.
template <class F>
TrainResult without_dead_end(const TrainOptions& options, F&& train) try {
  return train();
} catch (const Error& error) {
  if (error.status() == Status::diverged) {
    std::error_code none;
    fs::remove(options.checkpoint, none);
  }
  throw;
}

}  // namespace

void TrainTarget::refuse_what_exists(const TrainOptions& options) const {
  result.expect_output("--output", output, force);
  result.expect_output("--checkpoint", options.checkpoint, true);
  if (!options.resume) expect_no_other_file(options.checkpoint);
  if (!options.resume && !force && fs::exists(options.checkpoint)) {
    throw Error(Status::failed, fmt::format("{}: a checkpoint of an earlier run: go on with --resume, or begin anew "
                                            "with --force",
                                            options.checkpoint));
  }
  if (!log.empty()) result.expect_output("--log", log, force || options.resume);
  if (!result.svg.empty()) result.expect_output("--svg", result.svg, force);
  if (!result.html.empty()) result.expect_output("--html", result.html, force || options.resume);
  if (tensorboard.empty()) return;
  result.expect_apart("--tensorboard", tensorboard);
  check_event_folder(tensorboard, options.resume, force);
}

void say_model(Console& console, const Model& model, const TrainOptions& options) {
  const Config& c = model.config();
  // Weights, their copy of the best epoch, gradients and the optimiser's moments.
  const std::size_t copies = 3 + (options.optimizer == Optimizer::sgd ? 1 : 2);
  console.say(fmt::format("model {}: {}, {} parameters; {} with gradients and moments", model.cell().name,
                          layers_in_words(c), thousands(model.parameter_count()),
                          memory(model.parameter_count() * sizeof(float) * copies)));
}

namespace {

// What the log of a run begins with.
Json start_line(const TrainTarget& target, const TrainJob& job) {
  return {{"kind", "start"},
          {"model", model_name(target.output)},
          {"cell", job.model.cell().name},
          {"layers", sizes_of(job.model.config())},
          {"parameters", job.model.parameter_count()},
          {"unit", job.unit},
          {"loss_unit", loss_unit(job.unit)},
          {"validated", job.validated},
          {"clip_norm", job.options.clip_norm},
          {"epochs", job.options.epochs}};
}

Json ngram_line(const NGramBaseline& ngram, double loss) {
  return {{"kind", "ngram"}, {"order", ngram.order}, {"validation_loss", loss}};
}

}  // namespace

int run_job(const TrainTarget& target, TrainJob job, Console& console, const Stopwatch& clock) {
  // Where time is short, training may validate on a part of the text, which is not known before.
  const bool ngram_known = job.ngram && job.options.max_seconds == 0 && job.options.minutes == 0;
  TrainingRecord record({target.log, target.result.html, target.tensorboard, job.options.resume, target.force},
                        start_line(target, job),
                        ngram_known ? ngram_line(*job.ngram, job.ngram->nats_per_token()) : Json());
  Progress progress(console, job.unit, decided_by_updates(job.options));
  FewerThreads fewer(console, job.options.threads);
  Interrupts interrupts;
  const Watch watch([&] { return interrupts.go_on(); });
  Course course;
  const auto report = [&](const Report& r) {
    course.enter(r);
    fewer.say(r.threads);
    record.enter(r);
    progress.show(r);
    if (const std::string lost = record.news(); !lost.empty()) console.say(lost + "; training goes on");
    return interrupts.go_on();
  };
  TrainOptions options_now = job.options;
  // To read what is trained on took some of the time.
  if (options_now.max_seconds > 0) options_now.max_seconds = std::max(1e-9, options_now.max_seconds - clock.seconds());
  if (options_now.minutes > 0) options_now.minutes = std::max(1e-9, options_now.minutes - clock.seconds() / 60);
  const auto end = [&](const std::string& why) {
    record.say({{"kind", "stopped"}, {"message", why}});
    return record.close();
  };
  TrainResult r;
  try {
    r = without_dead_end(job.options, [&] { return job.train(job.model, options_now, report); });
  } catch (const Error& error) {
    end(error.what());
    throw;
  }
  console.clear();
  if (r.stopped) {
    const std::string lost = end(fmt::format("stopped by {}", interrupts.name()));
    if (!lost.empty()) console.say(lost);
    console.say(fmt::format("stopped by {} after {}; the work so far is in {}\ngo on with: {}", interrupts.name(),
                            duration(r.seconds), job.options.checkpoint,
                            target.typed.line(target.typed.program, {}, {"--resume"}) + " --resume"));
    return interrupts.exit_code();
  }

  if (job.ngram && !ngram_known) {
    record.say(ngram_line(*job.ngram, job.ngram->nats_per_token(r.validation_tokens, job.options)));
  }
  const std::string lost = record.close();
  std::optional<NGramComparison> ngram;
  const Run run = {job.options, r, course, job.model.parameter_count()};
  if (job.ngram) ngram = compare_with(*job.ngram, run);
  // What the n-gram's line advises is not said twice.
  if (job.looks_at_course && !(ngram && ngram->better)) {
    for (std::string& remark : remarks(run)) job.remarks.push_back(std::move(remark));
  }
  const NGramComparison* beside = ngram ? &*ngram : nullptr;
  job.model.notes()["trained"] = trained_note(job, r, beside).dump(-1, ' ', false, Json::error_handler_t::replace);
  save_or_keep_checkpoint(target, job.model, job.options.checkpoint);
  std::error_code gone_already;
  fs::remove(job.options.checkpoint, gone_already);
  if (target.result.json) {
    print_json(to_json(target.output, job, r, beside));
  } else {
    print(summary(target.output, job, r, progress.result(r, job.validated)));
    if (ngram) print(ngram->line + "\n");
  }
  flush();
  if (!target.result.svg.empty()) {
    write_file(target.result.svg, learning_picture(course, model_name(target.output), job.unit), target.force);
  }
  if (!lost.empty()) throw Error(Status::failed, lost);
  for (const std::string& remark : job.remarks) console.say("note: " + remark);
  console.say(fmt::format("go on with: {} {}", shell_word(target.typed.program), job.then));
  return 0;
}

}  // namespace sluice::tool
