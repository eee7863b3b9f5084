#include "train/options.h"

#include <cmath>
#include <limits>
#include <sstream>

namespace sluice {
namespace {

constexpr double kMost = std::numeric_limits<float>::max();

template <class Value>
void expect(bool good, const char* option, const char* expected, Value found) {
  if (good) return;
  std::ostringstream text;
  text << option << ": expected " << expected << ", found " << found;
  throw Error(Status::usage, text.str());
}

// False for NaN too.
bool within(double value, double low, double high) { return value >= low && value <= high; }
bool below_one(double value) { return value >= 0 && value < 1; }

}  // namespace

void check_threads(std::size_t threads) {
  expect(threads <= 1024, "threads", "0 (as many as the machine has) to 1024", threads);
}

void check_options(const TrainOptions& o, bool validates) {
  expect(o.epochs >= 1 && o.epochs <= 1000000, "epochs", "1 to 1000000", o.epochs);
  expect(o.batch >= 1 && o.batch <= 1000000, "batch", "1 to 1000000", o.batch);
  expect(o.steps >= 1 && o.steps <= 1000000, "steps", "1 to 1000000", o.steps);
  check_threads(o.threads);
  expect(o.learning_rate > 0 && o.learning_rate <= kMost, "learning-rate", "a number above 0", o.learning_rate);
  expect(below_one(o.momentum), "momentum", "a number from 0 to below 1", o.momentum);
  expect(o.momentum == 0 || o.optimizer == Optimizer::sgd, "momentum",
         "0 for every optimizer but sgd (adam's counterpart is beta1)", o.momentum);
  expect(below_one(o.beta1), "beta1", "a number from 0 to below 1", o.beta1);
  expect(below_one(o.beta2), "beta2", "a number from 0 to below 1", o.beta2);
  expect(o.epsilon > 0 && o.epsilon <= kMost, "epsilon", "a number above 0", o.epsilon);
  expect(within(o.weight_decay, 0, kMost), "weight-decay", "0 or more", o.weight_decay);
  expect(within(o.clip, 0, kMost), "clip", "0 (no clipping) or more", o.clip);
  if (o.precision == Precision::int8) throw Error(Status::usage, "precision: expected f32 or bf16, found int8");
  expect(below_one(o.average), "average", "a number from 0 (none) to below 1", o.average);
  expect(!o.calibrate || validates, "calibrate", "false where there is no validation text", "true");
  expect(within(o.reset, 0, 1), "reset", "a share from 0 to 1", o.reset);
  expect(within(o.final_rate, 0, 1), "final-rate", "a share from 0 to 1", o.final_rate);
  expect(o.plateau_factor > 0 && o.plateau_factor < 1, "plateau-factor", "a number between 0 and 1", o.plateau_factor);
  expect(below_one(o.validation_split), "validation-split", "a share from 0 to below 1", o.validation_split);
  expect(within(o.checkpoint_seconds, 0, kMost), "checkpoint-seconds", "0 or more", o.checkpoint_seconds);
  expect(within(o.max_seconds, 0, kMost), "max-seconds", "0 (no limit) or more", o.max_seconds);
  expect(o.patience == 0 || validates, "patience", "0 where there is no validation text", o.patience);
  if (o.schedule == Schedule::plateau && !validates) {
    throw Error(Status::usage,
                "schedule: expected constant or cosine where there is no validation text, found plateau");
  }
  if (o.resume && o.checkpoint.empty()) {
    throw Error(Status::usage, "resume: expected the path of a checkpoint to go on from, found none");
  }
}

}  // namespace sluice
