// The training loop: truncated back-propagation through time over B contiguous streams of a text or series (Mikolov et
// al. 2010, Zaremba et al. 2014), the state carried from window to window and empty at the start of each epoch.
//
// Every kPointEvery windows, just after loss, gradient and weights were found finite, all that training depends on is
// kept in memory as a Point. A loss or gradient that is NaN or Inf sends training back there with the learning rate
// halved. A checkpoint is the last Point, not the very last update: what follows a Point is determined by it, so a
// resumed run repeats fewer than kPointEvery updates to the same bits, and a file never holds weights that are
// unproven.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/threads.h"
#include "data/batches.h"
#include "model/network.h"
#include "sluice/train.h"
#include "train/checkpoint.h"

namespace sluice {

using TrainCallback = std::function<bool(const Report&)>;

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

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

// One run of train(). The model, what the batches refer to, options and callback must outlive it.
class Trainer {
 public:
  // `fingerprint` is only looked at where there is a checkpoint. Throws Error: bad_file (a checkpoint that does not
  // fit), failed (the checkpoint cannot be written).
  Trainer(Model& model, Batches training, std::optional<Batches> validation, Fingerprint fingerprint,
          const TrainOptions& options, const TrainCallback& callback);
  // Throws Error (diverged, failed).
  TrainResult run();

 private:
  bool out_of_patience() const;
  bool over() const;
  bool weights_are_finite();
  // The guard: what keeps this gradient from the weights, in words; empty when nothing does.
  std::string trouble(double loss, double norm, bool look_at_weights);
  // Empties the state of the streams that begin the coming window anew.
  void reset_streams();
  double learning_rate() const;
  double mean_loss() const;
  void count(double loss, std::uint64_t tokens);

  void keep_point(const State& state);
  void restore_point();
  // The best weights of the last good point.
  const Parameters& proven() const;
  void recover(const std::string& what);
  void write_checkpoint();
  // Enters the loss on the validation text or series and keeps the weights if it is the lowest. False: the loss is not
  // finite.
  bool validate();
  double validation_loss();
  void look_at_what_is_kept(bool begin);
  // Scales the head's weights for the lowest loss on the validation text, and returns that loss.
  double calibrate();
  void end_epoch();
  TrainResult finish();

  double seconds() const { return earlier_seconds_ + clock_.seconds(); }
  double tokens_per_second() const;
  Report report(Report::Kind kind) const;
  void send(const Report& report);
  void warn(const std::string& message);

  const TrainOptions& options_;
  const TrainCallback& callback_;
  Team team_;
  NetworkInTraining in_training_;
  Network& network_;
  Workspace workspace_;
  Batches batches_;
  std::optional<Batches> validation_;
  std::uint64_t updates_;  // planned
  Fingerprint fingerprint_;
  bool knows_arithmetic_ = true;  // of the checkpoint that was resumed
  Format format_;

  // Where training is now, together with the network's weights.
  Progress progress_;
  std::vector<Parameters> moments_;
  std::optional<Parameters> average_;
  State state_;
  Gradients gradients_;
  std::shared_ptr<const Parameters> best_;  // null: no validation yet
  Point point_;                             // the last good one

  Stopwatch clock_;
  double earlier_seconds_ = 0;    // of the runs before this one
  double idle_seconds_ = 0;       // of this run, validating and writing
  std::uint64_t run_tokens_ = 0;  // trained on in this run, repeated ones included
  double checkpoint_due_ = 0;     // by seconds()
  bool stopped_ = false;          // the callback said so
};

}  // namespace sluice
