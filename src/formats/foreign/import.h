// Models of other systems: any file of theirs to a ForeignNetwork (formats/foreign/network.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/foreign/network.h"
#include "sluice/formats.h"

namespace sluice::foreign {

// What a file does not say, and only the user knows. Nothing of it is ever guessed.
struct Options {
  // Of files that hold named tensors and no network (state dictionaries, arrays, weights of Keras): what runs, in
  // order. Words separated by commas, each NAME, NAME=ACTIVATION or NAME:TENSOR:TENSOR; see formats/foreign/recipe.h.
  std::string parts;
  std::vector<std::string> unused;  // tensors or modules that are no part of the network
  Layout layout = Layout::unknown;  // of arrays with a batch axis
  std::optional<bool> reset_after;  // of a GRU whose file does not say it
  std::string convention;           // of arrays NAME_w, NAME_u, NAME_b: keras
  std::string constants;            // an .npz with graph inputs of an ONNX file that are weights
  std::size_t silence = 0;          // steps of zeros before the first step: NAM's half a second
};

// Throws Error (usage) for an option that is given but is none of those that this kind of file has a use for, by the
// names of the flags.
void expect_only(const Options& options, const std::vector<std::string_view>& flags, const std::string& path);

// Whether bytes begin as a file of another system does that says its network itself. Named tensors alone are none such.
bool is_network(std::string_view bytes);

// Reads a file, whose kind is known by its bytes. Throws Error (bad_file) that names the first thing that is not
// understood, and Error (usage) where an option is missing or does not fit.
Network open_network(const std::string& path, const Options& options = {});
// The same from bytes; `path` stands for the file in messages, and external data of ONNX lies in its folder.
Network read_network(std::string_view bytes, const std::string& path, const Options& options = {});

}  // namespace sluice::foreign
