// Windows over streams of a text or a series; see batches.h.
#include "data/batches.h"

#include <algorithm>

#include "sluice/error.h"

namespace sluice {
namespace {

void check_sizes(std::size_t batch, std::size_t steps) {
  if (batch == 0) throw Error(Status::usage, "batch: expected at least 1, found 0");
  if (steps == 0) throw Error(Status::usage, "steps: expected at least 1, found 0");
}

[[noreturn]] void too_short(const std::string& name, const std::string& found, std::size_t batch, std::size_t steps,
                            std::size_t least) {
  throw Error(Status::bad_file, name + ": " + found + ", batch " + std::to_string(batch) + " x steps " +
                                    std::to_string(steps) + " needs at least " + std::to_string(least));
}

std::string in_tokens(std::size_t n) { return "text too short for one window: " + std::to_string(n) + " tokens"; }
std::string in_steps(std::size_t n) { return "series too short for one window: " + std::to_string(n) + " steps"; }

SeriesRows rows_of(const Series& series) {
  return {series.inputs(), series.targets(), series.input_width(), series.target_width()};
}

}  // namespace

Batches::Batches(std::span<const Token> tokens, std::size_t batch, std::size_t steps, const std::string& name)
    : tokens_(tokens), batch_(batch), steps_(steps), gap_(1) {
  check_sizes(batch, steps);
  const std::size_t each = tokens.size() / batch;
  if (each < 2) too_short(name, in_tokens(tokens.size()), batch, steps, batch <= SIZE_MAX / 2 ? 2 * batch : SIZE_MAX);
  cut_evenly(each);
}

Batches::Batches(const Series& series, std::size_t batch, std::size_t steps)
    : numbers_(rows_of(series)), batch_(batch), steps_(steps) {
  check_sizes(batch, steps);
  const std::size_t each = series.steps() / batch;
  if (each < 1) too_short(series.name(), in_steps(series.steps()), batch, steps, batch);
  cut_evenly(each);
}

Batches Batches::parts(std::span<const Token> tokens, std::size_t batch, std::size_t steps, const std::string& name) {
  check_sizes(batch, steps);
  if (tokens.size() < 2) too_short(name, in_tokens(tokens.size()), batch, steps, 2);
  Batches result;
  result.tokens_ = tokens;
  result.batch_ = batch;
  result.steps_ = steps;
  result.cut_in_parts(tokens.size() - 1);
  return result;
}

Batches Batches::parts(const Series& series, std::size_t batch, std::size_t steps) {
  check_sizes(batch, steps);
  if (series.steps() < 1) too_short(series.name(), in_steps(series.steps()), batch, steps, 1);
  Batches result;
  result.numbers_ = rows_of(series);
  result.batch_ = batch;
  result.steps_ = steps;
  result.cut_in_parts(series.steps());
  return result;
}

Batches Batches::warm_parts(std::span<const Token> tokens, std::size_t context, std::size_t batch, std::size_t steps,
                            std::size_t lead, const std::string& name) {
  Batches result = parts(tokens.subspan(context), batch, steps, name);
  result.tokens_ = tokens;
  for (std::size_t b = 0; b < result.batch_; ++b) {
    const std::size_t first = result.starts_[b] + context, before = std::min(lead, first);
    result.starts_[b] = first - before;
    result.lengths_[b] += before;
    result.leads_.push_back(before);
  }
  result.longest_ = *std::ranges::max_element(result.lengths_);
  return result;
}

std::size_t Batches::uncounted() const { return leads_.empty() ? 0 : *std::ranges::min_element(leads_) / steps_; }

void Batches::cut_evenly(std::size_t each) {
  starts_.resize(batch_);
  for (std::size_t b = 0; b < batch_; ++b) starts_[b] = b * each;
  longest_ = each - gap_;
  lengths_.assign(batch_, longest_);
  predicted_ = std::uint64_t{longest_} * batch_;
}

void Batches::cut_in_parts(std::size_t predictions) {
  batch_ = std::min(batch_, predictions);
  starts_.resize(batch_);
  lengths_.resize(batch_);
  const std::size_t each = predictions / batch_, longer = predictions % batch_;
  for (std::size_t b = 0; b < batch_; ++b) {
    starts_[b] = b * each + std::min(b, longer);
    lengths_[b] = each + (b < longer ? 1 : 0);
  }
  longest_ = each + (longer > 0 ? 1 : 0);
  predicted_ = predictions;
}

std::size_t Batches::steps_of(std::size_t window) const {
  const std::size_t first = window * steps_;
  return first < longest_ ? std::min(steps_, longest_ - first) : 0;
}

std::size_t Batches::position(std::size_t k, std::size_t step, std::size_t stream) const {
  return starts_[stream] + std::min(k * steps_ + step, lengths_[stream] - 1);
}

void Batches::window(std::size_t k, std::vector<Token>& inputs, std::vector<Token>& targets) const {
  const std::size_t steps = steps_of(k);
  inputs.resize(steps * batch_);
  targets.resize(steps * batch_);
  for (std::size_t t = 0; t < steps; ++t) {
    for (std::size_t b = 0; b < batch_; ++b) {
      const std::size_t at = position(k, t, b);
      inputs[t * batch_ + b] = tokens_[at];
      targets[t * batch_ + b] = tokens_[at + 1];
    }
  }
}

void Batches::window(std::size_t k, std::vector<float>& x, std::vector<float>& y) const {
  const std::size_t steps = steps_of(k), in = numbers_.input_width, out = numbers_.target_width;
  x.resize(steps * batch_ * in);
  y.resize(steps * batch_ * out);
  for (std::size_t t = 0; t < steps; ++t) {
    for (std::size_t b = 0; b < batch_; ++b) {
      const std::size_t at = position(k, t, b), row = t * batch_ + b;
      std::ranges::copy(numbers_.inputs.subspan(at * in, in), x.begin() + static_cast<std::ptrdiff_t>(row * in));
      std::ranges::copy(numbers_.targets.subspan(at * out, out), y.begin() + static_cast<std::ptrdiff_t>(row * out));
    }
  }
}

bool Batches::begins(std::size_t k, std::size_t step, std::size_t stream) const {
  const std::span<const Token> rest = tokens_.subspan(position(k, step, stream));
  return separated() && rest.size() >= mark_.size() && std::equal(mark_.begin(), mark_.end(), rest.begin());
}

bool Batches::counted(std::size_t k, std::size_t step, std::size_t stream) const {
  const std::size_t at = k * steps_ + step;
  return at >= lead(stream) && at < lengths_[stream];
}

}  // namespace sluice
