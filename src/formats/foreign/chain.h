// Networks out of named tensors and the user's word about the order in which they run: state dictionaries of PyTorch,
// .npz archives, weights of Keras without a config.
#pragma once

#include <string>
#include <vector>

#include "formats/foreign/import.h"
#include "formats/foreign/tensors.h"

namespace sluice::foreign {

// What a module's tensors are called.
//   PyTorch   weight, bias; weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, ..._reverse, weight_hr_l0; cells
//   without
//             _l0. GRUs reset after the product.
//   Keras     kernel, bias, recurrent_kernel, embeddings; NAME_w, NAME_u, NAME_b of bare arrays
Network read_chain(std::vector<RawTensor> tensors, const std::string& format, std::uint64_t file_bytes,
                   const std::string& path, const Options& options);

}  // namespace sluice::foreign
