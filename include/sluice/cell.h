// The recurrent cells this library knows, as data: names, gates, states, equations.
#pragma once

#include <span>
#include <string_view>

#include "sluice/export.h"
#include "sluice/standard.h"

namespace sluice {

struct GateInfo {
  std::string_view name;     // what people are shown: "retain", "reset", "input", ...
  std::string_view meaning;  // one short phrase: "share of the past that is kept"
};

struct CellInfo {
  std::string_view name;                        // "gru"
  std::string_view title;                       // "GRU, reset before the matrix product"
  std::string_view source;                      // paper and equation
  std::span<const std::string_view> equations;  // as the source prints them, one a line
  std::span<const GateInfo> gates;              // shown gates, in the order of a GateTrace; empty for the plain RNN
  std::span<const std::string_view> states;     // "h", and for LSTM "c"
  std::size_t input_rows;                       // gate rows a unit fed by W x: weight_ih is [input_rows * H, I]
  std::size_t recurrent_rows;                   // gate rows a unit fed by U h: weight_hh is [recurrent_rows * H, H]
};

// Every registered cell, in a fixed order.
SLUICE_API std::span<const CellInfo> cells();

// The cell of that name. Throws Error (usage) that lists the known names.
SLUICE_API const CellInfo& find_cell(std::string_view name);

}  // namespace sluice
