#include <algorithm>

#include "model/network.h"
#include "sluice/model.h"

namespace sluice {

State::State(std::size_t layers, std::size_t states, std::size_t batch, std::size_t hidden)
    : layers_(layers), states_(states), batch_(batch), hidden_(hidden), values_(layers * states * batch * hidden) {}

std::span<float> State::of(std::size_t layer, std::size_t state) {
  return std::span<float>(values_).subspan((layer * states_ + state) * batch_ * hidden_, batch_ * hidden_);
}

std::span<const float> State::of(std::size_t layer, std::size_t state) const {
  return std::span<const float>(values_).subspan((layer * states_ + state) * batch_ * hidden_, batch_ * hidden_);
}

void State::reset() { std::fill(values_.begin(), values_.end(), 0.f); }

Model::Model(const Config& config, Vocabulary vocabulary, std::uint64_t seed)
    : vocabulary_(std::move(vocabulary)), network_(std::make_unique<Network>(config, vocabulary_.size(), seed)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::Model(const Model& other)
    : vocabulary_(other.vocabulary_), notes_(other.notes_), network_(std::make_unique<Network>(*other.network_)) {}
Model& Model::operator=(const Model& other) {
  if (this != &other) *this = Model(other);
  return *this;
}

const Config& Model::config() const { return network_->config(); }
const CellInfo& Model::cell() const { return network_->cell(); }
const Vocabulary& Model::vocabulary() const { return vocabulary_; }
std::size_t Model::parameter_count() const { return network_->parameters().count(); }
State Model::initial_state(std::size_t batch) const { return network_->initial_state(batch); }
const std::map<std::string, std::string>& Model::notes() const { return notes_; }
std::map<std::string, std::string>& Model::notes() { return notes_; }

GateTrace Model::trace(std::span<const Token> tokens) const {
  if (tokens.empty()) return {0, config().hidden, std::vector<LayerTrace>(config().layers)};
  Workspace workspace;
  Team alone(1);
  State state = initial_state();
  network_->forward(tokens, tokens.size(), 1, state, workspace, alone);
  return network_->trace(workspace);
}

Scores Model::score(std::span<const Token> tokens) const {
  Scores scores;
  if (tokens.size() < 2) return scores;
  // Windows bound the memory; carrying the state makes their length of no account.
  constexpr std::size_t kSteps = 256;
  const std::size_t predicted = tokens.size() - 1;
  scores.nats.resize(predicted);
  scores.rank.resize(predicted);
  Workspace workspace;
  Team alone(1);
  State state = initial_state();
  for (std::size_t start = 0; start < predicted; start += kSteps) {
    const std::size_t steps = std::min(kSteps, predicted - start);
    network_->score({tokens.subspan(start, steps), tokens.subspan(start + 1, steps), steps, 1}, state,
                    std::span(scores.nats).subspan(start, steps), std::span(scores.rank).subspan(start, steps),
                    workspace, alone);
  }
  return scores;
}

}  // namespace sluice
