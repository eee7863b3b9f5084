// A foreign network as a model of ours, where it is one, and that model run on what the network would read.
#pragma once

#include <string>
#include <vector>

#include "formats/foreign/check.h"
#include "formats/foreign/network.h"
#include "sluice/model.h"

namespace sluice::foreign {

struct Converted {
  Model model;
  std::vector<std::string> remarks;  // what a user should know
  // Which port of the network is read and which is predicted; its lengths, and whether the outputs are logits.
  std::size_t input = 0, output = 0;
  ValueId lengths = no_value;
  bool logits = false;
  std::vector<std::size_t> blocks;  // of every part, the first block of a State that is its own
};

// Tokens through an embedding, or numbers; recurrent and dense layers in a chain, with the usual equations and
// activations; a linear head. Throws Error (failed) that names the first part which a model cannot hold.
// A model of text calls its tokens by their numbers, as no such file says what they mean.
Converted to_model(const Network& network, const std::string& path);

// The numbers of every output as evaluate() gives them, computed by the engine. Of steps beyond a row's length, which
// the engine does not compute, those of the reference.
std::vector<std::vector<double>> run_model(const Converted& converted, const Network& network, const Feed& feed);

// Keeps the first sequences of an example in the model, to be compared whenever its file is read, as long as they are
// no more than a file may hold; how many. A remark says so where it is none. Throws Error (bad_file) where the model
// predicts other numbers.
std::size_t keep_check(Converted& converted, const Network& network, const Example& example, double tolerance);

struct ModelCheck {
  CheckResult result;
  std::size_t kept = 0;  // sequences
};
// Compares the model with a check and keeps the check in it, with twice the tolerance, as other instruction sets round
// otherwise. Throws Error (failed) for larger differences.
ModelCheck check_model(Converted& converted, const Network& network, const std::vector<NamedArray>& arrays,
                       const std::string& path, double tolerance);

}  // namespace sluice::foreign
