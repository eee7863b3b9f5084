// Windows over streams of text; see batches.h.
#include "data/batches.h"

#include <algorithm>

#include "sluice/error.h"

namespace sluice {
namespace {

void check_sizes(std::size_t batch, std::size_t steps) {
  if (batch == 0) throw Error(Status::usage, "batch: expected at least 1, found 0");
  if (steps == 0) throw Error(Status::usage, "steps: expected at least 1, found 0");
}

[[noreturn]] void too_short(const std::string& name, std::size_t tokens, std::size_t batch, std::size_t steps,
                            std::size_t least) {
  throw Error(Status::bad_file, name + ": text too short for one window: " + std::to_string(tokens) +
                                    " tokens, batch " + std::to_string(batch) + " x steps " + std::to_string(steps) +
                                    " needs at least " + std::to_string(least));
}

}  // namespace

Batches::Batches(std::span<const Token> tokens, std::size_t batch, std::size_t steps, const std::string& name)
    : tokens_(tokens), batch_(batch), steps_(steps), gap_(1) {
  check_sizes(batch, steps);
  const std::size_t each = tokens.size() / batch;
  if (each < 2) too_short(name, tokens.size(), batch, steps, batch <= SIZE_MAX / 2 ? 2 * batch : SIZE_MAX);
  starts_.resize(batch + 1);
  for (std::size_t b = 0; b <= batch; ++b) starts_[b] = b * each;
  longest_ = each - 1;
  predicted_ = std::uint64_t{longest_} * batch;
}

Batches Batches::parts(std::span<const Token> tokens, std::size_t batch, std::size_t steps, const std::string& name) {
  check_sizes(batch, steps);
  if (tokens.size() < 2) too_short(name, tokens.size(), batch, steps, 2);
  const std::size_t predictions = tokens.size() - 1;
  Batches result;
  result.tokens_ = tokens;
  result.batch_ = std::min(batch, predictions);
  result.steps_ = steps;
  result.starts_.resize(result.batch_ + 1);
  const std::size_t each = predictions / result.batch_, longer = predictions % result.batch_;
  for (std::size_t b = 0; b <= result.batch_; ++b) result.starts_[b] = b * each + std::min(b, longer);
  result.longest_ = each + (longer > 0 ? 1 : 0);
  result.predicted_ = predictions;
  return result;
}

std::size_t Batches::steps_of(std::size_t window) const {
  const std::size_t first = window * steps_;
  return first < longest_ ? std::min(steps_, longest_ - first) : 0;
}

void Batches::window(std::size_t k, std::vector<Token>& inputs, std::vector<Token>& targets) const {
  const std::size_t steps = steps_of(k);
  inputs.resize(steps * batch_);
  targets.resize(steps * batch_);
  for (std::size_t t = 0; t < steps; ++t) {
    for (std::size_t b = 0; b < batch_; ++b) {
      const std::size_t at = starts_[b] + std::min(k * steps_ + t, length(b) - 1);
      inputs[t * batch_ + b] = tokens_[at];
      targets[t * batch_ + b] = tokens_[at + 1];
    }
  }
}

bool Batches::counted(std::size_t k, std::size_t step, std::size_t stream) const {
  return k * steps_ + step < length(stream);
}

}  // namespace sluice
