#include "model/packing.h"

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

// A matrix whose gate blocks of H rows are spread to blocks of Hp.
struct Gated {
  const float* data;   // [gates * H, columns]
  std::size_t hidden;  // H
  std::size_t columns;
};

// Fills one vector of a panel: output lane i is row (gate, unit + i) of the matrix, depth runs over its columns. In
// pieces of the depth, because every lane writes to the same cache lines.
void fill_rows(const Gated& m, std::size_t gate, std::size_t unit, float* out, std::size_t step) {
  constexpr std::size_t kPiece = 32;
  const std::size_t real = unit < m.hidden ? std::min(kBlock, m.hidden - unit) : 0;
  const float* rows = m.data + (gate * m.hidden + unit) * m.columns;
  for (std::size_t first = 0; first < m.columns; first += kPiece) {
    const std::size_t last = std::min(m.columns, first + kPiece);
    for (std::size_t lane = 0; lane < real; ++lane) {
      const float* row = rows + lane * m.columns;
      for (std::size_t k = first; k < last; ++k) out[k * step + lane] = row[k];
    }
  }
}

// Fills one vector of a transposed panel: output lane i is column `column + i`, depth runs over (gate, unit of Hp).
void fill_columns(const Gated& m, std::size_t gates, std::size_t padded, std::size_t column, float* out,
                  std::size_t step) {
  const std::size_t real = column < m.columns ? std::min(kBlock, m.columns - column) : 0;
  for (std::size_t gate = 0; gate < gates; ++gate) {
    for (std::size_t unit = 0; unit < m.hidden; ++unit) {
      const float* row = m.data + (gate * m.hidden + unit) * m.columns + column;
      std::memcpy(out + (gate * padded + unit) * step, row, real * sizeof(float));
    }
  }
}

void shape_panels(Panels& p, std::size_t outputs, std::size_t depth, std::size_t vectors) {
  if (p.outputs == outputs && p.depth == depth && p.vectors == vectors) return;
  p.outputs = outputs;
  p.depth = depth;
  p.vectors = vectors;
  p.data.assign(p.panels() * p.stride(), 0.f);  // padding stays so
}

// Calls fill(vector index, where it starts, step between depths) for every vector of the panels.
template <class Fill>
void for_each_vector(Panels& p, Team& team, Fill&& fill) {
  team.split(p.blocks(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t v = first; v < last; ++v) {
      const std::size_t panel = v / p.vectors;
      const std::size_t vectors = std::min(p.vectors, p.blocks() - panel * p.vectors);
      fill(v, p.data.data() + panel * p.stride() + v % p.vectors * kBlock, vectors * kBlock);
    }
  });
}

}  // namespace

void pack_layer(const CellShape& cell, std::size_t hidden, std::size_t inputs, const LayerParameters& from,
                PackedLayer& to, Team& team) {
  const std::size_t padded = round_up(hidden, kBlock), blocks = padded / kBlock;
  const auto gates = static_cast<std::size_t>(cell.inputs);

  const Gated w = {from.input.data(), hidden, inputs};
  shape_panels(to.input, gates * padded, inputs, 4);
  for_each_vector(to.input, team, [&](std::size_t v, float* out, std::size_t step) {
    fill_rows(w, v / blocks, v % blocks * kBlock, out, step);
  });
  shape_panels(to.input_back, round_up(inputs, kBlock), gates * padded, 4);
  for_each_vector(to.input_back, team, [&](std::size_t v, float* out, std::size_t step) {
    fill_columns(w, gates, padded, v * kBlock, out, step);
  });
  to.bias.resize(gates * padded);
  for (std::size_t g = 0; g < gates; ++g) {
    std::copy_n(from.bias.data() + g * hidden, hidden, to.bias.data() + g * padded);
  }

  pack_recurrent(cell, hidden, from.recurrent, from.own, to.recurrent, team);
}

void pack_recurrent(const CellShape& cell, std::size_t hidden, std::span<const float> recurrent,
                    std::span<const float> own, RecurrentWeights& to, Team& team) {
  const std::size_t padded = round_up(hidden, kBlock);
  const float* rows = recurrent.data();
  for (int s = 0; s < cell.stages; ++s) {
    const auto count = static_cast<std::size_t>(cell.count[s]);
    const Gated u = {rows, hidden, hidden};
    Panels& forward = to.recurrent[s];
    shape_panels(forward, count * padded, hidden, count > 1 ? count : 4);
    for_each_vector(forward, team, [&](std::size_t v, float* out, std::size_t step) {
      fill_rows(u, v % count, v / count * kBlock, out, step);
    });
    shape_panels(to.back[s], padded, count * padded, 4);
    for_each_vector(to.back[s], team, [&](std::size_t v, float* out, std::size_t step) {
      fill_columns(u, count, padded, v * kBlock, out, step);
    });
    rows += count * hidden * hidden;
  }
  to.own.assign(padded, 0.f);
  std::copy(own.begin(), own.end(), to.own.begin());
}

void pack_head(std::span<const float> weights, std::span<const float> bias, std::size_t outputs, std::size_t depth,
               float pad, Panels& to, AlignedVector<float>& packed_bias, Team& team) {
  const std::size_t padded = round_up(outputs, kBlock);
  const Gated m = {weights.data(), outputs, depth};
  shape_panels(to, padded, depth, 4);
  for_each_vector(to, team,
                  [&](std::size_t v, float* out, std::size_t step) { fill_rows(m, 0, v * kBlock, out, step); });
  packed_bias.assign(padded, pad);
  std::copy(bias.begin(), bias.end(), packed_bias.begin());
}

}  // namespace sluice
