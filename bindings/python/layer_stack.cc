#include "layer_stack.h"

#include <algorithm>
#include <cstring>

#include "sluice/cell.h"

namespace sluice::python {
namespace {

// PyTorch's order of a cell's blocks. The one of "gru", which PyTorch lacks, is that of its own GRU.
GateOrder order_of(std::string_view cell) {
  const auto found = std::ranges::find(gate_orders, cell, &GateOrder::cell);
  if (found != gate_orders.end()) return *found;
  if (cell == "rnn") return {cell, one_gate, one_gate};
  if (cell == "lstm") return {cell, lstm_ifgo, lstm_ifgo};
  return {cell, gru_rzn, gru_rzn};  // inside z, r, h
}

void copy_block(std::span<const float> from, std::span<float> to, bool negated) {
  if (!negated) return std::ranges::copy(from, to.begin()), void();
  std::ranges::transform(from, to.begin(), [](float x) { return -x; });
}

// For every block: f(its rows outside, its rows inside, whether the sign differs).
template <class Outside, class Inside, class F>
void for_each_block(std::span<const GateBlock> order, Outside outside, Inside inside, F&& f) {
  const std::size_t size = outside.size() / order.size();
  for (std::size_t k = 0; k < order.size(); ++k) {
    f(outside.subspan(k * size, size), inside.subspan(order[k].internal * size, size), order[k].negated);
  }
}

void expect_size(const char* what, std::size_t expected, std::size_t found) {
  if (expected == found) return;
  throw Error(Status::usage, std::string(what) + ": expected " + std::to_string(expected) + " numbers, found " +
                                 std::to_string(found));
}

}  // namespace

LayerStack::LayerStack(const StackShape& shape, std::size_t threads)
    : shape_(shape), team_(threads), order_(order_of(shape_.cell)), states_(find_cell(shape.cell).states.size()) {
  for (std::size_t l = 0; l < shape.layers; ++l) {
    LayerRunner runner({.cell = shape.cell,
                        .units = shape.hidden,
                        .direction = shape.bidirectional ? "both" : "forward",
                        .activation = shape.activation},
                       shape.inputs_of(l));
    Parameters gradients = runner.parameters().zeros_like();
    layers_.push_back({std::move(runner), std::move(gradients), {}, {}, {}});
  }
}

void LayerStack::set_weights(std::span<const PyTorchWeights> weights) {
  const std::size_t directions = shape_.directions(), rows = gates() * shape_.hidden;
  expect_size("weights", shape_.layers * directions, weights.size());
  for (std::size_t l = 0; l < shape_.layers; ++l) {
    const std::span<const PyTorchWeights> own = weights.subspan(l * directions, directions);
    std::vector<float>& given = layers_[l].given;
    bool same = !given.empty();
    std::size_t at = 0;
    for (const PyTorchWeights& w : own) {
      expect_size("weight_ih", rows * shape_.inputs_of(l), w.weight_ih.size());
      expect_size("weight_hh", rows * shape_.hidden, w.weight_hh.size());
      if (shape_.bias) expect_size("bias_ih", rows, w.bias_ih.size()), expect_size("bias_hh", rows, w.bias_hh.size());
      for (const std::span<const float> part : {w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh}) {
        same = same && std::memcmp(part.data(), given.data() + at, part.size_bytes()) == 0;
        at += part.size();
      }
    }
    if (same) continue;
    given.clear();
    for (const PyTorchWeights& w : own) {
      for (const std::span<const float> part : {w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh}) {
        given.insert(given.end(), part.begin(), part.end());
      }
    }
    write_weights(l, own);
    layers_[l].runner.pack(team_);
  }
}

void LayerStack::write_weights(std::size_t layer, std::span<const PyTorchWeights> weights) {
  Parameters& inside = layers_[layer].runner.parameters();
  for (std::size_t d = 0; d < weights.size(); ++d) {
    const PyTorchWeights& w = weights[d];
    const std::size_t first = d * tensors_a_direction();
    for_each_block(order_.input, w.weight_ih, inside[first], copy_block);
    for_each_block(order_.recurrent, w.weight_hh, inside[first + 1], copy_block);
    std::ranges::fill(inside[first + 2], 0.f);
    if (!shape_.bias) continue;
    for_each_block(order_.input, w.bias_ih, inside[first + 2], copy_block);
    // Where both biases of a gate are only ever added, one will do.
    const std::size_t h = shape_.hidden;
    for (std::size_t k = 0; k < gates(); ++k) {
      const std::span<const float> from = w.bias_hh.subspan(k * h, h);
      if (k == order_.apart) {
        std::ranges::copy(from, inside[first + 3].begin());
        continue;
      }
      const GateBlock& block = order_.input[k];
      const std::span<float> to = inside[first + 2].subspan(block.internal * h, h);
      for (std::size_t u = 0; u < h; ++u) to[u] += block.negated ? -from[u] : from[u];
    }
  }
}

void LayerStack::read_gradients(std::size_t layer, std::span<const PyTorchGradients> gradients) const {
  const Parameters& inside = layers_[layer].gradients;
  const auto back = [](std::span<float> outside, std::span<const float> own, bool negated) {
    copy_block(own, outside, negated);
  };
  for (std::size_t d = 0; d < gradients.size(); ++d) {
    const PyTorchGradients& g = gradients[d];
    const std::size_t first = d * tensors_a_direction(), h = shape_.hidden;
    for_each_block(order_.input, g.weight_ih, inside[first], back);
    for_each_block(order_.recurrent, g.weight_hh, inside[first + 1], back);
    if (!shape_.bias) continue;
    for_each_block(order_.input, g.bias_ih, inside[first + 2], back);
    std::ranges::copy(g.bias_ih, g.bias_hh.begin());
    if (order_.apart) std::ranges::copy(inside[first + 3], g.bias_hh.subspan(*order_.apart * h, h).begin());
  }
}

// The states of a layer, [directions][S][B][H], out of all of them, [layers * directions, B, H] each.
State LayerStack::state_of(std::size_t layer, std::size_t batch, const PyTorchStates<const float>& all) const {
  State state = layers_[layer].runner.initial_state(batch);
  const std::size_t size = batch * shape_.hidden;
  for (std::size_t d = 0; d < shape_.directions(); ++d) {
    for (std::size_t s = 0; s < states_; ++s) {
      const std::span<const float> from = s == 0 ? all.h : all.c;
      if (from.empty()) continue;
      std::ranges::copy(from.subspan((layer * shape_.directions() + d) * size, size), state.of(d, s).begin());
    }
  }
  return state;
}

void LayerStack::put_state(std::size_t layer, const State& state, const PyTorchStates<float>& all) const {
  const std::size_t size = state.batch() * shape_.hidden;
  for (std::size_t d = 0; d < shape_.directions(); ++d) {
    for (std::size_t s = 0; s < states_; ++s) {
      const std::span<float> to = s == 0 ? all.h : all.c;
      if (to.empty()) continue;
      std::ranges::copy(state.of(d, s),
                        to.begin() + static_cast<std::ptrdiff_t>((layer * shape_.directions() + d) * size));
    }
  }
}

Random LayerStack::dropout_of(std::size_t layer) const { return dropout_random({input_.seed, 0}, layer); }

std::span<const float> LayerStack::input_of(std::size_t layer) const {
  return layer == 0 ? input_.x : std::span<const float>(layers_[layer - 1].y);
}

void LayerStack::forward(const Input& input, std::span<float> y, const PyTorchStates<float>& last) {
  const FlushDenormals flush;
  lengths_.assign(input.lengths.begin(), input.lengths.end());
  input_ = input;
  input_.lengths = lengths_;
  const std::size_t rows = input.x.size() / shape_.inputs;
  for (std::size_t l = 0; l < shape_.layers; ++l) {
    const bool top = l + 1 == shape_.layers;
    Layer& layer = layers_[l];
    State state = state_of(l, input.batch, input.first);
    if (!top) layer.y.resize(rows * shape_.outputs());
    const std::span<float> out = top ? y : std::span(layer.y);
    if (input.tape || !input_.lengths.empty() || shape_.bidirectional) {
      layer.runner.forward(input_of(l), state, out, team_, input_.lengths);
    } else {
      layer.runner.infer(input_of(l), state, out, team_);
    }
    put_state(l, state, last);
    if (!top && drops()) {
      drop_rows(out.data(), shape_.outputs(), out.data(), shape_.outputs(), rows, shape_.outputs(), shape_.dropout,
                dropout_of(l), team_);
    }
  }
}

void LayerStack::backward(std::span<const float> dy, const PyTorchStates<const float>& last,
                          std::span<const PyTorchGradients> gradients, std::span<float> dx,
                          const PyTorchStates<float>& first) {
  const FlushDenormals flush;
  const std::size_t directions = shape_.directions();
  const bool states = !last.h.empty() || !last.c.empty() || !first.h.empty() || !first.c.empty();
  for (std::size_t l = shape_.layers; l-- > 0;) {
    Layer& layer = layers_[l];
    const std::span<const float> x = input_of(l);
    if (l > 0) layer.dx.resize(x.size());
    const std::span<float> down = l > 0 ? std::span(layer.dx) : dx;
    State gradient = state_of(l, input_.batch, last);
    layer.runner.backward(x, dy, layer.gradients, down, team_, states ? &gradient : nullptr);
    put_state(l, gradient, first);
    read_gradients(l, gradients.subspan(l * directions, directions));
    if (l > 0 && drops()) {
      const std::size_t width = shape_.outputs();
      drop_rows(down.data(), width, down.data(), width, down.size() / width, width, shape_.dropout, dropout_of(l - 1),
                team_);
    }
    dy = down;
  }
}

}  // namespace sluice::python
