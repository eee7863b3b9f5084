#include "model/directed_layer.h"

#include <algorithm>

#include "kernels/pointwise.h"

namespace sluice {

struct DirectedLayer::LayerMemory : Part::Memory {
  std::unique_ptr<Memory> forward, reverse;
  std::vector<std::uint32_t> turned;   // [N] of a row, that of the same sequence as far from the other end
  std::vector<std::uint32_t> slots;    // [N] of turned rows that repeat, and
  std::vector<std::uint32_t> by_slot;  // [N]
  Repeated repeated;                   // which say so
  AlignedVector<float> input;          // [N, I] turned; empty where rows repeat
  AlignedVector<float> output;         // [N, outputs]
  AlignedVector<float> dy, dx;         // [N, H] of one direction; [N, I] of the reverse one, turned
};

namespace {

constexpr std::size_t kReverseMask =
    256;  // masks of recurrent weights: those of backward directions come after the rest

// Numbers of state of one direction.
std::size_t state_size_of(const LayerConfig& config) { return find_cell(config.cell).states.size() * config.units; }

// turned[row]: the same sequence's row as many steps before its end as `row` is after its start.
void turn(const WindowShape& window, std::vector<std::uint32_t>& turned) {
  const auto row_of = [&](std::size_t t) {
    return window.entries == nullptr ? t * window.batch : window.entries[t + 1] - window.entries[1];
  };
  std::size_t length = window.steps;
  for (std::size_t b = 0; b < window.batch; ++b) {
    while (row_of(length) - row_of(length - 1) <= b) --length;
    for (std::size_t t = 0; t < length; ++t) {
      turned[row_of(t) + b] = static_cast<std::uint32_t>(row_of(length - 1 - t) + b);
    }
  }
}

}  // namespace

DirectedLayer::DirectedLayer(const LayerConfig& config, std::size_t place, std::size_t inputs,
                             const std::vector<Shape>& tensors)
    : Part(inputs, config.direction == "both" ? 2 * config.units : config.units, config.direction == "backward" ? 1 : 2,
           (config.direction == "backward" ? 1 : 2) * state_size_of(config)),
      reverse_(config, inputs, first_tensor(tensors, place, true), kReverseMask + place) {
  if (config.direction != "backward") forward_.emplace(config, inputs, first_tensor(tensors, place), place);
}

std::vector<const RecurrentLayer*> DirectedLayer::recurrent() const {
  if (!forward_) return {&reverse_};
  return {&*forward_, &reverse_};
}

Sequence DirectedLayer::sequence(const WindowShape& window, std::size_t direction, Memory& memory) const {
  auto& m = static_cast<LayerMemory&>(memory);
  if (forward_ && direction == 0) return forward_->sequence(window, *m.forward);
  return reverse_.sequence(window, *m.reverse);
}

std::span<float> DirectedLayer::state_gradient(std::size_t direction, std::size_t state, Memory& memory) const {
  auto& m = static_cast<LayerMemory&>(memory);
  if (forward_ && direction == 0) return forward_->state_gradient(0, state, *m.forward);
  return reverse_.state_gradient(0, state, *m.reverse);
}

SharedRoom DirectedLayer::room() const { return reverse_.room(); }

void DirectedLayer::pack(const Parameters& parameters, Format format, Team& team) {
  if (forward_) forward_->pack(parameters, format, team);
  reverse_.pack(parameters, format, team);
}

std::unique_ptr<Part::Memory> DirectedLayer::memory() const {
  auto m = std::make_unique<LayerMemory>();
  if (forward_) m->forward = forward_->memory();
  m->reverse = reverse_.memory();
  return m;
}

void DirectedLayer::prepare(const WindowShape& window, Format format, std::size_t threads, bool training,
                            Memory& memory) const {
  auto& m = static_cast<LayerMemory&>(memory);
  if (forward_) forward_->prepare(window, format, threads, training, *m.forward);
  reverse_.prepare(window, format, threads, training, *m.reverse);
  const std::size_t rows = window.rows();
  m.turned.resize(rows);
  m.slots.resize(rows);
  m.by_slot.resize(rows);
  turn(window, m.turned);
  grow(m.input, rows * row_stride(inputs()));
  grow(m.output, rows * row_stride(outputs()));
  if (!training) return;
  grow(m.dy, rows * reverse_.shape().state_stride());
  grow(m.dx, rows * row_stride(inputs()));
}

void DirectedLayer::load(const WindowShape& window, const State& state, std::size_t first, Memory& memory) const {
  auto& m = static_cast<LayerMemory&>(memory);
  if (forward_) forward_->load(window, state, first++, *m.forward);
  reverse_.load(window, state, first, *m.reverse);
}

void DirectedLayer::store(const WindowShape& window, const Memory& memory, std::size_t first, State& state) const {
  const auto& m = static_cast<const LayerMemory&>(memory);
  if (forward_) forward_->store(window, *m.forward, first++, state);
  reverse_.store(window, *m.reverse, first, state);
}

// What the backward direction reads: rows that repeat stay where they are, and only their numbers are turned.
PartInput DirectedLayer::reversed(const WindowShape& window, const PartInput& in, LayerMemory& m) const {
  const std::size_t rows = window.rows(), stride = row_stride(inputs());
  if (in.repeated == nullptr) {
    for (std::size_t r = 0; r < rows; ++r) {
      std::copy_n(in.x + m.turned[r] * in.stride, inputs(), m.input.data() + r * stride);
    }
    return {m.input.data(), stride, nullptr};
  }
  const Repeated& all = *in.repeated;
  for (std::size_t r = 0; r < rows; ++r) m.slots[r] = all.slots[m.turned[r]];
  for (std::size_t u = 0; u < all.distinct; ++u) {
    const auto first = m.by_slot.begin() + all.starts[u], last = m.by_slot.begin() + all.starts[u + 1];
    std::transform(all.by_slot.begin() + all.starts[u], all.by_slot.begin() + all.starts[u + 1], first,
                   [&](std::uint32_t row) { return m.turned[row]; });
    std::sort(first, last);
  }
  m.repeated = {all.distinct, m.slots, m.by_slot, all.starts};
  return {in.x, in.stride, &m.repeated};
}

// Rows [first, last) of both directions into one.
void DirectedLayer::merge(const float* ahead, const float* back, LayerMemory& m, std::size_t first,
                          std::size_t last) const noexcept {
  const LayerShape& shape = reverse_.shape();
  const std::size_t stride = row_stride(outputs()), hidden = shape.hidden, column = reverse_column();
  for (std::size_t r = first; r < last; ++r) {
    float* out = m.output.data() + r * stride;
    if (ahead != nullptr) std::copy_n(ahead + r * shape.state_stride(), hidden, out);
    const float* turned = back + m.turned[r] * shape.state_stride();
    if (ahead != nullptr && column == 0) {
      for (std::size_t u = 0; u < hidden; ++u) out[u] += turned[u];
    } else {
      std::copy_n(turned, hidden, out + column);
    }
    std::fill(out + outputs(), out + stride, 0.f);
  }
}

void DirectedLayer::forward(const Pass& pass, const PartInput& in, const Parameters& parameters, Memory& memory) const {
  auto& m = static_cast<LayerMemory&>(memory);
  if (forward_) forward_->forward(pass, in, parameters, *m.forward);
  reverse_.forward(pass, reversed(pass.window, in, m), parameters, *m.reverse);
  const float* ahead = forward_ ? forward_->rows(pass.window, *m.forward) : nullptr;
  const float* back = reverse_.rows(pass.window, *m.reverse);
  pass.team.split(pass.window.rows(), 1,
                  [&](std::size_t first, std::size_t last) { merge(ahead, back, m, first, last); });
}

const float* DirectedLayer::rows(const WindowShape&, const Memory& memory) const {
  return static_cast<const LayerMemory&>(memory).output.data();
}

void DirectedLayer::backward(const Pass& pass, const PartInput& in, const PartGradient& gradient,
                             const Parameters& parameters, Parameters& gradients, Memory& memory) const {
  auto& m = static_cast<LayerMemory&>(memory);
  const LayerShape& shape = reverse_.shape();
  const std::size_t rows = pass.window.rows(), hidden = shape.hidden, stride = shape.state_stride();
  // The gradient of one direction's rows: columns of the whole, turned for the backward one.
  const auto part = [&](std::size_t column, bool turned) {
    pass.team.split(rows, 1, [&](std::size_t first, std::size_t last) {
      for (std::size_t r = first; r < last; ++r) {
        const std::size_t from = turned ? m.turned[r] : r;
        float* to = m.dy.data() + r * stride;
        std::copy_n(gradient.y + from * gradient.y_stride + column, hidden, to);
        std::fill(to + hidden, to + stride, 0.f);
      }
    });
    return m.dy.data();
  };
  if (forward_) {
    forward_->backward(pass, in, {part(0, false), stride, gradient.x, gradient.x_stride}, parameters, gradients,
                       *m.forward);
  }
  const PartInput turned = in.repeated == nullptr ? PartInput{m.input.data(), row_stride(inputs()), nullptr}
                                                  : PartInput{in.x, in.stride, &m.repeated};
  float* dx = gradient.x == nullptr ? nullptr : m.dx.data();
  const std::size_t dx_stride = row_stride(inputs());
  reverse_.backward(pass, turned, {part(reverse_column(), true), stride, dx, dx_stride}, parameters, gradients,
                    *m.reverse);
  if (dx == nullptr) return;
  // Added to the forward direction's, row for row; those of repeated rows are not turned.
  const std::size_t width = round_up(inputs(), kBlock);
  const std::size_t count = in.repeated == nullptr ? rows : in.repeated->distinct;
  pass.team.split(count, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t r = first; r < last; ++r) {
      const float* from = dx + (in.repeated == nullptr ? m.turned[r] : r) * dx_stride;
      float* to = gradient.x + r * gradient.x_stride;
      if (forward_) {
        add_to(to, from, width);
      } else {
        std::copy_n(from, width, to);
      }
    }
  });
}

const float* DirectedLayer::infer(const WindowShape& window, const PartInput& in, float* state, Memory& memory,
                                  Scratch& scratch) const noexcept {
  auto& m = static_cast<LayerMemory&>(memory);
  const float* ahead = nullptr;
  if (forward_) {
    ahead = forward_->infer(window, in, state, *m.forward, scratch);
    state += window.batch * forward_->state_size();
  }
  const float* back = reverse_.infer(window, reversed(window, in, m), state, *m.reverse, scratch);
  merge(ahead, back, m, 0, window.rows());
  return m.output.data();
}

}  // namespace sluice
