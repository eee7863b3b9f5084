// One recurrent layer on sequences of numbers, by itself, without a head: what benchmarks measure, beside the same
// layer of other engines. A network is made of the same pieces (model/layer_pass.h); whoever has rows of floats to
// learn from wants a sluice::Model on numbers.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "model/layer_pass.h"
#include "model/parameters.h"
#include "sluice/model.h"

namespace sluice {

// Everything a pass writes. Grows at its first use with a larger window; after that no pass allocates. Belongs to one
// layer's sizes and to one user at a time.
struct DenseWorkspace {
  std::size_t steps = 0, batch = 0;      // of the last forward()
  LayerBuffers buffers;                  // what backward() reads
  AlignedVector<float> dy, dx;           // [T * B, Hp] and [T * B, I padded], where dense rows will not do
  AlignedVector<float> carry[2], mixed;  // [B, Hp]
  AlignedVector<float> sums;             // LayerShape::sums()
  std::vector<Scratch> scratch;          // one a thread

  void prepare(const LayerShape& layer, Format format, std::size_t rows, std::size_t threads, bool training);
};

class DenseLayer {
 public:
  // All weights zero. Throws Error (usage) for an unknown cell or activation and for sizes of zero.
  DenseLayer(std::string_view cell, std::size_t inputs, std::size_t hidden, std::string_view activation = "tanh");

  const LayerShape& shape() const { return shape_; }
  State initial_state(std::size_t batch) const { return {1, shape_.states(), batch, shape_.hidden}; }

  // weight_ih [input_rows * H, I], weight_hh [recurrent_rows * H, H], bias [input_rows * H], and bias_hn [H] where the
  // cell has one; rows as in CellInfo, in the order of the cell's file. Whoever writes to them calls pack() before the
  // next pass.
  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }
  void pack(Team& team);
  // In what numbers every later pass computes (f32 at first); packs. backward() needs f32 or bf16.
  void set_format(Format format, Team& team);

  // x [T, B, I] to y [T, B, H]; `state` (B streams) moves to the end of the window. Sizes follow from the spans and the
  // state. What backward() needs stays in the workspace.
  void forward(std::span<const float> x, State& state, std::span<float> y, DenseWorkspace& workspace, Team& team) const;
  // The same bits without keeping anything for backward(): memory does not grow with T.
  void infer(std::span<const float> x, State& state, std::span<float> y, DenseWorkspace& workspace, Team& team) const;
  // After forward() with the same x: dy [T, B, H] is the gradient of y. Overwrites `gradients` (of the shapes of
  // parameters()) and dx [T, B, I]; an empty dx is not computed. No gradient flows into what stood before the window.
  void backward(std::span<const float> x, std::span<const float> dy, Parameters& gradients, std::span<float> dx,
                DenseWorkspace& workspace, Team& team) const;

  // One step of one stream, x [I]: the same bits as forward(). The output is the state's h. Allocates nothing after
  // prepare_step().
  void step(std::span<const float> x, State& state, DenseWorkspace& workspace) const noexcept;
  void prepare_step(DenseWorkspace& workspace) const;

 private:
  void run(std::span<const float> x, State& state, std::span<float> y, bool keep, DenseWorkspace& w, Team& team) const;

  LayerShape shape_;
  Parameters parameters_;
  Format format_ = Format::f32;
  PackedLayer packed_;
  Panels transposed_input_;
  StagePanels transposed_recurrent_;
};

}  // namespace sluice
