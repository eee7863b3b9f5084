// The parts of a network as `info` shows them: a table of sizes and costs, and a picture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "output.h"
#include "sluice/sluice.h"
#include "terminal.h"

namespace sluice::tool {

struct PartRow {
  std::string kind;    // "embedding", "spelling", "scaling", "recurrent", "dense" or "head"
  std::string name;    // what it is called: "gru", "dense", "softmax"
  std::string detail;  // "24 units, both directions"
  std::size_t inputs = 0, outputs = 0;
  std::uint64_t parameters = 0, bytes = 0;  // of weights, in float32
  std::uint64_t state_bytes = 0;            // a stream
  std::uint64_t multiply_adds = 0;          // of matrix products, a step
  std::string per = "step";                 // of which these are: "step", "sequence" or "character"
};

// From the input to the head.
std::vector<PartRow> parts_of(const Model& model);

// {"parts": [...], "totals": {...}}
Json parts_json(const std::vector<PartRow>& parts);
std::string draw_part_table(const Style& style, const std::vector<PartRow>& parts);
// Boxes, one below the other as numbers go through them, each with its share of all weights and all work.
std::string draw_part_picture(const Style& style, const Model& model, const std::vector<PartRow>& parts);

}  // namespace sluice::tool
