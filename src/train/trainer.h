// The training loop: truncated back-propagation through time over B contiguous streams of a text or series (Mikolov et
// al. 2010, Zaremba et al. 2014), the state carried from window to window and empty at the start of each epoch; or
// batches of whole sequences, each from an empty state.
//
// Every kPointEvery windows, just after loss, gradient and weights were found finite, all that training depends on is
// kept in memory as a Point. A loss or gradient that is NaN or Inf sends training back there with the learning rate
// halved. A checkpoint is the last Point, not the very last update: what follows a Point is determined by it, so a
// resumed run repeats fewer than kPointEvery updates to the same bits, and a file never holds weights that are
// unproven.
//
// A loss far above that of the start, or of guessing, for many windows in a row, ends training: no smaller step brings
// weights back that are finite and of no use.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/lock.h"
#include "base/threads.h"
#include "base/watch.h"
#include "model/network.h"
#include "sluice/train.h"
#include "train/checkpoint.h"
#include "train/evaluate.h"
#include "train/guess.h"
#include "train/stopwatch.h"

namespace sluice {

using TrainCallback = std::function<bool(const Report&)>;

// The network of a model while it is trained: copies of the model, and streams on it, get networks of their own. In the
// end it computes in float32 again, with the weights that are left, and is shared again.
class NetworkInTraining {
 public:
  NetworkInTraining(Model& model, Team& team);
  ~NetworkInTraining();
  NetworkInTraining(const NetworkInTraining&) = delete;
  NetworkInTraining& operator=(const NetworkInTraining&) = delete;
  Network& get() { return network_; }

 private:
  Model& model_;
  Network& network_;
  Team& team_;
};

// One run of train(). The model, what the windows refer to, options and callback must outlive it.
class Trainer {
 public:
  // `fingerprint` is only looked at where there is a checkpoint. Throws Error: bad_file (a checkpoint that does not
  // fit), failed (the checkpoint cannot be written).
  Trainer(Model& model, std::unique_ptr<Windows> training, std::unique_ptr<Windows> validation, Fingerprint fingerprint,
          const TrainOptions& options, const TrainCallback& callback);
  // Throws Error (diverged, failed).
  TrainResult run();

 private:
  // trainer.cc: the loop
  bool out_of_patience() const;
  bool over() const;
  // Whether validations come after so many updates, and not at the ends of epochs.
  bool by_updates() const { return options_.updates > 0 || options_.minutes > 0 || options_.validate_every > 0; }
  // Whether weights have changed since the last validation.
  bool unvalidated() const { return by_updates() ? progress_.epoch_weight > 0 : progress_.window > 0; }
  bool weights_are_finite();
  // Empties the state of the streams that begin the coming window anew.
  void reset_streams();
  double learning_rate() const;
  double mean_loss() const;
  void count(double loss, const Window& window);

  void keep_point(const State& state);
  void restore_point();
  // Calls f, which may be given up in the middle (base/watch.h). False: it was, and training ends as where the callback
  // says so.
  template <class F>
  bool unless_stopped(F&& f) {
    const Watch::Heeded heeded;
    try {
      f();
      return true;
    } catch (const Stopped&) {
      stopped_ = true;
      return false;
    }
  }
  // The best weights of the last good point.
  const Parameters& proven() const;
  void write_checkpoint();
  // After an update: validates where that is due. False: it was, and something went wrong.
  bool validate_if_due();
  bool validate_or_recover();
  void end_epoch();
  TrainResult finish();

  // trainer_plan.cc: how long the run is, by its options or by the clock
  std::uint64_t scheduled_updates() const;  // where the schedule ends
  std::uint64_t last_update() const;        // where the run does, if it is not the clock that ends it
  std::uint64_t expected_updates() const;   // as it looks now
  // Seconds by which training ends, all that comes after it included; 0: any.
  double time_limit() const { return options_.minutes > 0 ? 60 * options_.minutes : options_.max_seconds; }
  void plan_validations();
  // With minutes: looks at the clock, between two updates.
  void decide_by_clock();
  double seconds_per_update() const;  // of late, with validations and checkpoints
  TrainOptions options_without_clock() const;

  // trainer_divergence.cc: what keeps a gradient from the weights, and what ends training
  // The guard: what keeps this gradient from the weights, in words; empty when nothing does.
  std::string divergence_reason(double loss, double norm, bool look_at_weights);
  // What is far above the start's loss, or a guess's, for good weights to have.
  double far_loss(double guess) const;
  // Ends training: with the best weights where those are of use; else leaves `others` and throws Error (diverged).
  void end_with_best(const std::string& message, const Parameters& others);
  void diverge(const std::string& what);
  // Calls diverge() when the loss has been far above the start's for too long.
  void look_at_loss(double loss, const Window& window);
  void recover(const std::string& what);

  // trainer_best.cc: which weights are kept, and what time that takes
  // Enters the loss on the validation text or series and keeps the weights if it is the lowest. False: the loss is not
  // finite.
  bool validate();
  double validation_loss();
  void validate_first_weights();
  // What the weights that are kept do (Report::gates).
  std::vector<GateHistogram> gates();
  // What is validated are the weights that are kept: in float32 whatever training does, and the average where there is
  // one. No scope guard, since to pack weights again may find too little memory.
  void use_kept_weights() { swap_kept_weights(Format::f32); }
  void use_trained_weights() { swap_kept_weights(format_); }
  void swap_kept_weights(Format format);
  // Puts the weights that are kept into the network; with another validation where time ran out, unless training was
  // stopped. Whether it was stopped by then.
  bool keep_best(bool stopped);
  // Scales the head's weights for the lowest loss on the validation text, and returns that loss.
  double calibrate();
  const Guess& guess();
  double guess_loss();
  // How many windows a validation is on.
  std::size_t validation_windows() const;
  std::size_t sample_windows() const;
  // The loss of the best weights on the whole text, where validations were on a part of it.
  void validate_on_all();
  // Seconds that the limit of time must leave for what comes after the last update.
  double seconds_at_the_end() const;
  void look_at_result(TrainResult& result);

  double seconds() const { return earlier_seconds_ + clock_.seconds(); }
  double tokens_per_second() const;
  Report report(Report::Kind kind) const;
  void send(const Report& report);
  void warn(const std::string& message);

  const TrainOptions& options_;
  const TrainCallback& callback_;
  std::optional<FileLock> lock_;  // of the checkpoint
  Team team_;
  NetworkInTraining in_training_;
  Network& network_;
  Workspace workspace_;
  std::unique_ptr<Windows> windows_;
  std::unique_ptr<Windows> validation_;  // null: none
  Fingerprint fingerprint_;
  bool knows_arithmetic_ = true;  // of the checkpoint that was resumed
  Format format_;

  // Where training is now, together with the network's weights.
  Progress progress_;
  std::vector<Parameters> moments_;
  std::optional<Parameters> average_;
  State state_;
  Gradients gradients_;
  std::shared_ptr<const Parameters> best_;   // null: no validation yet
  std::shared_ptr<const Parameters> first_;  // weights before the first update, until something is known to be better
  Point point_;                              // the last good one

  Stopwatch clock_;
  double earlier_seconds_ = 0;    // of the runs before this one
  double idle_seconds_ = 0;       // of this run, validating and writing
  std::uint64_t run_tokens_ = 0;  // trained on in this run, repeated ones included
  double checkpoint_due_ = 0;     // by seconds()
  double checkpoint_early_ = 0;   // before this not even for the end of an epoch
  bool stopped_ = false;          // the callback or a watch said so
  bool diverged_ = false;
  bool checkpoint_failed_ = false;
  double slowest_update_ = 0, validation_seconds_ = 0, writing_seconds_;  // measured last, or thought to be
  std::uint64_t validation_rows_ = 0;
  std::optional<double> whole_loss_;  // of the best weights on all there is to validate on
  struct Mark {
    double seconds = 0;
    std::uint64_t update = 0;
  };
  Mark mark_, last_mark_;  // when the last two validations were, or this run began
  std::optional<Guess> guess_;
  std::size_t guess_windows_ = 0;  // that guess_loss_ is the loss of; 0: none yet
  double guess_loss_ = 0;
};

}  // namespace sluice
