// An n-gram model of token ids, by which a network that reads text is judged: interpolated Kneser-Ney (Kneser & Ney
// 1995) with the modified discounts of Chen & Goodman (1999).
//
// With c the number of times that an n-gram stands in the text, for the highest order, and the number of different
// tokens that stand before it, for all lower ones:
//   p(w | h) = (max(c(h w) - D(c(h w)), 0) + (D1 N1(h) + D2 N2(h) + D3 N3+(h)) p(w | h without its first)) / sum_v c(h
//   v)
// where N1, N2 and N3+ count the tokens that follow h once, twice, and more often; below order 1 all tokens of the
// vocabulary are equally likely. The discounts of each order are estimated from n1 to n4, how many n-grams have a c of
// 1 to 4: with Y = n1 / (n1 + 2 n2), Dk = k - (k + 1) Y n(k+1) / nk. Where that is no number in (0, k], as for a text
// that has no n-gram of some count, the order's discounts are 0.5, 1 and 1.5.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "sluice/data.h"

namespace sluice {

class NGram {
 public:
  // How much of a text is counted: its last tokens, until there are so many of them, or so many different n-grams of
  // all orders together. An n-gram takes some 40 bytes, while the tables grow up to 60.
  struct Limits {
    std::uint64_t tokens = 10'000'000, grams = 8'000'000;
  };

  // Of a vocabulary of so many tokens; `order` is 1 or more. Throws Error (failed) for too little memory.
  NGram(std::span<const Token> text, std::size_t vocabulary, std::size_t order, const Limits& limits);
  NGram(std::span<const Token> text, std::size_t vocabulary, std::size_t order)
      : NGram(text, vocabulary, order, Limits()) {}

  std::size_t order() const { return levels_.size(); }
  std::uint64_t tokens() const { return tokens_; }  // that were counted
  std::uint64_t grams() const { return grams_; }    // different ones, of all orders

  // Of `next` after `before`, of which the last order() - 1 tokens count. The sum over the vocabulary is 1.
  double probability(std::span<const Token> before, Token next) const;
  // -log p of every token of a text but the first, each after all that stand before it in this text.
  std::vector<float> nats(std::span<const Token> text) const;

 private:
  using Id = std::uint32_t;
  static constexpr Id kNone = 0xffffffff;

  // All n-grams of one length, numbered in the order in which they came. Each is known by the number of the n-gram
  // without its last token, and that token, so that none is taken for another.
  class Level {
   public:
    Id find(Id before, Token last) const;
    // Its number; `fresh`: it was not there.
    Id insert(Id before, Token last, bool& fresh);
    std::size_t size() const { return keys_.size(); }
    Id before(Id id) const { return static_cast<Id>(keys_[id] >> 32); }

    std::vector<std::uint32_t> counts;  // c

   private:
    std::size_t slot_of(std::uint64_t key) const;  // where it stands, or would
    void grow();

    std::vector<std::uint64_t> keys_;
    std::vector<Id> slots_;  // open addressing: numbers, or kNone; a power of two of them
    int shift_ = 64;
  };
  // What follows an n-gram: the sum of c, and how many tokens have a c of 1, of 2, and of more.
  struct Following {
    std::uint32_t sum = 0, once = 0, twice = 0, more = 0;
  };
  using Discounts = std::array<double, 4>;  // of a c of 0, 1, 2, and more

  void count(std::span<const Token> text, const Limits& limits);
  void sum_up();
  static Discounts estimate(const Level& level);
  // p(last | h) from that of the next lower order. `length` is that of h, whose number is `before`; `id` that of the
  // n-gram, or kNone.
  double interpolate(std::size_t length, Id before, Id id, double lower) const;
  // Goes on by a token: `ids` are those of the n-grams of every length, from 0 to order(), that ended just before it,
  // and then those that end with it. Returns the token's probability.
  double step(std::vector<Id>& ids, Token token) const;

  std::vector<Level> levels_;                      // [length - 1]
  std::vector<std::vector<Following>> following_;  // [length], by the number; of length 0 there is one
  std::vector<Discounts> discounts_;               // [length - 1]
  double vocabulary_;
  std::uint64_t tokens_ = 0, grams_ = 0;
};

}  // namespace sluice
