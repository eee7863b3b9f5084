// What Stream and StreamBatch are made of: N streams on one model, their state, and what they predicted last.
#pragma once

#include <span>
#include <vector>

#include "base/aligned.h"
#include "model/network.h"
#include "sluice/model.h"

namespace sluice {

// One stream of a state to a place in another of the same layers, states and hidden; and back to zeros.
void copy_stream(const State& from, std::size_t stream, State& to, std::size_t place) noexcept;
void clear_stream(State& state, std::size_t stream) noexcept;
// Whether none is NaN or infinite.
bool all_finite(std::span<const float> values) noexcept;
bool finite_stream(const State& state, std::size_t stream) noexcept;

// Functions marked noexcept keep the real-time contract of sluice/stream.h.
class Streams {
 public:
  // Takes all memory for steps of `streams` streams, and for chunks of them up to kChunk steps long if `chunks`. Shares
  // the model's network as it is now, precision included.
  Streams(const Model& model, std::size_t streams, bool chunks);

  const Model& model() const noexcept { return model_; }
  // Whether what it predicts is the next token; and whether it is probabilities, of tokens or of classes.
  bool predicts_tokens() const noexcept { return model_.reads_text() && model_.config().outputs == 0; }
  bool gives_probabilities() const noexcept { return network_->head().classes(); }
  // What a text begins after.
  std::span<const Token> begin_tokens() const noexcept { return begin_tokens_; }
  State& state() noexcept { return state_; }
  // Of another state only the output that is finite stays, so that finite() speaks of what is there now.
  void set_state(std::size_t stream, const State& one) noexcept;
  // Whether a state says that it is of another model.
  bool of_another(const State& state) const noexcept {
    return state.model() != 0 && state.model() != state_.model() && state.model() != former_;
  }
  // The state before the first step, of one stream and of all.
  void reset(std::size_t stream) noexcept;
  void reset() noexcept {
    for (std::size_t stream = 0; stream < state_.batch(); ++stream) reset(stream);
  }
  const State& state() const noexcept { return state_; }

  // One step of every stream; false and nothing done for what does not fit.
  bool step(std::span<const Token> tokens) noexcept;
  bool step(std::span<const float> x) noexcept;
  // T steps of every stream: tokens [T, N]; x [T, N, I] to y [T, N, O].
  bool feed(std::span<const Token> tokens) noexcept;
  bool feed(std::span<const float> x, std::span<float> y) noexcept;

  // The last output of a stream: probabilities [V] or numbers [O]; zeros before the first step.
  std::span<const float> output(std::size_t stream) const noexcept;
  // Of a model of text, the logits [V] whose softmax that is; empty before the first step.
  std::span<const float> logits(std::size_t stream) const noexcept;
  bool finite(std::size_t stream) const noexcept { return finite_stream(state_, stream) && all_finite(output(stream)); }

 private:
  bool all_known(std::span<const Token> tokens) const noexcept;
  void keep_outputs() noexcept;
  void forget_bad_output(std::size_t stream) noexcept;

  static constexpr std::size_t kChunk = 16;  // steps whose input is projected at once

  const Model model_;  // a copy, which keeps the network alive and unchanged
  const Network* network_;
  State state_;
  State initial_;         // of one stream, where it is not zero
  std::uint64_t former_;  // Network::former_fingerprint
  std::vector<Token> begin_tokens_;
  Workspace workspace_;
  std::size_t chunk_, stride_;     // of outputs_
  AlignedVector<float> outputs_;   // [N, V or O, padded]
  std::span<const float> logits_;  // [N, V padded], in the workspace until its next use
};

}  // namespace sluice
