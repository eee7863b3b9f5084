// The characters that words are spelt with, as numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sluice/sequences.h"

namespace sluice {

class Alphabet {
 public:
  // Of a word with more characters than twice this, only so many are read from its start and from its end: an address
  // on the internet needs no more to be recognised.
  static constexpr std::size_t kMostAtEnds = 16;

  // The distinct characters of a text in UTF-8, in that order.
  explicit Alphabet(std::string_view text);
  // Those that these words, in UTF-8, have more than once, in the order of their code points: a network learns nothing
  // of one that it sees once, but something of all such ones together.
  static Alphabet of(std::span<const std::string> words);

  const std::string& text() const { return text_; }
  // How many numbers there are. 0 stands for every character that is not in the text.
  std::size_t size() const { return numbers_.size() + 1; }
  // Adds the spelling of a word, which is not empty.
  void spell(std::string_view word, Spellings& spellings) const;

 private:
  std::string text_;
  std::unordered_map<char32_t, std::uint32_t> numbers_;
};

}  // namespace sluice
