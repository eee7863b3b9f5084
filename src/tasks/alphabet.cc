#include "tasks/alphabet.h"

#include <map>
#include <vector>

#include "data/utf8.h"

namespace sluice {
namespace {

template <class F>
void each_character(std::string_view text, F&& f) {
  for (std::size_t at = 0; at < text.size(); at += sequence_length(text[at])) f(code_point(text.substr(at)));
}

}  // namespace

Alphabet::Alphabet(std::string_view text) {
  each_character(text, [&](char32_t character) {
    if (numbers_.try_emplace(character, static_cast<std::uint32_t>(size())).second) {
      append_code_point(character, text_);
    }
  });
}

Alphabet Alphabet::of(std::span<const std::string> words) {
  std::map<char32_t, std::size_t> counts;
  for (const std::string& word : words) each_character(word, [&](char32_t character) { ++counts[character]; });
  std::string text;
  for (const auto& [character, count] : counts) {
    if (count > 1) append_code_point(character, text);
  }
  return Alphabet(text);
}

void Alphabet::spell(std::string_view word, Spellings& spellings) const {
  std::vector<std::uint32_t> characters;
  each_character(word, [&](char32_t character) {
    const auto found = numbers_.find(character);
    characters.push_back(found == numbers_.end() ? 0 : found->second);
  });
  if (characters.size() > 2 * kMostAtEnds) {
    characters.erase(characters.begin() + kMostAtEnds, characters.end() - kMostAtEnds);
  }
  spellings.characters.insert(spellings.characters.end(), characters.begin(), characters.end());
  spellings.starts.push_back(spellings.characters.size());
}

}  // namespace sluice
