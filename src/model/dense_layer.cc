#include "model/dense_layer.h"

#include <algorithm>

#include "model/field_checks.h"

namespace sluice {

struct DenseLayer::LayerMemory : Part::Memory {
  AlignedVector<float> y, dy;  // [N, outputs] and the gradient before the activation
  AlignedVector<float> input;  // [N, I] where rows of the input repeat, and
  AlignedVector<float> dx;     // [N, I] the gradient of each
};

namespace {

std::size_t tensor_of(const std::vector<Shape>& tensors, std::size_t place) { return first_tensor(tensors, place); }

}  // namespace

void DenseLayer::check(const LayerConfig& config, const std::string& where) {
  check_name(where + "activation", config.activation, activation_names);
}

bool DenseLayer::uses(const LayerConfig&, std::string_view field) {
  return field == "kind" || field == "units" || field == "activation" || field == "dropout";
}

void DenseLayer::add_tensors(const LayerConfig& config, std::size_t place, std::size_t inputs,
                             std::vector<Shape>& all) {
  const std::string suffix = "_l" + std::to_string(place);
  all.push_back({"dense.weight" + suffix, config.units, inputs, TensorRole::weight, place});
  all.push_back({"dense.bias" + suffix, config.units, 1, TensorRole::zeros, place});
}

DenseLayer::DenseLayer(const LayerConfig& config, std::size_t place, std::size_t inputs,
                       const std::vector<Shape>& tensors)
    : Part(inputs, config.units),
      linear_(inputs, config.units, tensor_of(tensors, place), tensor_of(tensors, place) + 1, 0),
      activation_(find_activation(config.activation)) {}

SharedRoom DenseLayer::room() const { return {inputs(), std::max(inputs(), outputs()), round_up(outputs(), kBlock)}; }

void DenseLayer::pack(const Parameters& parameters, Format format, Team& team) {
  linear_.pack(parameters, format, team);
}

std::unique_ptr<Part::Memory> DenseLayer::memory() const { return std::make_unique<LayerMemory>(); }

void DenseLayer::prepare(const WindowShape& window, Format, std::size_t, bool training, Memory& memory) const {
  auto& m = static_cast<LayerMemory&>(memory);
  grow(m.y, window.rows() * row_stride(outputs()));
  if (training) grow(m.dy, window.rows() * row_stride(outputs()));
}

InputRows DenseLayer::spread(const Pass& pass, const PartInput& in, LayerMemory& m) const {
  if (in.repeated == nullptr) return {in.x, in.stride};
  const std::size_t rows = pass.window.rows(), stride = row_stride(inputs());
  grow(m.input, rows * stride);
  for (std::size_t r = 0; r < rows; ++r) {
    std::copy_n(in.x + in.repeated->slots[r] * in.stride, inputs(), m.input.data() + r * stride);
  }
  return {m.input.data(), stride};
}

void DenseLayer::forward(const Pass& pass, const PartInput& in, const Parameters&, Memory& memory) const {
  auto& m = static_cast<LayerMemory&>(memory);
  const std::size_t stride = row_stride(outputs()), padded = linear_.padded();
  const InputRows x = spread(pass, in, m);
  linear_.forward(x, pass.window.rows(), m.y.data(), stride, pass.scratch.products, pass.team);
  pass.team.split(pass.window.rows(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t r = first; r < last; ++r) activate(activation_, m.y.data() + r * stride, outputs(), padded);
  });
}

const float* DenseLayer::rows(const WindowShape&, const Memory& memory) const {
  return static_cast<const LayerMemory&>(memory).y.data();
}

void DenseLayer::backward(const Pass& pass, const PartInput& in, const PartGradient& gradient,
                          const Parameters& parameters, Parameters& gradients, Memory& memory) const {
  auto& m = static_cast<LayerMemory&>(memory);
  const std::size_t rows = pass.window.rows(), stride = row_stride(outputs()), padded = linear_.padded();
  const InputRows x =
      in.repeated == nullptr ? InputRows{in.x, in.stride} : InputRows{m.input.data(), row_stride(inputs())};
  pass.team.split(rows, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t r = first; r < last; ++r) {
      activate_gradient(activation_, m.y.data() + r * stride, gradient.y + r * gradient.y_stride,
                        m.dy.data() + r * stride, padded);
    }
  });
  linear_.backward_weights(m.dy.data(), stride, x, rows, false, gradients, pass.scratch, pass.team);
  linear_.finish_bias(gradients, pass.scratch);
  if (gradient.x == nullptr) return;
  if (in.repeated == nullptr) {
    return linear_.backward_input(m.dy.data(), stride, rows, gradient.x, gradient.x_stride, parameters, pass.scratch,
                                  pass.team);
  }
  const std::size_t dx_stride = row_stride(inputs()), width = round_up(inputs(), kBlock);
  grow(m.dx, rows * dx_stride);
  linear_.backward_input(m.dy.data(), stride, rows, m.dx.data(), dx_stride, parameters, pass.scratch, pass.team);
  const Repeated& r = *in.repeated;
  pass.team.split(r.distinct, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t u = first; u < last; ++u) {
      const auto at = r.by_slot.subspan(r.starts[u], r.starts[u + 1] - r.starts[u]);
      sum_listed_rows(m.dx.data(), dx_stride, at, gradient.x + u * gradient.x_stride, width);
    }
  });
}

const float* DenseLayer::infer(const WindowShape& window, const PartInput& in, float*, Memory& memory,
                               Scratch& scratch) const noexcept {
  auto& m = static_cast<LayerMemory&>(memory);
  const std::size_t stride = row_stride(outputs()), rows = window.rows();
  linear_.infer({in.x, in.stride}, rows, m.y.data(), stride, scratch);
  for (std::size_t r = 0; r < rows; ++r) {
    activate(activation_, m.y.data() + r * stride, outputs(), linear_.padded());
  }
  return m.y.data();
}

}  // namespace sluice
