#include "sluice/stream.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/pointwise.h"
#include "model/network.h"

namespace sluice {

struct Stream::Impl {
  const Model* model;
  State state;
  Workspace workspace;
  AlignedVector<float> logits, probabilities;  // padded to kBlock
};

Stream::Stream(const Model& model) : impl_(std::make_unique<Impl>()) {
  impl_->model = &model;
  impl_->state = model.initial_state();
  model.network().prepare_step(impl_->workspace);
  const std::size_t padded = round_up(model.vocabulary().size(), kBlock);
  impl_->logits.assign(padded, kNoLogit);
  impl_->probabilities.assign(padded, 0.f);
}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

void Stream::step(Token token) noexcept {
  Impl& s = *impl_;
  s.model->network().step(token, s.state, std::span<float>(s.logits).first(s.model->vocabulary().size()), s.workspace);
  softmax(s.logits.data(), s.logits.size(), s.probabilities.data());
}

std::size_t Stream::feed(std::string_view text) {
  std::size_t unknown = 0;
  for (const Token token : impl_->model->vocabulary().encode(text)) {
    step(token);
    unknown += token == Vocabulary::unknown ? 1 : 0;
  }
  return unknown;
}

std::span<const float> Stream::probabilities() const noexcept {
  return std::span<const float>(impl_->probabilities).first(impl_->model->vocabulary().size());
}

std::vector<std::pair<Token, float>> Stream::top(std::size_t k) const {
  const std::span<const float> p = probabilities();
  std::vector<Token> order(p.size());
  std::iota(order.begin(), order.end(), Token{0});
  k = std::min(k, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(),
                    [&](Token a, Token b) { return p[a] > p[b] || (p[a] == p[b] && a < b); });
  std::vector<std::pair<Token, float>> best;
  for (std::size_t i = 0; i < k; ++i) best.emplace_back(order[i], p[order[i]]);
  return best;
}

Token Stream::sample(const SampleOptions& options, double random) const {
  std::vector<std::pair<Token, float>> all = top(impl_->model->vocabulary().size());
  if (!options.allow_unknown && all.size() > 1) {
    std::erase_if(all, [](const auto& entry) { return entry.first == Vocabulary::unknown; });
  }
  if (options.temperature <= 0) return all.front().first;
  if (options.top_k > 0 && options.top_k < all.size()) all.resize(options.top_k);
  // Probabilities as they are decide what top_p keeps; the temperature bends what is left.
  double total = 0, kept = 0;
  for (const auto& [token, p] : all) total += static_cast<double>(p);
  std::vector<double> weight;
  for (const auto& [token, p] : all) {
    if (!weight.empty() && kept >= options.top_p * total) break;
    kept += static_cast<double>(p);
    weight.push_back(std::pow(static_cast<double>(p), 1 / options.temperature));
  }
  double left = random * std::accumulate(weight.begin(), weight.end(), 0.0);
  for (std::size_t i = 0; i < weight.size(); ++i) {
    left -= weight[i];
    if (left < 0) return all[i].first;
  }
  return all[weight.size() - 1].first;
}

const State& Stream::state() const noexcept { return impl_->state; }

void Stream::set_state(const State& state) {
  const State& own = impl_->state;
  if (state.layers() != own.layers() || state.states() != own.states() || state.batch() != 1 ||
      state.hidden() != own.hidden()) {
    throw Error(Status::usage, "set_state: expected a state of " + std::to_string(own.layers()) + " layers x " +
                                   std::to_string(own.states()) + " states x 1 stream x " +
                                   std::to_string(own.hidden()) + " units, found " + std::to_string(state.layers()) +
                                   " x " + std::to_string(state.states()) + " x " + std::to_string(state.batch()) +
                                   " x " + std::to_string(state.hidden()));
  }
  impl_->state = state;
}

void Stream::reset() noexcept { impl_->state.reset(); }

}  // namespace sluice
