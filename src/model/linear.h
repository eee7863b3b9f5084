// y = W x + b on rows, forward and backward: the head of a network, and what its dense layers are made of.
#pragma once

#include <span>

#include "model/part.h"

namespace sluice {

class Linear {
 public:
  // pad: what the padding of an output row holds. W [outputs, inputs] and b stand in the list of tensors.
  Linear(std::size_t inputs, std::size_t outputs, std::size_t weight_tensor, std::size_t bias_tensor, float pad)
      : inputs_(inputs), outputs_(outputs), weight_(weight_tensor), bias_(bias_tensor), pad_(pad) {}

  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return outputs_; }
  std::size_t padded() const { return round_up(outputs_, kBlock); }
  double weight_bytes() const { return static_cast<double>(panels_.bytes()); }

  void pack(const Parameters& parameters, Format format, Team& team);
  // y [rows, padded()] from x [rows, inputs].
  void forward(const InputRows& x, std::size_t rows, float* y, std::size_t y_stride, std::span<Scratch> scratch,
               Team& team) const;
  // The same on the calling thread.
  void infer(const InputRows& x, std::size_t rows, float* y, std::size_t y_stride, Scratch& scratch) const noexcept;
  // dx [rows, inputs] = dy W, its padding zero up to x_stride. No gradient of the weights.
  void backward_input(const float* dy, std::size_t dy_stride, std::size_t rows, float* dx, std::size_t dx_stride,
                      const Parameters& parameters, const LayerScratch& scratch, Team& team) const;
  // dW = dy^T x and, in `sums` [padded()], the sums of dy's rows; with `add` added to what is there.
  void backward_weights(const float* dy, std::size_t dy_stride, const InputRows& x, std::size_t rows, bool add,
                        Parameters& gradients, const LayerScratch& scratch, Team& team) const;
  // db from the sums of all rows.
  void finish_bias(Parameters& gradients, const LayerScratch& scratch) const;

 private:
  std::size_t inputs_, outputs_, weight_, bias_;
  float pad_;
  Panels panels_;
  AlignedVector<float> packed_bias_;
};

}  // namespace sluice
