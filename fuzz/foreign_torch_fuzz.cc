// State dictionaries of PyTorch and arrays of NumPy: zip archives, pickles, headers of arrays.
#include "foreign.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::foreign::Options options;
  options.parts = "gru,fc";
  sluice::foreign::fuzz_model(data, size, options);
  return 0;
}
