// All that training needs to go on from where it was, in memory and as a file.
//
// The file is a safetensors container. Tensors: "weights/NAME", "moment0/NAME", "moment1/NAME", "average/NAME",
// "best/NAME" or else "first/NAME" for every parameter tensor NAME as the optimiser has moments, weights are averaged
// and a best model exists or there is a text to find it with, and "state" [L, S, B, H] (in a row, where layers differ),
// all F32. Metadata: "format" = "sluice-checkpoint", "version" = "1", "progress.*" (the fields of Progress), "run.*"
// (what the run was started with: see Fingerprint), "checksum" over everything else.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/parameters.h"
#include "sluice/train.h"
#include "train/schedule.h"

namespace sluice {

// Where training stands between two updates.
struct Progress {
  std::uint64_t update = 0;      // updates done
  std::uint64_t epoch = 0;       // epochs done
  std::uint64_t window = 0;      // windows of this epoch done
  std::uint64_t tokens = 0;      // trained on, all epochs
  double epoch_nats = 0;         // sum of losses over this epoch
  double epoch_weight = 0;       // over which their mean is one: of a text the tokens of it
  double last_loss = 0;          // mean of the last whole epoch
  double rate_factor = 1;        // what recoveries have made of the learning rate
  std::uint64_t recoveries = 0;  // in a row, without reaching the next point
  Validations validations;
  double seconds = 0;                    // spent in all runs
  double first_loss = 0;                 // of the first window, before any update
  std::uint64_t far_windows = 0;         // in a row whose loss was far above that
  std::uint64_t validation_windows = 0;  // that are validated on, of a run with max_seconds; 0: not known yet, or all
  // Decided by the clock, of a run with minutes; 0: not yet.
  std::uint64_t planned_updates = 0, cooldown = 0;  // the end of the schedule, and of how many its fall is
  std::uint64_t validate_every = 0;                 // of every run in which updates decide
};

template <class ProgressType, class F>
void visit_progress(ProgressType& progress, F&& f) {
  f("update", progress.update);
  f("epoch", progress.epoch);
  f("window", progress.window);
  f("tokens", progress.tokens);
  f("epoch-nats", progress.epoch_nats);
  f("epoch-tokens", progress.epoch_weight);
  f("last-loss", progress.last_loss);
  f("rate-factor", progress.rate_factor);
  f("recoveries", progress.recoveries);
  f("best-loss", progress.validations.best);
  f("without-improvement", progress.validations.without_improvement);
  f("plateau", progress.validations.plateau);
  f("plateau-factor", progress.validations.rate_factor);
  f("seconds", progress.seconds);
  f("first-loss", progress.first_loss);
  f("far-windows", progress.far_windows);
  f("validation-windows", progress.validation_windows);
  f("planned-updates", progress.planned_updates);
  f("cooldown", progress.cooldown);
  f("validate-every", progress.validate_every);
}
// What checkpoints did not have at first.
inline bool added_later(std::string_view field) {
  return field == "first-loss" || field == "far-windows" || field == "validation-windows" ||
         field == "planned-updates" || field == "cooldown" || field == "validate-every";
}

// A point of a run. From it the run is determined: the same point leads to the same bits.
struct Point {
  Progress progress;
  Parameters weights;
  std::vector<Parameters> moments;
  std::optional<Parameters> average;  // of the weights, where TrainOptions::ema_decay asks for it
  State state;
  std::shared_ptr<const Parameters> best;   // weights with the lowest validation loss so far; null: no validation yet
  std::shared_ptr<const Parameters> first;  // those before the first update, until there is a best
};

// What a run was started with, as far as the weights depend on it: options, config, vocabulary and text or series, as
// words; and how the instruction set in use multiplies and adds. Two runs with equal fingerprints and the same point go
// through the same bits, with the same build. Which options are part of it
// says their list (train/options.h). `epochs` is only for the cosine schedule, whose rates depend on it: so a finished
// run can be resumed with more.
using Fingerprint = std::map<std::string, std::string>;
Fingerprint fingerprint(const TrainOptions& options, const Config& config, const Corpus& training,
                        const Corpus* validation);
Fingerprint fingerprint(const TrainOptions& options, const Config& config, const Series& training,
                        const Series* validation);
Fingerprint fingerprint(const TrainOptions& options, const Config& config, const Sequences& training,
                        const Sequences* validation);

// Throws Error (failed) where there is something other than a checkpoint (or an empty file), which must not be
// replaced.
void expect_no_other_file(const std::string& path);

// Writes the file whole or not at all, over an older one. Throws Error (failed) as write_file does.
void write_checkpoint(const std::string& path, const Point& point, const Fingerprint& run);

// Makes config and options, as far as the weights depend on them, those of the run of a checkpoint: what is planned now
// may be something else, by a clock or by other rules. Throws Error (bad_file).
void as_in_checkpoint(const std::string& path, Config& config, TrainOptions& options);

// Fills `point`, which must have the shapes expected. Throws Error (bad_file): no such file, damaged, not a checkpoint,
// or written by another run, naming what differs. Returns whether the file says in which arithmetic it was made; those
// that do not are older than that.
bool read_checkpoint(const std::string& path, const Fingerprint& run, Point& point);

}  // namespace sluice
