// Which weights a training keeps: validation, the weights before the first update, calibration, what guessing costs;
// and the time that takes, which max_seconds includes.
#include <algorithm>
#include <cmath>

#include "base/sentence.h"
#include "train/calibrate.h"
#include "train/gate_histograms.h"
#include "train/schedule.h"
#include "train/trainer.h"

namespace sluice {
namespace {

// Shares of max_seconds that one validation and the calibration may take.
constexpr double kValidationShare = 0.05, kCalibrationShare = 0.1;
constexpr double kCalibrationPasses = 10;  // a calibration takes less than so many validations
constexpr std::size_t kMeasured = 64;      // windows, where there is no validation
constexpr double kLeastSample = 2000;      // rows that a validation is on, if there are so many
// A first loss below this share of a guess's is that of weights that were trained before.
constexpr double kTrainedShare = 0.9;

double rows_of_window(const Windows& windows) {
  const std::size_t counting = windows.count() - std::min(windows.count() - 1, windows.uncounted());
  return static_cast<double>(windows.rows()) / static_cast<double>(counting);
}

}  // namespace

std::size_t Trainer::validation_windows() const {
  return progress_.validation_windows > 0 ? progress_.validation_windows : sample_windows();
}

std::size_t Trainer::sample_windows() const {
  const std::size_t all = validation_->count();
  if (!by_updates() || progress_.validate_every == 0) return all;
  // To score a row takes about a third of what it takes to train on it.
  const double trained = static_cast<double>(progress_.validate_every) * rows_of_window(*windows_);
  const double rows = std::max(kLeastSample, 3 * kValidationShare * trained);
  const auto windows = static_cast<std::size_t>(std::ceil(rows / rows_of_window(*validation_)));
  return std::min(all, validation_->uncounted() + windows);
}

void Trainer::validate_on_all() {
  if (!by_updates() || validation_windows() == validation_->count()) return;
  Extent extent;
  if (time_limit() > 0) extent.seconds = std::max(0., time_limit() - writing_seconds_ - seconds());
  const Tally sums = tally(network_, *validation_, workspace_, team_, extent);
  if (sums.windows < validation_windows()) return;
  validation_rows_ = sums.rows;
  whole_loss_ = sums.mean_loss();
  progress_.validation_windows = sums.windows;
}

double Trainer::validation_loss() {
  const bool limited = options_.max_seconds > 0 && progress_.validation_windows == 0;
  Extent extent{.windows = validation_windows()};
  if (limited) extent.seconds = kValidationShare * options_.max_seconds;
  const Stopwatch clock;
  const Tally sums = tally(network_, *validation_, workspace_, team_, extent);
  validation_seconds_ = clock.seconds();
  validation_rows_ = sums.rows;
  if (limited) {
    // From now on always the same, or two losses could not be compared.
    progress_.validation_windows = sums.windows;
    if (sums.windows < sample_windows()) {
      Sentence text;
      text << "validation is on " << sums.rows << " of " << validation_->rows() << ' ' << validation_->unit()
           << ", what " << 100 * kValidationShare << " % of max_seconds leaves time for";
      warn(text.str());
    }
  }
  return sums.mean_loss();
}

void Trainer::swap_kept_weights(Format format) {
  if (!average_ && options_.precision == Precision::f32) return;
  if (average_) std::swap(network_.parameters(), *average_);
  network_.set_format(format, team_);
}

bool Trainer::validate() {
  const Stopwatch clock;
  use_kept_weights();
  const double loss = validation_loss();
  bool best = false;
  if (std::isfinite(loss)) {
    best = enter_validation(options_, loss, progress_.validations);
    if (best) best_ = std::make_shared<const Parameters>(network_.parameters());
    // Fresh weights are no better than a guess, so a pass over the text for them is saved where it decides nothing.
    const double guess = first_ ? guess_loss() : 0;
    if (first_ && (!(loss < guess) || progress_.first_loss < kTrainedShare * guess)) validate_first_weights();
    best = best && best_ != first_;
  }
  use_trained_weights();
  idle_seconds_ += clock.seconds();
  if (!std::isfinite(loss)) return false;
  Report validation = report(Report::Kind::validation);
  validation.loss = mean_loss();
  validation.validation_loss = loss;
  validation.best = best;
  validation.gates = [this] { return gates(); };
  send(validation);
  return true;
}

std::vector<GateHistogram> Trainer::gates() {
  const Stopwatch clock;
  // A step of one stream costs a few times its share of a training step of many.
  const auto steps = static_cast<std::size_t>(std::clamp<std::uint64_t>(windows_->rows() / 128, 16, 256));
  use_kept_weights();
  std::vector<GateHistogram> found = gate_histograms(network_, *validation_, steps, workspace_, team_);
  use_trained_weights();
  idle_seconds_ += clock.seconds();
  return found;
}

void Trainer::validate_first_weights() {
  const Parameters now = network_.parameters();
  std::ranges::copy(first_->all(), network_.parameters().all().begin());
  network_.pack(team_);
  const double loss = validation_loss();
  std::ranges::copy(now.all(), network_.parameters().all().begin());
  network_.pack(team_);
  if (!(loss < progress_.validations.best)) return;
  Sentence text;
  text << "the weights before the first update were better (" << loss << ") than those after update "
       << progress_.update << " (" << progress_.validations.best << "), and are kept until others are better";
  warn(text.str());
  progress_.validations.best = loss;
  best_ = first_;
}

bool Trainer::keep_best(bool stopped) {
  const bool finite = weights_are_finite();
  if (!stopped && unvalidated() && finite && validation_) {  // the run has ended between two validations
    stopped = !unless_stopped([&] { validate(); });
  }
  if (best_ || stopped || !finite) {
    std::ranges::copy((best_ ? *best_ : proven()).all(), network_.parameters().all().begin());
  } else if (average_) {
    std::ranges::copy(average_->all(), network_.parameters().all().begin());
  }
  network_.set_format(Format::f32, team_);
  return stopped;
}

double Trainer::calibrate() {
  Extent extent{.windows = validation_windows()};
  if (options_.max_seconds > 0) {
    extent.seconds = std::min(kCalibrationShare * options_.max_seconds, kCalibrationPasses * validation_seconds_);
  }
  const double factor = calibration_factor(network_, *validation_, extent, workspace_, team_);
  const Parameters plain = network_.parameters();
  for (std::size_t i = 0; i < plain.shapes().size(); ++i) {
    if (!plain.shapes()[i].name.starts_with("head.")) continue;
    for (float& weight : network_.parameters()[i]) weight *= static_cast<float>(factor);
  }
  network_.pack(team_);
  const double loss = validation_loss();
  if (loss < progress_.validations.best) return loss;
  std::ranges::copy(plain.all(), network_.parameters().all().begin());
  network_.pack(team_);
  return progress_.validations.best;
}

const Guess& Trainer::guess() {
  if (!guess_) guess_.emplace(*windows_, network_);
  return *guess_;
}

double Trainer::guess_loss() {
  const std::size_t windows = validation_ ? validation_windows() : windows_->count();
  if (guess_windows_ != windows) guess_loss_ = guess().loss(validation_ ? *validation_ : *windows_, windows);
  guess_windows_ = windows;
  return guess_loss_;
}

double Trainer::seconds_at_the_end() const {
  const double limit = time_limit();
  if (limit == 0) return 0;
  // With minutes nothing is lost where one update takes longer than those before.
  const double update = options_.minutes > 0 ? 2 * seconds_per_update() : slowest_update_;
  double seconds = update + (options_.checkpoint.empty() ? 1 : 2) * writing_seconds_;
  if (!validation_) return seconds + std::min(kValidationShare * limit, kMeasured * slowest_update_);
  const bool sample = options_.minutes > 0;  // which is not cut short, for the weights depend on it
  const double unknown = kValidationShare * (sample ? 0.1 : 1) * limit;
  const double validation = validation_seconds_ > 0 ? validation_seconds_ : unknown;
  seconds += validation;
  if (options_.calibrate_temperature) {
    seconds += validation + std::min(kCalibrationShare * limit, (sample ? 0.5 : 1) * kCalibrationPasses * validation);
  }
  if (sample && validation_rows_ > 0) {
    const double all = static_cast<double>(validation_->rows()) / static_cast<double>(validation_rows_);
    if (all > 1) seconds += std::min(kValidationShare * limit, all * validation);
  }
  return seconds;
}

void Trainer::look_at_result(TrainResult& result) {
  result.guess_loss = guess_loss();
  double loss = result.validation_loss, guessed = result.guess_loss;
  if (!validation_) {
    // Both on some of what was trained on: the loss of the last updates is of weights that were still to change.
    Extent extent{.windows = kMeasured};
    if (time_limit() > 0) extent.seconds = kValidationShare * time_limit();
    const Tally sums = tally(network_, *windows_, workspace_, team_, extent);
    loss = sums.mean_loss();
    guessed = guess().loss(*windows_, sums.windows);
  }
  result.worse_than_guess = !(loss < guessed);
  // Weights of before may be kept, and good: the run has diverged all the same.
  if (!diverged_ && progress_.first_loss > 0 && result.train_loss > far_loss(result.guess_loss)) {
    Sentence what;
    what << "the mean loss of the last epoch is " << result.train_loss;
    diverge(what.str());
  }
  if (!result.worse_than_guess) return;
  const bool classes = network_.head().classes(), text = classes && network_.config().outputs == 0;
  Sentence message;
  message << "this model is no better than a guess: its " << (validation_ ? "validation" : "training") << " loss is "
          << loss << (text ? " nats a token" : "") << ", where "
          << (text      ? "the tokens' frequencies alone give "
              : classes ? "the frequencies of the classes alone give "
                        : "always predicting the same gives ")
          << guessed << "; try a lower learning rate, or train longer";
  warn(message.str());
}

}  // namespace sluice
