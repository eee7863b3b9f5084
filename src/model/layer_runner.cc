#include "model/layer_runner.h"

#include <algorithm>
#include <cstring>

#include "model/layout.h"

namespace sluice {
namespace {

void check(bool holds, const std::string& what, std::size_t expected, std::size_t found) {
  if (holds) return;
  throw Error(Status::usage,
              "layer: expected " + what + " " + std::to_string(expected) + ", found " + std::to_string(found));
}

// The tensors of a network of this one layer, without those of its head.
std::vector<Shape> tensors_of_layer(const LayerConfig& config, std::size_t inputs) {
  check(inputs > 0, "at least this many inputs:", 1, inputs);
  check(config.units > 0, "at least this many units:", 1, config.units);
  find_cell(config.cell);
  if (config.kind == "recurrent" && find_shape(config.cell, config.activation) == nullptr) {
    throw Error(Status::usage, "activation: expected tanh or relu, found \"" + config.activation + "\"");
  }
  Config network;
  network.inputs = inputs;
  network.outputs = 1;
  network.stack = {config};
  std::vector<Shape> tensors = tensors_of(network, 0);
  tensors.resize(tensors.size() - 2);
  return tensors;
}

}  // namespace

LayerRunner::LayerRunner(const LayerConfig& config, std::size_t inputs)
    : parameters_(tensors_of_layer(config, inputs)),
      layer_(make_part(config, 0, inputs, parameters_.shapes())),
      memory_(layer_->memory()) {
  Team alone(1);
  pack(alone);
}

State LayerRunner::initial_state(std::size_t batch) const {
  std::vector<StateShape> shapes;
  for (const RecurrentLayer* part : layer_->recurrent()) shapes.push_back(state_shape(*part));
  return {std::move(shapes), batch};
}

void LayerRunner::pack(Team& team) { layer_->pack(parameters_, format_, team); }

void LayerRunner::set_format(Format format, Team& team) {
  format_ = format;
  pack(team);
}

void LayerRunner::prepare_scratch(std::size_t rows, std::size_t threads, bool training) {
  const SharedRoom room = layer_->room();
  if (scratch_.size() < threads) scratch_.resize(threads);
  for (Scratch& s : scratch_) {
    s.prepare_multiply(format_, rows, room.factor);
    if (training) s.prepare_product(format_, room.columns);
  }
  grow(sums_, room.sums);
}

void LayerRunner::run(const WindowShape& window, const float* x, State& state, float* y, bool training, Team& team) {
  window_ = window;
  prepare_scratch(window.rows(), team.size(), training);
  layer_->prepare(window, format_, team.size(), training, *memory_);
  layer_->load(window, state, 0, *memory_);
  forward_part(*layer_, pass(team), {x, layer_->inputs(), nullptr}, parameters_, *memory_);
  layer_->store(window, *memory_, 0, state);
  const std::size_t width = layer_->outputs(), stride = row_stride(width);
  const float* rows = layer_->rows(window, *memory_);
  team.split(window.rows(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t r = first; r < last; ++r) std::copy_n(rows + r * stride, width, y + r * width);
  });
}

void LayerRunner::forward(std::span<const float> x, State& state, std::span<float> y, Team& team,
                          std::span<const std::uint32_t> lengths) {
  const std::size_t batch = state.batch(), inputs = layer_->inputs(), outputs = layer_->outputs();
  check(batch > 0, "at least this many streams:", 1, batch);
  check(state.same_shape(initial_state(batch)), "a state of its own shape, with so many streams:", batch, batch);
  const std::size_t rows = x.size() / inputs;
  WindowShape window = {lengths.empty() ? rows / batch : lengths.front(), batch};
  if (!lengths.empty()) window.entries = packed_entries(lengths, window.steps, batch, entries_);
  check(x.size() == window.rows() * inputs, "inputs of size", window.rows() * inputs, x.size());
  check(y.size() == rows * outputs, "outputs of size", rows * outputs, y.size());
  run(window, x.data(), state, y.data(), true, team);
}

void LayerRunner::infer(std::span<const float> x, State& state, std::span<float> y, Team& team) {
  const std::size_t batch = state.batch(), inputs = layer_->inputs(), outputs = layer_->outputs();
  check(batch > 0, "at least this many streams:", 1, batch);
  const std::size_t steps = x.size() / (batch * inputs), chunk = steps_at_once(batch, team.size());
  check(x.size() == steps * batch * inputs, "inputs in steps of", batch * inputs, x.size());
  check(y.size() == steps * batch * outputs, "outputs of size", steps * batch * outputs, y.size());
  for (std::size_t t = 0; t < steps; t += chunk) {
    const std::size_t row = t * batch;
    run({std::min(chunk, steps - t), batch}, x.data() + row * inputs, state, y.data() + row * outputs, false, team);
  }
  window_ = {};  // nothing is kept to go back through
}

// Calls f(row of `states`, the same row in the layer's memory, which is padded).
template <class F>
void LayerRunner::for_each_state_gradient(State& states, F&& f) {
  check(states.same_shape(initial_state(window_.batch)),
        "gradients of states of its own shape, with so many streams:", window_.batch, states.batch());
  for (std::size_t direction = 0; direction < states.layers(); ++direction) {
    const auto [count, hidden] = states.shape(direction);
    const std::size_t stride = row_stride(hidden);
    for (std::size_t s = 0; s < count; ++s) {
      const std::span<float> own = layer_->state_gradient(direction, s, *memory_), rows = states.of(direction, s);
      for (std::size_t b = 0; b < window_.batch; ++b) {
        f(rows.subspan(b * hidden, hidden), own.subspan(b * stride, stride));
      }
    }
  }
}

void LayerRunner::backward(std::span<const float> x, std::span<const float> dy, Parameters& gradients,
                           std::span<float> dx, Team& team, State* states) {
  const std::size_t rows = window_.rows(), inputs = layer_->inputs(), outputs = layer_->outputs();
  check(x.size() == rows * inputs, "the inputs of the last forward pass, of size", rows * inputs, x.size());
  check(dy.size() == rows * outputs, "gradients of size", rows * outputs, dy.size());
  check(dx.empty() || dx.size() == rows * inputs, "gradients of inputs of size", rows * inputs, dx.size());
  // Dense rows will do where they need no padding.
  PartGradient gradient = {dy.data(), outputs, dx.empty() ? nullptr : dx.data(), inputs};
  if (outputs % kBlock != 0) {
    gradient.y_stride = row_stride(outputs);
    grow(dy_, rows * gradient.y_stride);
    for (std::size_t r = 0; r < rows; ++r) {
      float* row = dy_.data() + r * gradient.y_stride;
      std::copy_n(dy.data() + r * outputs, outputs, row);
      std::fill(row + outputs, row + gradient.y_stride, 0.f);
    }
    gradient.y = dy_.data();
  }
  const bool aside = !dx.empty() && inputs % kBlock != 0;
  const std::size_t dx_stride = row_stride(inputs);
  if (aside) {
    grow(dx_, rows * dx_stride);
    gradient.x = dx_.data();
    gradient.x_stride = dx_stride;
  }
  Pass back = pass(team);
  if (states != nullptr) {
    back.state_gradients = true;
    for_each_state_gradient(*states, [](std::span<float> given, std::span<float> own) {
      std::ranges::fill(std::ranges::copy(given, own.begin()).out, own.end(), 0.f);
    });
  }
  backward_part(*layer_, back, {x.data(), inputs, nullptr}, gradient, parameters_, gradients, *memory_);
  if (states != nullptr) {
    for_each_state_gradient(*states, [](std::span<float> given, std::span<float> own) {
      std::ranges::copy(own.first(given.size()), given.begin());
    });
  }
  if (!aside) return;
  team.split(rows, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t r = first; r < last; ++r) std::copy_n(dx_.data() + r * dx_stride, inputs, dx.data() + r * inputs);
  });
}

void LayerRunner::prepare_step() {
  layer_->prepare({1, 1}, format_, 1, false, *memory_);
  prepare_scratch(1, 1, false);
}

void LayerRunner::step(std::span<const float> x, State& state) noexcept {
  const FlushDenormals flush;
  const WindowShape window = {1, 1};
  layer_->infer(window, {x.data(), 0, nullptr}, state.values().data(), *memory_, scratch_[0]);
}

}  // namespace sluice
