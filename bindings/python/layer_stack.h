// Recurrent layers one on the other as torch.nn has them: what sluice.nn calls. Knows nothing of Python.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "formats/gate_order.h"
#include "model/layer_runner.h"

namespace sluice::python {

struct StackShape {
  std::string cell = "gru-reset-after", activation = "tanh";
  std::size_t inputs = 1, hidden = 1, layers = 1;
  bool bidirectional = false, bias = true;
  double dropout = 0;  // of each layer's outputs but the last one's, in training

  std::size_t directions() const { return bidirectional ? 2 : 1; }
  std::size_t outputs() const { return hidden * directions(); }
  std::size_t inputs_of(std::size_t layer) const { return layer == 0 ? inputs : outputs(); }
  std::size_t state_size(std::size_t batch) const { return layers * directions() * batch * hidden; }
};

// The weights of a layer and direction under PyTorch's names, gates in PyTorch's order; biases are empty without bias.
struct PyTorchWeights {
  std::span<const float> weight_ih, weight_hh, bias_ih, bias_hh;
};
struct PyTorchGradients {
  std::span<float> weight_ih, weight_hh, bias_ih, bias_hh;
};

// States in PyTorch's order: layer by layer, of each the forward direction first. [layers * directions, B, H]; c of the
// LSTM alone. An empty span: zeros, or nobody asks.
template <class T>
struct PyTorchStates {
  std::span<T> h, c;
};

// The layers with room for one pass and its way back.
class LayerStack {
 public:
  // threads: 0: as many as the machine has.
  LayerStack(const StackShape& shape, std::size_t threads);

  const StackShape& shape() const { return shape_; }
  std::size_t gates() const { return order_.input.size(); }  // blocks of H rows in PyTorch's weights
  std::size_t states() const { return states_; }

  // A layer's weights by layers * directions. Packs what has changed since they were last set.
  void set_weights(std::span<const PyTorchWeights> weights);

  struct Input {
    std::span<const float> x;                // [N, I]; must stay as it is until backward()
    std::size_t batch = 1;                   // B
    std::span<const std::uint32_t> lengths;  // [B], longest first: packed rows; empty: all are as long
    PyTorchStates<const float> first;        // before the first step
    std::uint64_t seed = 0;                  // of dropout; 0: none
    bool tape = true;                        // what backward() needs is kept
  };
  // y [N, outputs], and the states after each sequence's last step.
  void forward(const Input& input, std::span<float> y, const PyTorchStates<float>& last);
  // After forward() with a tape. Gradients are overwritten; an empty dx or an empty `first` is not asked for.
  void backward(std::span<const float> dy, const PyTorchStates<const float>& last,
                std::span<const PyTorchGradients> gradients, std::span<float> dx, const PyTorchStates<float>& first);

 private:
  struct Layer {
    LayerRunner runner;
    Parameters gradients;
    std::vector<float> given;  // the weights as they were set last
    std::vector<float> y, dx;  // [N, outputs] after dropout, of each layer but the last; [N, inputs]
  };
  void write_weights(std::size_t layer, std::span<const PyTorchWeights> weights);
  void read_gradients(std::size_t layer, std::span<const PyTorchGradients> gradients) const;
  State state_of(std::size_t layer, std::size_t batch, const PyTorchStates<const float>& all) const;
  void put_state(std::size_t layer, const State& state, const PyTorchStates<float>& all) const;
  bool drops() const { return shape_.dropout > 0 && input_.seed != 0; }
  Random dropout_of(std::size_t layer) const;
  std::size_t tensors_a_direction() const { return order_.apart ? 4 : 3; }
  std::span<const float> input_of(std::size_t layer) const;

  StackShape shape_;
  Team team_;
  GateOrder order_;  // PyTorch's, towards the one inside
  std::size_t states_;
  std::vector<Layer> layers_;
  Input input_;                         // of the last forward()
  std::vector<std::uint32_t> lengths_;  // its own
};

}  // namespace sluice::python
