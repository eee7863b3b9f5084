// Other words in a word's place, drawn from a corpus.
#include <algorithm>
#include <limits>
#include <numeric>

#include "base/failure.h"
#include "base/random.h"
#include "sluice/explain.h"

namespace sluice {
namespace {

constexpr std::size_t kAround = 8;  // words more and less frequent than one that are about as frequent

}  // namespace

CorpusWords::CorpusWords(std::span<const Token> corpus, std::size_t vocabulary, std::uint64_t seed) try : seed_(seed) {
  if (corpus.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(Status::usage, "corpus: expected at most 2^32 tokens, found " + std::to_string(corpus.size()));
  }
  starts_.resize(vocabulary + 1);
  for (const Token token : corpus) {
    if (token < vocabulary) continue;
    throw Error(Status::usage,
                "corpus: expected tokens below " + std::to_string(vocabulary) + ", found " + std::to_string(token));
  }
  std::vector<std::uint32_t> counts(vocabulary);
  for (const Token token : corpus) ++counts[token];
  for (std::size_t i = 1; i < corpus.size(); ++i) ++starts_[corpus[i - 1] + 1];
  std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
  next_.resize(corpus.empty() ? 0 : corpus.size() - 1);
  std::vector<std::uint32_t> at(starts_.begin(), starts_.end() - 1);
  for (std::size_t i = 1; i < corpus.size(); ++i) next_[at[corpus[i - 1]]++] = corpus[i];
  for (Token token = 0; token < vocabulary; ++token) {
    if (counts[token] > 0) by_frequency_.push_back(token);
  }
  std::ranges::sort(by_frequency_, [&](Token a, Token b) { return std::pair(counts[b], a) < std::pair(counts[a], b); });
  ranks_.assign(vocabulary, static_cast<std::uint32_t>(by_frequency_.size()));
  for (std::size_t r = 0; r < by_frequency_.size(); ++r) ranks_[by_frequency_[r]] = static_cast<std::uint32_t>(r);
} catch (...) {
  rethrow_as_error("corpus");
}

std::vector<Token> CorpusWords::draw(std::optional<Token> before, Token word, std::size_t at, std::size_t count) const
    try {
  std::vector<Token> others;
  const auto add = [&](Token token) {
    if (token != word && token != Vocabulary::unknown) others.push_back(token);
  };
  if (before && *before + std::size_t{1} < starts_.size()) {
    for (std::size_t i = starts_[*before]; i < starts_[*before + 1]; ++i) add(next_[i]);
  }
  if (others.empty() && word < ranks_.size()) {
    const std::size_t rank = ranks_[word], first = rank - std::min(rank, kAround);
    for (std::size_t r = first; r < std::min(by_frequency_.size(), rank + kAround + 1); ++r) add(by_frequency_[r]);
  }
  std::vector<Token> drawn;
  Random random(seed_, at);
  for (std::size_t i = 0; i < count && !others.empty(); ++i) drawn.push_back(others[random.below(others.size())]);
  return drawn;
} catch (...) {
  rethrow_as_error("corpus");
}

}  // namespace sluice
