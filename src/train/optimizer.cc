#include "train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "kernels/update.h"

namespace sluice {
namespace {

float narrow(double value) { return static_cast<float>(value); }

AdamStep adam_of(const TrainOptions& options, std::uint64_t update, double rate, double gradient_factor) {
  const double t = static_cast<double>(update + 1);
  const bool decoupled = options.optimizer == Optimizer::adamw;
  AdamStep step;
  step.rate = narrow(rate / (1 - std::pow(options.beta1, t)));
  step.scale = narrow(std::sqrt(1 - std::pow(options.beta2, t)));
  step.beta1 = options.beta1;
  step.beta2 = options.beta2;
  step.epsilon = narrow(options.epsilon);
  step.decay = decoupled ? 0.f : narrow(options.weight_decay);
  step.keep = decoupled ? narrow(1 - rate * options.weight_decay) : 1.f;
  step.clip = narrow(gradient_factor);
  return step;
}

}  // namespace

std::vector<Parameters> fresh_moments(const TrainOptions& options, const Parameters& weights) {
  std::size_t count = 0;
  switch (options.optimizer) {
    case Optimizer::sgd:
      count = options.momentum != 0 ? 1 : 0;
      break;
    case Optimizer::rmsprop:
      count = 1;
      break;
    case Optimizer::adam:
    case Optimizer::adamw:
      count = 2;
      break;
  }
  std::vector<Parameters> moments;
  for (std::size_t i = 0; i < count; ++i) moments.push_back(weights.zeros_like());
  return moments;
}

double global_norm(const Parameters& parameters, Team& team) {
  const std::span<const float> values = parameters.all();
  std::vector<double> blocks(square_blocks(values.size()));
  team.split(values.size(), kSquareBlock, [&](std::size_t first, std::size_t last) {
    sums_of_squares(last - first, values.data() + first, blocks.data() + first / kSquareBlock);
  });
  double sum = 0;
  for (const double block : blocks) sum += block;
  return std::sqrt(sum);
}

double clip_factor(double clip, double norm) {
  if (clip == 0) return 1;
  const double factor = clip / (norm + 1e-6);
  return factor < 1 ? factor : 1;
}

void apply_update(const TrainOptions& options, std::uint64_t update, double rate, double gradient_factor,
                  const Parameters& gradients, std::vector<Parameters>& moments, Parameters& weights, Team& team) {
  const float* gradient = gradients.all().data();
  float* weight = weights.all().data();
  float* first = moments.empty() ? nullptr : moments[0].all().data();
  float* second = moments.size() < 2 ? nullptr : moments[1].all().data();
  const float decay = narrow(options.weight_decay), clip = narrow(gradient_factor);
  const SgdStep sgd{narrow(rate), narrow(options.momentum), decay, clip, options.nesterov};
  const RmsPropStep rmsprop{narrow(rate), narrow(options.epsilon), decay, clip, options.beta2};
  const AdamStep adam = adam_of(options, update, rate, gradient_factor);
  team.split(weights.all().size(), kSquareBlock, [&](std::size_t from, std::size_t to) {
    const std::size_t n = to - from;
    switch (options.optimizer) {
      case Optimizer::sgd:
        sgd_step(sgd, n, gradient + from, weight + from, first == nullptr ? nullptr : first + from);
        break;
      case Optimizer::rmsprop:
        rmsprop_step(rmsprop, n, gradient + from, weight + from, first + from);
        break;
      case Optimizer::adam:
      case Optimizer::adamw:
        adam_step(adam, n, gradient + from, weight + from, first + from, second + from);
        break;
    }
  });
}

void update_average(double decay, std::uint64_t update, const Parameters& weights, Parameters& average, Team& team) {
  const double t = static_cast<double>(update), d = std::min(decay, (1 + t) / (10 + t));
  const float* weight = weights.all().data();
  float* to = average.all().data();
  team.split(weights.all().size(), kSquareBlock, [&](std::size_t first, std::size_t last) {
    average_step(narrow(1 - d), last - first, weight + first, to + first);
  });
}

}  // namespace sluice
