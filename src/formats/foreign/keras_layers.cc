#include "formats/foreign/keras_layers.h"

#include "formats/foreign/layers.h"
#include "sluice/error.h"

namespace sluice::foreign {

Direction keras_direction(Cell cell, const KerasWeights& weights, std::size_t hidden, const std::string& where) {
  const bool gru = cell == Cell::gru_reset_before || cell == Cell::gru_reset_after;
  const std::span<const GateBlock> blocks = gru                 ? std::span<const GateBlock>(gru_zrh)
                                            : cell == Cell::rnn ? std::span<const GateBlock>(one_gate)
                                                                : std::span<const GateBlock>(lstm_ifgo);
  const std::size_t rows = gates_of(cell) * hidden;
  if (weights.kernel.shape.size() != 2) {
    throw Error(Status::bad_file,
                where + ": kernel: expected two dimensions, found shape " + text(weights.kernel.shape));
  }
  const std::size_t inputs = weights.kernel.shape[0];
  expect_shape(weights.kernel, {inputs, rows}, where + ": kernel");
  expect_shape(weights.recurrent, {hidden, rows}, where + ": recurrent kernel");
  Direction direction;
  direction.input = reordered(transposed(weights.kernel.values, inputs, rows), blocks, inputs, where);
  direction.recurrent = reordered(transposed(weights.recurrent.values, hidden, rows), blocks, hidden, where);
  if (!weights.bias) return direction;
  if (cell == Cell::gru_reset_after) {
    expect_shape(*weights.bias, {2, rows}, where + ": bias of a gru that resets after the product");
    direction.input_bias = reordered(part_of(weights.bias->values, 0, rows), blocks, 1, where);
    direction.recurrent_bias = reordered(part_of(weights.bias->values, rows, rows), blocks, 1, where);
  } else {
    expect_shape(*weights.bias, {rows}, where + ": bias");
    direction.input_bias = reordered(weights.bias->values, blocks, 1, where);
  }
  return direction;
}

Dense keras_dense(const Array& kernel, const std::optional<Array>& bias, const std::string& where) {
  if (kernel.shape.size() != 2) {
    throw Error(Status::bad_file, where + ": kernel: expected two dimensions, found shape " + text(kernel.shape));
  }
  Dense dense = {kernel.shape[0], kernel.shape[1], transposed(kernel.values, kernel.shape[0], kernel.shape[1]), {}};
  if (bias) {
    expect_shape(*bias, {kernel.shape[1]}, where + ": bias");
    dense.bias = bias->values;
  }
  return dense;
}

}  // namespace sluice::foreign
