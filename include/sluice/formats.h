// Model files.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "sluice/export.h"
#include "sluice/model.h"
#include "sluice/standard.h"

namespace sluice {

struct SaveOptions {
  bool force = false;  // replace an existing file
};

// Writes one .safetensors file: tensors under PyTorch's names, config, vocabulary, notes and a self-check in
// __metadata__. To a temporary file, fsync, rename. Throws Error (failed): exists, full disk, no permission.
SLUICE_API void save(const Model& model, const std::string& path, const SaveOptions& options = {});

// The bytes of such a file. Throws Error (failed) for weights that are not finite.
SLUICE_API std::vector<std::byte> to_bytes(const Model& model);

// Reads one, checks every number and runs the self-check. Throws Error (bad_file), never crashes on any file.
SLUICE_API Model load(const std::string& path);
// The same from the bytes of such a file, which need not outlive the call; `name` stands for the file in messages.
SLUICE_API Model load(std::span<const std::byte> bytes, const std::string& name = "model");

}  // namespace sluice
