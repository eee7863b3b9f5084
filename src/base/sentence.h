// A sentence put together by <<.
#pragma once

#include <sstream>

namespace sluice {

// An output stream of the standard library keeps a lack of memory to itself, and the sentence would lose its end. This
// one throws std::bad_alloc.
class Sentence : public std::ostringstream {
 public:
  Sentence() { exceptions(std::ios::badbit); }
};

}  // namespace sluice
