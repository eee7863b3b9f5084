// What the parts of the C exporter know of the network at hand, and the parts themselves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/c_cell.h"
#include "formats/export_c.h"
#include "kernels/recurrence.h"
#include "model/model_access.h"

namespace sluice {

struct CPlan {
  CPlan(const Model& model, const COptions& options);

  const Model& model;
  const COptions& options;
  const CellShape& shape;
  CellInC cell;
  std::size_t layers, hidden, inputs, outputs;  // L, H, I of the first layer, numbers that come out a step
  std::size_t input_rows, recurrent_rows, states;
  bool text, tied;       // reads tokens and expects the next; or reads numbers and predicts numbers
  bool softmax = false;  // outputs are those of classes
  std::vector<std::vector<float>> initial = {};  // of each state, [L, H] before the first step; none: zeros
  std::vector<std::uint32_t> added = {};         // of each output the feature that is added to it; none: nothing is

  bool int8() const { return options.precision == CPrecision::int8; }
  bool with_tokens() const;
  std::size_t inputs_of(std::size_t layer) const { return layer == 0 ? inputs : hidden; }
  std::size_t state_bytes() const { return 4 * (states * layers * hidden + added.size()); }
  std::size_t work_bytes() const;
  std::size_t weight_count() const { return network_of(model).parameters().count(); }
  std::size_t step_products() const;
  std::size_t output_products() const { return outputs * hidden; }
};

// Constant arrays of all weights, and how many bytes of numbers they are.
struct CWeights {
  std::string text;
  std::size_t bytes = 0;
};
CWeights c_weights(const CPlan& plan);

CInt8Error c_int8_error(const CPlan& plan);

// In order of the file; each piece is C with "@" and "@@" for the prefix.
std::string c_comment(const CPlan& plan, const CSource& facts);
std::string c_declarations(const CPlan& plan);  // what a header holds
std::string c_functions(const CPlan& plan);     // from the activations to PREFIX_softmax
// PREFIX_check and the engine's numbers it compares with; the prefix stands in it.
std::string c_check(const CPlan& plan);

}  // namespace sluice
