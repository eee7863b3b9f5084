// Training: truncated back-propagation through time over a text or a series.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/export.h"
#include "sluice/model.h"
#include "sluice/sequences.h"
#include "sluice/series.h"
#include "sluice/standard.h"

namespace sluice {

enum class Optimizer { sgd, rmsprop, adam, adamw };
enum class Schedule { constant, cosine, plateau, trapezoid };

// How a network is trained: the list in sluice/train_options.h says what each member is.
struct TrainOptions {
#define SLUICE_TRAIN_OPTION(type, member, value, ...) type member = value
#include "sluice/train_options.h"
};

// How often a gate had which value: of all units of a layer over some steps.
struct GateHistogram {
  static constexpr std::size_t bins = 20;  // equal parts of [0, 1]; 1 belongs to the last
  std::size_t layer = 0;                   // recurrent layers from the input on; one that reads both ways is two
  std::string_view gate;                   // its name (CellInfo::gates)
  std::array<std::uint64_t, bins> counts{};
  double sum = 0, sum_of_squares = 0;  // of the values
};

// For a model on numbers read "steps of the series" for tokens and "mean squared error" for nats, here and in
// TrainResult.
struct Report {
  enum class Kind { update, validation, recovery, checkpoint, done, warning } kind = Kind::update;
  std::size_t epoch = 0, epochs = 0;      // epoch counts from 1; epochs: begun in all, as far as it is known
  std::uint64_t update = 0, updates = 0;  // of all epochs; with minutes as many as it looks now
  std::uint64_t tokens = 0;               // trained so far, all epochs
  double loss = 0;                        // mean nats a token since the last report of this kind
  double validation_loss = 0;             // Kind::validation and done
  bool best = false;                      // Kind::validation: these weights are the best so far
  double learning_rate = 0, gradient_norm = 0;
  double seconds = 0, tokens_per_second = 0, seconds_left = 0;
  std::size_t threads = 0;  // that work: fewer than options.threads where the system gives no more
  std::string message;      // Kind::recovery and warning: what happened; Kind::checkpoint: where
  // Kind::validation: what the gates of these weights do on the first steps of what is validated on, 256 at most. It is
  // computed when this is called, which must be before the callback returns; empty for other kinds.
  std::function<std::vector<GateHistogram>()> gates;
};

struct TrainResult {
  std::uint64_t tokens = 0, updates = 0;
  std::size_t epochs = 0;
  std::size_t threads = 0;  // as in Report
  double seconds = 0, tokens_per_second = 0;
  double train_loss = 0;                // mean nats a token over the last epoch
  double validation_loss = 0;           // of the kept (best) model; equals train_loss when there is no validation
  std::uint64_t validation_tokens = 0;  // that it is the loss of: not all of them where max_seconds left no time for it
  // The same loss of a guess that looks at nothing: every token by its frequency in the training text or all evenly,
  // whichever costs less; for numbers, their means.
  double guess_loss = 0;
  bool worse_than_guess = false;  // the model is of no use: a warning was reported
  bool stopped = false;           // the callback asked to stop: a checkpoint was written if one was asked for
  bool stopped_early = false;     // patience ran out
  bool diverged = false;          // it led nowhere, and the best weights of before are kept: a warning was reported
  TrainOptions options;           // that give the same weights again without a clock, if one decided (minutes)
};

// Trains `model` in place and leaves the best weights in it; those from before the first update are among them where
// there is a validation text. `report` is called on the calling thread, at least at every update; it returns false to
// stop after writing a checkpoint. A checkpoint that cannot be written before that is a warning, and is tried again at
// the next. The checkpoint is locked (PATH.lock) until the end. The result is the same, bit for bit, for any number of
// threads. Throws Error: usage (option out of range), bad_file (text too short for one window; a checkpoint that does
// not fit), failed (no time for a single update; somebody else writes the checkpoint), diverged (NaN, or a loss far
// above that of the start for long).
SLUICE_API TrainResult train(Model& model, const Corpus& corpus, const TrainOptions& options,
                             const std::function<bool(const Report&)>& report = {});
// The same with a validation text of its own; options.validation_split is ignored.
SLUICE_API TrainResult train(Model& model, const Corpus& corpus, const Corpus& validation, const TrainOptions& options,
                             const std::function<bool(const Report&)>& report = {});
// The same for a model on numbers, whose loss is the mean of (output - target)^2 over all numbers. Throws Error (usage)
// besides when the widths of the series are not the model's inputs and outputs.
SLUICE_API TrainResult train(Model& model, const Series& series, const TrainOptions& options,
                             const std::function<bool(const Report&)>& report = {});
SLUICE_API TrainResult train(Model& model, const Series& series, const Series& validation, const TrainOptions& options,
                             const std::function<bool(const Report&)>& report = {});
// The same for many sequences, `batch` of like length at a time, each whole and from an empty state (`steps` and
// `state_reset` are not for them). The loss is that of the model's head, the mean over what counts; a row is a step or,
// where the head predicts for a whole sequence, a sequence. Without sequences to validate on, a random share of them
// (validation_split) is kept for that. Throws Error (usage) besides when the sequences do not suit the model.
SLUICE_API TrainResult train(Model& model, const Sequences& sequences, const TrainOptions& options,
                             const std::function<bool(const Report&)>& report = {});
SLUICE_API TrainResult train(Model& model, const Sequences& sequences, const Sequences& validation,
                             const TrainOptions& options, const std::function<bool(const Report&)>& report = {});

struct Evaluation {
  std::uint64_t tokens = 0;   // predicted
  std::uint64_t unknown = 0;  // of them <unk>
  std::size_t threads = 0;    // that worked: fewer than were asked for where the system gives no more
  double nats_per_token = 0, perplexity = 0, bits_per_token = 0, recall_at_1 = 0, recall_at_3 = 0;
  // The same over the other tokens alone: <unk> is easy to predict in a text that is full of it, and says nothing.
  // Zeros where every token is <unk>.
  double known_nats_per_token = 0, known_perplexity = 0, known_recall_at_1 = 0, known_recall_at_3 = 0;
};

// Loss and next-token recall over a text read in order, as `batch` contiguous parts side by side (batch 1: one part;
// more: faster, each part starts from an empty state).
SLUICE_API Evaluation evaluate(const Model& model, const Corpus& corpus, std::size_t batch = 1,
                               std::size_t threads = 0);

struct SeriesEvaluation {
  std::uint64_t steps = 0;        // predicted
  double mean_squared_error = 0;  // over all numbers of all steps; the loss of the model's head where that is another
  std::size_t threads = 0;        // as in Evaluation
};

// The same for a series read by a model on numbers.
SLUICE_API SeriesEvaluation evaluate(const Model& model, const Series& series, std::size_t batch = 1,
                                     std::size_t threads = 0);

struct SequenceEvaluation {
  std::uint64_t rows = 0;   // steps or sequences that were predicted and count
  double loss = 0;          // of the model's head, as in training
  double accuracy = 0;      // of classes: share of rows whose likeliest class is the label
  std::size_t threads = 0;  // as in Evaluation
};

// The same for many sequences.
SLUICE_API SequenceEvaluation evaluate(const Model& model, const Sequences& sequences, std::size_t batch = 32,
                                       std::size_t threads = 0);

// What the model predicts for every sequence (its labels and targets are not looked at), each from an empty state:
// [steps, outputs], or [sequences, outputs] where the head predicts for whole sequences, in the order that they are
// given in. Probabilities, numbers, quantiles or whatever the head gives (Model::outputs() of them). A sequence has the
// same bits in whatever batch and on any number of threads.
SLUICE_API std::vector<float> predict(const Model& model, const Sequences& sequences, std::size_t batch = 32,
                                      std::size_t threads = 0);

}  // namespace sluice
