// A model as the bytes of a model file. Metadata, all texts:
//   format            "pt", by which PyTorch's tools know whose tensors these are
//   sluice.version    "2"; files of version 1 had another checksum
//   sluice.cell, sluice.equations   which cell this is, and what it computes, for people
//   sluice.config     the fields of visit_config as a JSON object
//                     A model on numbers has "inputs" and "outputs" among them, and not the next two.
//   sluice.layers, sluice.head, sluice.scaling, sluice.spelling   those of visit_layer, visit_head, visit_scaling and
//                     visit_spelling, where they are not the defaults
//   sluice.text       how text is split: {"level", "lowercase", "lossy"}
//   sluice.vocabulary JSON array of the tokens, by number
//   sluice.note.NAME  the model's notes
//   sluice.note.source-check  of an imported model: formats/model_check.h
//   sluice.self-check formats/self_check.h
//   sluice.checksum   base/safetensors.h
#pragma once

#include <string>
#include <string_view>

#include "sluice/model.h"

namespace sluice {

// Throws Error (failed) for weights that are not finite.
std::string model_to_bytes(const Model& model);

// Throws Error (bad_file); `path` stands for the file in messages. Safe on any bytes.
Model model_from_bytes(std::string_view bytes, const std::string& path);

}  // namespace sluice
