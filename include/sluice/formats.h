// Model files.
#pragma once

#include <string>

#include "sluice/model.h"

namespace sluice {

struct SaveOptions {
  bool force = false;  // replace an existing file
};

// Writes one .safetensors file: tensors under PyTorch's names, config, vocabulary, notes and a self-check in
// __metadata__. To a temporary file, fsync, rename. Throws Error (failed): exists, full disk, no permission.
void save(const Model& model, const std::string& path, const SaveOptions& options = {});

// Reads one, checks every number and runs the self-check. Throws Error (bad_file), never crashes on any file.
Model load(const std::string& path);

}  // namespace sluice
