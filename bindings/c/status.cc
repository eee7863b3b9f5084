#include "status.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace sluice::c {
namespace {

struct Sentence {
  char text[512] = {};
  std::size_t length = 0;
};
thread_local constinit Sentence sentence;

}  // namespace

void start_sentence() noexcept {
  sentence.length = 0;
  sentence.text[0] = 0;
}

void add(std::string_view text) noexcept {
  Sentence& to = sentence;
  std::size_t length = std::min(text.size(), sizeof to.text - 1 - to.length);
  if (length < text.size()) {  // never half a character
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  }
  std::memcpy(to.text + to.length, text.data(), length);
  to.length += length;
  to.text[to.length] = 0;
}

void add(std::size_t number) noexcept {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  add(std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

}  // namespace sluice::c

const char* sluice_version(void) { return SLUICE_VERSION; }
const char* sluice_last_error(void) { return sluice::c::sentence.text; }
