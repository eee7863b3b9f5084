// One update of the weights from a gradient: clipping by global norm, then the rule of kernels/update.h.
#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "model/parameters.h"
#include "sluice/train.h"

namespace sluice {

// The running moments an optimiser keeps, zeros before the first update: SGD with momentum one, RMSProp one, Adam and
// AdamW two (first, second).
std::vector<Parameters> fresh_moments(const TrainOptions& options, const Parameters& weights);

// The Euclidean norm of all numbers, added in double and in a fixed order (blocks of kSquareBlock). Finite exactly when
// every number is.
double global_norm(const Parameters& parameters, Team& team);

// The factor that brings a gradient of this norm to at most `clip` (Pascanu et al. 2013; PyTorch's clip_grad_norm_:
// clip / (norm + 1e-6)). 1 where clip is 0.
double clip_factor(double clip, double norm);

// Applies update number `update` (counted from 0) with the learning rate `rate`. Weight decay acts on every parameter,
// biases and embeddings included, as torch.optim does with one parameter group.
void apply_update(const TrainOptions& options, std::uint64_t update, double rate, double gradient_factor,
                  const Parameters& gradients, std::vector<Parameters>& moments, Parameters& weights, Team& team);

// The moving average of TrainOptions::ema_decay, after that update.
void update_average(double decay, std::uint64_t update, const Parameters& weights, Parameters& average, Team& team);

}  // namespace sluice
