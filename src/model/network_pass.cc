// A pass over a window: buffers, states, the head, and the public train, score, forward, trace and step.
#include <algorithm>

#include "kernels/pointwise.h"
#include "model/network_impl.h"

namespace sluice {
namespace {

// Rows of logits held at a time: enough that the head's gradient is not read and written too often, few enough that
// they stay in the L3 cache.
std::size_t chunk_rows(const Network::Impl& n, std::size_t rows) {
  constexpr std::size_t kFloats = std::size_t{4} << 20;
  return std::min(rows, std::max<std::size_t>(128, kFloats / n.padded_vocabulary()));
}

}  // namespace

Workspace::Workspace() : impl_(std::make_unique<Impl>()) {}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

void prepare(const Network::Impl& n, Workspace::Impl& w, std::size_t steps, std::size_t batch, bool training,
             std::size_t threads) {
  const std::size_t rows = steps * batch;
  w.steps = steps;
  w.batch = batch;
  if (w.layers.size() < n.config.layers) {
    w.layers.resize(n.config.layers);
    w.inputs.resize(n.config.layers);
  }
  for (std::size_t l = 0; l < n.config.layers; ++l) {
    w.layers[l].prepare(n.layer_shape(l), steps, batch);
    const double rate = l == 0 ? n.config.input_dropout : n.config.dropout;
    if (training && rate > 0) grow(w.inputs[l], rows * (l == 0 ? n.embedding_stride() : n.state_stride()));
  }
  const std::size_t distinct = std::min(rows, n.vocabulary);
  grow(w.embedded, distinct * n.embedding_stride());
  grow(w.table, distinct * n.table_stride());
  grow(w.logits, chunk_rows(n, rows) * n.padded_vocabulary());
  if (w.slot_of_token.size() < n.vocabulary) w.slot_of_token.resize(n.vocabulary);
  if (w.slots.size() < rows) {
    w.slots.resize(rows);
    w.by_slot.resize(rows);
    w.nats.resize(rows);
  }
  if (w.slot_starts.size() < distinct + 1) w.slot_starts.resize(distinct + 1);
  w.distinct.reserve(distinct);
  if (!training) return;
  grow(w.dy, rows * n.state_stride());
  if (n.config.dropout > 0) grow(w.head_input, rows * n.state_stride());
  for (std::size_t s = 0; s < n.states(); ++s) grow(w.carry[s], batch * n.state_stride());
  grow(w.mixed, batch * n.state_stride());
  grow(w.embedded_gradient, (n.config.input_dropout > 0 ? rows : distinct) * n.embedding_stride());
  grow(w.sums, std::max({n.gate_columns(), n.padded_vocabulary(), n.embedding_stride(), n.state_stride()}));
  if (w.scratch.size() < threads) w.scratch.resize(threads);
  for (auto& scratch : w.scratch) grow(scratch, product_scratch());
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

void split_product(const Product& p, std::size_t rows, Workspace::Impl& w, Team& team) {
  constexpr std::size_t kPanel = 64;
  const bool by_columns = p.columns >= kPanel * team.size() && rows < 8 * p.columns;
  const std::size_t count = by_columns ? p.columns : rows, grain = by_columns ? kPanel : 24;
  team.run([&](std::size_t thread) {
    const std::size_t units = (count + grain - 1) / grain;
    const std::size_t first = units * thread / team.size() * grain;
    const std::size_t last = std::min(count, units * (thread + 1) / team.size() * grain);
    if (first >= last) return;
    if (by_columns) {
      product(p, 0, rows, first, last, w.scratch[thread].data());
    } else {
      product(p, first, last, 0, p.columns, w.scratch[thread].data());
    }
  });
}

void head_logits(const Network::Impl& n, const float* input, std::size_t rows, float* logits, Team& team) {
  const std::size_t panels = n.head.panels(), stride = n.padded_vocabulary();
  if (panels >= 4 * team.size()) {
    team.split(panels, 1, [&](std::size_t first, std::size_t last) {
      multiply(n.head, input, n.state_stride(), logits, stride, n.head_bias.data(), 0, rows, first, last);
    });
  } else {
    team.split(rows, 1, [&](std::size_t first, std::size_t last) {
      multiply(n.head, input, n.state_stride(), logits, stride, n.head_bias.data(), first, last, 0, panels);
    });
  }
}

double head_gradient(const Network::Impl& n, const float* input, std::span<const Token> targets, Parameters& gradients,
                     Workspace::Impl& w, Team& team) {
  const std::size_t rows = targets.size(), chunk = chunk_rows(n, rows), stride = n.padded_vocabulary();
  const std::size_t h = n.hidden();
  const std::span<const float> weights = n.parameters[n.head_weight_tensor()];
  const std::span<float> dw = gradients[n.head_weight_tensor()];
  const float scale = 1.f / static_cast<float>(rows);
  for (std::size_t start = 0; start < rows; start += chunk) {
    const std::size_t count = std::min(chunk, rows - start);
    const float* x = input + start * n.state_stride();
    head_logits(n, x, count, w.logits.data(), team);
    team.split(count, 1, [&](std::size_t first, std::size_t last) {
      for (std::size_t r = first; r < last; ++r) {
        w.nats[start + r] = softmax_gradient(w.logits.data() + r * stride, stride, targets[start + r], scale);
      }
    });
    float* dy = w.dy.data() + start * n.state_stride();
    // Padding stays zero even after a pass that met NaN, which a product by zero would keep alive.
    for (std::size_t r = 0; r < count; ++r) {
      std::fill(dy + r * n.state_stride() + h, dy + (r + 1) * n.state_stride(), 0.f);
    }
    split_product({h, n.vocabulary, w.logits.data(), stride, 1, weights.data(), h, dy, n.state_stride(), false}, count,
                  w, team);
    split_product({h, count, w.logits.data(), 1, stride, x, n.state_stride(), dw.data(), h, start > 0}, n.vocabulary, w,
                  team);
    team.split(stride, kBlock, [&](std::size_t first, std::size_t last) {
      sum_rows(w.logits.data() + first, stride, count, w.sums.data() + first, last - first, start > 0);
    });
  }
  const std::span<float> db = gradients[n.head_bias_tensor()];
  std::copy_n(w.sums.data(), db.size(), db.begin());
  double loss = 0;
  for (std::size_t i = 0; i < rows; ++i) loss += static_cast<double>(w.nats[i]);
  return loss / static_cast<double>(rows);
}

double Network::train(const Window& window, const DropoutKey& dropout, State& state, Parameters& gradients,
                      Workspace& workspace, Team& team) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  const DropoutKey* key = n.config.dropout > 0 || n.config.input_dropout > 0 ? &dropout : nullptr;
  prepare(n, w, window.steps, window.batch, true, team.size());
  load_state(n, state, w);
  forward_layers(n, window.inputs, key, w, team);
  store_state(n, w, state);
  if (!n.config.tied) {
    const std::span<float> embedding = gradients[0];
    team.split(embedding.size(), 4096, [&](std::size_t first, std::size_t last) {
      std::fill(embedding.begin() + static_cast<std::ptrdiff_t>(first),
                embedding.begin() + static_cast<std::ptrdiff_t>(last), 0.f);
    });
  }
  const double loss = head_gradient(n, head_input(n, key, w, team), window.targets, gradients, w, team);
  backward_layers(n, window.inputs, key, gradients, w, team);
  return loss;
}

void Network::score(const Window& window, State& state, std::span<float> nats, std::span<std::uint32_t> rank,
                    Workspace& workspace, Team& team) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  forward(window.inputs, window.steps, window.batch, state, workspace, team);
  const float* input = w.outputs(n, n.config.layers - 1);
  const std::size_t rows = window.targets.size(), chunk = chunk_rows(n, rows), stride = n.padded_vocabulary();
  for (std::size_t start = 0; start < rows; start += chunk) {
    const std::size_t count = std::min(chunk, rows - start);
    head_logits(n, input + start * n.state_stride(), count, w.logits.data(), team);
    team.split(count, 1, [&](std::size_t first, std::size_t last) {
      for (std::size_t r = first; r < last; ++r) {
        const float* logits = w.logits.data() + r * stride;
        nats[start + r] = softmax_loss(logits, stride, window.targets[start + r]);
        if (!rank.empty()) rank[start + r] = softmax_rank(logits, stride, window.targets[start + r]);
      }
    });
  }
}

void Network::forward(std::span<const Token> inputs, std::size_t steps, std::size_t batch, State& state,
                      Workspace& workspace, Team& team) const {
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
      layer.hidden.insert(layer.hidden.end(), s.state_at(0, t + 1, 0), s.state_at(0, t + 1, 0) + n.hidden());
      if (n.states() > 1) {
        layer.memory.insert(layer.memory.end(), s.state_at(1, t + 1, 0), s.state_at(1, t + 1, 0) + n.hidden());
      }
    }
    trace.layers.push_back(std::move(layer));
  }
  return trace;
}

void Network::prepare_step(Workspace& workspace) const { prepare(*impl_, workspace.impl(), 1, 1, false, 1); }

void Network::step(Token token, State& state, std::span<float> logits, Workspace& workspace) const noexcept {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  const FlushDenormals flush;
  load_state(n, state, w);
  const std::size_t e = n.config.embedding;
  const float* x = n.parameters[0].data() + token * e;
  for (std::size_t l = 0; l < n.config.layers; ++l) {
    const PackedLayer& packed = n.layers[l];
    const Sequence s = w.sequence(n, l);
    multiply(packed.input, x, 0, s.tape, 0, packed.bias.data(), 0, 1, 0, packed.input.panels());
    recur_forward(*n.shape, packed.recurrent, s, Share{0, 1});
    x = s.state_at(0, 1, 0);
  }
  store_state(n, w, state);
  multiply(n.head, x, 0, w.logits.data(), 0, n.head_bias.data(), 0, 1, 0, n.head.panels());
  std::copy_n(w.logits.data(), logits.size(), logits.data());
}

}  // namespace sluice
