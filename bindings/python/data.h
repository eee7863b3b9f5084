// What is trained on: texts, and many sequences.
#pragma once

#include <memory>

#include "sluice/data.h"
#include "sluice/sequences.h"

namespace sluice::python {

// Sequences that nobody changes once they are made, so that threads may share them.
struct PythonSequences {
  std::shared_ptr<const Sequences> all;
};

}  // namespace sluice::python
