// The network itself: embedding -> L recurrent layers -> linear + softmax, forward and backward over windows of text.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/threads.h"
#include "model/parameters.h"
#include "sluice/model.h"

namespace sluice {

// T steps of B streams, time-major: entry t * B + b.
struct Window {
  std::span<const Token> inputs;
  std::span<const Token> targets;
  std::size_t steps = 0, batch = 0;
};

// Which dropout masks to draw. The same numbers give the same masks; update counts windows.
struct DropoutKey {
  std::uint64_t seed = 0, update = 0;
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

// How many weights a network of this config has.
std::size_t parameter_count(const Config& config, std::size_t vocabulary);

class Network {
 public:
  // Checks the config (Error, usage) and sets fresh weights from the seed.
  Network(const Config& config, std::size_t vocabulary, std::uint64_t seed);
  Network(const Network&);
  Network& operator=(const Network&);
  ~Network();

  const Config& config() const;  // embedding filled in
  const CellInfo& cell() const;
  std::size_t vocabulary() const;
  std::size_t embedding_size() const;
  State initial_state(std::size_t batch) const;

  // Whoever writes to parameters() calls pack() before the next pass.
  Parameters& parameters();
  const Parameters& parameters() const;
  void pack(Team& team);

  // One window of truncated BPTT: returns the mean of -log p(target) in nats, overwrites `gradients` with the
  // gradient of that mean, and moves `state` (B streams) to the end of the window. Dropout as the config says, drawn by
  // `dropout`.
  double train(const Window& window, const DropoutKey& dropout, State& state, Parameters& gradients,
               Workspace& workspace, Team& team) const;

  // Forward only, no dropout. nats and rank are [T * B] (rank may be empty): -log p(target), and how many tokens were
  // likelier than the target.
  void score(const Window& window, State& state, std::span<float> nats, std::span<std::uint32_t> rank,
             Workspace& workspace, Team& team) const;

  // Forward over inputs alone [T, B]; leaves the tape in the workspace and moves the state.
  void forward(std::span<const Token> inputs, std::size_t steps, std::size_t batch, State& state, Workspace& workspace,
               Team& team) const;
  // What the gates did in the last forward(), for stream 0.
  GateTrace trace(Workspace& workspace) const;

  // One step of one stream: no allocation after the first call with this workspace. logits [V], not normalised.
  void step(Token token, State& state, std::span<float> logits, Workspace& workspace) const noexcept;
  // Makes room so that step() allocates nothing.
  void prepare_step(Workspace& workspace) const;

  struct Impl;  // network_impl.h

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
