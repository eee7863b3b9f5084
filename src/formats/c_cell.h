// A cell's equations as C statements.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice {

// Lines of C for one unit j. They read and write the tape rows a[ROW * H + j] and the states h[j] (and c[j]) in
// place, and call @_sigmoid, @_tanh and @_relu; "@" and "@@" stand for the prefix of names, small and in capitals.
struct CellInC {
  std::string_view source;                              // as in CellInfo, but of this very activation
  std::span<const std::string_view> equations, states;  //
  std::string mix;      // between the two recurrent products; empty for cells of one stage
  std::string forward;  // from pre-activations to the next state
};

// Runs the functions of the cell's own file (src/cells) on symbols instead of numbers and writes down what they do, so
// every registered cell has its rendering and no equation stands twice. `indent` opens every line.
CellInC cell_in_c(std::string_view cell, std::string_view activation, std::string_view indent);

}  // namespace sluice
