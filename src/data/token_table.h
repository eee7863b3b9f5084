// Distinct tokens numbered in the order they were added: an open-addressing hash table over one growing arena, because
// splitting a text looks up millions of tokens and must not allocate for each.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "sluice/data.h"

namespace sluice {

class TokenTable {
 public:
  static constexpr Token none = ~Token{0};

  TokenTable() : slots_(1024, none) { ascii_.fill(none); }

  std::size_t size() const { return tokens_.size(); }
  std::string_view token(Token id) const { return tokens_[id]; }

  Token find(std::string_view token) const {
    if (token.size() == 1 && is_ascii(token)) return ascii_[static_cast<unsigned char>(token[0])];
    return slots_[slot_of(token, std::hash<std::string_view>{}(token))];
  }

  // The number of the token, which is added when it is new.
  Token add(std::string_view token) {
    const bool single = token.size() == 1 && is_ascii(token);
    if (single && ascii_[static_cast<unsigned char>(token[0])] != none) {
      return ascii_[static_cast<unsigned char>(token[0])];
    }
    const std::size_t hash = std::hash<std::string_view>{}(token);
    const std::size_t slot = slot_of(token, hash);
    if (slots_[slot] != none) return slots_[slot];
    const auto id = static_cast<Token>(tokens_.size());
    tokens_.push_back(keep(token));
    hashes_.push_back(hash);
    slots_[slot] = id;
    if (single) ascii_[static_cast<unsigned char>(token[0])] = id;
    if (tokens_.size() * 2 > slots_.size()) grow();
    return id;
  }

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 18;  // bytes of arena fetched at a time

  static bool is_ascii(std::string_view token) { return static_cast<unsigned char>(token[0]) < 0x80; }

  // Where the token is, or the free slot where it would be.
  std::size_t slot_of(std::string_view token, std::size_t hash) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = hash & mask;
    while (slots_[slot] != none && (hashes_[slots_[slot]] != hash || tokens_[slots_[slot]] != token)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  void grow() {
    slots_.assign(slots_.size() * 2, none);
    const std::size_t mask = slots_.size() - 1;
    for (Token id = 0; id < tokens_.size(); ++id) {
      std::size_t slot = hashes_[id] & mask;
      while (slots_[slot] != none) slot = (slot + 1) & mask;
      slots_[slot] = id;
    }
  }

  std::string_view keep(std::string_view token) {
    if (token.size() > free_) {
      free_ = token.size() > kBlock ? token.size() : kBlock;
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(free_));
      next_ = blocks_.back().get();
    }
    std::memcpy(next_, token.data(), token.size());
    const std::string_view kept(next_, token.size());
    next_ += token.size();
    free_ -= token.size();
    return kept;
  }

  std::vector<Token> slots_;  // a power of two; none: free
  std::vector<std::string_view> tokens_;
  std::vector<std::size_t> hashes_;
  std::array<Token, 128> ascii_;  // tokens of one ASCII character, found without hashing
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  std::size_t free_ = 0;
};

}  // namespace sluice
