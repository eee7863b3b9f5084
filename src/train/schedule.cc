#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sluice {

double learning_rate_at(const TrainOptions& options, std::uint64_t update, std::uint64_t updates, double rate_factor,
                        std::uint64_t cooldown) {
  const double rate = options.learning_rate * rate_factor;
  if (update < options.warmup) return rate * (static_cast<double>(update + 1) / static_cast<double>(options.warmup));
  // Share of the fall that is done when it began at update `first`.
  const auto done = [&](std::uint64_t first) {
    if (update <= first || updates <= first) return 0.;
    return std::min(1., static_cast<double>(update - first) / static_cast<double>(updates - first));
  };
  double fall = 1;
  if (options.schedule == Schedule::cosine && updates > options.warmup) {
    fall = (1 + std::cos(std::numbers::pi * done(options.warmup))) / 2;
  } else if (options.schedule == Schedule::trapezoid) {
    const std::uint64_t length = cooldown > 0 ? cooldown : cooldown_of(options, updates);
    fall = 1 - std::sqrt(done(std::max(options.warmup, updates - std::min(updates, length))));
  } else {
    return rate;
  }
  return rate * (options.final_rate + (1 - options.final_rate) * fall);
}

std::uint64_t cooldown_of(const TrainOptions& options, std::uint64_t updates) {
  return options.cooldown > 0 ? options.cooldown : updates / kCooldownPart;
}

bool enter_validation(const TrainOptions& options, double loss, Validations& validations) {
  if (loss < validations.best) {
    validations.best = loss;
    validations.without_improvement = validations.plateau = 0;
    return true;
  }
  ++validations.without_improvement;
  if (options.schedule == Schedule::plateau && ++validations.plateau > options.plateau_patience) {
    validations.rate_factor *= options.plateau_factor;
    validations.plateau = 0;
  }
  return false;
}

}  // namespace sluice
