// Models of ours as files of other systems. Every number is the model's own: importing what was exported gives the same
// bits.
#pragma once

#include <string>
#include <string_view>

#include "sluice/model.h"

namespace sluice::foreign {

struct Exported {
  std::string bytes;  // of the file
  std::string usage;  // lines of Python that load and run it; none for files that need no such
};

// `file` is how the lines of usage call it. All throw Error (usage) for what the format cannot say, naming formats that
// can, and Error (failed) for weights that are not finite.
//   pytorch    a .safetensors under PyTorch's names: modules that torch.nn has
Exported export_pytorch(const Model& model, const std::string& file);
//   onnx       opset 17; any number of steps and rows, states in and out of a model that runs step by step
Exported export_onnx(const Model& model, const std::string& file);
//   rtneural   the JSON that RTNeural reads
Exported export_rtneural(const Model& model, const std::string& file);
//   nam        of an LSTM on one signal, for Neural Amp Modeler
Exported export_nam(const Model& model, const std::string& file);
//   keras      a .keras of Keras 3
Exported export_keras(const Model& model, const std::string& file);

struct System {
  std::string_view name;
  Exported (*write)(const Model& model, const std::string& file);
};
const System* find_system(std::string_view name);  // nullptr where there is none of that name
std::string system_names();                        // "pytorch, onnx, keras, rtneural or nam"

}  // namespace sluice::foreign
