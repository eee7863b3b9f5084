// Text into a stream: apart from the rest of it, so that whoever streams token numbers links no tables of Unicode.
#include <algorithm>

#include "base/failure.h"
#include "model/config.h"
#include "sluice/stream.h"

namespace sluice {

std::size_t Stream::feed(std::string_view text) try {
  expect_text(model().config(), "feed");
  const std::vector<Token> tokens = model().vocabulary().encode(text);
  feed(tokens);
  return static_cast<std::size_t>(std::count(tokens.begin(), tokens.end(), Vocabulary::unknown));
} catch (...) {
  rethrow_as_error("feed");
}

}  // namespace sluice
