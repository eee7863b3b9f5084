// The learning rate of every update, and what a validation does to it.
#pragma once

#include <cstdint>
#include <limits>

#include "sluice/train.h"

namespace sluice {

// What the validations so far have shown.
struct Validations {
  double best = std::numeric_limits<double>::infinity();  // lowest loss so far, nats a token
  std::uint64_t without_improvement = 0;                  // since the best one: early stopping counts these
  std::uint64_t plateau = 0;                              // since the best one or the last cut of the rate
  double rate_factor = 1;                                 // what Schedule::plateau has made of the learning rate
};

// The learning rate of update `update` (counted from 0) of `updates` planned in all:
//   constant, plateau: learning_rate * rate_factor
//   cosine (Loshchilov & Hutter 2017, equation 5, one period over all updates after the warm-up, no restart):
//     learning_rate * (final_rate + (1 - final_rate) * (1 + cos(pi * done / all)) / 2)
//   trapezoid (Zhai et al. 2022; its fall as Haegele et al. 2024, arXiv 2405.18392, section 4, found it best): the
//     learning_rate until the last `cooldown` updates, then
//     learning_rate * (final_rate + (1 - final_rate) * (1 - sqrt(done / cooldown)))
// Over the first `warmup` updates the rate grows linearly: times (update + 1) / warmup. After `updates` it stays what
// it has fallen to. The period is that of the planned updates: a run that max_seconds cuts short ends at whatever rate
// it has reached. cooldown: 0: as the options say.
double learning_rate_at(const TrainOptions& options, std::uint64_t update, std::uint64_t updates,
                        double rate_factor = 1, std::uint64_t cooldown = 0);
// Trapezoid falls over this part of a run, one in so many: of its updates or, by the clock, of its time.
inline constexpr std::uint64_t kCooldownPart = 5;
// How many updates the fall of trapezoid has, of so many in all.
std::uint64_t cooldown_of(const TrainOptions& options, std::uint64_t updates);

// Enters a validation loss and says whether it is the lowest so far. Schedule::plateau multiplies rate_factor by
// plateau_factor when more than plateau_patience validations in a row did not improve (PyTorch's ReduceLROnPlateau with
// threshold 0).
bool enter_validation(const TrainOptions& options, double loss, Validations& validations);

}  // namespace sluice
