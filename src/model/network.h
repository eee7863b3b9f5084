// The network itself: input, layers in order (model/part.h), head (heads/head.h); forward and backward over windows.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "base/threads.h"
#include "heads/head.h"
#include "kernels/kernels.h"
#include "model/parameters.h"
#include "model/part.h"
#include "sluice/model.h"
#include "sluice/sequences.h"

namespace sluice {

// What T steps of B streams read or are to predict, time-major: row t * B + b is a token or class, or I (or O) numbers.
// Of packed sequences the rows of a step are those of the sequences that are as long (kernels/sequence.h). Of a head
// that reads whole sequences there is one target a sequence.
struct Rows {
  Rows() = default;
  template <class R>
  requires std::is_convertible_v<const R&, std::span<const Token>> Rows(const R& rows) : tokens(rows) {}
  template <class R>
  requires std::is_convertible_v<const R&, std::span<const float>> Rows(const R& rows) : numbers(rows) {}

  std::span<const Token> tokens;   // [T, B]
  std::span<const float> numbers;  // [T, B, I] or [T, B, O]
  std::span<const float> weights;  // of targets, [T, B]: how much each counts; empty: all the same
};

struct Window {
  Rows inputs;
  Rows targets;
  std::size_t steps = 0, batch = 0;
  std::span<const std::uint32_t> lengths = {};  // [B] steps of each sequence, the longest first; empty: all of `steps`
  bool begins = false;  // the state is initial_state(): where that is learned, this window has a gradient of it
  // Where words are spelt: which of the spellings each row of the inputs has, [T, B] or packed.
  std::span<const std::uint32_t> words = {};
  const Spellings* spellings = nullptr;
};

// The gradient of a loss. Of an embedding it has the rows that a window's tokens touch; all others are zero. Once
// train() has made them so, it clears the few that the window before touched, and counts on nobody else having written
// here.
class Gradients : public Parameters {
 public:
  Gradients() = default;
  explicit Gradients(const Parameters& weights) : Parameters(weights.zeros_like()) {}

  std::vector<Token> touched;  // rows of the embedding that differ from zero,
  bool sparse = false;         // if this says so
  double weight = 0;           // of all rows together, over which the loss is a mean
};

// Everything a pass over a window writes: tapes, activations, gradients on the way. Grows at its first use with a
// larger window; after that no pass allocates. Belongs to one network's sizes and to one user at a time.
class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;
  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// A gate of people's (CellInfo::gates) held at a value over steps [first, last) of one layer.
struct GateHold {
  std::size_t layer = 0, gate = 0;
  std::vector<std::size_t> units;  // empty: all
  std::size_t first = 0, last = 0;
  float value = 0;
};

// How many weights a network of this config has; `vocabulary` is 0 for one that reads features.
std::size_t parameter_count(const Config& config, std::size_t vocabulary);

class Network {
 public:
  // Checks the config (Error, usage) and sets fresh weights from the seed. `vocabulary` is 0 for one that reads
  // features.
  Network(const Config& config, std::size_t vocabulary, std::uint64_t seed);
  // The same with every weight zero and nothing packed, for whoever has the weights: to draw them takes H^3 operations.
  Network(const Config& config, std::size_t vocabulary);
  Network(const Network&);
  Network& operator=(const Network&);
  ~Network();

  const Config& config() const;  // embedding filled in
  const CellInfo& cell() const;  // of the first recurrent layer
  // The recurrent layers, from the input on; of a layer that reads in both directions, two.
  std::span<const RecurrentLayer* const> recurrent() const;
  const Head& head() const;
  std::size_t vocabulary() const;
  std::size_t outputs()
      const;  // numbers of a row of the head: V, O, or more where it predicts more than a number of each
  std::size_t targets() const;  // what a row is to predict: one of V or O classes, or O numbers
  // Whether it can run step by step: no word is spelt, every layer reads forward alone, and the head predicts every
  // step, or after the last one, which then is what it predicts if the sequence ends here.
  bool streams() const;
  State initial_state(std::size_t batch) const;
  bool learns_initial_state() const;  // else it is zero
  std::uint64_t fingerprint() const;  // Model::fingerprint
  // What it was before it covered the scaling of features: states, and checks in files, of then name this one.
  std::uint64_t former_fingerprint() const;

  // Whoever writes to parameters() calls pack() before the next pass.
  Parameters& parameters();
  const Parameters& parameters() const;
  void pack(Team& team);
  // In what numbers every later pass computes (f32 at first); packs. Gradients need f32 or bf16.
  Format format() const;
  void set_format(Format format, Team& team);

  // One window of truncated BPTT: returns the mean loss of a row, weighted as the head says, overwrites `gradients`
  // with the gradient of that mean, and moves `state` (B streams) to the end of the window. Dropout as the config says,
  // drawn by `dropout`.
  double train(const Window& window, const DropoutKey& dropout, State& state, Gradients& gradients,
               Workspace& workspace, Team& team) const;

  // Forward only, no dropout. loss: of each row of targets, not weighted. rank, where targets are classes, may be
  // empty: how many classes were likelier than the target.
  void score(const Window& window, State& state, std::span<float> loss, std::span<std::uint32_t> rank,
             Workspace& workspace, Team& team) const;

  // Forward only, no dropout: what the head predicts for each of its rows, [rows, outputs()], dense.
  void predict(const Window& window, State& state, std::span<float> y, Workspace& workspace, Team& team) const;

  // Forward over inputs alone (the window's targets are not read); leaves the tape in the workspace and moves the
  // state.
  void forward(const Window& window, State& state, Workspace& workspace, Team& team) const;
  void forward(const Rows& inputs, std::size_t steps, std::size_t batch, State& state, Workspace& workspace,
               Team& team) const;
  // The same for one stream with gates held; a later hold overrules an earlier one. Slower, and not for backward
  // passes.
  void forward_held(std::span<const Token> inputs, std::span<const GateHold> holds, State& state, Workspace& workspace,
                    Team& team) const;
  // What the gates did in the last forward() or forward_held(), for stream 0.
  GateTrace trace(Workspace& workspace) const;
  // The buffers of number `layer` of recurrent() in the last forward(). Of one that reads backward, each sequence
  // stands turned round. Valid until the workspace is used again.
  Sequence sequence(std::size_t layer, Workspace& workspace) const;
  // Logits of rows [first, first + count) of [T * B] of the last forward(), not normalised: [count, V padded to
  // kBlock], the padding kNoLogit. Valid until the workspace is used again.
  std::span<const float> logits(std::size_t first, std::size_t count, Workspace& workspace, Team& team) const;

  // The gradient of log p(target) after the last of `inputs`, one stream that begins at `state`, with respect to each
  // embedded input: dx [T, E]. Returns log p in nats. One pass forward, one backward without the weights' gradients.
  double input_gradient(std::span<const Token> inputs, Token target, const State& state, std::span<float> dx,
                        Workspace& workspace, Team& team) const;

  // Makes room for infer() over up to this many steps of this many streams.
  void prepare_infer(Workspace& workspace, std::size_t steps, std::size_t batch) const;
  // Forward alone on the calling thread, with the bits of every other way. Allocates nothing and is safe in real time
  // (sluice/stream.h) where the caller holds FlushDenormals: to read or write the mode waits for all arithmetic before,
  // so it is done once a call from outside. infer() moves the state, to which what follows may refer;
  // outputs_of_last_step() are the head's on the last step that infer() took, before what Head::predict makes of them,
  // as they lie in the workspace: [B, outputs padded to kBlock]. The inputs must fit.
  void infer(const Rows& inputs, std::size_t steps, State& state, Workspace& workspace) const noexcept;
  std::span<float> outputs_of_last_step(Workspace& workspace) const noexcept;
  // The head's outputs on every row that it predicts of what infer() took, where that was the whole of a sequence:
  // [rows, outputs padded to kBlock]. After prepare_infer().
  std::span<float> outputs_of_sequence(Workspace& workspace) const noexcept;
  // What the head predicts for every step of infer(): y [T, B, O], dense.
  void predictions_of_all_steps(Workspace& workspace, std::span<float> y) const noexcept;

  struct Impl;  // network_impl.h

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
