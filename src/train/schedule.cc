#include "train/schedule.h"

#include <cmath>
#include <numbers>

namespace sluice {

double learning_rate_at(const TrainOptions& options, std::uint64_t update, std::uint64_t updates, double rate_factor) {
  double rate = options.learning_rate * rate_factor;
  if (update < options.warmup) {
    rate *= static_cast<double>(update + 1) / static_cast<double>(options.warmup);
  } else if (options.schedule == Schedule::cosine && updates > options.warmup) {
    const double done = static_cast<double>(update - options.warmup) / static_cast<double>(updates - options.warmup);
    const double fall = (1 + std::cos(std::numbers::pi * done)) / 2;
    rate *= options.final_rate + (1 - options.final_rate) * fall;
  }
  return rate;
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
