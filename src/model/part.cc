#include "model/part.h"

#include <algorithm>
#include <functional>

#include "kernels/pointwise.h"
#include "model/field_checks.h"
#include "model/layer_kinds.h"

namespace sluice {

Random dropout_random(const DropoutKey& key, std::size_t place) {
  return Random(mix64(key.seed ^ 0x5eed0fd20b007u), key.update * 1024 + place);
}

void drop_rows(const float* in, std::size_t in_stride, float* out, std::size_t out_stride, std::size_t rows,
               std::size_t width, double rate, const Random& random, Team& team) {
  team.split(rows, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t r = first; r < last; ++r) {
      dropout(in + r * in_stride, out + r * out_stride, width, rate, random, r * width);
    }
  });
}

const std::uint32_t* packed_entries(std::span<const std::uint32_t> lengths, std::size_t steps, std::size_t batch,
                                    std::vector<std::uint32_t>& entries) {
  const bool fits = lengths.size() == batch && batch > 0 && lengths.front() == steps && lengths.back() > 0 &&
                    std::ranges::is_sorted(lengths, std::greater<>());
  if (!fits) {
    throw Error(Status::usage,
                "lengths: expected one for each sequence, the longest first, from 1 to the steps of the window");
  }
  if (lengths.back() == steps) return nullptr;
  entries.assign(steps + 2, 0);
  std::size_t active = batch;
  for (std::size_t t = 0; t <= steps; ++t) {
    entries[t + 1] = entries[t] + static_cast<std::uint32_t>(active);
    while (active > 0 && lengths[active - 1] <= t) --active;
  }
  return entries.data();
}

StateShape state_shape(const RecurrentLayer& layer) { return {layer.shape().states(), layer.shape().hidden}; }

std::size_t first_tensor(const std::vector<Shape>& tensors, std::size_t layer, bool reverse) {
  std::size_t i = 0;
  while (tensors[i].role == TensorRole::embedding || tensors[i].layer != layer || tensors[i].reverse != reverse) ++i;
  return i;
}

void forward_part(const Part& part, const Pass& pass, const PartInput& in, const Parameters& parameters,
                  Part::Memory& memory) {
  as_its_kind(part, [&](const auto& layer) { layer.forward(pass, in, parameters, memory); });
}

void backward_part(const Part& part, const Pass& pass, const PartInput& in, const PartGradient& gradient,
                   const Parameters& parameters, Parameters& gradients, Part::Memory& memory) {
  as_its_kind(part, [&](const auto& layer) { layer.backward(pass, in, gradient, parameters, gradients, memory); });
}

std::unique_ptr<Part> make_part(const LayerConfig& config, std::size_t place, std::size_t inputs,
                                const std::vector<Shape>& tensors) {
  std::unique_ptr<Part> part;
  const bool known =
      with_kind_of(config, [&](auto kind) { part = decltype(kind)::type::make(config, place, inputs, tensors); });
  if (!known) check_name("kind", config.kind, LayerKinds::names());
  return part;
}

}  // namespace sluice
