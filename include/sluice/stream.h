// Running a model step by step: one stream, or many side by side.
//
// The real-time contract. A function marked "real-time" below
//   - throws nothing, and takes no memory and gives none back
//   - takes no lock and makes no system call
//   - treats denormal numbers as zero while it runs, so that none is slow, and leaves the caller's mode as it was
//   - is done in a number of operations that depends on the sizes of the model and the call alone
// for any input whatever, NaN and infinities among them. What does not fit (a token that the vocabulary lacks, a span
// of another size, the other kind of model) is not undefined: the function does nothing and returns false. What the
// contract cannot promise is the operating system's: pages of a model never touched before are faulted in at its first
// step, so take one step (and reset) before time matters.
//
// The bits of a stream depend on its own input alone: stepping, feeding in chunks of any length and stepping among
// other streams give the same.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/export.h"
#include "sluice/model.h"
#include "sluice/standard.h"

namespace sluice {

struct SampleOptions {
  double temperature = 1;      // 0: always the likeliest token
  double top_p = 1;            // keep the smallest set of tokens with at least this probability (Holtzman et al. 2020)
  std::size_t top_k = 0;       // keep this many; 0: all
  bool allow_unknown = false;  // whether <unk> may be drawn
};

// A model, the state of one stream, and scratch. The stream shares the model's network, whatever becomes of the Model
// that it was made from (see there). Many streams may share one model, each used by one thread at a time.
//
// A NaN that a stream reads stays in its state for good, and an infinity may become one. finite() tells; then reset()
// begins anew, or set_state() goes back to a state that copy_state() kept while it was finite.
class SLUICE_API Stream {
 public:
  explicit Stream(const Model& model);  // takes all memory that the stream will need
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  // As it was when the stream was made.
  const Model& model() const noexcept;

  // One step of a model of text. Real-time. False: `token` is not below vocabulary().size().
  bool step(Token token) noexcept;
  // One step of a model on numbers, x [I]; what it predicts is output(). Real-time. False: x has another size.
  bool step(std::span<const float> x) noexcept;

  // Steps through all tokens; probabilities() are those after the last. The softmax is left out for all others.
  // Real-time, in time proportional to the number of tokens. False: a token is not of the vocabulary; none was read.
  bool feed(std::span<const Token> tokens) noexcept;
  // Steps through x [T, I] and writes the outputs to y [T, O]. Real-time, in time proportional to T. False: the sizes
  // do not fit; nothing was read.
  bool feed(std::span<const float> x, std::span<float> y) noexcept;
  // Where a text begins: the state before the first step, and from there steps through model().begin_tokens(), as if a
  // line had just ended, since training hardly ever sees a word with nothing before it. Where the model has no such
  // tokens it is reset(). Comes before feed(text) where a text is a beginning, and not the rest of one that was fed. A
  // stream of a StreamBatch begins with the state of a Stream that has begun. Real-time. False: the model is on
  // numbers.
  bool begin() noexcept;
  // Splits the text and steps through it from where the stream is; returns how many tokens were <unk>. Takes memory.
  // Throws Error: usage (a model on numbers), bad_file (invalid UTF-8, see Vocabulary::encode).
  std::size_t feed(std::string_view text);

  // Probabilities of the next token [V], or of the classes [O], after at least one step; sums to 1. Zeros before it,
  // and empty for a model that predicts something else. Real-time.
  std::span<const float> probabilities() const noexcept;
  // What a model predicted at the last step that does not predict tokens: numbers, labels or probabilities of classes
  // [Model::outputs()]. Zeros before it, and empty for a language model. Real-time.
  std::span<const float> output() const noexcept;
  // The k likeliest next tokens, likeliest first, ties by token number; NaN stands last.
  std::vector<std::pair<Token, float>> top(std::size_t k) const;
  // Draws the next token (does not step). `random` is a number in [0, 1). Throws Error (usage): a model on numbers;
  // options out of range, NaN among them; nothing to draw from, before the first step or where probabilities are NaN.
  Token sample(const SampleOptions& options, double random) const;

  const State& state() const noexcept;
  // Copies it to `state`, which has that shape already (a copy of state() has). Real-time. False: it has not.
  bool copy_state(State& state) const noexcept;
  // B must be 1. Throws Error (usage) when the shape differs. Takes no memory: real-time where the shape fits. The last
  // output stays what it was until the next step, or becomes zeros where it was not finite.
  void set_state(const State& state);
  void reset() noexcept;  // the state before the first step, and the last output as in set_state(). Real-time
  // Whether no number of its state and its last output is NaN or infinite. Real-time.
  bool finite() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// N streams on one model that step together: each has the bits it would have alone, and all of them are done sooner,
// since a weight that was read serves every stream. It shares the model's network as a Stream does; one thread at a
// time uses it.
class SLUICE_API StreamBatch {
 public:
  StreamBatch(const Model& model, std::size_t streams);  // takes all memory. Throws Error (usage): 0, or above 2^24
  ~StreamBatch();
  StreamBatch(StreamBatch&&) noexcept;
  StreamBatch& operator=(StreamBatch&&) noexcept;

  std::size_t size() const noexcept;  // N

  // One step of every stream: tokens [N] of a model of text, x [N, I] of a model on numbers. Real-time. False: the
  // sizes do not fit, or a token is not of the vocabulary; no stream has stepped.
  bool step(std::span<const Token> tokens) noexcept;
  bool step(std::span<const float> x) noexcept;

  // Of one stream, which must be below size(), as in Stream. Real-time.
  std::span<const float> probabilities(std::size_t stream) const noexcept;  // [V]
  std::span<const float> output(std::size_t stream) const noexcept;         // [O]

  // The state of one stream as a value with B = 1, which fits a Stream on the same model and comes from one.
  // Throws Error (usage) where there is no such stream.
  State state(std::size_t stream) const;
  // Copies it to `state`, which has that shape already. Real-time. False: it has not, or there is no such stream.
  bool copy_state(std::size_t stream, State& state) const noexcept;
  // Throws Error (usage) when the shape differs or there is no such stream. Real-time otherwise.
  void set_state(std::size_t stream, const State& state);
  void reset(std::size_t stream) noexcept;  // one stream begins anew; nothing where there is none. Real-time
  void reset() noexcept;                    // all of them. Real-time
  // As in Stream; false where there is no such stream. What is not finite in one does not reach the others. Real-time.
  bool finite(std::size_t stream) const noexcept;

 private:
  void check_stream(std::size_t stream) const;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
