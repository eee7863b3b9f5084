// A long list of token numbers that grows at its end: in memory while it is small, beyond a budget in a temporary file
// that has no name (so that it vanishes with the process) and is mapped into memory when it is complete.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sluice/data.h"

namespace sluice {

// Bytes of tokens that may stay in memory: SLUICE_MEMORY_BUDGET from the environment, else a quarter of what the system
// says is available.
std::uint64_t memory_budget();

class TokenStore {
 public:
  explicit TokenStore(std::uint64_t budget) : budget_(budget) {}
  ~TokenStore();
  TokenStore(const TokenStore&) = delete;
  TokenStore& operator=(const TokenStore&) = delete;

  // Throws Error (failed) when the temporary file cannot be made or the disk is full.
  void append(Token token) {
    block_.push_back(token);
    if (block_.size() == kBlock) flush();
  }
  // No more will come. Replaces every token by map[token] (unless map is empty) and makes tokens() ready.
  void finish(std::span<const Token> map);

  std::span<const Token> tokens() const { return {tokens_, size_}; }
  bool mapped() const { return file_ >= 0; }
  std::uint64_t memory_bytes() const { return mapped() ? 0 : capacity_; }

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 16;  // tokens

  void flush();
  void spill();
  void write(std::span<const Token> tokens, std::uint64_t at);
  void finish_file(std::span<const Token> map);

  std::uint64_t budget_;
  std::vector<Token> block_;    // the newest tokens, not yet in memory_ or the file
  Token* tokens_ = nullptr;     // a private mapping of capacity_ bytes, or the mapped file
  std::size_t size_ = 0;        // tokens outside of block_
  std::uint64_t capacity_ = 0;  // bytes mapped
  int file_ = -1;
};

}  // namespace sluice
