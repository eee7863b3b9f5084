// Models that audio plug-ins play: JSON of RTNeural, GuitarML and NAM, and text of RNNoise.
#include "foreign.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::foreign::Options options;
  sluice::foreign::fuzz_model(data, size, options);
  return 0;
}
