// What training and validation read, as windows in order: long streams whose state is carried from one window to the
// next, or batches of whole sequences.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "data/batches.h"
#include "model/network.h"
#include "sluice/sequences.h"
#include "sluice/train.h"

namespace sluice {

class Windows {
 public:
  virtual ~Windows() = default;
  virtual std::size_t count() const = 0;               // of one pass over all
  virtual std::size_t batch() const = 0;               // streams side by side, or the most sequences of a window
  virtual std::uint64_t rows() const = 0;              // predicted in one pass, counted ones only
  virtual bool carries_state() const = 0;              // else every window begins from an empty state
  virtual std::size_t uncounted() const { return 0; }  // windows of the first of which no row counts
  virtual const char* unit() const = 0;                // of rows, in messages: tokens, steps, sequences
  // Window k of pass number `pass`. Valid until the next call.
  virtual Window fill(std::size_t k, std::uint64_t pass) = 0;
  // Around every pass over the window that was filled last. before(): the state from which it begins and which it
  // moves; where something begins, the network's initial one. `streams` is that of the streams whose state is carried,
  // to which after() brings what goes on in the next window.
  virtual State& before(State& streams, const Network& network) = 0;
  virtual void after(State&) {}
  // Whether a row of the targets of window k, as filled last, counts.
  virtual bool counted(std::size_t k, std::size_t row) const = 0;
};

// Rows of a window's targets, O numbers each where they are numbers.
std::size_t target_rows(const Window& window, std::size_t outputs);

// Contiguous streams (data/batches.h), the same in every pass. Refers to what the batches refer to.
class StreamWindows : public Windows {
 public:
  StreamWindows(Batches batches) : batches_(std::move(batches)) {}
  std::size_t count() const override { return batches_.windows(); }
  std::size_t batch() const override { return batches_.batch(); }
  std::uint64_t rows() const override { return batches_.tokens(); }
  bool carries_state() const override { return true; }
  std::size_t uncounted() const override { return batches_.uncounted(); }
  const char* unit() const override { return batches_.of_text() ? "tokens" : "steps"; }
  Window fill(std::size_t k, std::uint64_t pass) override;
  State& before(State& streams, const Network& network) override;
  bool counted(std::size_t k, std::size_t row) const override {
    return batches_.counted(k, entry(row) / batches_.batch(), entry(row) % batches_.batch());
  }
  // Where a row of the window stands among the entries of the batches: step * B + stream.
  virtual std::size_t entry(std::size_t row) const { return row; }
  const Batches& batches() const { return batches_; }

 private:
  Batches batches_;
  bool begins_ = false;  // of the window that was filled last: it is the first one
  std::vector<Token> inputs_, targets_;
  std::vector<float> x_, y_;
};

// Streams of sequences that stand apart (Batches::separate). The part of each that is in a window is a sequence of its
// own among packed ones (kernels/sequence.h), with a state of its own: so nothing passes from one to the next, neither
// forward nor backward.
class SeparateWindows : public StreamWindows {
 public:
  SeparateWindows(Batches batches) : StreamWindows(std::move(batches)) {}
  Window fill(std::size_t k, std::uint64_t pass) override;
  State& before(State& streams, const Network& network) override;
  void after(State& streams) override;
  std::size_t entry(std::size_t row) const override { return entries_[row]; }

 private:
  // Steps [first, last) of a stream, one sequence or a part of one.
  struct Piece {
    std::size_t stream, first, last;
    bool fresh;  // begins with an empty state
    std::size_t length() const { return last - first; }
  };
  void cut(std::size_t k);

  std::size_t steps_ = 0;
  std::vector<Piece> pieces_;  // the longest first
  std::vector<std::uint32_t> lengths_;
  std::vector<std::size_t> entries_;
  std::vector<Token> inputs_, targets_;
  State state_;
};

// A text as training validates on it. Its first `context` tokens are of the text before it, of which kWarmUp are
// enough.
constexpr std::size_t kWarmUp = 256;
Batches validation_batches(std::span<const Token> tokens, std::size_t context, const TrainOptions& options,
                           const std::string& name = "text");

// The one or the other.
std::unique_ptr<StreamWindows> windows_of(Batches batches);

// Sequences in batches of like length. Refers to the sequences, which suit the network (check_fits).
//
// In order: all of them, the longest first, cut into batches. Shuffled, in every pass anew, as a function of the seed
// and the pass: a random order of all is cut into pools of kPool batches, each pool is sorted by length (sequences of
// the same length stay in the random order) and cut into batches, and the batches are shuffled.
class SequenceWindows : public Windows {
 public:
  static constexpr std::size_t kPool = 32;  // batches

  enum class ToPredict { read, left };  // left: what the sequences say of labels and targets is not looked at

  // In order.
  SequenceWindows(const Sequences& sequences, const Network& network, std::size_t batch,
                  ToPredict targets = ToPredict::read);
  // Shuffled.
  SequenceWindows(const Sequences& sequences, const Network& network, std::size_t batch, std::uint64_t seed);
  std::size_t count() const override { return (all_.size() + batch_ - 1) / batch_; }
  std::size_t batch() const override { return batch_; }
  std::uint64_t rows() const override { return rows_; }
  bool carries_state() const override { return false; }
  State& before(State& streams, const Network& network) override;
  const char* unit() const override { return whole_ ? "sequences" : "steps"; }
  Window fill(std::size_t k, std::uint64_t pass) override;
  bool counted(std::size_t, std::size_t row) const override {
    if (!targets_.empty()) return any_there(std::span(targets_).subspan(row * outputs_, outputs_));
    return labels_.empty() || labels_[row] != kIgnoredLabel;
  }

  // Of the window that was filled last: the sequences in the order of the batch, the longest first.
  std::span<const std::size_t> sequences() const { return batch_now_; }

 private:
  static bool any_there(std::span<const float> numbers);
  void order(std::uint64_t pass);
  void gather();

  const Sequences& all_;
  std::size_t batch_, outputs_;
  bool classes_, whole_, spells_, shuffles_, with_targets_;
  std::uint64_t seed_ = 0, rows_ = 0, pass_ = ~std::uint64_t{0};
  std::vector<std::size_t> order_;   // of all sequences
  std::vector<std::size_t> places_;  // where in it the batches begin, in the order of windows
  std::span<const std::size_t> batch_now_;
  std::vector<std::uint32_t> lengths_, tokens_, words_, labels_;
  std::vector<float> values_, targets_, weights_;
  State state_;
};

// Throws Error (usage) where the sequences do not suit the network: what they read and are to predict, their sizes, a
// number that is not finite, an empty sequence; `targets`: whether there must be something to predict.
void check_fits(const Network& network, const Sequences& sequences, bool targets = true);
// Of numbers alone: whether the head can have such targets [N, O] of what has this name.
void check_targets(const Network& network, std::span<const float> targets, const std::string& name);

}  // namespace sluice
