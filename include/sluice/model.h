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
#include "sluice/data.h"
#include "sluice/error.h"
#include "sluice/export.h"
#include "sluice/standard.h"

namespace sluice {

// What a network is made of. Sizes in units; see src/model/config.h for the list that flags, help and file share.
struct Config {
  std::string cell = "gru";         // a name of cells()
  std::size_t layers = 1;           // L
  std::size_t hidden = 256;         // H, units a layer
  std::size_t embedding = 0;        // E; 0: as many as hidden
  bool tied = false;                // output weights = embedding; needs embedding == hidden
  double dropout = 0;               // between layers and before the output
  double input_dropout = 0;         // on the embedded input
  double weight_dropout = 0;        // on the recurrent weights U (DropConnect; Merity, Keskar & Socher 2018, section 2)
  std::string activation = "tanh";  // of the plain rnn: "tanh" or "relu"
  double forget_bias = 1;           // initial bias of the LSTM's forget gate (Jozefowicz et al. 2015)
  std::size_t inputs = 0;           // I, numbers read a step; 0: a model of text, which reads tokens
  std::size_t outputs = 0;  // O, numbers answered a step; with inputs alone, and then embedding and tied stay off
};

// In what numbers a network multiplies; everything else is float32.
//   bf16   the upper half of a float32: 8 bits of significand
//   int8   whole numbers from -127 to 127, times a scale an output of a weight matrix, and one a vector that it
//   multiplies
enum class Precision { f32, bf16, int8 };

// The memory of a network between two steps: h (and c) of every layer for B streams. Layout [L][S][B][H], S states a
// unit, row-major. A value:
//   roll back   keep a copy, step on, put the copy back (Stream::set_state): what follows has the bits it had before
//   warm up     feed a stream what comes before everything it will serve, keep its state, begin every new stream there
//   save        to_bytes() and from_bytes(); a stream that goes on from there has the same bits, in any process
class SLUICE_API State {
 public:
  State() = default;
  State(std::size_t layers, std::size_t states, std::size_t batch, std::size_t hidden);

  std::size_t layers() const noexcept { return layers_; }
  std::size_t states() const noexcept { return states_; }
  std::size_t batch() const noexcept { return batch_; }
  std::size_t hidden() const noexcept { return hidden_; }
  std::span<float> values() noexcept { return values_; }
  std::span<const float> values() const noexcept { return values_; }
  // [B, H] of one layer and state (0: h, 1: c).
  std::span<float> of(std::size_t layer, std::size_t state);
  std::span<const float> of(std::size_t layer, std::size_t state) const;
  void reset() noexcept;  // all zeros: the state before the first step
  bool operator==(const State&) const = default;
  bool same_shape(const State& other) const noexcept;

  // Everything little-endian, on every machine: the 8 bytes "SLUICEST", version (u32, 1), 0 (u32), layers, states,
  // batch, hidden (u64 each), the values (f32), and the FNV-1a checksum of all bytes before it (u64, RFC 9923).
  // 56 bytes and four a value.
  std::vector<std::byte> to_bytes() const;
  // Any bytes are safe. Throws Error (bad_file): truncated or too long, another magic, a newer version, a shape that
  // cannot be, a checksum that does not fit. Whether the state suits a model is for set_state to say.
  static State from_bytes(std::span<const std::byte> bytes);

 private:
  std::size_t layers_ = 0, states_ = 0, batch_ = 0, hidden_ = 0;
  std::vector<float> values_;
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

// Const after training or loading: any number of threads may use one model at once through const functions and streams
// of their own.
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
  bool reads_text() const { return config().inputs == 0; }
  const Vocabulary& vocabulary() const;
  std::size_t parameter_count() const;
  State initial_state(std::size_t batch = 1) const;
  // The token after which a text begins, as nearly every text that the model was trained on began after the end of a
  // line: "\n", or <eos> at Level::pretokenized. Nothing where the vocabulary has none, and for a model on numbers.
  std::optional<Token> begin_token() const;

  // How inference holds the weights from now on; the weights themselves, which are saved, stay float32, and train()
  // brings f32 back. bf16: rounded weights by float32 numbers, half the memory to read; int8: a quarter. Every way to
  // infer has the same bits, as with float32. Comes before streams are made: those of another precision refuse to step.
  // What explains a model (sluice/explain.h) throws Error (usage) unless it is f32.
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

  // For the rooms inside the library.
  Model(std::unique_ptr<Network> network, Vocabulary vocabulary);
  const Network& network() const { return *network_; }
  Network& network() { return *network_; }

 private:
  Vocabulary vocabulary_;
  std::map<std::string, std::string> notes_;
  std::unique_ptr<Network> network_;
};

}  // namespace sluice
