// A recurrent layer that reads its sequences from the last step to the first, alone or beside one that reads forward
// (Schuster & Paliwal 1997). Each sequence is turned round by itself, from its own last step, and what the layer gives
// is turned back; in between runs an ordinary recurrent layer.
#pragma once

#include <optional>

#include "model/recurrent_layer.h"

namespace sluice {

class DirectedLayer : public Part {
 public:
  static constexpr std::string_view kName = RecurrentLayer::kName;
  static bool makes(const LayerConfig& config) { return config.kind == kName && config.direction != "forward"; }
  static void check(const LayerConfig& config, const std::string& where) { RecurrentLayer::check(config, where); }
  static bool uses(const LayerConfig& config, std::string_view field) { return RecurrentLayer::uses(config, field); }
  static void add_tensors(const LayerConfig& config, std::size_t place, std::size_t inputs, std::vector<Shape>& all) {
    RecurrentLayer::add_tensors(config, place, inputs, all);
  }
  static std::unique_ptr<Part> make(const LayerConfig& config, std::size_t place, std::size_t inputs,
                                    const std::vector<Shape>& tensors) {
    return std::make_unique<DirectedLayer>(config, place, inputs, tensors);
  }

  // config.direction is "backward", "both" (outputs side by side, forward first) or "sum" (outputs added).
  DirectedLayer(const LayerConfig& config, std::size_t place, std::size_t inputs, const std::vector<Shape>& tensors);
  std::unique_ptr<Part> clone() const override { return std::make_unique<DirectedLayer>(*this); }

  std::vector<const RecurrentLayer*> recurrent() const override;
  Sequence sequence(const WindowShape& window, std::size_t direction, Memory& memory) const override;
  std::span<float> state_gradient(std::size_t direction, std::size_t state, Memory& memory) const override;
  SharedRoom room() const override;
  void pack(const Parameters& parameters, Format format, Team& team) override;
  std::unique_ptr<Memory> memory() const override;
  void prepare(const WindowShape& window, Format format, std::size_t threads, bool training,
               Memory& memory) const override;
  void load(const WindowShape& window, const State& state, std::size_t first, Memory& memory) const override;
  void store(const WindowShape& window, const Memory& memory, std::size_t first, State& state) const override;
  void forward(const Pass& pass, const PartInput& in, const Parameters& parameters, Memory& memory) const;
  const float* rows(const WindowShape& window, const Memory& memory) const override;
  void backward(const Pass& pass, const PartInput& in, const PartGradient& gradient, const Parameters& parameters,
                Parameters& gradients, Memory& memory) const;
  const float* infer(const WindowShape& window, const PartInput& in, float* state, Memory& memory,
                     Scratch& scratch) const noexcept override;

 private:
  struct LayerMemory;
  // The place of h of the backward direction in a row of output.
  std::size_t reverse_column() const { return outputs() > reverse_.shape().hidden ? reverse_.shape().hidden : 0; }
  PartInput reversed(const WindowShape& window, const PartInput& in, LayerMemory& m) const;
  // ahead, back: rows of both directions; no `ahead` of a layer that reads backward alone.
  void merge(const float* ahead, const float* back, LayerMemory& m, std::size_t first, std::size_t last) const noexcept;

  std::optional<RecurrentLayer> forward_;
  RecurrentLayer reverse_;
};

}  // namespace sluice
