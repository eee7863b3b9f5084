// A model: stacked recurrent layers, of which there are two kinds by what they read.
//   text:    embedding, layers, linear + softmax over a vocabulary
//   numbers: layers and a linear head y = V h + b, from I numbers a step to O
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sluice/cell.h"
#include "sluice/config.h"
#include "sluice/data.h"
#include "sluice/error.h"
#include "sluice/export.h"
#include "sluice/standard.h"

namespace sluice {

// What a network is made of. Sizes in units; see src/model/config.h for the list that flags, help and file share.
// Without a stack, `layers` recurrent layers of `hidden` units: cell, hidden, dropout, weight_dropout, activation and
// forget_bias are those of each. With one, these fields keep their defaults.
struct Config {
  std::string cell = "gru";         // a name of cells()
  std::size_t layers = 1;           // L
  std::size_t hidden = 256;         // H, units a layer
  std::size_t embedding = 0;        // E; 0: as many as the first layer has units
  bool tied = false;                // output weights = embedding; needs embedding == units of the last layer
  double dropout = 0;               // between layers and before the output
  double input_dropout = 0;         // on the embedded input
  double weight_dropout = 0;        // on the recurrent weights U (DropConnect; Merity, Keskar & Socher 2018, section 2)
  std::string activation = "tanh";  // of the plain rnn: "tanh" or "relu"
  double forget_bias = 1;           // initial bias of the LSTM's forget gate (Jozefowicz et al. 2015)
  std::size_t inputs = 0;           // I, features read a step; 0: tokens
  std::size_t outputs = 0;  // O, numbers or classes predicted; 0: one of the tokens, for a network that reads tokens
  std::vector<LayerConfig> stack = {};  // layers in order, each with sizes of its own; cell, layers, hidden, dropout,
                                        // weight_dropout, activation and forget_bias above then keep their defaults
  HeadConfig head = {};                 // what is predicted, from which rows, and the loss
  ScalingConfig scaling = {};           // of features
  SpellingConfig spelling = {};         // of words, for a network that reads tokens and predicts something else
};

// In what numbers a network multiplies; everything else is float32.
//   bf16   the upper half of a float32: 8 bits of significand
//   int8   whole numbers from -127 to 127, times a scale an output of a weight matrix, and one a vector that it
//   multiplies
enum class Precision { f32, bf16, int8 };

// The states of one layer: S states a unit (h, and for the LSTM c) of H units.
struct StateShape {
  std::size_t states = 0, hidden = 0;
  bool operator==(const StateShape&) const = default;
};

// The memory of a network between two steps: h (and c) of every recurrent layer for B streams; a layer that reads in
// both directions has two. Layout [L][S][B][H], S and H those of the layer, row-major. A value:
//   roll back   keep a copy, step on, put the copy back (Stream::set_state): what follows has the bits it had before
//   warm up     feed a stream what comes before everything it will serve, keep its state, begin every new stream there
//   save        to_bytes() and from_bytes(); a stream that goes on from there has the same bits, in any process
class SLUICE_API State {
 public:
  State() = default;
  // Zeros. Throws Error (usage) for more than 2^40 values.
  State(std::size_t layers, std::size_t states, std::size_t batch, std::size_t hidden);
  State(std::vector<StateShape> layers, std::size_t batch);

  std::size_t layers() const noexcept { return shapes_.size(); }
  std::size_t batch() const noexcept { return batch_; }
  // Throws Error (usage): there is no such layer.
  const StateShape& shape(std::size_t layer) const {
    if (layer >= shapes_.size()) refuse_layer(layer);
    return shapes_[layer];
  }
  // Of the first layer, and so of every one where all are alike.
  std::size_t states() const noexcept { return shapes_.empty() ? 0 : shapes_[0].states; }
  std::size_t hidden() const noexcept { return shapes_.empty() ? 0 : shapes_[0].hidden; }
  std::span<float> values() noexcept { return values_; }
  std::span<const float> values() const noexcept { return values_; }
  // [B, H] of one layer and state (0: h, 1: c). Throws Error (usage): there is none of that number.
  std::span<float> of(std::size_t layer, std::size_t state);
  std::span<const float> of(std::size_t layer, std::size_t state) const;
  void reset() noexcept;  // all zeros: the state before the first step
  // The same shape and values, whatever model they are of.
  bool operator==(const State& other) const noexcept { return same_shape(other) && values_ == other.values_; }
  bool same_shape(const State& other) const noexcept { return same_layers(other) && batch_ == other.batch_; }
  // The same layers, whatever the number of streams.
  bool same_layers(const State& other) const noexcept { return shapes_ == other.shapes_; }
  // Whether no value is NaN or infinite: what is stays so, step after step. Real-time (sluice/stream.h).
  bool finite() const noexcept;

  // The fingerprint of the model whose memory this is (Model::fingerprint), 0 where nobody has said. set_state refuses
  // the memory of another model; set_model(0) is for whoever means it.
  std::uint64_t model() const noexcept { return model_; }
  void set_model(std::uint64_t fingerprint) noexcept { model_ = fingerprint; }

  // Everything little-endian, on every machine: the 8 bytes "SLUICEST", version (u32, 2), 0 (u32), the model's
  // fingerprint, layers, batch, of every layer states and hidden (u64 each), the values (f32), and the FNV-1a checksum
  // of all bytes before it (u64, RFC 9923). 48 bytes, 16 a layer and four a value.
  std::vector<std::byte> to_bytes() const;
  // Any bytes are safe, those of version 1 too, which do not name their model. Throws Error (bad_file): truncated or
  // too long, another magic, a newer version, a shape that cannot be, a checksum that does not fit. Whether the state
  // suits a model is for set_state to say.
  static State from_bytes(std::span<const std::byte> bytes);

 private:
  [[noreturn]] void refuse_layer(std::size_t layer) const;
  std::size_t offset(std::size_t layer, std::size_t state) const;
  std::vector<StateShape> shapes_;
  std::size_t batch_ = 0;
  std::vector<float> values_;
  std::uint64_t model_ = 0;
};

// What every gate of one layer did over a text, [T, H] each, row-major, in the order of CellInfo::gates.
struct LayerTrace {
  std::vector<std::vector<float>> gates;
  std::vector<float> candidate;  // the new memory that the gates let in (GRU h~, LSTM g); empty for the plain RNN
  std::vector<float> hidden;     // h after each token
  std::vector<float> memory;     // c after each token; empty for cells with one state
};

struct GateTrace {
  std::size_t steps = 0, hidden = 0;
  std::vector<LayerTrace> layers;
};

// Per-position result of scoring a text; position t is the prediction of tokens[t + 1] after tokens[0..t].
struct Scores {
  std::vector<float> nats;          // -log p(target)
  std::vector<std::uint32_t> rank;  // how many tokens were likelier than the target: 0 is a hit
};

class Network;  // src/model/network.h

// A value whose copies are cheap: they share the network until one of them is trained or given another precision, which
// makes a network of its own for that one alone. A stream holds such a copy. So the model that it was made from may be
// moved, changed and destroyed while the stream lives, and the stream goes on with the weights and the precision that
// it began with. While train() runs, copies and streams of the model that it trains have the weights of their moment.
//
// Const after training or loading: any number of threads may use one model at once through const functions, copies and
// streams of their own. A model that was moved from may be assigned to or destroyed, nothing else.
class SLUICE_API Model {
 public:
  // A model of text with fresh weights from `seed`. Throws Error (usage) for sizes out of range, config.inputs among
  // them: it must be 0.
  Model(const Config& config, Vocabulary vocabulary, std::uint64_t seed = 1);
  // A model on numbers: config.inputs and config.outputs are at least 1, and its vocabulary is empty.
  explicit Model(const Config& config, std::uint64_t seed = 1);
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;
  Model(const Model&);
  Model& operator=(const Model&);

  const Config& config() const;
  const CellInfo& cell() const;
  bool reads_text() const { return config().inputs == 0; }  // tokens, and not features
  // Numbers that it predicts of a step (or sequence): of all tokens or classes a probability each, or config.outputs,
  // or more than one for each of these, such as quantiles.
  std::size_t outputs() const;
  // Whether it runs step by step (Stream): every layer reads forward, and every step has a prediction, be it that of
  // the sequence if it ended there.
  bool streams() const;
  const Vocabulary& vocabulary() const;
  std::size_t parameter_count() const;
  State initial_state(std::size_t batch = 1) const;
  // Of its shape, its weights (every tensor's first ones and others evenly spread) and its scaling of features: models
  // that differ have different ones. Never 0. States from before it covered the scaling are still known.
  std::uint64_t fingerprint() const;
  // The tokens after which a text begins, as nearly every text that the model was trained on began after the end of a
  // line: "\n", or <eos> at Level::pretokenized; where texts stood apart in training (reset_at()), those of the mark.
  // Empty where the vocabulary has none, and for a model on numbers.
  std::vector<Token> begin_tokens() const;
  // TrainOptions::reset_at of its last training, which evaluate() follows; empty: none. It is the note "reset-at"; the
  // tokens of a mark that is more than one are the note "reset-at-tokens".
  std::string reset_at() const;
  void set_reset_at(const std::string& mark, std::span<const Token> tokens);

  // How inference holds the weights from now on; the weights themselves, which are saved, stay float32, and train()
  // brings f32 back. bf16: rounded weights by float32 numbers, half the memory to read; int8: a quarter. Every way to
  // infer has the same bits, as with float32. Streams that are there keep the precision that they were made in. What
  // explains a model (sluice/explain.h) throws Error (usage) unless it is f32. Where it throws, nothing has changed.
  void set_precision(Precision precision);
  Precision precision() const;

  // Free text about how the model came to be ("trained": JSON, ...), kept in the file.
  const std::map<std::string, std::string>& notes() const;
  std::map<std::string, std::string>& notes();

  // Reads tokens, or x [T, I], one after another from a fresh state and says what each gate did. Throws Error (usage)
  // where the model reads the other kind.
  GateTrace trace(std::span<const Token> tokens) const;
  GateTrace trace(std::span<const float> x) const;
  // Scores tokens[1..] given what stands before each, in one stream from a fresh state. Throws Error (usage) for a
  // model on numbers.
  Scores score(std::span<const Token> tokens) const;

 private:
  friend struct ModelAccess;  // src/model/model_access.h

  Model(std::shared_ptr<Network> network, Vocabulary vocabulary);
  std::shared_ptr<const Vocabulary> vocabulary_;
  std::map<std::string, std::string> notes_;
  std::shared_ptr<Network> network_;
  bool shares_ = true;
};

}  // namespace sluice
