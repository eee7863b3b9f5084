#include "model/packing.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "kernels/transpose.h"

namespace sluice {
namespace {

// A matrix whose gate blocks of H rows are spread to blocks of Hp.
struct Gated {
  const float* data;   // [gates * H, columns]
  std::size_t hidden;  // H
  std::size_t columns;

  // Lanes of a vector that begins with this unit which are units.
  std::size_t real(std::size_t unit) const { return unit < hidden ? std::min(kBlock, hidden - unit) : 0; }
};

// Calls f(lane, row) for the real lanes of a vector: row points to (gate, unit + lane) of the matrix, from depth
// `first` on. In pieces of the depth, because every lane writes to the same cache lines.
template <class F>
void for_each_row(const Gated& m, std::size_t gate, std::size_t unit, F&& f) {
  constexpr std::size_t kPiece = 32;
  const std::size_t real = m.real(unit);
  const float* rows = m.data + (gate * m.hidden + unit) * m.columns;
  for (std::size_t first = 0; first < m.columns; first += kPiece) {
    const std::size_t last = std::min(m.columns, first + kPiece);
    for (std::size_t lane = 0; lane < real; ++lane) f(lane, rows + lane * m.columns, first, last);
  }
}

// Fills one vector of a panel: output lane i is row (gate, unit + i) of the matrix, depth runs over its columns.
template <class Word>
void fill_rows(const Gated& m, std::size_t gate, std::size_t unit, Word* out, std::size_t step) {
  const float* rows = m.data + (gate * m.hidden + unit) * m.columns;
  rows_to_lanes(rows, m.columns, m.real(unit), m.columns, out, step);
}

// The same as int8: q = round(w / scale), scale = max |w| / 127 over the row.
void fill_rows_int8(const Gated& m, std::size_t gate, std::size_t unit, std::uint32_t* out, std::size_t step,
                    float* scales, std::int32_t* offsets) {
  float factors[kBlock] = {};
  std::fill_n(scales, kBlock, 0.f);
  std::fill_n(offsets, kBlock, 0);
  for (std::size_t lane = 0; lane < kBlock && unit + lane < m.hidden; ++lane) {
    float most = 0, sum = 0;
    const float* row = m.data + (gate * m.hidden + unit + lane) * m.columns;
    for (std::size_t k = 0; k < m.columns; ++k) {
      most = std::max(most, std::abs(row[k]));
      sum += row[k] * 0.f;  // NaN where a weight is not finite: the output says so
    }
    if (most > 1e-30f) factors[lane] = 127.f / most;
    scales[lane] = most > 1e-30f && sum == 0 ? most / 127.f : sum;
  }
  for_each_row(m, gate, unit, [&](std::size_t lane, const float* row, std::size_t first, std::size_t last) {
    for (std::size_t k = first; k < last; k += 4) {
      std::uint32_t word = 0;
      for (std::size_t i = k; i < std::min(k + 4, last); ++i) {
        const float q = std::nearbyint(row[i] * factors[lane]);
        const int whole = q >= -127 && q <= 127 ? static_cast<int>(q) : 0;
        offsets[lane] += 128 * whole;
        word |= static_cast<std::uint32_t>(whole & 0xff) << 8 * (i - k);
      }
      out[k / 4 * step + lane] = word;
    }
  });
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
void fill_columns(const Gated& m, std::size_t gates, std::size_t padded, std::size_t column, std::uint32_t* out,
                  std::size_t step) {
  const std::size_t real = column < m.columns ? std::min(kBlock, m.columns - column) : 0;
  for (std::size_t gate = 0; gate < gates; ++gate) {
    const float* rows = m.data + gate * m.hidden * m.columns + column;
    rows_to_pairs(rows, m.columns, m.hidden, real, out + gate * padded / 2 * step, step);
  }
}

void shape_panels(Panels& p, Format format, std::size_t outputs, std::size_t depth, std::size_t vectors) {
  if (p.format == format && p.outputs == outputs && p.depth == depth && p.vectors == vectors) return;
  p = {};  // its memory goes first, and without memory it stays empty
  Panels fresh;
  fresh.format = format;
  fresh.outputs = outputs;
  fresh.depth = depth;
  fresh.vectors = vectors;
  // Padding stays as it is here.
  if (format == Format::f32) {
    fresh.data.assign(fresh.panels() * fresh.stride(), 0.f);
  } else {
    fresh.words.assign(fresh.panels() * fresh.stride(), 0u);
  }
  if (format == Format::int8) {
    fresh.scales.assign(outputs, 0.f);
    fresh.offsets.assign(outputs, 0);
  }
  p = std::move(fresh);
}

// Calls fill(vector index, where it starts, step between words) for every vector of the panels.
template <class Word, class Fill>
void for_each_vector(const Panels& p, Word* data, Team& team, Fill&& fill) {
  team.split(p.blocks(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t v = first; v < last; ++v) {
      const std::size_t panel = v / p.vectors;
      const std::size_t vectors = std::min(p.vectors, p.blocks() - panel * p.vectors);
      fill(v, data + panel * p.stride() + v % p.vectors * kBlock, vectors * kBlock);
    }
  });
}

// Packs rows of a matrix; place(v) gives gate and unit of vector v.
template <class Place>
void pack_rows(const Gated& m, Panels& p, Team& team, Place&& place) {
  if (p.format == Format::f32) {
    for_each_vector(p, p.data.data(), team, [&](std::size_t v, float* out, std::size_t step) {
      const auto [gate, unit] = place(v);
      fill_rows(m, gate, unit, out, step);
    });
    return;
  }
  for_each_vector(p, p.words.data(), team, [&](std::size_t v, std::uint32_t* out, std::size_t step) {
    const auto [gate, unit] = place(v);
    if (p.format == Format::int8) {
      fill_rows_int8(m, gate, unit, out, step, p.scales.data() + v * kBlock, p.offsets.data() + v * kBlock);
    } else {
      fill_rows(m, gate, unit, out, step);
    }
  });
}

void pack_columns(const Gated& m, std::size_t gates, std::size_t padded, Panels& p, Team& team) {
  const auto fill = [&](std::size_t v, auto* out, std::size_t step) {
    fill_columns(m, gates, padded, v * kBlock, out, step);
  };
  if (p.format == Format::f32) {
    for_each_vector(p, p.data.data(), team, fill);
  } else {
    for_each_vector(p, p.words.data(), team, fill);
  }
}

using Place = std::pair<std::size_t, std::size_t>;

// f(stage, its rows of U, its number of gates).
template <class F>
void for_each_stage(const CellShape& cell, std::size_t hidden, std::span<const float> recurrent, F&& f) {
  const float* rows = recurrent.data();
  for (int stage = 0; stage < cell.stages; ++stage) {
    const auto count = static_cast<std::size_t>(cell.count[stage]);
    f(stage, Gated{rows, hidden, hidden}, count);
    rows += count * hidden * hidden;
  }
}

}  // namespace

void pack_layer(const CellShape& cell, std::size_t hidden, std::size_t inputs, const LayerParameters& from,
                Format format, PackedLayer& to, Team& team) {
  const std::size_t padded = round_up(hidden, kBlock), blocks = padded / kBlock;
  const auto gates = static_cast<std::size_t>(cell.inputs);

  const Gated w = {from.input.data(), hidden, inputs};
  shape_panels(to.input, format, gates * padded, inputs, 4);
  pack_rows(w, to.input, team, [&](std::size_t v) { return Place(v / blocks, v % blocks * kBlock); });
  to.bias.resize(gates * padded);
  for (std::size_t g = 0; g < gates; ++g) {
    std::copy_n(from.bias.data() + g * hidden, hidden, to.bias.data() + g * padded);
  }

  pack_recurrent(cell, hidden, from.recurrent, from.own, format, to.recurrent, team);
}

void pack_recurrent(const CellShape& cell, std::size_t hidden, std::span<const float> recurrent,
                    std::span<const float> own, Format format, RecurrentWeights& to, Team& team) {
  const std::size_t padded = round_up(hidden, kBlock);
  for_each_stage(cell, hidden, recurrent, [&](int stage, const Gated& u, std::size_t count) {
    Panels& forward = to.recurrent[stage];
    shape_panels(forward, format, count * padded, hidden, count > 1 ? count : 4);
    pack_rows(u, forward, team, [&](std::size_t v) { return Place(v % count, v / count * kBlock); });
  });
  to.own.assign(padded, 0.f);
  std::copy(own.begin(), own.end(), to.own.begin());
}

void pack_transposed_input(const CellShape& cell, std::size_t hidden, std::size_t inputs, std::span<const float> input,
                           Format format, Panels& to, Team& team) {
  const std::size_t padded = round_up(hidden, kBlock);
  const auto gates = static_cast<std::size_t>(cell.inputs);
  shape_panels(to, format, round_up(inputs, kBlock), gates * padded, 4);
  pack_columns({input.data(), hidden, inputs}, gates, padded, to, team);
}

void pack_transposed_recurrent(const CellShape& cell, std::size_t hidden, std::span<const float> recurrent,
                               Format format, StagePanels& to, Team& team) {
  const std::size_t padded = round_up(hidden, kBlock);
  for_each_stage(cell, hidden, recurrent, [&](int stage, const Gated& u, std::size_t count) {
    shape_panels(to[stage], format, padded, count * padded, 4);
    pack_columns(u, count, padded, to[stage], team);
  });
}

void pack_head(std::span<const float> weights, std::span<const float> bias, std::size_t outputs, std::size_t depth,
               float pad, Format format, Panels& to, AlignedVector<float>& packed_bias, Team& team) {
  const std::size_t padded = round_up(outputs, kBlock);
  const Gated m = {weights.data(), outputs, depth};
  shape_panels(to, format, padded, depth, 4);
  pack_rows(m, to, team, [](std::size_t v) { return Place(0, v * kBlock); });
  packed_bias.assign(padded, pad);
  std::copy(bias.begin(), bias.end(), packed_bias.begin());
}

}  // namespace sluice
