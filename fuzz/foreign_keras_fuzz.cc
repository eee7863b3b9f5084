// Keras: archives and HDF5 files, with a config and without.
#include "foreign.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::foreign::Options options;
  sluice::foreign::fuzz_model(data, size, options);
  options.parts = "gru=sigmoid/tanh,dense";
  sluice::foreign::fuzz_model(data, size, options);
  return 0;
}
