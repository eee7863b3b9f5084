// Arrays of NumPy: .npz archives of .npy entries.
// Format: "NEP 1 — A simple file format for NumPy arrays", versions 1.0 to 3.0.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/foreign/tensors.h"

namespace sluice::foreign {

// One array. Throws Error (bad_file): another byte order, objects, text, a shape that does not fit the bytes.
RawTensor read_npy(std::string_view bytes, const std::string& name, const std::string& where);

// All arrays of an archive, by their names without ".npy". Arrays of text are left out.
std::vector<RawTensor> read_npz(std::string_view bytes, const std::string& where);

}  // namespace sluice::foreign
