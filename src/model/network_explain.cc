// Passes for whoever looks into a network: gates held, logits of any step, the gradient of one prediction.
#include <algorithm>
#include <limits>

#include "kernels/held.h"
#include "kernels/pointwise.h"
#include "model/network_impl.h"

namespace sluice {
namespace {

// What recur_held wants of a layer: [T, rows * Hp], NaN where a gate is free. Empty: nothing is held.
AlignedVector<float> held_rows(const Network::Impl& n, std::size_t layer, std::size_t steps,
                               std::span<const GateHold> holds) {
  const std::vector<ShownRow> shown = shown_rows(n.config.cell);
  const std::size_t width = static_cast<std::size_t>(n.shape->rows) * n.padded();
  AlignedVector<float> rows;
  for (const GateHold& hold : holds) {
    if (hold.layer != layer) continue;
    if (rows.empty()) rows.assign(steps * width, std::numeric_limits<float>::quiet_NaN());
    const ShownRow& gate = shown.at(hold.gate);
    const float value = gate.complement ? 1 - hold.value : hold.value;
    for (std::size_t t = hold.first; t < std::min(hold.last, steps); ++t) {
      float* row = rows.data() + t * width + static_cast<std::size_t>(gate.row) * n.padded();
      if (hold.units.empty()) std::fill_n(row, n.hidden(), value);
      for (const std::size_t unit : hold.units) row[unit] = value;
    }
  }
  return rows;
}

void expect_floats(const Network::Impl& n) {
  if (n.format == Format::f32) return;
  throw Error(Status::usage, "explain: expected a model of precision f32, found one of less");
}

}  // namespace

void Network::forward_held(std::span<const Token> inputs, std::span<const GateHold> holds, State& state,
                           Workspace& workspace, Team& team) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  expect_floats(n);
  prepare(n, w, inputs.size(), 1, false, team.size());
  load_state(n, state, w);
  for (std::size_t l = 0; l < n.config.layers; ++l) {
    const AlignedVector<float> held = held_rows(n, l, inputs.size(), holds);
    project_layer(n, l, inputs, w, team);
    if (held.empty()) {
      recur_forward(*n.shape, n.layers[l].recurrent, w.sequence(n, l), team);
    } else {
      recur_held(*n.shape, n.layers[l].recurrent, w.sequence(n, l), held.data());
    }
  }
  store_state(n, w, state);
}

std::span<const float> Network::logits(std::size_t first, std::size_t count, Workspace& workspace, Team& team) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  grow(w.answers, count * n.padded_outputs());
  head_answers(n, w.outputs(n, n.config.layers - 1) + first * n.state_stride(), count, w.answers.data(), w, team);
  return {w.answers.data(), count * n.padded_outputs()};
}

double Network::input_gradient(std::span<const Token> inputs, Token target, const State& state, std::span<float> dx,
                               Workspace& workspace, Team& team) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  const std::size_t steps = inputs.size(), stride = n.state_stride(), e = n.config.embedding;
  expect_floats(n);
  prepare(n, w, steps, 1, true, team.size());
  load_state(n, state, w);
  forward_layers(n, inputs, nullptr, w, team);

  // Only the last step has a gradient from above: that of its own log p.
  std::fill_n(w.dy.data(), steps * stride, 0.f);
  const std::size_t last = (steps - 1) * stride;
  const double log_p =
      prediction_gradient(n, w.outputs(n, n.config.layers - 1) + last, target, w.dy.data() + last, w, team);

  grow(w.embedded_gradient, steps * n.input_stride());
  const std::span<const Panels> back = transposed_inputs(n, team);
  const std::span<const StagePanels> recurrent_back = transposed_recurrent(n, team);
  const Backward backward = {w.dy.data(), stride, {w.carry[0].data(), w.carry[1].data()}, w.mixed.data()};
  for (std::size_t l = n.config.layers; l-- > 0;) {
    const Sequence sequence = w.sequence(n, l);
    recur_backward(*n.shape, recurrent_back[l], sequence, {0, steps}, backward, team);
    float* below = l > 0 ? w.dy.data() : w.embedded_gradient.data();
    input_row_gradients(n.layer_shape(l), back[l], sequence, below, l > 0 ? stride : n.input_stride(),
                        w.layer_scratch(n), team);
  }
  for (std::size_t t = 0; t < steps; ++t) {
    std::copy_n(w.embedded_gradient.data() + t * n.input_stride(), e, dx.data() + t * e);
  }
  return log_p;
}

}  // namespace sluice
