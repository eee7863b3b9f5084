// What Network and Workspace hold; seen only by the files network*.cc.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "model/embedding.h"
#include "model/linear.h"
#include "model/network.h"
#include "model/recurrent_layer.h"
#include "model/spelling_layer.h"

namespace sluice {

// Which dropout: of the input, and of words, which become <unk>; else number l is that of the outputs of layer l - 1.
constexpr std::size_t kInputPlace = 1000, kWordPlace = 1001;

// Which rows the head reads (HeadConfig::at).
enum class HeadRows { steps, last, mean, max };

// What a network is made of, with a copy's own parts.
struct Network::Impl {
  Impl() = default;
  Impl(const Impl& other);

  Config config;
  std::vector<LayerConfig> layer_configs;
  std::size_t vocabulary = 0;
  Format format = Format::f32;  // of what pack() fills
  bool packed = false;          // whether it has
  Parameters parameters;
  std::optional<Embedding> embedding;       // of a network that reads tokens
  std::unique_ptr<SpellingLayer> spelling;  // where words are spelt
  std::vector<std::unique_ptr<Part>> parts;
  std::vector<const RecurrentLayer*> recurrent;
  std::unique_ptr<Head> head;
  HeadRows head_rows = HeadRows::steps;
  std::vector<float> mean, inverse_deviation;  // [I] of the features; empty: they are not scaled
  std::optional<Linear> linear;                // the head's

  bool reads_tokens() const { return embedding.has_value(); }
  bool spells() const { return spelling != nullptr; }
  bool scales() const { return !mean.empty(); }
  std::size_t inputs() const { return parts.front()->inputs(); }
  std::size_t hidden() const { return parts.back()->outputs(); }  // that the head reads
  std::size_t targets() const { return config.outputs > 0 ? config.outputs : vocabulary; }
  std::size_t padded_outputs() const { return linear->padded(); }
  std::size_t input_stride() const { return row_stride(inputs()); }
  std::size_t hidden_stride() const { return row_stride(hidden()); }
  SharedRoom room() const;
  void list_recurrent();
};

struct Workspace::Impl {
  WindowShape window;
  bool begins = false;                 // Window::begins
  const float* numbers = nullptr;      // [N, I] features as they were given
  const float* inferred = nullptr;     // rows of the last part, after infer()
  std::vector<std::uint32_t> entries;  // of packed sequences, to which the window refers
  std::vector<std::unique_ptr<Part::Memory>> parts;
  std::vector<AlignedVector<float>> dropped;  // of a part, its outputs after dropout [N, ...]; empty without
  Embedding::Memory embedding;
  SpellingLayer::Memory spelling;
  std::vector<Token> tokens;             // [N] of a network that spells, those that are read
  AlignedVector<float> features;         // [N, I] after scaling and dropout, or of spelt words; empty without
  AlignedVector<float> input_gradient;   // [distinct, E] or, with input dropout or spelling, [N, I]
  AlignedVector<float> pooled, dpooled;  // [B, H] what a head of whole sequences reads, and its gradient
  std::vector<std::uint32_t> highest;    // [B, H] the row where a maximum stands
  std::vector<std::size_t> last_steps;   // [B] the row of the last step of each sequence
  AlignedVector<float> dy, dx;           // [N, ...] gradient of the outputs of the part at work, and of its inputs
  AlignedVector<float> outputs;          // of the head, a chunk of rows [R, padded outputs]
  AlignedVector<float> sums;             // column sums on their way to a gradient
  std::vector<float> losses;             // of each row
  std::vector<Scratch> scratch;          // one a thread

  LayerScratch layer_scratch(const Network::Impl& n) { return {sums.data(), scratch, n.format}; }
  Pass pass(const Network::Impl& n, const DropoutKey* dropout, Team& team) {
    return {window, n.format, dropout, layer_scratch(n), team, begins};
  }
  Sequence sequence(const Network::Impl& n, std::size_t layer);  // of a recurrent layer that is a part of its own
};

// The window's shape; packed where the lengths differ. Throws Error (usage) for lengths that do not fit.
void set_window(const Window& window, Workspace::Impl& w);
// network_room.cc. The buffers of a pass are made large enough; growing is the only thing that allocates.
void prepare(const Network::Impl& n, Workspace::Impl& w, bool training, std::size_t threads);
// network_pass.cc
void load_state(const Network::Impl& n, const State& state, Workspace::Impl& w);
void store_state(const Network::Impl& n, const Workspace::Impl& w, State& state);

// network_spelling.cc, of a network that spells words. After set_window(): the words of the window and its tokens, some
// of which become <unk> in training. Throws Error (usage) where there is no spelling.
void set_words(const Network::Impl& n, const Window& window, const DropoutKey* dropout, Workspace::Impl& w);
// What the first part reads: the embedding of each token and the spelling of its word side by side.
PartInput spelt_rows(const Network::Impl& n, const DropoutKey* dropout, Workspace::Impl& w, Team& team);
// The gradients of the spelling from those of these rows.
void spelling_gradients(const Network::Impl& n, const float* dx, Parameters& gradients, Workspace::Impl& w, Team& team);

// What the first part reads; `each`: tokens as a row for each position.
PartInput input_rows(const Network::Impl& n, const Rows& inputs, const DropoutKey* dropout, bool each,
                     Workspace::Impl& w, Team& team);
// What part `place` reads, after forward() of those below.
PartInput part_input(const Network::Impl& n, std::size_t place, const PartInput& input, const DropoutKey* dropout,
                     const Workspace::Impl& w);
// Runs all parts over the window; returns what the first one read.
PartInput forward_parts(const Network::Impl& n, const Rows& inputs, const DropoutKey* dropout, Workspace::Impl& w,
                        Team& team);
// Rows of the last part, after dropout if there is any.
InputRows last_rows(const Network::Impl& n, const DropoutKey* dropout, const Workspace::Impl& w);

// network_head.cc. Rows that the head reads: a row for each step, or one a sequence.
std::size_t head_row_count(const Network::Impl& n, const Workspace::Impl& w);
InputRows head_input(const Network::Impl& n, const DropoutKey* dropout, Workspace::Impl& w);
// Adds the features that HeadConfig::residual names to the outputs y of rows of the window, [row, row + count), or of
// those that the head reads, [first, first + count).
void add_features(const Network::Impl& n, const Workspace::Impl& w, std::size_t row, std::size_t count,
                  float* y) noexcept;
void add_residual(const Network::Impl& n, const Workspace::Impl& w, std::size_t first, std::size_t count,
                  float* y) noexcept;
// How many rows of its outputs are held at a time.
std::size_t output_rows(const Network::Impl& n, std::size_t rows);
// Mean loss; fills dy of the last part, the head's gradients and their weight.
double head_gradient(const Network::Impl& n, const DropoutKey* dropout, const Rows& targets, Gradients& gradients,
                     Workspace::Impl& w, Team& team);
// The loss of every row, and where targets are classes the rank of each where `rank` is not empty.
void head_losses(const Network::Impl& n, const Rows& targets, std::span<float> loss, std::span<std::uint32_t> rank,
                 Workspace::Impl& w, Team& team);
// What it predicts for every row, dense.
void head_predictions(const Network::Impl& n, std::span<float> y, Workspace::Impl& w, Team& team);
// log p(target) of a softmax after one row of input, and its gradient dy [H].
double prediction_gradient(const Network::Impl& n, const float* input, Token target, float* dy, Workspace::Impl& w,
                           Team& team);

}  // namespace sluice
