// The specification: a network in double precision and plain loops, forward and complete back-propagation through time.
// Slow on purpose and never deleted: every kernel is measured against it. The equations are those of src/cells, read
// here with V = double; what this file adds is what stands between the cells: products, layers, head and loss.
//
// Letters: T steps, B batch, I inputs of a layer, H hidden units, S states a unit, V vocabulary, E embedding size.
// Arrays are row-major and dense, without padding; sequences are time-major.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice::reference {

using Numbers = std::vector<double>;

// One recurrent layer. Gate rows stand in blocks of H, in the order of the cell's tape: weight_ih and bias have the
// rows that W x feeds, weight_hh the rows that U feeds, stage by stage.
struct Layer {
  std::string cell, activation;        // names of the registry; activation matters where a cell has a choice
  std::size_t inputs = 0, hidden = 0;  // I, H
  Numbers weight_ih;                   // [input rows * H, I]
  Numbers weight_hh;                   // [recurrent rows * H, H]
  Numbers bias;                        // [input rows * H]
  Numbers bias_hn;                     // [H], the recurrent bias of a row of its own; empty where the cell has none
};

// How many of each a unit of the cell has. Throws Error (usage) for an unknown cell.
struct Rows {
  std::size_t tape, input, recurrent, states;
  bool own_bias;
};
Rows rows_of(const std::string& cell, const std::string& activation);

struct LayerRun {
  std::size_t steps = 0, batch = 0;
  Numbers input;   // [T, B, I]
  Numbers tape;    // [T, B, tape rows, H], gate values
  Numbers states;  // [T + 1, S, B, H], entry 0 before the first step
};

// input [T, B, I], state [S, B, H].
LayerRun forward(const Layer& layer, std::size_t steps, std::size_t batch, Numbers input, const Numbers& state);

struct LayerGradients {
  Layer weights;  // the same shapes
  Numbers input;  // [T, B, I]
  Numbers state;  // [S, B, H], of the state before the first step
};

// output_gradient [T, B, H] is the gradient of h of each step from above.
LayerGradients backward(const Layer& layer, const LayerRun& run, const Numbers& output_gradient);

// A network on text: embedding, L layers, linear + softmax; or on numbers (inputs > 0): L layers and a linear head. The
// tensors have the names and shapes of a model file:
//   embedding.weight [V, E]   rnn.weight_ih_l0 rnn.weight_hh_l0 rnn.bias_l0 rnn.bias_hn_l0   head.weight [V, H]
//   head.bias [V]             with bias_hn only where the cell has one, head.weight only when not tied
// On numbers there is no embedding, and O stands for V.
using Tensors = std::map<std::string, Numbers>;

struct Network {
  std::string cell, activation;
  std::size_t vocabulary = 0, embedding = 0, hidden = 0, layers = 0;  // V, E, H, L
  bool tied = false;                                                  // head.weight is embedding.weight; needs E = H
  Tensors tensors;
  std::size_t inputs = 0, outputs = 0;  // I, O of a network on numbers, whose vocabulary and embedding are 0

  std::size_t head_outputs() const { return inputs > 0 ? outputs : vocabulary; }
  // Tensors of the right sizes, all zero.
  Tensors zeros() const;
};

// T steps of B streams, row t * B + b: tokens, or numbers x [T, B, I] and y [T, B, O].
struct Text {
  std::size_t steps = 0, batch = 0;
  std::vector<std::uint32_t> inputs = {}, targets = {};
  Numbers x = {}, y = {};
};

struct Result {
  double loss = 0;               // mean of nats
  Numbers nats;                  // [T, B], -log p(target), or the mean of (output - y)^2
  Numbers logits;                // [T, B, V], or the outputs [T, B, O]
  Numbers state;                 // [L, S, B, H] after the last step
  std::vector<LayerRun> layers;  // what each layer did
  Tensors gradients;             // of loss; empty unless asked for
  Numbers state_gradient;        // [L, S, B, H], of the state before the first step; likewise
};

// state [L, S, B, H].
Result run(const Network& network, const Text& text, const Numbers& state, bool gradients);

}  // namespace sluice::reference
