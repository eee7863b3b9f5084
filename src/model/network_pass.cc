// A pass over a window: buffers, states, and the public train, score, forward, trace and infer.
#include <algorithm>

#include "kernels/pointwise.h"
#include "model/network_impl.h"

namespace sluice {
Workspace::Workspace() : impl_(std::make_unique<Impl>()) {}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

namespace {

// A network that could not be packed because memory ran out.
void expect_packed(const Network::Impl& n) {
  if (n.layers.empty()) throw Error(Status::failed, "network: expected packed weights, found none");
}

// Room to number the distinct tokens of a window.
void prepare_distinct(const Network::Impl& n, Workspace::Impl& w, std::size_t rows) {
  const std::size_t distinct = std::min(rows, n.vocabulary);
  grow(w.embedded, distinct * n.input_stride());
  grow(w.table, distinct * n.table_stride());
  if (w.slot_of_token.size() < n.vocabulary) w.slot_of_token.resize(n.vocabulary);
  if (w.slots.size() < rows) {
    w.slots.resize(rows);
    w.by_slot.resize(rows);
  }
  if (w.slot_starts.size() < distinct + 1) w.slot_starts.resize(distinct + 1);
  w.distinct.reserve(distinct);
}

}  // namespace

void prepare(const Network::Impl& n, Workspace::Impl& w, std::size_t steps, std::size_t batch, bool training,
             std::size_t threads) {
  expect_packed(n);
  const std::size_t rows = steps * batch;
  w.steps = steps;
  w.batch = batch;
  if (w.layers.size() < n.config.layers) {
    w.layers.resize(n.config.layers);
    w.inputs.resize(n.config.layers);
    w.dropped.resize(n.config.layers);
    w.dropped_back.resize(n.config.layers);
  }
  for (std::size_t l = 0; l < n.config.layers; ++l) {
    w.layers[l].prepare(n.layer_shape(l), n.format, steps, batch, threads);
    const double rate = l == 0 ? n.config.input_dropout : n.config.dropout;
    if (training && rate > 0) grow(w.inputs[l], rows * (l == 0 ? n.input_stride() : n.state_stride()));
  }
  grow(w.answers, answer_rows(n, rows) * n.padded_outputs());
  if (w.losses.size() < rows) w.losses.resize(rows);
  if (n.reads_text()) prepare_distinct(n, w, rows);
  if (w.scratch.size() < threads) w.scratch.resize(threads);
  for (Scratch& scratch : w.scratch) {
    scratch.prepare_multiply(n.format, rows, n.widest_factor());
    if (training) scratch.prepare_product(n.format, std::max(n.hidden(), n.inputs()));
  }
  if (!training) return;
  grow(w.dy, rows * n.state_stride());
  if (n.config.dropout > 0) grow(w.head_input, rows * n.state_stride());
  for (std::size_t s = 0; s < n.states(); ++s) grow(w.carry[s], batch * n.state_stride());
  grow(w.mixed, batch * n.state_stride());
  if (n.config.weight_dropout > 0) grow(w.dropped_weights, n.parameters[n.layer_tensor(0, 1)].size());
  if (n.reads_text()) {
    grow(w.embedded_gradient, (n.config.input_dropout > 0 ? rows : std::min(rows, n.vocabulary)) * n.input_stride());
  }
  grow(w.sums, std::max({n.layer_shape(0).sums(), n.layer_shape(n.config.layers - 1).sums(), n.padded_outputs()}));
}

void load_state(const Network::Impl& n, const State& state, Workspace::Impl& w) {
  for (std::size_t l = 0; l < n.config.layers; ++l) {
    for (std::size_t s = 0; s < n.states(); ++s) {
      load_rows(n.layer_shape(l), state.of(l, s), w.batch, w.layers[l].states[s].data());
    }
  }
}

void store_state(const Network::Impl& n, const Workspace::Impl& w, State& state) {
  for (std::size_t l = 0; l < n.config.layers; ++l) {
    for (std::size_t s = 0; s < n.states(); ++s) {
      const float* from = w.layers[l].states[s].data() + w.steps * w.batch * n.state_stride();
      store_rows(n.layer_shape(l), from, w.batch, state.of(l, s));
    }
  }
}

double Network::train(const Window& window, const DropoutKey& dropout, State& state, Gradients& gradients,
                      Workspace& workspace, Team& team) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  const bool drops = n.config.dropout > 0 || n.config.input_dropout > 0 || n.config.weight_dropout > 0;
  const DropoutKey* key = drops ? &dropout : nullptr;
  prepare(n, w, window.steps, window.batch, true, team.size());
  load_state(n, state, w);
  forward_layers(n, window.inputs, key, w, team);
  store_state(n, w, state);
  if (n.reads_text() && !n.config.tied) clear_embedding_gradient(n, window.inputs.tokens, key, gradients, w, team);
  const double loss = head_gradient(n, head_input(n, key, w, team), window.targets, gradients, w, team);
  backward_layers(n, window.inputs, key, gradients, w, team);
  return loss;
}

void Network::score(const Window& window, State& state, std::span<float> loss, std::span<std::uint32_t> rank,
                    Workspace& workspace, Team& team) const {
  forward(window.inputs, window.steps, window.batch, state, workspace, team);
  Workspace::Impl& w = workspace.impl();
  head_losses(*impl_, w.outputs(*impl_, impl_->config.layers - 1), window.targets, loss, rank, w, team);
}

void Network::forward(const Rows& inputs, std::size_t steps, std::size_t batch, State& state, Workspace& workspace,
                      Team& team) const {
  Workspace::Impl& w = workspace.impl();
  prepare(*impl_, w, steps, batch, false, team.size());
  load_state(*impl_, state, w);
  forward_layers(*impl_, inputs, nullptr, w, team);
  store_state(*impl_, w, state);
}

GateTrace Network::trace(Workspace& workspace) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  GateTrace trace = {w.steps, n.hidden(), {}};
  const std::vector<ShownRow> shown = shown_rows(n.config.cell);
  for (std::size_t l = 0; l < n.config.layers; ++l) {
    const Sequence s = w.sequence(n, l);
    LayerTrace layer;
    layer.gates.resize(shown.size());
    for (std::size_t t = 0; t < w.steps; ++t) {
      const float* tape = s.tape_at(t, 0);
      for (std::size_t g = 0; g < shown.size(); ++g) {
        const float* row = tape + static_cast<std::size_t>(shown[g].row) * s.hidden;
        for (std::size_t u = 0; u < n.hidden(); ++u)
          layer.gates[g].push_back(shown[g].complement ? 1 - row[u] : row[u]);
      }
      if (n.shape->candidate_row >= 0) {
        const float* row = tape + static_cast<std::size_t>(n.shape->candidate_row) * s.hidden;
        layer.candidate.insert(layer.candidate.end(), row, row + n.hidden());
      }
      layer.hidden.insert(layer.hidden.end(), s.state_at(0, t + 1, 0), s.state_at(0, t + 1, 0) + n.hidden());
      if (n.states() > 1) {
        layer.memory.insert(layer.memory.end(), s.state_at(1, t + 1, 0), s.state_at(1, t + 1, 0) + n.hidden());
      }
    }
    trace.layers.push_back(std::move(layer));
  }
  return trace;
}

void Network::prepare_infer(Workspace& workspace, std::size_t steps, std::size_t batch) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  expect_packed(n);
  w.layers.resize(std::max(w.layers.size(), n.config.layers));
  for (std::size_t l = 0; l < n.config.layers; ++l) w.layers[l].prepare(n.layer_shape(l), n.format, steps, batch, 1);
  if (n.reads_text()) grow(w.embedded, steps * batch * n.input_stride());
  grow(w.answers, (n.reads_text() ? 1 : steps) * batch * n.padded_outputs());
  if (w.scratch.empty()) w.scratch.resize(1);
  w.scratch[0].prepare_multiply(n.format, steps * batch, n.widest_factor());
}

void Network::infer(const Rows& inputs, std::size_t steps, State& state, Workspace& workspace) const noexcept {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  w.steps = steps;
  w.batch = state.batch();
  const std::size_t rows = steps * w.batch;
  load_state(n, state, w);
  const float* x = inputs.numbers.data();
  std::size_t stride = n.inputs();
  if (n.reads_text()) {
    const std::size_t e = n.config.embedding;
    stride = n.input_stride();
    for (std::size_t i = 0; i < rows; ++i) {
      std::copy_n(n.parameters[0].data() + inputs.tokens[i] * e, e, w.embedded.data() + i * stride);
    }
    x = w.embedded.data();
  }
  for (std::size_t l = 0; l < n.config.layers; ++l) {
    infer_layer(*n.shape, n.layers[l], {x, stride}, w.sequence(n, l), w.scratch[0]);
    x = w.outputs(n, l);
    stride = n.state_stride();
  }
  store_state(n, w, state);
}

std::span<float> Network::answer(Workspace& workspace) const noexcept {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  const float* last = w.outputs(n, n.config.layers - 1) + (w.steps - 1) * w.batch * n.state_stride();
  multiply(n.head, last, n.state_stride(), w.answers.data(), n.padded_outputs(), n.head_bias.data(), 0, w.batch, 0,
           n.head.panels(), w.scratch.data());
  return std::span<float>(w.answers).first(w.batch * n.padded_outputs());
}

void Network::answer_all(Workspace& workspace, std::span<float> y) const noexcept {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  const std::size_t rows = w.steps * w.batch, outputs = n.outputs();
  multiply(n.head, w.outputs(n, n.config.layers - 1), n.state_stride(), w.answers.data(), n.padded_outputs(),
           n.head_bias.data(), 0, rows, 0, n.head.panels(), w.scratch.data());
  for (std::size_t i = 0; i < rows; ++i) {
    std::copy_n(w.answers.data() + i * n.padded_outputs(), outputs, y.data() + i * outputs);
  }
}

}  // namespace sluice
