// The embedding of a network that reads tokens: a row of numbers for each token of the vocabulary.
#pragma once

#include <span>
#include <vector>

#include "model/part.h"

namespace sluice {

// The distinct tokens of a window, and the positions of each.
struct Distinct {
  std::vector<std::uint32_t> slot_of_token;  // [V]; valid for the tokens of the window
  std::vector<Token> tokens;                 // in order of first occurrence
  std::vector<std::uint32_t> slots, by_slot, starts;
  Repeated repeated;  // which says where each distinct token occurs

  // Makes room for so many rows of tokens below `vocabulary`.
  void prepare(std::size_t rows, std::size_t vocabulary);
  void find(std::span<const Token> all);
};

class Embedding {
 public:
  struct Memory {
    AlignedVector<float> rows;  // of each distinct token, or of every position: [N, E]
    Distinct distinct;
  };

  // Of a vocabulary of V tokens with E numbers each, in tensor number `tensor`. stride: how far apart rows lie, those
  // that are looked up and those of the gradients; what a row has beyond E is zero.
  Embedding(std::size_t vocabulary, std::size_t width, std::size_t stride, std::size_t tensor)
      : vocabulary_(vocabulary), width_(width), stride_(stride), tensor_(tensor) {}

  std::size_t stride() const { return stride_; }
  // Makes room for a window of so many rows.
  void prepare(std::size_t rows, Memory& m) const;
  // The rows of the distinct tokens.
  PartInput look_up(std::span<const Token> tokens, const Parameters& parameters, Memory& m, Team& team) const;
  // A row for each position; m.rows has room for them.
  PartInput look_up_each(std::span<const Token> tokens, const Parameters& parameters, Memory& m) const noexcept;
  // Adds dx, a row for each distinct token, to the gradient; or a row for each position.
  void add_gradients(const float* dx, Parameters& gradients, const Memory& m, Team& team) const;
  void add_each_gradient(std::span<const Token> tokens, const float* dx, Parameters& gradients, Team& team) const;

 private:
  std::size_t vocabulary_, width_, stride_, tensor_;
};

}  // namespace sluice
