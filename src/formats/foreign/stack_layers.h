// From the parts on the way through a foreign network to layers and a head.
#pragma once

#include <string>
#include <vector>

#include "formats/foreign/linear_map.h"
#include "formats/foreign/stack.h"

namespace sluice::foreign {

// Rows of the largest identity matrix that stands for a layer which is none.
inline constexpr std::size_t most_diagonal = 4096;

// Which steps of a layer's outputs are read: all, the last one of a layer that reads forward, the states after a layer
// has read all (the first step of a backward direction), their mean, their maximum.
enum class Steps { all, last, state, mean, maximum };

class Refusal {
 public:
  Refusal(const Network& network, const std::string& path) : network_(network), path_(path) {}
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const;
  [[noreturn]] void refuse(const Part& part, const std::string& expected) const;
  const Network& network() const { return network_; }

 private:
  const Network& network_;
  const std::string& path_;
};

// A recurrent part, or a dense one with its activation, and how it reads the outputs of the piece below.
struct StackPiece {
  const Part* part;
  ValueId reads;
  Dense dense = {};
  Activation activation = {};
  Steps own_steps = Steps::all;  // that its activation reads of its outputs
  LinearMap map = {};            // of the outputs below
  Steps steps = Steps::all;      // of them
};

// Fills in layers, head and remarks. The last map and steps are those of the outputs of the last piece. `lengths`: rows
// may have lengths of their own.
void build_layers(const Refusal& refusal, std::vector<StackPiece> pieces, const LinearMap& last_map, Steps last_steps,
                  bool lengths, Stack& stack);

}  // namespace sluice::foreign
