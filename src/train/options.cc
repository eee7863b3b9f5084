// Which training options make sense together. Each option's own range stands in the list.
#include "train/options.h"

namespace sluice {
namespace {

void check_ranges(const TrainOptions& options) {
  visit_training(options, [](const Field& field, const auto& value, Effect) { check_field(field, value); });
}

}  // namespace

void check_threads(std::size_t threads) { check_ranges({.threads = threads}); }

void check_options(const TrainOptions& o, bool validates) {
  check_ranges(o);
  const auto expect = [](bool good, const char* option, const char* expected, const auto& found) {
    if (!good) refuse_field(option, expected, field_text(found));
  };
  expect(o.momentum == 0 || o.optimizer == Optimizer::sgd, "momentum",
         "0 for every optimizer but sgd (adam's counterpart is beta1)", o.momentum);
  expect(!o.nesterov || o.momentum > 0, "nesterov", "false where sgd has no momentum", o.nesterov);
  expect(!o.calibrate_temperature || validates, "calibrate-temperature", "false where there is no validation text",
         o.calibrate_temperature);
  expect(o.patience == 0 || validates, "patience", "0 where there is no validation text", o.patience);
  expect(o.schedule != Schedule::plateau || validates, "schedule",
         "constant, cosine or trapezoid where there is no validation text", o.schedule);
  expect(o.minutes == 0 || o.schedule != Schedule::cosine, "schedule",
         "trapezoid, constant or plateau with minutes, since cosine has to know its end from the start", o.schedule);
  expect(o.minutes == 0 || o.updates == 0, "updates", "0 with minutes, from which they follow", o.updates);
  expect(o.minutes == 0 || o.stop_after == 0, "stop-after", "0 with minutes, from which it follows", o.stop_after);
  expect(o.minutes == 0 || o.max_seconds == 0, "max-seconds", "0 with minutes, which is a limit as well",
         o.max_seconds);
  expect(!o.resume || !o.checkpoint.empty(), "resume", "the path of a checkpoint to go on from", std::string("none"));
}

}  // namespace sluice
