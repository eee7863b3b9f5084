// Whether a foreign network computes what its system computed: arrays in_NAME go in, what comes out is compared with
// arrays out_NAME. Names are those of the network's inputs and outputs; where one array and one input or output are
// left over they belong together, whatever they are called.
//
// How an array lies is said by the port (ONNX) or is usual:
//   a sequence   [T, F], [T] where F is 1, or with a batch axis as the layout says
//   tokens       [T], or with a batch axis
//   a vector     [F] or [B, F]
// An array with one axis more in front is one call after another, in which the state of each goes into the next.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/foreign/evaluate.h"
#include "formats/foreign/network.h"
#include "formats/foreign/tensors.h"
#include "sluice/export.h"

namespace sluice::foreign {

struct NamedArray {
  std::string name;
  Array array;
};

struct Comparison {
  std::string output, array;  // the network's name and the array's
  double largest = 0;         // difference
  double magnitude = 0;       // largest number that was expected
  std::size_t numbers = 0;
};

struct CheckResult {
  std::vector<Comparison> comparisons;
  std::vector<std::string> left_out;  // inputs that were not given: zeros
  double largest() const;
};

// The arrays of an .npz, or of JSON: {"inputs": A, "outputs": A} where A is numbers in lists within lists, or an object
// of such by name. Throws Error (bad_file).
std::vector<NamedArray> read_arrays(std::string_view bytes, const std::string& path);

// What runs the network: the reference, or a model made of it.
using Evaluator = std::function<std::vector<std::vector<double>>(const Feed&)>;

// Throws Error (usage) for arrays that fit no input or output.
CheckResult check(const Network& network, const std::vector<NamedArray>& arrays, const Evaluator& evaluator);
CheckResult check(const Network& network, const std::vector<NamedArray>& arrays);  // by the reference

// What went into one port and what is expected from another, as the engine has it.
struct Example {
  std::size_t steps = 0, batch = 0;
  std::vector<double> inputs;   // [T, B, F] or tokens [T, B]
  std::vector<double> outputs;  // [T, B, O] or [B, O]
  std::vector<double> lengths;  // [B]
};
// Nothing where the output has no array, or the network begins at a state that is not zeros.
std::optional<Example> example_of(const Network& network, const std::vector<NamedArray>& arrays, const Port& input,
                                  const Port& output);

// What comes out of simple inputs where there is nothing to compare with: waves, ascending tokens, four steps of a row.
struct FirstOutput {
  std::string output;
  std::vector<double> numbers;  // the first few
};
std::vector<FirstOutput> first_outputs(const Network& network, std::size_t most = 6);

}  // namespace sluice::foreign
