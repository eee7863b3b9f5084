// What a cell's file is written in besides numbers: stages and shown gates.
#pragma once

#include "sluice/cell.h"

namespace sluice {

// Rows [first, first + count) of the tape that one recurrent product feeds.
struct Stage {
  int first, count;
};

// A gate that people are shown, the tape row it is read from, and whether it is shown as 1 - row.
struct Shown {
  GateInfo info;
  int row;
  bool complement;
};

}  // namespace sluice
