// The weights of a network as the tensors of a model file: PyTorch's names, order and sense of gates (gate_order.h).
//   embedding.weight [V, E]
//   rnn.weight_ih_l{k} [G H, I]  rnn.weight_hh_l{k} [G H, H]  rnn.bias_ih_l{k} [G H]  rnn.bias_hh_l{k} [G H]
//   the same with _reverse at the end, of a backward direction
//   dense.weight_l{k} [O, I]  dense.bias_l{k} [O]
//   head.weight [O, H] (not when tied)  head.bias [O]
// Layers are counted from the input; a network that reads features has no embedding. Of a cell that PyTorch does not
// have, the cell's name stands after "rnn.", so that torch.nn does not take its weights for those of another.
// Inside there is one bias where two would only be added: it is written to bias_ih beside a bias_hh of zeros, and read
// as the sum of both, so that weights trained by PyTorch fit as well.
#pragma once

#include <string>
#include <vector>

#include "base/safetensors.h"
#include "model/network.h"

namespace sluice {

// alike: to version 2 of a file, all cells had PyTorch's names. apart: since version 3.
enum class FileNames { alike, apart };

// Throws Error (failed) for weights that are NaN or infinite, naming tensor and index.
std::vector<Tensor> to_tensors(const Network& network);

// Throws Error (bad_file) unless the file holds exactly the tensors of such a network, all F32 of the right shape, all
// finite. Compares with sizes of the file alone, so that no memory is taken for what is not there.
void check_tensors(const TensorFileView& file, const Config& config, std::size_t vocabulary, const FileNames& names,
                   const std::string& path);

// Copies tensors that check_tensors has passed. Whoever calls it packs the network. Throws Error (bad_file) when the
// sum of two biases is infinite.
void from_tensors(const TensorFileView& file, Network& network, const FileNames& names, const std::string& path);

}  // namespace sluice
