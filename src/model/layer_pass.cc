#include "model/layer_pass.h"

#include <algorithm>
#include <cstring>

#include "kernels/pointwise.h"
#include "kernels/small_layer.h"

namespace sluice {
namespace {

// A thread at work on its shares of what is independent of the shares of all others.
struct Worker {
  const Team& team;
  std::size_t thread;
  Range share(std::size_t count, std::size_t grain) const { return team.share(count, grain, thread); }
};

// Rows [0, H) of `gates` gate blocks of the tape's gradients, transposed, times rows of B: [gates * H, columns].
void gate_gradients(const LayerShape& layer, const Sequence& s, int first_gate, int gates, const InputRows& b,
                    std::size_t columns, float* out, bool add, const LayerScratch& scratch, const Worker& worker) {
  // Without padding between gates all of them are one block, and B is packed once for all.
  const bool whole = layer.padded() == layer.hidden;
  const std::size_t rows = static_cast<std::size_t>(gates) * layer.hidden, block = whole ? rows : layer.hidden;
  const float* a = s.tape + static_cast<std::size_t>(first_gate) * s.hidden;
  const auto [first, last] = worker.share(rows, 24);
  for (std::size_t g = 0; g * block < rows; ++g) {
    const std::size_t from = std::max(first, g * block), to = std::min(last, (g + 1) * block);
    if (from >= to) continue;
    product({columns, s.rows(), a + g * s.hidden, 1, s.tape_stride, b.x, b.stride, out + g * block * columns, columns,
             add, scratch.format},
            from - g * block, to - g * block, 0, columns, scratch.products[worker.thread]);
  }
}

// Sums over all rows of gate blocks of the tape from `first_gate` on, [gates * Hp] in `sums`: [gates * H].
void bias_gradients(const LayerShape& layer, const Sequence& s, int first_gate, std::size_t gates, float* sums,
                    std::span<float> out, bool add, const Worker& worker) {
  const auto [first, last] = worker.share(gates * s.hidden, kBlock);
  const float* in = s.tape + static_cast<std::size_t>(first_gate) * s.hidden;
  sum_rows(in + first, s.tape_stride, s.rows(), sums + first, last - first, false);
  for (std::size_t i = first; i < last; ++i) {
    const std::size_t gate = i / s.hidden, unit = i % s.hidden;
    if (unit >= layer.hidden) continue;
    float& to = out[gate * layer.hidden + unit];
    to = add ? to + sums[i] : sums[i];
  }
}

// h before each step, row by row. Sequences of one length have it in their states as it is.
InputRows rows_before(const Sequence& s, float* before) {
  return {s.entries == nullptr ? s.states[0] : before, s.state_stride};
}

void copy_rows_before(const Sequence& s, float* before, Team& team) {
  if (s.entries == nullptr) return;
  team.split(s.steps, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t t = first; t < last; ++t) {
      std::memcpy(before + s.row_of(t) * s.state_stride, s.state_at(0, t, 0),
                  s.active(t) * s.state_stride * sizeof(float));
    }
  });
}

// dU of every stage and the recurrent bias.
void recurrent_gradients(const LayerShape& layer, const Sequence& s, const InputRows& before,
                         const LayerGradients& gradients, const LayerScratch& scratch, const Worker& worker) {
  float* out = gradients.recurrent.data();
  for (int stage = 0; stage < layer.cell->stages; ++stage) {
    InputRows b = before;
    if (stage > 0) b = {s.tape + static_cast<std::size_t>(layer.cell->mixed_row) * s.hidden, s.tape_stride};
    gate_gradients(layer, s, layer.cell->first[stage], layer.cell->count[stage], b, layer.hidden, out, gradients.add,
                   scratch, worker);
    out += static_cast<std::size_t>(layer.cell->count[stage]) * layer.hidden * layer.hidden;
  }
  if (layer.cell->own_bias < 0) return;
  bias_gradients(layer, s, layer.cell->own_bias, 1, scratch.sums + layer.gate_columns(), gradients.own, gradients.add,
                 worker);
}

void input_row_gradients(const Panels& transposed, const Sequence& s, float* dx, std::size_t dx_stride,
                         const float* zeros, const LayerScratch& scratch, const Worker& worker) {
  const auto [first, last] = worker.share(s.rows(), 1);
  multiply(transposed, s.tape, s.tape_stride, dx, dx_stride, zeros, first, last, 0, transposed.panels(),
           &scratch.products[worker.thread]);
}

// What dx begins with: [I rounded up to kBlock].
const float* clear_zeros(const LayerShape& layer, const LayerScratch& scratch) {
  float* zeros = scratch.sums + layer.gate_columns() + layer.padded();
  std::fill_n(zeros, round_up(layer.inputs, kBlock), 0.f);
  return zeros;
}

// dW, db and, unless dx is nullptr, dx.
void input_gradients(const LayerShape& layer, const Panels& transposed, const Sequence& s, const InputRows& x,
                     float* dx, std::size_t dx_stride, const float* zeros, const LayerGradients& gradients,
                     const LayerScratch& scratch, const Worker& worker) {
  gate_gradients(layer, s, 0, layer.cell->inputs, x, layer.inputs, gradients.input.data(), gradients.add, scratch,
                 worker);
  bias_gradients(layer, s, 0, layer.input_gates(), scratch.sums, gradients.bias, gradients.add, worker);
  if (dx != nullptr) input_row_gradients(transposed, s, dx, dx_stride, zeros, scratch, worker);
}

// How many steps to take back at once: as many as leave so much on the tape that the products find it in the L3 cache,
// but enough for a slice of their depth. A window of less than two such parts is not divided.
std::size_t steps_back(const LayerShape& layer, const Sequence& s) {
  constexpr std::size_t kBytes = std::size_t{4} << 20, kRows = 512;
  const std::size_t rows = s.rows(), wanted = std::max(kBytes / (layer.tape_stride() * sizeof(float)), kRows);
  const std::size_t parts = rows <= 2 * wanted ? 1 : (rows + wanted - 1) / wanted;
  return (s.steps + parts - 1) / parts;
}

}  // namespace

void LayerBuffers::prepare(const LayerShape& layer, Format format, const WindowShape& window, std::size_t threads,
                           bool training) {
  const std::size_t batch = window.batch, rows = window.rows();
  if (format == Format::bf16 || format == Format::int8) grow(words, threads * batch * layer.words_stride(format));
  if (format == Format::int8) grow(row_scales, threads * batch);
  grow(tape, rows * layer.tape_stride());
  Watch::ask();
  for (std::size_t s = 0; s < layer.states(); ++s) grow(states[s], (rows + batch) * layer.state_stride());
  if (training && window.entries != nullptr) grow(before, rows * layer.state_stride());
}

Sequence LayerBuffers::sequence(const LayerShape& layer, Format format, const WindowShape& window) {
  return {window.steps,         window.batch,        layer.padded(),
          tape.data(),          layer.tape_stride(), {states[0].data(), states[1].data()},
          layer.state_stride(), words.data(),        layer.words_stride(format),
          row_scales.data(),    window.entries};
}

std::size_t steps_at_once(std::size_t batch, std::size_t threads) {
  constexpr std::size_t kRows = 256;
  return (kRows * threads + batch - 1) / batch;
}

void load_rows(const LayerShape& layer, const float* dense, std::size_t batch, float* rows) {
  const std::size_t hidden = layer.hidden, padded = layer.padded(), stride = layer.state_stride();
  for (std::size_t b = 0; b < batch; ++b, dense += hidden, rows += stride) {
    std::memset(rows + padded - kBlock, 0, kBlock * sizeof(float));
    std::memcpy(rows, dense, hidden * sizeof(float));
  }
}

void store_rows(const LayerShape& layer, const float* rows, std::size_t batch, float* dense) {
  const std::size_t hidden = layer.hidden, stride = layer.state_stride();
  for (std::size_t b = 0; b < batch; ++b, dense += hidden, rows += stride) {
    std::memcpy(dense, rows, hidden * sizeof(float));
  }
}

void project_input(const PackedLayer& packed, const float* x, std::size_t x_stride, const Sequence& sequence,
                   const LayerScratch& scratch, Team& team) {
  team.split(sequence.rows(), 1, [&](std::size_t first, std::size_t last, std::size_t thread) {
    multiply(packed.input, x, x_stride, sequence.tape, sequence.tape_stride, packed.bias.data(), first, last, 0,
             packed.input.panels(), &scratch.products[thread]);
  });
}

void infer_layer(const CellShape& cell, const PackedLayer& packed, const InputRows& rows, const Sequence& s,
                 Scratch& scratch) noexcept {
  if (recur_small(cell, packed.input, packed.bias.data(), packed.recurrent, rows.x, rows.stride, s)) return;
  multiply(packed.input, rows.x, rows.stride, s.tape, s.tape_stride, packed.bias.data(), 0, s.rows(), 0,
           packed.input.panels(), &scratch);
  recur_forward(cell, packed.recurrent, s, Share{0, s.batch});
}

void input_row_gradients(const LayerShape& layer, const Panels& transposed, const Sequence& s, float* dx,
                         std::size_t dx_stride, const LayerScratch& scratch, Team& team) {
  const float* zeros = clear_zeros(layer, scratch);
  team.run([&](std::size_t thread) {
    input_row_gradients(transposed, s, dx, dx_stride, zeros, scratch, {team, thread});
  });
}

void input_gradients(const LayerShape& layer, const Panels& transposed, const Sequence& s, const InputRows& x,
                     float* dx, std::size_t dx_stride, const LayerGradients& gradients, const LayerScratch& scratch,
                     Team& team) {
  const float* zeros = clear_zeros(layer, scratch);
  team.run([&](std::size_t thread) {
    input_gradients(layer, transposed, s, x, dx, dx_stride, zeros, gradients, scratch, {team, thread});
  });
}

void backward_layer(const LayerShape& layer, const LayerBack& back, const Sequence& s, const Backward& backward,
                    float* before, const InputRows& x, float* dx, std::size_t dx_stride,
                    const LayerGradients& gradients, const LayerScratch& scratch, Team& team) {
  const std::size_t count = steps_back(layer, s);
  copy_rows_before(s, before, team);
  const float* zeros = clear_zeros(layer, scratch);
  LayerGradients out = gradients;
  for (std::size_t last = s.steps; last > 0; last -= std::min(last, count), out.add = true) {
    const std::size_t first = last - std::min(last, count), row = s.row_of(first);
    Watch::ask();
    recur_backward(*layer.cell, back.recurrent, s, {first, last}, backward, team);
    Watch::ask();
    const Sequence part = steps_of(s, first, last - first);
    const InputRows part_before =
        rows_before(part, s.entries == nullptr ? nullptr : before + row * layer.state_stride());
    const InputRows part_x = {x.x + row * x.stride, x.stride};
    float* part_dx = dx == nullptr ? nullptr : dx + row * dx_stride;
    // All of these read the tape, and none what another writes: nobody waits for anybody.
    team.run([&](std::size_t thread) {
      const Worker worker = {team, thread};
      recurrent_gradients(layer, part, part_before, out, scratch, worker);
      if (x.x == nullptr) return;
      input_gradients(layer, back.input, part, part_x, part_dx, dx_stride, zeros, out, scratch, worker);
    });
  }
}

}  // namespace sluice
