// Models of other systems: read (docs/formats.md) and written (docs/export.md).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sluice/export.h"
#include "sluice/formats.h"
#include "sluice/model.h"
#include "sluice/standard.h"

namespace sluice {

// What a file does not say, and only the user knows; the flags of `sluice import`. Nothing of it is ever guessed.
struct ImportOptions {
  std::string parts = {};  // of files of tensors alone: modules and steps in order, "embedding,gru,fc=relu"
  std::vector<std::string> unused = {};  // tensors or modules that are no part of the network
  std::string layout = {};               // of arrays with a batch axis: batch-first or time-first
  std::string reset = {};                // of a gru whose file does not say it: before or after
  std::string convention = {};           // of arrays NAME_w, NAME_u, NAME_b: keras
  std::string constants = {};            // an .npz with graph inputs of an ONNX file that are weights
  std::size_t silence = 0;               // steps of zeros before the first one
  std::string check = {};                // a file of inputs and of what the source computed, kept in the model
  double tolerance = 1e-3;               // of the check
};

// A file of PyTorch, ONNX, Keras, RTNeural, AIDA-X, GuitarML, NAM or RNNoise as a model. Throws Error: usage for an
// option that is missing or does not fit, bad_file that names the first thing which is not understood, failed that
// names the first part which a model cannot hold, or for a check that does not agree.
SLUICE_API Model import_model(const std::string& path, const ImportOptions& options = {});

// Writes a model for pytorch, onnx, keras, rtneural or nam, with its own bits, or as one C file ("c"). Throws Error:
// usage for another system, and for what that system cannot say; failed as save() does.
SLUICE_API void export_model(const Model& model, const std::string& system, const std::string& path,
                             const SaveOptions& options = {});

}  // namespace sluice
