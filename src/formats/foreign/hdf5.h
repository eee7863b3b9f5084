// HDF5 files as h5py writes them by default: superblock 0, groups as symbol tables, datasets in one piece, attributes
// of text. Anything newer, chunked or compressed is refused by name. Format: "HDF5 File Format Specification
// Version 3.0", sections II.A, III.A to III.D, IV.A.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "formats/foreign/tensors.h"

namespace sluice::foreign {

bool is_hdf5(std::string_view bytes);

struct Hdf5 {
  std::vector<RawTensor> datasets;  // by path, "layers/gru/cell/vars/0"
  // Attributes of groups and datasets that are text, by path ("" is the root) and name.
  std::map<std::string, std::map<std::string, std::vector<std::string>>> texts;

  const std::vector<std::string>* find_text(const std::string& path, const std::string& name) const;
};

// Views into `bytes`. Throws Error (bad_file).
Hdf5 read_hdf5(std::string_view bytes, const std::string& where);

}  // namespace sluice::foreign
