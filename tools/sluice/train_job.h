// What every training of the command has in common, whatever it is trained on.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/watch.h"
#include "ngram_baseline.h"
#include "output.h"
#include "sluice/sluice.h"
#include "train/stopwatch.h"
#include "verbs.h"

namespace sluice::tool {

// What was typed that says where results go.
struct TrainTarget {
  Invocation typed;
  std::string output, log, tensorboard;
  bool force = false, quiet = false;
  ResultFlags result;

  // Throws Error (failed) for what is there already and must not be overwritten.
  void refuse_what_exists(const TrainOptions& options) const;
};

// A model, and what it is trained on.
struct TrainJob {
  Model model;
  TrainOptions options;
  std::function<TrainResult(Model&, const TrainOptions&, const std::function<bool(const Report&)>&)> train;
  std::string unit = "token";  // what the loss is a mean over
  bool validated = false;      // on what is held out
  Json material = {};          // what it was: for the model's file
  Json facts = {};             // the same for --json
  std::vector<std::string> warnings = {};
  std::optional<NGramBaseline> ngram = {};  // what it is judged by
  bool looks_at_course = false;             // and remarks on how the training went
  std::vector<std::string> remarks = {};    // besides those
  std::string then = {};                    // the arguments of a command to go on with
};

// Seconds that all of it may take; 0: any.
inline double time_limit(const TrainOptions& o) { return o.minutes > 0 ? 60 * o.minutes : o.max_seconds; }

// What `read` gives, of which `name` is the file. Throws Error (failed) where it takes longer than all that there is
// time for.
template <class F>
auto read_in_time(const std::string& name, const TrainOptions& options, const Stopwatch& clock, F&& read) {
  const double limit = time_limit(options);
  const sluice::Watch watch([&] { return limit == 0 || clock.seconds() < limit; });
  const sluice::Watch::Heeded heeded;
  try {
    return read();
  } catch (const Stopped&) {
    throw Error(Status::failed, fmt::format("{}: expected time to read {} and to train on it, found that it takes "
                                            "longer to read; nothing was trained",
                                            options.minutes > 0 ? "minutes" : "max-seconds", printable(name)));
  }
}

void say_model(Console& console, const Model& model, const TrainOptions& options);
// Trains, saves, prints; the exit code. The output and the checkpoint are locked already.
int run_job(const TrainTarget& target, TrainJob job, Console& console, const Stopwatch& clock);

}  // namespace sluice::tool
