// How long a run is: by its options or, with minutes, by the clock. Until the cool-down of trapezoid begins no rate
// depends on where the run ends, so the clock decides that only then: how many updates the time that is left is enough
// for, at the speed of late. A machine that becomes slower or faster before that has another number of updates; one
// that does so afterwards ends a little before the schedule does, or after it, at the final rate. All of that are
// numbers of updates, and options that name them give the same weights without a clock.
#include <algorithm>
#include <cmath>
#include <limits>

#include "train/schedule.h"
#include "train/trainer.h"

namespace sluice {
namespace {

constexpr std::uint64_t kValidations = 16;  // of a run in which updates decide
constexpr double kMeasuredShare = 0.04;     // of the time, after which the speed is known well enough to plan those
constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

std::uint64_t every(std::uint64_t updates) { return (updates + kValidations - 1) / kValidations; }

}  // namespace

std::uint64_t Trainer::scheduled_updates() const {
  if (options_.minutes > 0) return progress_.planned_updates > 0 ? progress_.planned_updates : kUnknown;
  return options_.updates > 0 ? options_.updates : options_.epochs * windows_->count();
}

std::uint64_t Trainer::last_update() const {
  if (options_.minutes > 0) return kUnknown;
  return options_.stop_after > 0 ? options_.stop_after : scheduled_updates();
}

std::uint64_t Trainer::expected_updates() const {
  if (options_.minutes == 0) return last_update();
  const double left = std::max(0., time_limit() - seconds_at_the_end() - seconds());
  const double each = seconds_per_update();
  return progress_.update + (each > 0 ? static_cast<std::uint64_t>(left / each) : 0);
}

double Trainer::seconds_per_update() const {
  const std::uint64_t updates = progress_.update - std::min(progress_.update, last_mark_.update);
  return updates > 0 ? (seconds() - last_mark_.seconds) / static_cast<double>(updates) : slowest_update_;
}

void Trainer::plan_validations() {
  if (!by_updates() || progress_.validate_every > 0) return;
  progress_.validate_every = options_.validate_every;
  if (progress_.validate_every == 0 && options_.updates > 0) progress_.validate_every = every(options_.updates);
}

void Trainer::decide_by_clock() {
  if (options_.minutes == 0) return;
  const double now = seconds();
  if (progress_.validate_every == 0 && now - earlier_seconds_ >= kMeasuredShare * time_limit()) {
    // Not this update, which has gone by without one.
    progress_.validate_every = std::max(progress_.update + 1, every(expected_updates()));
  }
  if (options_.schedule != Schedule::trapezoid || progress_.planned_updates > 0) return;
  const double end = time_limit() - seconds_at_the_end(), left = end - now, each = seconds_per_update();
  if (!(each > 0)) return;
  const auto updates = static_cast<std::uint64_t>(std::max(1., std::floor(left / each)));
  const bool begins = options_.cooldown > 0 ? updates <= options_.cooldown : left <= end / kCooldownPart;
  if (!begins) return;
  progress_.cooldown = options_.cooldown > 0 ? options_.cooldown : updates;
  progress_.planned_updates = progress_.update + progress_.cooldown;
}

TrainOptions Trainer::options_without_clock() const {
  TrainOptions o = options_;
  if (o.minutes == 0) return o;
  o.minutes = 0;
  o.validate_every = progress_.validate_every;
  o.updates = progress_.update;
  if (o.schedule == Schedule::trapezoid) {
    const bool fell = progress_.planned_updates > 0;
    o.updates = fell ? progress_.planned_updates : progress_.update + 1;
    o.cooldown = fell ? progress_.cooldown : 1;
  }
  if (o.updates != progress_.update) o.stop_after = progress_.update;
  return o;
}

}  // namespace sluice
