// The order and sense of gate rows in a model file, as data. Rows of H units each are called blocks.
// Source: the documentation of torch.nn.GRU, "(W_ir|W_iz|W_in)" and h' = (1 - z) * n + z * h: there z keeps, inside it
// is the share of new memory, and since 1 - sigma(a) = sigma(-a) the one becomes the other by negating W_z, U_z and
// b_z. torch.nn.RNN and torch.nn.LSTM ("W_ii|W_if|W_ig|W_io") have the order used inside. `gru` has no form in PyTorch
// (its reset gate acts before the matrix product, and no weights convert) and is stored as it is inside.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace sluice {

// One block in the file: which internal block it is, and whether its sign is the other one.
struct GateBlock {
  std::size_t internal;
  bool negated = false;
};

// A cell whose file differs from the inside. The biases follow the input rows.
struct GateOrder {
  std::string_view cell;
  std::span<const GateBlock> input;      // of weight_ih and bias_ih
  std::span<const GateBlock> recurrent;  // of weight_hh
  // The file's block whose recurrent bias stays apart: "rnn.bias_hn_l{k}" inside.
  std::optional<std::size_t> apart = {};
};

// Inside: input rows h, z, r; recurrent rows z, r, h. In the file both are r, z, n.
inline constexpr std::array<GateBlock, 3> gru_reset_after_input = {{{2}, {1, true}, {0}}};
inline constexpr std::array<GateBlock, 3> gru_reset_after_recurrent = {{{1}, {0, true}, {2}}};

inline constexpr std::array<GateOrder, 1> gate_orders = {
    {{"gru-reset-after", gru_reset_after_input, gru_reset_after_recurrent, 2}}};

// The cells that torch.nn has, in that order and sense.
inline constexpr std::array<std::string_view, 3> pytorch_cells = {"rnn", "lstm", "gru-reset-after"};

// The orders of other systems, towards the canonical one of foreign networks: lstm i, f, g, o; gru z, r, h with z the
// share of new memory. Where z keeps, it is negated.
inline constexpr std::array<GateBlock, 1> one_gate = {{{0}}};
inline constexpr std::array<GateBlock, 4> lstm_ifgo = {{{0}, {1}, {2}, {3}}};      // PyTorch, Keras, RTNeural, NAM
inline constexpr std::array<GateBlock, 4> lstm_iofg = {{{0}, {3}, {1}, {2}}};      // ONNX
inline constexpr std::array<GateBlock, 3> lstm_peepholes_iof = {{{0}, {2}, {1}}};  // ONNX; inside i, f, o
inline constexpr std::array<GateBlock, 3> gru_rzn = {{{1}, {0, true}, {2}}};       // PyTorch
inline constexpr std::array<GateBlock, 3> gru_zrh = {{{0, true}, {1}, {2}}};       // Keras, ONNX, RTNeural, RNNoise
inline constexpr std::array<GateBlock, 3> gru_zrh_keeping = {{{0}, {1}, {2}}};     // the same, left as it is

}  // namespace sluice
