// The embedding of a network that reads tokens: a row of numbers for each token of the vocabulary.
#pragma once

#include <span>
#include <vector>

#include "model/part.h"

namespace sluice {

class Embedding {
 public:
  struct Memory {
    AlignedVector<float> rows;                 // of each distinct token, or of every position: [N, E]
    std::vector<std::uint32_t> slot_of_token;  // [V]; valid for the tokens of the window
    std::vector<Token> distinct;               // in order of first occurrence
    std::vector<std::uint32_t> slots, by_slot, starts;
    Repeated repeated;  // which says where each distinct token occurs
  };

  Embedding(std::size_t vocabulary, std::size_t width) : vocabulary_(vocabulary), width_(width) {}

  std::size_t stride() const { return row_stride(width_); }
  // Makes room for a window of so many rows.
  void prepare(std::size_t rows, Memory& m) const;
  // Numbers the distinct tokens of the window and lists the positions of each.
  void find_distinct(std::span<const Token> tokens, Memory& m) const;
  // Their rows.
  PartInput look_up(std::span<const Token> tokens, const Parameters& parameters, Memory& m, Team& team) const;
  // A row for each position; m.rows has room for them.
  PartInput look_up_each(std::span<const Token> tokens, const Parameters& parameters, Memory& m) const noexcept;
  // Adds dx, a row for each distinct token, to the gradient; or a row for each position.
  void add_gradients(const float* dx, Parameters& gradients, const Memory& m, Team& team) const;
  void add_each_gradient(std::span<const Token> tokens, const float* dx, Parameters& gradients, Team& team) const;

 private:
  std::size_t vocabulary_, width_;
};

}  // namespace sluice
