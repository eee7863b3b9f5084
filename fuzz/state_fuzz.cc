// A state from any bytes: refused by an Error, or a state whose bytes are those. Random bytes never get past the
// checksum, so they are also read with one that fits, and as changes to a good state.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/fnv.h"
#include "sluice/error.h"
#include "sluice/model.h"

namespace {

using namespace sluice;

void read(std::span<const std::byte> bytes) {
  try {
    const State state = State::from_bytes(bytes);
    const std::vector<std::byte> again = state.to_bytes();
    if (!std::ranges::equal(again, bytes)) std::abort();
  } catch (const Error& error) {
    if (error.status() != Status::bad_file) std::abort();
  }
}

void read_summed(std::vector<std::byte> bytes) {
  if (bytes.size() < 8) return;
  const std::span<std::byte> body = std::span(bytes).first(bytes.size() - 8);
  const std::uint64_t sum = fnv1a(std::span<const std::byte>(body));
  for (std::size_t i = 0; i < 8; ++i) bytes[body.size() + i] = static_cast<std::byte>(sum >> (8 * i) & 0xff);
  read(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  read(bytes);
  read_summed(bytes);
  std::vector<std::byte> good = State(2, 2, 2, 3).to_bytes();
  for (std::size_t i = 0; i + 1 < size; i += 2) good[data[i] % good.size()] ^= bytes[i + 1];
  read(good);
  read_summed(good);
  return 0;
}
