// Layers as Keras keeps their weights: in-major matrices, gates i, f, c, o and z, r, h. Also RTNeural's and RNNoise's.
#pragma once

#include <optional>
#include <string>

#include "formats/foreign/network.h"
#include "formats/foreign/tensors.h"

namespace sluice::foreign {

struct KerasWeights {
  Array kernel;               // [I, G H]
  Array recurrent;            // [H, G H]
  std::optional<Array> bias;  // [G H]; of a gru that resets after [2, 3 H]
};

// One direction. `cell` is gru_reset_before or gru_reset_after for a gru, whose bias must fit it.
Direction keras_direction(Cell cell, const KerasWeights& weights, std::size_t hidden, const std::string& where);

// y = x K + b, kernel [I, O].
Dense keras_dense(const Array& kernel, const std::optional<Array>& bias, const std::string& where);

}  // namespace sluice::foreign
