#include "bench/measure/work.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "train/optimizer.h"

namespace sluice::bench {
namespace {

void fill(std::span<float> values, double scale, std::uint64_t stream) {
  Random random(1, stream);
  for (float& v : values) v = static_cast<float>((2 * random.uniform() - 1) * scale);
}

// 1 / rank by inverting the integral of 1 / x: floor(V^u) for uniform u.
std::vector<Token> zipf_tokens(std::size_t n, std::size_t vocabulary, std::uint64_t stream) {
  Random random(1, stream);
  std::vector<Token> tokens(n);
  const double log_vocabulary = std::log(static_cast<double>(vocabulary));
  for (Token& t : tokens) {
    const auto rank = static_cast<std::size_t>(std::exp(random.uniform() * log_vocabulary));
    t = static_cast<Token>(std::min(rank, vocabulary - 1));
  }
  return tokens;
}

double as_double(std::size_t n) { return static_cast<double>(n); }

Vocabulary numbered_vocabulary(std::size_t size) {
  std::vector<std::string> tokens = {std::string(Vocabulary::unknown_text)};
  while (tokens.size() < size) tokens.push_back(std::to_string(tokens.size()));
  return Vocabulary({}, std::move(tokens));
}

Config config_of(const std::string& cell, std::size_t embedding, std::size_t hidden) {
  Config config;
  config.cell = cell;
  config.embedding = embedding;
  config.hidden = hidden;
  return config;
}

const Model& with(Model& model, Precision precision) {
  model.set_precision(precision);
  return model;
}

}  // namespace

LayerWork::LayerWork(const LayerSize& s)
    : size(s), layer({.cell = s.cell, .units = s.hidden}, s.inputs), team(s.threads) {
  fill(layer.parameters().all(), 1 / std::sqrt(as_double(s.hidden)), 0);
  layer.set_format(s.format, team);
  x.resize(s.steps * s.batch * s.inputs);
  dy.resize(s.steps * s.batch * s.hidden);
  y.resize(dy.size());
  dx.resize(x.size());
  fill(x, 1, 1);
  fill(dy, 1, 2);
  start = state = layer.initial_state(s.batch);
  fill(start.values(), 0.5, 3);
  gradients = layer.parameters().zeros_like();
  layer.prepare_step();
}

void LayerWork::train() {
  layer.pack(team);
  state = start;
  layer.forward(x, state, y, team);
  layer.backward(x, dy, gradients, dx, team);
}

void LayerWork::infer() {
  state = start;
  layer.infer(x, state, y, team);
}

void LayerWork::step() {
  layer.step(std::span<const float>(x).subspan(next_ * size.inputs, size.inputs), state);
  next_ = next_ + 1 == size.steps ? 0 : next_ + 1;
}

double LayerWork::flops() const {
  const CellInfo& cell = find_cell(size.cell);
  return 2 * as_double(size.steps * size.batch * size.hidden) *
         as_double(cell.input_rows * size.inputs + cell.recurrent_rows * size.hidden);
}

double LayerWork::weight_bytes() const {
  return as_double(sizeof(float) * (layer.parameters()[0].size() + layer.parameters()[1].size()));
}

ModelWork::ModelWork(const ModelSize& s)
    : size(s),
      network(config_of(s.cell, s.embedding, s.hidden), s.vocabulary, 1),
      team(s.threads),
      inputs(zipf_tokens(s.steps * s.batch, s.vocabulary, 4)),
      targets(zipf_tokens(s.steps * s.batch, s.vocabulary, 5)),
      state(network.initial_state(s.batch)),
      gradients(network.parameters()) {
  options.optimizer = Optimizer::adam;
  options.learning_rate = 1e-3;
  moments_ = fresh_moments(options, network.parameters());
  network.set_format(s.format, team);
}

void ModelWork::train() {
  state.reset();
  loss = network.train({inputs, targets, size.steps, size.batch}, {}, state, gradients, workspace_, team);
  apply_update(options, update_++, options.learning_rate, 1, gradients, moments_, network.parameters(), team);
  network.pack(team);
}

double ModelWork::flops() const {
  const CellInfo& cell = find_cell(size.cell);
  std::vector<Token> distinct = inputs;
  std::sort(distinct.begin(), distinct.end());
  const auto tokens = static_cast<std::size_t>(std::unique(distinct.begin(), distinct.end()) - distinct.begin());
  const std::size_t rows = size.steps * size.batch;
  return 6 * (as_double(rows * size.hidden) * as_double(cell.recurrent_rows * size.hidden + size.vocabulary) +
              as_double(tokens * size.hidden) * as_double(cell.input_rows * size.embedding));
}

StreamWork::StreamWork(const std::string& cell, std::size_t hidden, std::size_t vocabulary, Precision precision)
    : model_(config_of(cell, hidden, hidden), numbered_vocabulary(vocabulary)), stream_(with(model_, precision)) {}

void StreamWork::step() {
  stream_.step(token_);
  token_ = (token_ + 1) % static_cast<Token>(model_.vocabulary().size());
}

double StreamWork::weight_bytes() const {
  const Config& c = model_.config();
  const CellInfo& cell = model_.cell();
  return as_double(sizeof(float) * c.hidden *
                   (cell.input_rows * c.embedding + cell.recurrent_rows * c.hidden + model_.vocabulary().size()));
}

double StreamWork::flops() const { return weight_bytes() / sizeof(float) * 2; }

}  // namespace sluice::bench
