#include "model/layer_pass.h"

#include <algorithm>
#include <cstring>

#include "kernels/pointwise.h"

namespace sluice {
namespace {

// Rows [0, H) of `gates` gate blocks of the tape's gradients, transposed, times rows of B: [gates * H, columns].
void gate_gradients(const LayerShape& layer, const Sequence& s, int first_gate, int gates, const float* b,
                    std::size_t b_row, std::size_t columns, float* out, const LayerScratch& scratch, Team& team) {
  // Without padding between gates all of them are one block, and B is packed once for all.
  const bool whole = layer.padded() == layer.hidden;
  const std::size_t rows = static_cast<std::size_t>(gates) * layer.hidden, block = whole ? rows : layer.hidden;
  const float* a = s.tape + static_cast<std::size_t>(first_gate) * s.hidden;
  team.run([&](std::size_t thread) {
    const std::size_t grain = 24, units = (rows + grain - 1) / grain;
    const std::size_t first = units * thread / team.size() * grain;
    const std::size_t last = std::min(rows, units * (thread + 1) / team.size() * grain);
    for (std::size_t g = 0; g * block < rows; ++g) {
      const std::size_t from = std::max(first, g * block), to = std::min(last, (g + 1) * block);
      if (from >= to) continue;
      product({columns, s.steps * s.batch, a + g * s.hidden, 1, s.tape_stride, b, b_row, out + g * block * columns,
               columns, false, scratch.format},
              from - g * block, to - g * block, 0, columns, scratch.products[thread]);
    }
  });
}

// Sums over all rows of `gates` gate blocks of the tape from `first_gate` on: [gates * H].
void bias_gradients(const LayerShape& layer, const Sequence& s, int first_gate, std::size_t gates, std::span<float> out,
                    const LayerScratch& scratch, Team& team) {
  const float* in = s.tape + static_cast<std::size_t>(first_gate) * s.hidden;
  team.split(gates * s.hidden, kBlock, [&](std::size_t first, std::size_t last) {
    sum_rows(in + first, s.tape_stride, s.steps * s.batch, scratch.sums + first, last - first, false);
  });
  for (std::size_t g = 0; g < gates; ++g) {
    std::copy_n(scratch.sums + g * s.hidden, layer.hidden, out.data() + g * layer.hidden);
  }
}

}  // namespace

void LayerBuffers::prepare(const LayerShape& layer, Format format, std::size_t steps, std::size_t batch,
                           std::size_t threads) {
  if (format == Format::bf16 || format == Format::int8) grow(words, threads * batch * layer.words_stride(format));
  if (format == Format::int8) grow(row_scales, threads * batch);
  grow(tape, steps * batch * layer.tape_stride());
  for (std::size_t s = 0; s < layer.states(); ++s) grow(states[s], (steps + 1) * batch * layer.state_stride());
}

Sequence LayerBuffers::sequence(const LayerShape& layer, Format format, std::size_t steps, std::size_t batch) {
  return {steps,
          batch,
          layer.padded(),
          tape.data(),
          layer.tape_stride(),
          {states[0].data(), states[1].data()},
          layer.state_stride(),
          words.data(),
          layer.words_stride(format),
          row_scales.data()};
}

void load_rows(const LayerShape& layer, std::span<const float> dense, std::size_t batch, float* rows) {
  for (std::size_t b = 0; b < batch; ++b) {
    float* to = rows + b * layer.state_stride();
    std::memcpy(to, dense.data() + b * layer.hidden, layer.hidden * sizeof(float));
    std::memset(to + layer.hidden, 0, (layer.state_stride() - layer.hidden) * sizeof(float));
  }
}

void store_rows(const LayerShape& layer, const float* rows, std::size_t batch, std::span<float> dense) {
  for (std::size_t b = 0; b < batch; ++b) {
    std::memcpy(dense.data() + b * layer.hidden, rows + b * layer.state_stride(), layer.hidden * sizeof(float));
  }
}

void project_input(const PackedLayer& packed, const float* x, std::size_t x_stride, const Sequence& sequence,
                   const LayerScratch& scratch, Team& team) {
  team.split(sequence.steps * sequence.batch, 1, [&](std::size_t first, std::size_t last, std::size_t thread) {
    multiply(packed.input, x, x_stride, sequence.tape, sequence.tape_stride, packed.bias.data(), first, last, 0,
             packed.input.panels(), &scratch.products[thread]);
  });
}

void recurrent_gradients(const LayerShape& layer, const Sequence& s, const LayerGradients& gradients,
                         const LayerScratch& scratch, Team& team) {
  float* out = gradients.recurrent.data();
  for (int stage = 0; stage < layer.cell->stages; ++stage) {
    const float* b = stage == 0 ? s.states[0] : s.tape + static_cast<std::size_t>(layer.cell->mixed_row) * s.hidden;
    gate_gradients(layer, s, layer.cell->first[stage], layer.cell->count[stage], b,
                   stage == 0 ? s.state_stride : s.tape_stride, layer.hidden, out, scratch, team);
    out += static_cast<std::size_t>(layer.cell->count[stage]) * layer.hidden * layer.hidden;
  }
  if (layer.cell->own_bias >= 0) bias_gradients(layer, s, layer.cell->own_bias, 1, gradients.own, scratch, team);
}

void input_row_gradients(const Panels& transposed, const Sequence& s, float* dx, std::size_t dx_stride,
                         const LayerScratch& scratch, Team& team) {
  std::fill_n(scratch.sums, transposed.outputs, 0.f);
  team.split(s.steps * s.batch, 1, [&](std::size_t first, std::size_t last, std::size_t thread) {
    multiply(transposed, s.tape, s.tape_stride, dx, dx_stride, scratch.sums, first, last, 0, transposed.panels(),
             &scratch.products[thread]);
  });
}

void input_gradients(const LayerShape& layer, const Panels& transposed, const Sequence& s, const float* x,
                     std::size_t x_stride, float* dx, std::size_t dx_stride, const LayerGradients& gradients,
                     const LayerScratch& scratch, Team& team) {
  gate_gradients(layer, s, 0, layer.cell->inputs, x, x_stride, layer.inputs, gradients.input.data(), scratch, team);
  bias_gradients(layer, s, 0, layer.input_gates(), gradients.bias, scratch, team);
  if (dx != nullptr) input_row_gradients(transposed, s, dx, dx_stride, scratch, team);
}

}  // namespace sluice
