// A layer's and the head's weights in the form the kernels read.
#pragma once

#include <span>

#include "base/threads.h"
#include "kernels/recurrence.h"

namespace sluice {

// Row-major weights of one recurrent layer as they stand in Parameters.
struct LayerParameters {
  std::span<const float> input;      // weight_ih [inputs * H, I]
  std::span<const float> recurrent;  // weight_hh [sum of counts * H, H]
  std::span<const float> bias;       // [inputs * H]
  std::span<const float> own;        // [H] or empty
};

struct PackedLayer {
  Panels input;                // W: [inputs * Hp outputs, I]
  AlignedVector<float> bias;   // [inputs * Hp]
  RecurrentWeights recurrent;  // U
};

// These size the buffers once and fill them at every call. Work is split over the team.
void pack_layer(const CellShape& cell, std::size_t hidden, std::size_t inputs, const LayerParameters& from,
                Format format, PackedLayer& to, Team& team);
// U and the recurrent bias alone, which pack_layer packs too.
void pack_recurrent(const CellShape& cell, std::size_t hidden, std::span<const float> recurrent,
                    std::span<const float> own, Format format, RecurrentWeights& to, Team& team);
// The same weights transposed, which gradients alone need. format: f32 or bf16, which have gradients.
// W: [I padded, inputs * Hp].
void pack_transposed_input(const CellShape& cell, std::size_t hidden, std::size_t inputs, std::span<const float> input,
                           Format format, Panels& to, Team& team);
// U, a stage's rows: [Hp outputs, depth count * Hp].
void pack_transposed_recurrent(const CellShape& cell, std::size_t hidden, std::span<const float> recurrent,
                               Format format, StagePanels& to, Team& team);
// M [N, K] row-major as panels, and a bias [N] padded with `pad`.
void pack_head(std::span<const float> weights, std::span<const float> bias, std::size_t outputs, std::size_t depth,
               float pad, Format format, Panels& to, AlignedVector<float>& packed_bias, Team& team);

}  // namespace sluice
