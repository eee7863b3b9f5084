// A recurrent layer that reads in one direction: what networks are made of, and what the benchmark times by itself.
#pragma once

#include "model/on_demand.h"
#include "model/part.h"

namespace sluice {

class RecurrentLayer : public Part {
 public:
  static constexpr std::string_view kName = "recurrent";
  static constexpr std::string_view kActivations[] = {"tanh", "relu"};
  static bool makes(const LayerConfig& config) { return config.kind == kName && config.direction == "forward"; }
  // Of every direction, since a layer of both is made of two of these.
  static void check(const LayerConfig& config, const std::string& where);
  static bool uses(const LayerConfig& config, std::string_view field);
  static void add_tensors(const LayerConfig& config, std::size_t place, std::size_t inputs, std::vector<Shape>& all);
  static std::unique_ptr<Part> make(const LayerConfig& config, std::size_t place, std::size_t inputs,
                                    const std::vector<Shape>& tensors);

  struct LayerMemory : Memory {
    LayerBuffers buffers;
    AlignedVector<float> table;            // of repeated rows, W x + b [distinct, gates * Hp]
    AlignedVector<float> carry[2], mixed;  // [B, Hp]
    RecurrentWeights dropped;              // U after dropout; empty without
    StagePanels dropped_back;              // the same transposed
    AlignedVector<float> dropped_weights;  // the same as it stands in Parameters
  };

  // first_tensor: W in the list of tensors; U, b and the recurrent bias come after it. mask: which of the dropout masks
  // of recurrent weights is this layer's.
  RecurrentLayer(const LayerConfig& config, std::size_t inputs, std::size_t first_tensor, std::size_t mask);
  std::unique_ptr<Part> clone() const override { return std::make_unique<RecurrentLayer>(*this); }

  const LayerShape& shape() const { return shape_; }
  const CellInfo& cell() const { return *cell_; }
  const PackedLayer& packed() const { return packed_; }
  Sequence sequence(const WindowShape& window, Memory& memory) const;

  std::vector<const RecurrentLayer*> recurrent() const override { return {this}; }
  Sequence sequence(const WindowShape& window, std::size_t, Memory& memory) const override {
    return sequence(window, memory);
  }
  std::span<float> state_gradient(std::size_t, std::size_t state, Memory& memory) const override;
  SharedRoom room() const override;
  bool in_place() const override { return row_stride(shape_.inputs) == shape_.state_stride(); }
  void pack(const Parameters& parameters, Format format, Team& team) override;
  std::unique_ptr<Memory> memory() const override { return std::make_unique<LayerMemory>(); }
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

  // The state that every sequence begins with, [S, H]; empty: zeros.
  std::span<const float> initial_state(const Parameters& parameters) const;

  // forward() for one sequence with gates held: held [T, rows * Hp] as recur_held() reads it.
  void forward_held(const Pass& pass, const PartInput& in, const float* held, Memory& memory) const;
  // The gradient of the inputs alone, whose rows must not repeat.
  void backward_input(const Pass& pass, const PartGradient& gradient, const Parameters& parameters,
                      Memory& memory) const;

 private:
  const float* step_in_place(const PartInput& in, float* state, Memory& memory) const noexcept;
  std::size_t table_stride() const { return shape_.gate_columns() + kBlock; }
  LayerParameters weights(const Parameters& parameters) const;
  LayerGradients weights(Parameters& gradients) const;
  bool drops_weights(const Pass& pass) const { return pass.dropout != nullptr && weight_dropout_ > 0; }
  void drop_weights(const Pass& pass, std::span<const float> in, float* out) const;
  void pack_dropped(const Pass& pass, const Parameters& parameters, LayerMemory& m) const;
  const Panels& transposed_input(const Parameters& parameters, Format format, Team& team) const;
  const StagePanels& transposed_recurrent(const Parameters& parameters, Format format, Team& team) const;
  void project_table(const Pass& pass, const PartInput& in, LayerMemory& m) const;
  void project(const Pass& pass, const PartInput& in, const Sequence& part, std::size_t row, LayerMemory& m) const;
  std::size_t initial_tensor() const { return first_tensor_ + (shape_.cell->own_bias >= 0 ? 4 : 3); }
  void initial_gradient(const Pass& pass, Parameters& gradients, const LayerMemory& m) const;
  void table_gradients(const Pass& pass, const PartInput& in, const PartGradient& gradient, const Panels& transposed,
                       Parameters& gradients, LayerMemory& m) const;

  const CellInfo* cell_;
  LayerShape shape_;
  std::size_t first_tensor_, mask_;
  double weight_dropout_;
  bool learns_state_;
  Format format_ = Format::f32;
  PackedLayer packed_;
  OnDemand<Panels> transposed_input_;
  OnDemand<StagePanels> transposed_recurrent_;
};

}  // namespace sluice
