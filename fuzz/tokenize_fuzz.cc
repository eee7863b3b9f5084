// libFuzzer: any bytes as a text. Whatever is read, splitting, joining and reading piece by piece never crash, agree
// with each other, and give well-formed tokens.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "data/reader.h"
#include "data/utf8.h"
#include "sluice/data.h"
#include "sluice/error.h"

namespace {

void demand(bool truth) {
  if (!truth) std::abort();
}

void exercise(std::string_view text, const sluice::TextOptions& options, std::size_t chunk) {
  const sluice::Corpus corpus = sluice::Corpus::from_text(text, options, {.min_count = 1});
  const sluice::Vocabulary& vocabulary = corpus.vocabulary();
  for (const std::string& token : vocabulary.tokens()) demand(sluice::find_invalid(token) == std::string::npos);

  sluice::TokenReader reader(sluice::read_from_memory(text), "text", options, chunk);
  std::size_t count = 0;
  for (std::string_view token; reader.next(token); ++count) {
    demand(count < corpus.tokens().size() && vocabulary.token(corpus.tokens()[count]) == token);
  }
  demand(count == corpus.tokens().size());

  const std::vector<sluice::Token> tokens = vocabulary.encode(text);
  const std::string joined = vocabulary.decode(tokens);
  demand(sluice::find_invalid(joined) == std::string::npos);
  // A byte order mark that comes to stand first is read differently again.
  const bool stable = !joined.starts_with("\xef\xbb\xbf");
  demand(!stable || vocabulary.encode(joined) == tokens);
  std::string step_by_step;
  for (std::size_t i = 0; i < tokens.size() && i < 200; ++i) {
    step_by_step += vocabulary.decode_next(step_by_step, tokens[i]);
  }
  demand(joined.starts_with(step_by_step));
  vocabulary.decode_next(text, tokens.empty() ? sluice::Vocabulary::unknown : tokens[0]);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  return setenv("SLUICE_MEMORY_BUDGET", "1000000", 1);  // asking the system each time is slow
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const sluice::TextOptions options{.level = static_cast<sluice::Level>(data[0] % 3),
                                    .lowercase = (data[0] & 0x40) != 0,
                                    .lossy = (data[0] & 0x80) != 0};
  try {
    exercise(text, options, 1 + (data[0] >> 2) % 16);
  } catch (const sluice::Error&) {
    // Refused in a sentence: that is one of the two right answers.
  }
  return 0;
}
