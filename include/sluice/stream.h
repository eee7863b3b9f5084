// One running text: a model, a state, and what the model expects next.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/model.h"

namespace sluice {

struct SampleOptions {
  double temperature = 1;      // 0: always the likeliest token
  double top_p = 1;            // keep the smallest set of tokens with at least this probability (Holtzman et al. 2020)
  std::size_t top_k = 0;       // keep this many; 0: all
  bool allow_unknown = false;  // whether <unk> may be drawn
};

// The model must outlive the stream. Many streams may share one model, each used by one thread at a time.
class Stream {
 public:
  explicit Stream(const Model& model);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  // One step. Allocates nothing. `token` must be below vocabulary().size().
  void step(Token token) noexcept;
  // Splits the text and steps through it; returns how many tokens were <unk>.
  std::size_t feed(std::string_view text);

  // Probabilities of the next token, [V], after at least one step; sums to 1.
  std::span<const float> probabilities() const noexcept;
  // The k likeliest next tokens, likeliest first, ties by token number.
  std::vector<std::pair<Token, float>> top(std::size_t k) const;
  // Draws the next token (does not step). `random` is a number in [0, 1).
  Token sample(const SampleOptions& options, double random) const;

  const State& state() const noexcept;
  void set_state(const State& state);  // B must be 1. Throws Error (usage) when the shape differs
  void reset() noexcept;               // the state before the first step

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
