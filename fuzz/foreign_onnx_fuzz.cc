// ONNX: protocol buffers and the graphs in them.
#include "foreign.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::foreign::Options options;
  options.reset_after = false;
  sluice::foreign::fuzz_model(data, size, options);
  return 0;
}
