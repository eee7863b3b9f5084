// State dictionaries that torch.save wrote: zip archives, and the older files of one pickle after another.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/foreign/tensors.h"

namespace sluice::foreign {

bool is_pytorch(std::string_view bytes);

// The tensors of a state dictionary, alone or under a key such as "state_dict" or "model". Views into `bytes`. Throws
// Error (bad_file): a pickle that wants more than tensors, storages that are not there or too small.
std::vector<RawTensor> read_pytorch(std::string_view bytes, const std::string& where);

}  // namespace sluice::foreign
