// A text or a series as windows for training and evaluation: contiguous streams side by side, cut into windows of T
// steps, as in the truncated back-propagation of Mikolov et al. 2010 and Zaremba et al. 2014. Without state: window k
// is always the same, so a resumed run can go on from any window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sluice/data.h"
#include "sluice/series.h"

namespace sluice {

// The numbers of a series as Batches reads them: inputs [N, I], targets [N, O].
struct SeriesRows {
  std::span<const float> inputs, targets;
  std::size_t input_width = 0, target_width = 0;  // I, O
};

// Refers to the tokens or numbers, which must outlive it. In a window, entry t * B + b is step t of stream b ([T, B]).
class Batches {
 public:
  // `batch` streams of equal length; the last tokens that do not fill all streams evenly are left out. The target of an
  // input is the next token of the same stream. The last window may be shorter than `steps`. Throws Error: usage (batch
  // or steps is 0), bad_file (a stream would have fewer than 2 tokens), with `name` in front.
  Batches(std::span<const Token> tokens, std::size_t batch, std::size_t steps, const std::string& name = "text");

  // For evaluation: `batch` contiguous parts that together predict every token but the first exactly once. Their
  // lengths may differ by one, so the last step of the last window may hold entries that do not count: see counted().
  // With fewer predictions than `batch` there are as many parts as predictions. Throws Error: usage (batch or steps is
  // 0), bad_file (fewer than 2 tokens).
  static Batches parts(std::span<const Token> tokens, std::size_t batch, std::size_t steps,
                       const std::string& name = "text");

  // The same, and each part is read from `lead` tokens before it on, or as many as there are, which do not count. The
  // first `context` tokens are only there for that.
  static Batches warm_parts(std::span<const Token> tokens, std::size_t context, std::size_t batch, std::size_t steps,
                            std::size_t lead, const std::string& name = "text");

  // The same for a series, in which every row has its own target: a stream of one row is long enough, and parts answer
  // every row exactly once.
  Batches(const Series& series, std::size_t batch, std::size_t steps);
  static Batches parts(const Series& series, std::size_t batch, std::size_t steps);

  // From now on the sequences of the text stand apart: wherever `mark` stands one begins, with the first of these
  // tokens as its first input; the token before still predicts it. Nothing: one text, as before.
  void separate(std::vector<Token> mark) { mark_ = std::move(mark); }
  bool separated() const { return !mark_.empty(); }
  // Whether a sequence begins with an entry of window k.
  bool begins(std::size_t k, std::size_t step, std::size_t stream) const;

  bool of_text() const { return numbers_.input_width == 0; }
  std::size_t batch() const { return batch_; }                         // B
  std::size_t windows() const { return (longest_ - 1) / steps_ + 1; }  // in one pass over the text
  std::size_t steps_of(std::size_t window) const;                      // T of a window, `steps` but for the last
  std::uint64_t tokens() const { return predicted_; }                  // predicted in one pass, counted ones only
  std::size_t uncounted() const;  // windows at the beginning of which nothing counts

  // Fills inputs and targets, [T, B] each, T = steps_of(k). An entry that does not count repeats the stream's last one.
  void window(std::size_t k, std::vector<Token>& inputs, std::vector<Token>& targets) const;
  // The same of a series: x [T, B, I] and y [T, B, O].
  void window(std::size_t k, std::vector<float>& x, std::vector<float>& y) const;
  // Whether an entry of window k belongs to the text. Always true for streams of equal length.
  bool counted(std::size_t k, std::size_t step, std::size_t stream) const;

 private:
  Batches() = default;
  // batch_ streams of `each` rows, of which the last gap_ are only a target.
  void cut_evenly(std::size_t each);
  // At most batch_ parts of so many predictions.
  void cut_in_parts(std::size_t predictions);
  // Where in the text or series an entry of window k is read.
  std::size_t position(std::size_t k, std::size_t step, std::size_t stream) const;
  std::size_t lead(std::size_t stream) const { return leads_.empty() ? 0 : leads_[stream]; }

  std::span<const Token> tokens_;
  std::vector<Token> mark_;
  SeriesRows numbers_;
  std::size_t batch_ = 0, steps_ = 0;
  std::vector<std::size_t> starts_, lengths_;  // [B] first input of each stream, and its predictions
  std::vector<std::size_t> leads_;             // [B] of which so many at first do not count; empty: all count
  std::size_t gap_ = 0;      // tokens of a stream that are only a target: 1 for streams of text, else 0
  std::size_t longest_ = 0;  // predictions of the longest stream
  std::uint64_t predicted_ = 0;
};

}  // namespace sluice
