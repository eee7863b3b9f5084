// Where rows of the input repeat, as tokens do, W x is computed for the distinct ones alone, and dW from their summed
// gradients.
#include "model/recurrent_layer.h"

#include <algorithm>
#include <cstring>

#include "kernels/held.h"
#include "kernels/pointwise.h"
#include "kernels/small_layer.h"
#include "model/field_checks.h"
#include "model/layout.h"

namespace sluice {
namespace {

RecurrentLayer::LayerMemory& own(Part::Memory& memory) { return static_cast<RecurrentLayer::LayerMemory&>(memory); }
const RecurrentLayer::LayerMemory& own(const Part::Memory& memory) {
  return static_cast<const RecurrentLayer::LayerMemory&>(memory);
}

const CellShape* shape_of(const LayerConfig& config) {
  const CellShape* shape = find_shape(config.cell, config.activation);
  if (shape == nullptr) {
    throw Error(Status::usage, "activation: expected tanh or relu, found \"" + config.activation + "\"");
  }
  return shape;
}

void add_direction(const LayerConfig& layer, std::size_t place, int direction, std::size_t inputs,
                   std::vector<Shape>& all) {
  const CellInfo& cell = find_cell(layer.cell);
  const CellShape& shape = *find_shape(layer.cell, layer.activation);
  const std::size_t h = layer.units;
  const std::string suffix = "_l" + std::to_string(place) + (direction < 0 ? "_reverse" : "");
  const auto add = [&](const char* name, TensorRole role, std::size_t rows, std::size_t columns) {
    all.push_back({name + suffix, rows, columns, role, place, direction < 0});
  };
  add("rnn.weight_ih", TensorRole::input, cell.input_rows * h, inputs);
  add("rnn.weight_hh", TensorRole::recurrent, cell.recurrent_rows * h, h);
  add("rnn.bias", TensorRole::bias, cell.input_rows * h, 1);
  if (shape.own_bias >= 0) add("rnn.bias_hn", TensorRole::recurrent_bias, h, 1);
  if (layer.initial_state == "learned") {
    add("rnn.initial", TensorRole::initial_state, static_cast<std::size_t>(shape.states), h);
  }
}

}  // namespace

void RecurrentLayer::check(const LayerConfig& config, const std::string& where) {
  constexpr std::string_view kDirections[] = {"forward", "backward", "both", "sum"};
  constexpr std::string_view kStates[] = {"zero", "learned"};
  find_cell(config.cell);
  check_name(where + "direction", config.direction, kDirections);
  check_name(where + "activation", config.activation, kActivations);
  check_name(where + "initial-state", config.initial_state, kStates);
  check_magnitude(where + "forget-bias", config.forget_bias, 100);
}

bool RecurrentLayer::uses(const LayerConfig& config, std::string_view field) {
  constexpr std::string_view kFields[] = {"kind",    "cell",           "units",        "direction",
                                          "dropout", "weight-dropout", "initial-state"};
  const CellShape* shape = find_shape(config.cell, kActivations[0]);
  if (shape == nullptr || std::ranges::find(kFields, field) != std::end(kFields)) return true;
  if (field == "activation") return shape != find_shape(config.cell, kActivations[1]);
  return field == "forget-bias" && shape->forget_row >= 0;
}

void RecurrentLayer::add_tensors(const LayerConfig& config, std::size_t place, std::size_t inputs,
                                 std::vector<Shape>& all) {
  for (const int direction : directions_of(config)) add_direction(config, place, direction, inputs, all);
}

std::unique_ptr<Part> RecurrentLayer::make(const LayerConfig& config, std::size_t place, std::size_t inputs,
                                           const std::vector<Shape>& tensors) {
  return std::make_unique<RecurrentLayer>(config, inputs, first_tensor(tensors, place), place);
}

RecurrentLayer::RecurrentLayer(const LayerConfig& config, std::size_t inputs, std::size_t first_tensor,
                               std::size_t mask)
    : Part(inputs, config.units, 1, static_cast<std::size_t>(shape_of(config)->states) * config.units),
      cell_(&find_cell(config.cell)),
      shape_{shape_of(config), inputs, config.units},
      first_tensor_(first_tensor),
      mask_(mask),
      weight_dropout_(config.weight_dropout),
      learns_state_(config.initial_state == "learned") {}

LayerParameters RecurrentLayer::weights(const Parameters& parameters) const {
  const std::size_t first = first_tensor_;
  return {parameters[first], parameters[first + 1], parameters[first + 2],
          shape_.cell->own_bias >= 0 ? parameters[first + 3] : std::span<const float>()};
}

LayerGradients RecurrentLayer::weights(Parameters& gradients) const {
  const std::size_t first = first_tensor_;
  return {gradients[first], gradients[first + 1], gradients[first + 2],
          shape_.cell->own_bias >= 0 ? gradients[first + 3] : std::span<float>()};
}

std::span<const float> RecurrentLayer::initial_state(const Parameters& parameters) const {
  return learns_state_ ? parameters[initial_tensor()] : std::span<const float>();
}

SharedRoom RecurrentLayer::room() const {
  return {std::max(shape_.gate_columns(), shape_.inputs), std::max(shape_.hidden, shape_.inputs), shape_.sums()};
}

void RecurrentLayer::pack(const Parameters& parameters, Format format, Team& team) {
  format_ = format;
  pack_layer(*shape_.cell, shape_.hidden, shape_.inputs, weights(parameters), format, packed_, team);
  transposed_input_.outdate();
  transposed_recurrent_.outdate();
}

const Panels& RecurrentLayer::transposed_input(const Parameters& parameters, Format format, Team& team) const {
  return transposed_input_.get([&](Panels& w) {
    pack_transposed_input(*shape_.cell, shape_.hidden, shape_.inputs, weights(parameters).input, format, w, team);
  });
}

const StagePanels& RecurrentLayer::transposed_recurrent(const Parameters& parameters, Format format, Team& team) const {
  return transposed_recurrent_.get([&](StagePanels& u) {
    pack_transposed_recurrent(*shape_.cell, shape_.hidden, weights(parameters).recurrent, format, u, team);
  });
}

Sequence RecurrentLayer::sequence(const WindowShape& window, Memory& memory) const {
  return own(memory).buffers.sequence(shape_, format_, window);
}

void RecurrentLayer::prepare(const WindowShape& window, Format format, std::size_t threads, bool training,
                             Memory& memory) const {
  LayerMemory& m = own(memory);
  m.buffers.prepare(shape_, format, window, std::max<std::size_t>(1, threads), training);
  if (!training) return;
  for (std::size_t s = 0; s < shape_.states(); ++s) grow(m.carry[s], window.batch * shape_.state_stride());
  grow(m.mixed, window.batch * shape_.state_stride());
}

void RecurrentLayer::load(const WindowShape& window, const State& state, std::size_t first, Memory& memory) const {
  for (std::size_t s = 0; s < shape_.states(); ++s) {
    load_rows(shape_, state.of(first, s).data(), window.batch, own(memory).buffers.states[s].data());
  }
}

// Packed sequences end at steps of their own.
void RecurrentLayer::store(const WindowShape& window, const Memory& memory, std::size_t first, State& state) const {
  const std::size_t stride = shape_.state_stride(), hidden = shape_.hidden;
  for (std::size_t s = 0; s < shape_.states(); ++s) {
    const float* states = own(memory).buffers.states[s].data();
    const std::span<float> out = state.of(first, s);
    if (window.entries == nullptr) {
      store_rows(shape_, states + window.steps * window.batch * stride, window.batch, out.data());
      continue;
    }
    std::size_t length = window.steps;
    for (std::size_t b = 0; b < window.batch; ++b) {
      while (window.entries[length + 1] - window.entries[length] <= b) --length;
      std::copy_n(states + (window.entries[length] + b) * stride, hidden, out.data() + b * hidden);
    }
  }
}

void RecurrentLayer::drop_weights(const Pass& pass, std::span<const float> in, float* out) const {
  constexpr std::size_t kPlace = 512;
  const Random random = dropout_random(*pass.dropout, kPlace + mask_);
  pass.team.split(in.size(), 4096, [&](std::size_t first, std::size_t last) {
    dropout(in.data() + first, out + first, last - first, weight_dropout_, random, first);
  });
}

// Draws U anew.
void RecurrentLayer::pack_dropped(const Pass& pass, const Parameters& parameters, LayerMemory& m) const {
  const LayerParameters from = weights(parameters);
  grow(m.dropped_weights, from.recurrent.size());
  const std::span<float> dropped = std::span<float>(m.dropped_weights).first(from.recurrent.size());
  drop_weights(pass, from.recurrent, dropped.data());
  pack_recurrent(*shape_.cell, shape_.hidden, dropped, from.own, pass.format, m.dropped, pass.team);
  pack_transposed_recurrent(*shape_.cell, shape_.hidden, dropped, pass.format, m.dropped_back, pass.team);
}

// W x + b once for each distinct row.
void RecurrentLayer::project_table(const Pass& pass, const PartInput& in, LayerMemory& m) const {
  grow(m.table, in.repeated->distinct * table_stride());
  pass.team.split(in.repeated->distinct, 1, [&](std::size_t first, std::size_t last, std::size_t thread) {
    multiply(packed_.input, in.x, in.stride, m.table.data(), table_stride(), packed_.bias.data(), first, last, 0,
             packed_.input.panels(), &pass.scratch.products[thread]);
  });
}

// W x + b of a part of the window, whose first row is number `row`, onto its tape.
void RecurrentLayer::project(const Pass& pass, const PartInput& in, const Sequence& part, std::size_t row,
                             LayerMemory& m) const {
  if (in.repeated == nullptr) {
    return project_input(packed_, in.x + row * in.stride, in.stride, part, pass.scratch, pass.team);
  }
  pass.team.split(part.batch, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t t = 0; t < part.steps; ++t) {
      for (std::size_t b = first; b < std::min(last, part.active(t)); ++b) {
        const std::uint32_t slot = in.repeated->slots[row + part.row_of(t) + b];
        std::memcpy(part.tape_at(t, b), m.table.data() + slot * table_stride(), shape_.gate_columns() * sizeof(float));
      }
    }
  });
}

void RecurrentLayer::forward(const Pass& pass, const PartInput& in, const Parameters& parameters,
                             Memory& memory) const {
  LayerMemory& m = own(memory);
  if (drops_weights(pass)) pack_dropped(pass, parameters, m);
  if (in.repeated != nullptr) project_table(pass, in, m);
  const RecurrentWeights& weights = drops_weights(pass) ? m.dropped : packed_.recurrent;
  forward_layer(*shape_.cell, weights, sequence(pass.window, memory), pass.team,
                [&](const Sequence& part, std::size_t row) { project(pass, in, part, row, m); });
}

void RecurrentLayer::forward_held(const Pass& pass, const PartInput& in, const float* held, Memory& memory) const {
  const Sequence s = sequence(pass.window, memory);
  if (in.repeated != nullptr) project_table(pass, in, own(memory));
  project(pass, in, s, 0, own(memory));
  recur_held(*shape_.cell, packed_.recurrent, s, held);
}

const float* RecurrentLayer::rows(const WindowShape& window, const Memory& memory) const {
  return own(memory).buffers.states[0].data() + window.batch * shape_.state_stride();
}

// dW, db and dx of the distinct rows: the gradients of a row's occurrences are summed first, in order of position.
void RecurrentLayer::table_gradients(const Pass& pass, const PartInput& in, const PartGradient& gradient,
                                     const Panels& transposed, Parameters& gradients, LayerMemory& m) const {
  const Repeated& r = *in.repeated;
  const Sequence s = m.buffers.sequence(shape_, format_, pass.window);
  pass.team.split(shape_.gate_columns(), kBlock, [&](std::size_t first, std::size_t last) {
    for (std::size_t u = 0; u < r.distinct; ++u) {
      const auto at = r.by_slot.subspan(r.starts[u], r.starts[u + 1] - r.starts[u]);
      sum_listed_rows(s.tape + first, s.tape_stride, at, m.table.data() + u * table_stride() + first, last - first);
    }
  });
  Sequence table = s;  // the distinct rows as one row of steps
  table.steps = r.distinct;
  table.batch = 1;
  table.entries = nullptr;
  table.tape = m.table.data();
  table.tape_stride = table_stride();
  input_gradients(shape_, transposed, table, {in.x, in.stride}, gradient.x, gradient.x_stride, weights(gradients),
                  pass.scratch, pass.team);
}

void RecurrentLayer::backward(const Pass& pass, const PartInput& in, const PartGradient& gradient,
                              const Parameters& parameters, Parameters& gradients, Memory& memory) const {
  LayerMemory& m = own(memory);
  const Panels& back = transposed_input(parameters, pass.format, pass.team);
  const bool drops = drops_weights(pass);
  const StagePanels& recurrent = drops ? m.dropped_back : transposed_recurrent(parameters, pass.format, pass.team);
  const Backward carry = {gradient.y,
                          gradient.y_stride,
                          {m.carry[0].data(), m.carry[1].data()},
                          m.mixed.data(),
                          pass.state_gradients || (learns_state_ && pass.begins),
                          pass.state_gradients};
  const InputRows rows = in.repeated == nullptr ? InputRows{in.x, in.stride} : InputRows{};
  const LayerGradients out = weights(gradients);
  backward_layer(shape_, {back, recurrent}, sequence(pass.window, memory), carry, m.buffers.before.data(), rows,
                 gradient.x, gradient.x_stride, out, pass.scratch, pass.team);
  if (drops) drop_weights(pass, out.recurrent, out.recurrent.data());
  if (in.repeated != nullptr) table_gradients(pass, in, gradient, back, gradients, m);
  if (learns_state_) initial_gradient(pass, gradients, m);
}

std::span<float> RecurrentLayer::state_gradient(std::size_t, std::size_t state, Memory& memory) const {
  return own(memory).carry[state];
}

// What has come to the start of every sequence, summed in the order of the batch; nothing of a window that does not
// begin there.
void RecurrentLayer::initial_gradient(const Pass& pass, Parameters& gradients, const LayerMemory& m) const {
  const std::span<float> out = gradients[initial_tensor()];
  std::ranges::fill(out, 0.f);
  for (std::size_t s = 0; s < shape_.states() && pass.begins; ++s) {
    for (std::size_t b = 0; b < pass.window.batch; ++b) {
      const float* carry = m.carry[s].data() + b * shape_.state_stride();
      for (std::size_t u = 0; u < shape_.hidden; ++u) out[s * shape_.hidden + u] += carry[u];
    }
  }
}

void RecurrentLayer::backward_input(const Pass& pass, const PartGradient& gradient, const Parameters& parameters,
                                    Memory& memory) const {
  LayerMemory& m = own(memory);
  const Sequence s = sequence(pass.window, memory);
  const Backward carry = {gradient.y, gradient.y_stride, {m.carry[0].data(), m.carry[1].data()}, m.mixed.data()};
  recur_backward(*shape_.cell, transposed_recurrent(parameters, pass.format, pass.team), s, {0, s.steps}, carry,
                 pass.team);
  input_row_gradients(shape_, transposed_input(parameters, pass.format, pass.team), s, gradient.x, gradient.x_stride,
                      pass.scratch, pass.team);
}

// A step of a small layer, on the state where it lies; where that lacks the padding, on the one row that the layer has
// of it, whose padding is zero and stays so. Whatever goes through memory besides is felt. nullptr, and nothing is
// done, for other layers.
const float* RecurrentLayer::step_in_place(const PartInput& in, float* state, Memory& memory) const noexcept {
  const std::size_t hidden = shape_.hidden, bytes = hidden * sizeof(float);
  if (shape_.padded() > most_small_units) return nullptr;
  const bool copies = hidden != shape_.padded();
  LayerBuffers& buffers = own(memory).buffers;
  Sequence s;
  s.steps = s.batch = 1;
  s.hidden = shape_.padded();
  for (std::size_t i = 0; i < shape_.states(); ++i) {
    s.states[i] = copies ? buffers.states[i].data() : state + i * hidden;
    if (copies) std::memcpy(s.states[i], state + i * hidden, bytes);
  }
  if (!recur_small(*shape_.cell, packed_.input, packed_.bias.data(), packed_.recurrent, in.x, in.stride, s)) {
    return nullptr;
  }
  for (std::size_t i = 0; copies && i < shape_.states(); ++i) std::memcpy(state + i * hidden, s.states[i], bytes);
  return s.states[0];
}

const float* RecurrentLayer::infer(const WindowShape& window, const PartInput& in, float* state, Memory& memory,
                                   Scratch& scratch) const noexcept {
  if (window.rows() == 1) {
    if (const float* row = step_in_place(in, state, memory)) return row;
  }
  const Sequence s = sequence(window, memory);
  const std::size_t batch = window.batch;
  for (std::size_t i = 0; i < shape_.states(); ++i) {
    load_rows(shape_, state + i * batch * shape_.hidden, batch, s.states[i]);
  }
  infer_layer(*shape_.cell, packed_, {in.x, in.stride}, s, scratch);
  for (std::size_t i = 0; i < shape_.states(); ++i) {
    store_rows(shape_, s.states[i] + s.steps * batch * s.state_stride, batch, state + i * batch * shape_.hidden);
  }
  return s.states[0] + batch * s.state_stride;
}

}  // namespace sluice
