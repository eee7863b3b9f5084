#include "model/dense_layer.h"

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

void check(bool holds, const std::string& what, std::size_t expected, std::size_t found) {
  if (!holds) {
    throw Error(Status::usage, "recurrent layer: expected " + what + " " + std::to_string(expected) + ", found " +
                                   std::to_string(found));
  }
}

// The same memory again, after its last states have become its first.
Sequence continued(const Sequence& s) {
  for (int k = 0; k < 2; ++k) {
    if (s.states[k] == nullptr) continue;
    std::memcpy(s.state_at(k, 0, 0), s.state_at(k, s.steps, 0), s.batch * s.state_stride * sizeof(float));
  }
  return s;
}

}  // namespace

DenseLayer::DenseLayer(std::string_view cell, std::size_t inputs, std::size_t hidden, std::string_view activation) {
  const CellInfo& info = find_cell(cell);
  shape_ = {find_shape(cell, activation), inputs, hidden};
  if (shape_.cell == nullptr) {
    throw Error(Status::usage, "activation: expected tanh or relu, found \"" + std::string(activation) + "\"");
  }
  check(inputs > 0, "at least this many inputs:", 1, inputs);
  check(hidden > 0, "at least this many units:", 1, hidden);
  std::vector<Shape> shapes = {{"weight_ih", info.input_rows * hidden, inputs},
                               {"weight_hh", info.recurrent_rows * hidden, hidden},
                               {"bias", info.input_rows * hidden, 1}};
  if (shape_.cell->own_bias >= 0) shapes.push_back({"bias_hn", hidden, 1});
  parameters_ = Parameters(std::move(shapes));
  Team alone(1);
  pack(alone);
}

void DenseLayer::pack(Team& team) {
  const Parameters& p = parameters_;
  const auto own = shape_.cell->own_bias >= 0 ? p[3] : std::span<const float>();
  const LayerParameters from = {p[0], p[1], p[2], own};
  pack_layer(*shape_.cell, shape_.hidden, shape_.inputs, from, format_, packed_, team);
  if (has_gradients(format_)) {
    pack_transposed_input(*shape_.cell, shape_.hidden, shape_.inputs, from.input, format_, transposed_input_, team);
    pack_transposed_recurrent(*shape_.cell, shape_.hidden, from.recurrent, format_, transposed_recurrent_, team);
  } else {
    transposed_input_ = {};
    transposed_recurrent_ = {};
  }
}

void DenseLayer::set_format(Format format, Team& team) {
  format_ = format;
  pack(team);
}

void DenseWorkspace::prepare(const LayerShape& layer, Format format, std::size_t rows, std::size_t threads,
                             bool training) {
  if (scratch.size() < threads) scratch.resize(threads);
  for (Scratch& s : scratch) {
    s.prepare_multiply(format, rows, std::max(layer.gate_columns(), layer.inputs));
    if (training) s.prepare_product(format, std::max(layer.inputs, layer.hidden));
  }
}

void DenseLayer::prepare_step(DenseWorkspace& w) const {
  w.buffers.prepare(shape_, format_, 1, 1, 1);
  w.prepare(shape_, format_, 1, 1, false);
}

void DenseLayer::forward(std::span<const float> x, State& state, std::span<float> y, DenseWorkspace& w,
                         Team& team) const {
  run(x, state, y, true, w, team);
}

void DenseLayer::infer(std::span<const float> x, State& state, std::span<float> y, DenseWorkspace& w,
                       Team& team) const {
  run(x, state, y, false, w, team);
}

void DenseLayer::run(std::span<const float> x, State& state, std::span<float> y, bool keep, DenseWorkspace& w,
                     Team& team) const {
  const std::size_t batch = state.batch(), row = shape_.inputs, hidden = shape_.hidden;
  check(batch > 0, "at least this many streams:", 1, batch);
  const std::size_t steps = x.size() / (batch * row);
  check(state.values().size() == shape_.states() * batch * hidden, "a state of", shape_.states() * batch * hidden,
        state.values().size());
  check(x.size() == steps * batch * row, "inputs in steps of", batch * row, x.size());
  check(y.size() == steps * batch * hidden, "outputs of size", steps * batch * hidden, y.size());
  const std::size_t chunk = std::min(steps, steps_at_once(batch, team.size()));
  const std::size_t kept = keep ? steps : chunk;
  w.steps = keep ? steps : 0;
  w.batch = batch;
  w.buffers.prepare(shape_, format_, kept, batch, team.size());
  w.prepare(shape_, format_, kept * batch, team.size(), keep);
  const Sequence all = w.buffers.sequence(shape_, format_, kept, batch);
  for (std::size_t s = 0; s < shape_.states(); ++s) load_rows(shape_, state.of(0, s), batch, all.states[s]);
  Sequence part = all;
  for (std::size_t t = 0; t < steps; t += chunk) {
    if (t > 0) part = keep ? steps_of(all, t, chunk) : continued(part);
    part.steps = std::min(chunk, steps - t);
    project_input(packed_, x.data() + t * batch * row, row, part, {w.sums.data(), w.scratch, format_}, team);
    recur_forward(*shape_.cell, packed_.recurrent, part, team);
    team.split(part.steps * batch, 1, [&](std::size_t first, std::size_t last) {
      store_rows(shape_, part.state_at(0, 1, first), last - first, y.subspan((t * batch + first) * hidden));
    });
  }
  for (std::size_t s = 0; s < shape_.states(); ++s) {
    store_rows(shape_, part.state_at(static_cast<int>(s), part.steps, 0), batch, state.of(0, s));
  }
}

void DenseLayer::backward(std::span<const float> x, std::span<const float> dy, Parameters& gradients,
                          std::span<float> dx, DenseWorkspace& w, Team& team) const {
  const std::size_t rows = w.steps * w.batch, hidden = shape_.hidden, inputs = shape_.inputs;
  const std::size_t stride = shape_.state_stride(), padded_inputs = round_up(inputs, kBlock);
  check(x.size() == rows * inputs, "the inputs of the last forward pass, of size", rows * inputs, x.size());
  check(dy.size() == rows * hidden, "gradients of size", rows * hidden, dy.size());
  check(dx.empty() || dx.size() == rows * inputs, "gradients of inputs of size", rows * inputs, dx.size());
  for (auto& carry : w.carry) grow(carry, w.batch * stride);
  grow(w.mixed, w.batch * stride);
  grow(w.sums, shape_.sums());

  const float* d = dy.data();
  std::size_t d_stride = hidden;
  if (hidden != shape_.padded()) {
    grow(w.dy, rows * stride);
    load_rows(shape_, dy, rows, w.dy.data());
    d = w.dy.data();
    d_stride = stride;
  }
  const Sequence s = w.buffers.sequence(shape_, format_, w.steps, w.batch);
  const Backward backward = {d, d_stride, {w.carry[0].data(), w.carry[1].data()}, w.mixed.data()};
  const auto own = shape_.cell->own_bias >= 0 ? gradients[3] : std::span<float>();
  const LayerGradients out = {gradients[0], gradients[1], gradients[2], own};
  const bool aside = !dx.empty() && inputs != padded_inputs;
  if (aside) grow(w.dx, rows * padded_inputs);
  float* const to = dx.empty() ? nullptr : aside ? w.dx.data() : dx.data();
  backward_layer(shape_, {transposed_input_, transposed_recurrent_}, s, backward, {x.data(), inputs}, to, padded_inputs,
                 out, {w.sums.data(), w.scratch, format_}, team);
  if (!aside) return;
  for (std::size_t r = 0; r < rows; ++r) {
    std::memcpy(dx.data() + r * inputs, w.dx.data() + r * padded_inputs, inputs * sizeof(float));
  }
}

void DenseLayer::step(std::span<const float> x, State& state, DenseWorkspace& w) const noexcept {
  const FlushDenormals flush;
  const Sequence s = w.buffers.sequence(shape_, format_, 1, 1);
  for (std::size_t k = 0; k < shape_.states(); ++k) load_rows(shape_, state.of(0, k), 1, s.states[k]);
  infer_layer(*shape_.cell, packed_, {x.data(), 0}, s, w.scratch[0]);
  for (std::size_t k = 0; k < shape_.states(); ++k) {
    store_rows(shape_, s.state_at(static_cast<int>(k), 1, 0), 1, state.of(0, k));
  }
}

}  // namespace sluice
