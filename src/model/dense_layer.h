// A dense layer y = f(W x + b) at every step, f one of none, tanh, relu, sigmoid and elu (Clevert et al. 2016).
#pragma once

#include "kernels/pointwise.h"
#include "model/linear.h"

namespace sluice {

class DenseLayer : public Part {
 public:
  static constexpr std::string_view kName = "dense";
  static bool makes(const LayerConfig& config) { return config.kind == kName; }
  static void check(const LayerConfig& config, const std::string& where);
  static bool uses(const LayerConfig& config, std::string_view field);
  static void add_tensors(const LayerConfig& config, std::size_t place, std::size_t inputs, std::vector<Shape>& all);
  static std::unique_ptr<Part> make(const LayerConfig& config, std::size_t place, std::size_t inputs,
                                    const std::vector<Shape>& tensors) {
    return std::make_unique<DenseLayer>(config, place, inputs, tensors);
  }

  DenseLayer(const LayerConfig& config, std::size_t place, std::size_t inputs, const std::vector<Shape>& tensors);
  std::unique_ptr<Part> clone() const override { return std::make_unique<DenseLayer>(*this); }

  SharedRoom room() const override;
  void pack(const Parameters& parameters, Format format, Team& team) override;
  std::unique_ptr<Memory> memory() const override;
  void prepare(const WindowShape& window, Format format, std::size_t threads, bool training,
               Memory& memory) const override;
  void forward(const Pass& pass, const PartInput& in, const Parameters& parameters, Memory& memory) const;
  const float* rows(const WindowShape& window, const Memory& memory) const override;
  void backward(const Pass& pass, const PartInput& in, const PartGradient& gradient, const Parameters& parameters,
                Parameters& gradients, Memory& memory) const;
  const float* infer(const WindowShape& window, const PartInput& in, float* state, Memory& memory,
                     Scratch& scratch) const noexcept override;

 private:
  struct LayerMemory;
  // The input as a row for each step, repeated rows written out.
  InputRows spread(const Pass& pass, const PartInput& in, LayerMemory& m) const;

  Linear linear_;
  Activation activation_;
};

}  // namespace sluice
