// A layer of PyTorch's arrays, as scripts/goldens.py writes them, in our order and sense of gates.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/samples.h"

namespace sluice::test {

using nlohmann::json;

// Blocks of H rows in our order: which array and block of PyTorch's, and with which sign.
struct Block {
  std::string array;
  std::size_t block;
  double sign = 1;
};

inline Numbers blocks(const json& arrays, const std::vector<Block>& order, std::size_t hidden, std::size_t columns) {
  Numbers out;
  for (const Block& b : order) {
    const Numbers all = arrays.at(b.array).get<Numbers>();
    for (std::size_t i = 0; i < hidden * columns; ++i) out.push_back(b.sign * all.at(b.block * hidden * columns + i));
  }
  return out;
}

inline std::vector<Block> in_order(const std::string& array, std::size_t count) {
  std::vector<Block> order;
  for (std::size_t i = 0; i < count; ++i) order.push_back({array, i});
  return order;
}

struct LayerSize {
  std::size_t inputs = 0, hidden = 0;
};

// The layer of PyTorch's arrays whose names end with `suffix`; of `gru`, which PyTorch lacks, as scripts/goldens.py
// names them. PyTorch's two biases add up, and the gradient of the sum is that of either; `sum` says which is wanted.
inline reference::Layer layer_of(const CellName& name, const LayerSize& size, const json& arrays, bool sum,
                                 const std::string& suffix = "_l0") {
  const auto [I, H] = size;
  reference::Layer layer{name.cell, name.activation, I, H, {}, {}, {}, {}};
  if (name.cell == "gru") {
    layer.weight_ih = blocks(arrays, {{"W_z", 0}, {"W_r", 0}, {"W_h", 0}}, H, I);
    layer.weight_hh = blocks(arrays, {{"U_z", 0}, {"U_r", 0}, {"U_h", 0}}, H, H);
    layer.bias = blocks(arrays, {{"b_z", 0}, {"b_r", 0}, {"b_h", 0}}, H, 1);
    return layer;
  }
  const std::string w = "weight_ih" + suffix, u = "weight_hh" + suffix, b = "bias_ih" + suffix, c = "bias_hh" + suffix;
  const bool gru = name.cell == "gru-reset-after";
  const std::size_t rows = reference::rows_of(name.cell, name.activation).input;
  // PyTorch's GRU has r, z, n in every array; ours h, z, r under W and z, r, h under U.
  const auto inputs = [&](const std::string& array) {
    return gru ? std::vector<Block>{{array, 2}, {array, 1, -1}, {array, 0}} : in_order(array, rows);
  };
  layer.weight_ih = blocks(arrays, inputs(w), H, I);
  layer.weight_hh = blocks(arrays, gru ? std::vector<Block>{{u, 1, -1}, {u, 0}, {u, 2}} : in_order(u, rows), H, H);
  layer.bias = blocks(arrays, inputs(b), H, 1);
  const Numbers second = blocks(arrays, inputs(c), H, 1);
  for (std::size_t i = gru ? H : 0; sum && i < second.size(); ++i) layer.bias[i] += second[i];
  if (gru) layer.bias_hn = blocks(arrays, {{c, 2}}, H, 1);
  return layer;
}

}  // namespace sluice::test
