// Passes for whoever looks into a network: gates held, logits of any step, the gradient of one prediction.
#include <algorithm>
#include <limits>

#include "model/network_impl.h"

namespace sluice {
namespace {

// What recur_held wants of a recurrent layer: [T, rows * Hp], NaN where a gate is free. Empty: nothing is held.
AlignedVector<float> held_rows(const RecurrentLayer& recurrent, std::size_t layer, std::size_t steps,
                               std::span<const GateHold> holds) {
  const LayerShape& shape = recurrent.shape();
  const std::vector<ShownRow> shown = shown_rows(recurrent.cell().name);
  const std::size_t width = static_cast<std::size_t>(shape.cell->rows) * shape.padded();
  AlignedVector<float> rows;
  for (const GateHold& hold : holds) {
    if (hold.layer != layer) continue;
    if (rows.empty()) rows.assign(steps * width, std::numeric_limits<float>::quiet_NaN());
    const ShownRow& gate = shown.at(hold.gate);
    const float value = gate.complement ? 1 - hold.value : hold.value;
    for (std::size_t t = hold.first; t < std::min(hold.last, steps); ++t) {
      float* row = rows.data() + t * width + static_cast<std::size_t>(gate.row) * shape.padded();
      if (hold.units.empty()) std::fill_n(row, shape.hidden, value);
      for (const std::size_t unit : hold.units) row[unit] = value;
    }
  }
  return rows;
}

// Every part is a recurrent layer that reads forward, at full precision.
void expect_explainable(const Network::Impl& n) {
  if (n.format != Format::f32) {
    throw Error(Status::usage, "explain: expected a model of precision f32, found one of less");
  }
  if (n.spells()) throw Error(Status::usage, "explain: expected tokens that are embedded alone, found spelt words");
  for (const LayerConfig& layer : n.layer_configs) {
    if (layer.kind == "recurrent" && layer.direction == "forward") continue;
    throw Error(Status::usage,
                "explain: expected recurrent layers that read forward alone, found " +
                    (layer.kind == "recurrent" ? "the direction " + layer.direction : "a layer of kind " + layer.kind));
  }
}

const RecurrentLayer& layer_of(const Network::Impl& n, std::size_t layer) {
  return static_cast<const RecurrentLayer&>(*n.parts[layer]);
}

}  // namespace

Sequence Workspace::Impl::sequence(const Network::Impl& n, std::size_t layer) {
  for (std::size_t l = 0; l < n.parts.size(); ++l) {
    if (layer < n.parts[l]->states()) return n.parts[l]->sequence(window, layer, *parts[l]);
    layer -= n.parts[l]->states();
  }
  return {};
}

Sequence Network::sequence(std::size_t layer, Workspace& workspace) const {
  return workspace.impl().sequence(*impl_, layer);
}

void Network::forward_held(std::span<const Token> inputs, std::span<const GateHold> holds, State& state,
                           Workspace& workspace, Team& team) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  expect_explainable(n);
  set_window({inputs, {}, inputs.size(), 1}, w);
  prepare(n, w, false, team.size());
  load_state(n, state, w);
  const Pass pass = w.pass(n, nullptr, team);
  const PartInput input = input_rows(n, inputs, nullptr, false, w, team);
  for (std::size_t l = 0; l < n.parts.size(); ++l) {
    const RecurrentLayer& layer = layer_of(n, l);
    const AlignedVector<float> held = held_rows(layer, l, inputs.size(), holds);
    const PartInput in = part_input(n, l, input, nullptr, w);
    if (held.empty()) {
      layer.forward(pass, in, n.parameters, *w.parts[l]);
    } else {
      layer.forward_held(pass, in, held.data(), *w.parts[l]);
    }
  }
  store_state(n, w, state);
}

std::span<const float> Network::logits(std::size_t first, std::size_t count, Workspace& workspace, Team& team) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  grow(w.outputs, count * n.padded_outputs());
  const InputRows rows = last_rows(n, nullptr, w);
  n.linear->forward({rows.x + first * rows.stride, rows.stride}, count, w.outputs.data(), n.padded_outputs(), w.scratch,
                    team);
  return {w.outputs.data(), count * n.padded_outputs()};
}

double Network::input_gradient(std::span<const Token> inputs, Token target, const State& state, std::span<float> dx,
                               Workspace& workspace, Team& team) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  const std::size_t steps = inputs.size(), e = n.inputs(), stride = n.hidden_stride();
  expect_explainable(n);
  set_window({inputs, {}, steps, 1}, w);
  prepare(n, w, true, team.size());
  load_state(n, state, w);
  forward_parts(n, inputs, nullptr, w, team);

  // Only the last step has a gradient from above: that of its own log p.
  std::fill_n(w.dy.data(), steps * stride, 0.f);
  const InputRows rows = last_rows(n, nullptr, w);
  const std::size_t last = steps - 1;
  const double log_p =
      prediction_gradient(n, rows.x + last * rows.stride, target, w.dy.data() + last * stride, w, team);

  grow(w.input_gradient, steps * n.input_stride());
  const Pass pass = w.pass(n, nullptr, team);
  AlignedVector<float>*dy = &w.dy, *below = &w.dx;
  for (std::size_t l = n.parts.size(); l-- > 0;) {
    const RecurrentLayer& layer = layer_of(n, l);
    const bool over = l > 0 && layer.in_place();
    float* to = l == 0 ? w.input_gradient.data() : over ? dy->data() : below->data();
    layer.backward_input(pass, {dy->data(), row_stride(layer.outputs()), to, row_stride(layer.inputs())}, n.parameters,
                         *w.parts[l]);
    if (!over) std::swap(dy, below);
  }
  for (std::size_t t = 0; t < steps; ++t) {
    std::copy_n(w.input_gradient.data() + t * n.input_stride(), e, dx.data() + t * e);
  }
  return log_p;
}

}  // namespace sluice
