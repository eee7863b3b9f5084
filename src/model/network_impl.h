// What Network and Workspace hold; seen only by the files network*.cc.
#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "base/random.h"
#include "model/layer_pass.h"
#include "model/network.h"

namespace sluice {

// Packed weights of every layer that only gradients need, filled by the first pass that wants them after pack():
// whoever only infers has neither the time nor the memory for it. Passes may run at once on one network; a copy of a
// network begins without.
template <class Packed>
class OnDemand {
 public:
  OnDemand() = default;
  OnDemand(const OnDemand&) {}
  OnDemand& operator=(const OnDemand&) {
    fresh_ = false;
    return *this;
  }
  void outdate() { fresh_ = false; }
  // fill(layer, Packed&), whose buffers are those of the last time.
  template <class Fill>
  std::span<const Packed> get(std::size_t layers, Fill&& fill) const {
    const std::lock_guard lock(mutex_);
    if (!fresh_) {
      layers_.resize(layers);
      for (std::size_t l = 0; l < layers; ++l) fill(l, layers_[l]);
    }
    fresh_ = true;
    return layers_;
  }

 private:
  mutable std::mutex mutex_;
  mutable bool fresh_ = false;
  mutable std::vector<Packed> layers_;
};

struct Network::Impl {
  Config config;
  std::size_t vocabulary = 0;
  Format format = Format::f32;  // of what pack() fills
  const CellInfo* info = nullptr;
  const CellShape* shape = nullptr;
  Parameters parameters;

  // Filled by pack().
  std::vector<PackedLayer> layers;
  OnDemand<Panels> transposed_inputs;          // W
  OnDemand<StagePanels> transposed_recurrent;  // U
  Panels head;
  AlignedVector<float> head_bias;

  bool reads_text() const { return config.inputs == 0; }
  std::size_t inputs() const { return reads_text() ? config.embedding : config.inputs; }  // of layer 0
  std::size_t outputs() const { return reads_text() ? vocabulary : config.outputs; }      // of the head
  LayerShape layer_shape(std::size_t layer) const {
    return {shape, layer == 0 ? inputs() : config.hidden, config.hidden};
  }
  std::size_t hidden() const { return config.hidden; }
  std::size_t padded() const { return layer_shape(0).padded(); }  // Hp
  std::size_t padded_outputs() const { return round_up(outputs(), kBlock); }
  std::size_t state_stride() const { return layer_shape(0).state_stride(); }
  std::size_t gate_columns() const { return layer_shape(0).gate_columns(); }
  std::size_t table_stride() const { return gate_columns() + kBlock; }
  std::size_t input_stride() const { return round_up(inputs(), kBlock) + kBlock; }
  // The longest row that a product by packed weights reads.
  std::size_t widest_factor() const { return std::max(gate_columns(), inputs()); }
  std::size_t states() const { return static_cast<std::size_t>(shape->states); }

  LayerParameters layer_parameters(std::size_t layer) const {
    return {parameters[layer_tensor(layer, 0)], parameters[layer_tensor(layer, 1)], parameters[layer_tensor(layer, 2)],
            shape->own_bias >= 0 ? parameters[layer_tensor(layer, 3)] : std::span<const float>()};
  }

  // Where tensors stand in Parameters; a network on numbers has no embedding before them.
  std::size_t tensors_of_layer() const { return shape->own_bias >= 0 ? 4 : 3; }
  std::size_t layer_tensor(std::size_t layer, std::size_t which) const {
    return (reads_text() ? 1 : 0) + layer * tensors_of_layer() + which;
  }
  std::size_t head_weight_tensor() const { return config.tied ? 0 : layer_tensor(config.layers, 0); }
  std::size_t head_bias_tensor() const { return parameters.shapes().size() - 1; }
};

struct Workspace::Impl {
  std::size_t steps = 0, batch = 0;
  std::vector<LayerBuffers> layers;
  std::vector<AlignedVector<float>> inputs;  // of a layer, [T * B, I padded], after dropout; empty without
  std::vector<RecurrentWeights> dropped;     // of a layer, U after dropout; empty without
  std::vector<StagePanels> dropped_back;     // the same transposed
  AlignedVector<float> dropped_weights;      // U after dropout, as it stands in Parameters
  AlignedVector<float> head_input;           // [T * B, Hp] after dropout
  AlignedVector<float> dy;                   // [T * B, Hp] gradient of the outputs of the layer at work
  AlignedVector<float> carry[2], mixed;      // [B, Hp]
  AlignedVector<float> answers;              // the head's, a chunk of rows [R, Vp or Op]
  AlignedVector<float> embedded, table;      // of each distinct token of the window: [U, E], W e + b [U, inputs * Hp]
  AlignedVector<float> embedded_gradient;    // [U, E] or, with input dropout, [T * B, E]
  AlignedVector<float> sums;                 // column sums on their way to a gradient
  std::vector<float> losses;                 // [T * B]
  std::vector<std::uint32_t> slot_of_token;  // [V]; valid for the tokens of the window
  std::vector<Token> distinct;               // [U] in order of first occurrence
  std::vector<std::uint32_t> slots;          // [T * B] position -> distinct
  std::vector<std::uint32_t> by_slot, slot_starts;  // positions sorted by slot, ascending within; where each starts
  std::vector<Scratch> scratch;                     // one a thread

  Sequence sequence(const Network::Impl& n, std::size_t layer) {
    return layers[layer].sequence(n.layer_shape(layer), n.format, steps, batch);
  }
  LayerScratch layer_scratch(const Network::Impl& n) { return {sums.data(), scratch, n.format}; }
  // Outputs of a layer, [T * B, Hp].
  const float* outputs(const Network::Impl& n, std::size_t layer) const {
    return layers[layer].states[0].data() + batch * n.state_stride();
  }
};

// Of every layer, packed if they are not.
std::span<const Panels> transposed_inputs(const Network::Impl& n, Team& team);
std::span<const StagePanels> transposed_recurrent(const Network::Impl& n, Team& team);

// The buffers of a pass are made large enough; growing is the only thing that allocates.
void prepare(const Network::Impl& n, Workspace::Impl& w, std::size_t steps, std::size_t batch, bool training,
             std::size_t threads);
void load_state(const Network::Impl& n, const State& state, Workspace::Impl& w);
void store_state(const Network::Impl& n, const Workspace::Impl& w, State& state);

// Which masks a training pass draws; nullptr: none.
Random dropout_random(const DropoutKey& key, std::size_t place);

// W x + b of a layer onto its tape, from the inputs or the outputs of the layer below, without dropout.
void project_layer(const Network::Impl& n, std::size_t layer, const Rows& inputs, Workspace::Impl& w, Team& team);
// Runs all layers over the window; outputs stand in the top layer's states.
void forward_layers(const Network::Impl& n, const Rows& inputs, const DropoutKey* dropout, Workspace::Impl& w,
                    Team& team);
// The gradient of an embedding that is not tied: zero, and ready for the window's tokens. After forward_layers().
void clear_embedding_gradient(const Network::Impl& n, std::span<const Token> inputs, const DropoutKey* dropout,
                              Gradients& gradients, Workspace::Impl& w, Team& team);
// Given dy of the top layer, fills every gradient but the head's. Embedding gradients are added to what is there.
void backward_layers(const Network::Impl& n, const Rows& inputs, const DropoutKey* dropout, Parameters& gradients,
                     Workspace::Impl& w, Team& team);
// Rows of the head's input: the top layer's outputs, after dropout if there is any.
const float* head_input(const Network::Impl& n, const DropoutKey* dropout, Workspace::Impl& w, Team& team);

// network_head.cc. How many rows of answers are held at a time.
std::size_t answer_rows(const Network::Impl& n, std::size_t rows);
// Rows of answers [rows, Vp or Op] from rows of input.
void head_answers(const Network::Impl& n, const float* input, std::size_t rows, float* answers, Workspace::Impl& w,
                  Team& team);
// Mean loss; fills dy and the head's gradients.
double head_gradient(const Network::Impl& n, const float* input, const Rows& targets, Parameters& gradients,
                     Workspace::Impl& w, Team& team);
// The loss of every row, and of a network on text the rank of its target where `rank` is not empty.
void head_losses(const Network::Impl& n, const float* input, const Rows& targets, std::span<float> loss,
                 std::span<std::uint32_t> rank, Workspace::Impl& w, Team& team);
// log p(target) of a network on text after one row of input, and its gradient dy [Hp].
double prediction_gradient(const Network::Impl& n, const float* input, Token target, float* dy, Workspace::Impl& w,
                           Team& team);

}  // namespace sluice
