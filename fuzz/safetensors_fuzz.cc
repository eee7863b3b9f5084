// The safetensors container from any bytes: refused by an Error, or read and then the same after writing and reading.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/safetensors.h"
#include "sluice/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  TensorFile file;
  try {
    file = parse_safetensors(bytes, "fuzz");
  } catch (const Error& error) {
    if (error.status() != Status::bad_file) std::abort();
    return 0;
  }
  const TensorFile again = parse_safetensors(format_safetensors(file), "fuzz");
  if (again.metadata != file.metadata || again.tensors.size() != file.tensors.size()) std::abort();
  for (const Tensor& tensor : file.tensors) {
    const Tensor* same = again.find(tensor.name);
    if (same == nullptr || same->shape != tensor.shape || same->bytes != tensor.bytes) std::abort();
  }
  try {
    verify_checksum(bytes, file.metadata, "fuzz");
  } catch (const Error& error) {
    if (error.status() != Status::bad_file) std::abort();
  }
  return 0;
}
