// One layer by itself on dense rows of numbers, without a network: what benchmarks time and tests compare. The layer is
// the one that networks are made of (model/part.h); this class owns its weights and its memory.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/part.h"

namespace sluice {

class LayerRunner {
 public:
  // All weights zero. Throws Error (usage) for an unknown cell or activation and for sizes of zero.
  LayerRunner(const LayerConfig& config, std::size_t inputs);

  const Part& layer() const { return *layer_; }
  State initial_state(std::size_t batch) const;

  // As in the list of a network's tensors (model/layout.h). Whoever writes to them calls pack() before the next pass.
  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }
  void pack(Team& team);
  // In what numbers every later pass computes (f32 at first); packs. backward() needs f32 or bf16.
  void set_format(Format format, Team& team);

  // x [N, I] to y [N, outputs]; `state` (B sequences) moves to their ends. Steps follow from the sizes; with lengths
  // [B], the longest first, rows are packed (kernels/sequence.h). What backward() needs stays here.
  void forward(std::span<const float> x, State& state, std::span<float> y, Team& team,
               std::span<const std::uint32_t> lengths = {});
  // The same bits a few steps at a time, so that memory does not grow with them. For layers that read forward.
  void infer(std::span<const float> x, State& state, std::span<float> y, Team& team);
  // After forward() with the same x: dy [N, outputs] is the gradient of y. Overwrites `gradients` (of the shapes of
  // parameters()) and dx [N, I]; an empty dx is not computed. `states`, where it is given, holds the gradient of the
  // states after each sequence's last step, and then that of those before the first one; without it none flows there.
  void backward(std::span<const float> x, std::span<const float> dy, Parameters& gradients, std::span<float> dx,
                Team& team, State* states = nullptr);

  // One step of one sequence, x [I]: the same bits as forward(). Allocates nothing after prepare_step().
  void step(std::span<const float> x, State& state) noexcept;
  void prepare_step();

 private:
  void run(const WindowShape& window, const float* x, State& state, float* y, bool training, Team& team);
  template <class F>
  void for_each_state_gradient(State& states, F&& f);
  void prepare_scratch(std::size_t rows, std::size_t threads, bool training);
  Pass pass(Team& team) { return {window_, format_, nullptr, {sums_.data(), scratch_, format_}, team}; }

  Parameters parameters_;
  std::unique_ptr<Part> layer_;
  std::unique_ptr<Part::Memory> memory_;
  Format format_ = Format::f32;
  WindowShape window_;  // of the last forward()
  std::vector<std::uint32_t> entries_;
  AlignedVector<float> dy_, dx_, sums_;
  std::vector<Scratch> scratch_;
};

}  // namespace sluice
