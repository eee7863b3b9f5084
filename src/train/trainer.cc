#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <new>
#include <utility>

#include "base/file.h"
#include "base/random.h"
#include "base/sentence.h"
#include "model/model_access.h"
#include "model/streams.h"
#include "train/optimizer.h"
#include "train/schedule.h"

namespace sluice {
namespace {

constexpr std::uint64_t kPointEvery = 10;   // windows; keeping one costs about as much memory traffic as an update
constexpr std::uint64_t kResetStream = 99;  // of random numbers
constexpr double kTimesWriting = 20;        // at least, that pass between a checkpoint and that of an epoch's end

void copy_values(const Parameters& from, Parameters& to) { std::ranges::copy(from.all(), to.all().begin()); }

}  // namespace

NetworkInTraining::NetworkInTraining(Model& model, Team& team)
    : model_(model), network_(network_of(model)), team_(team) {
  ModelAccess::share(model_, false);
}

NetworkInTraining::~NetworkInTraining() {
  ModelAccess::share(model_, true);
  try {
    network_.set_format(Format::f32, team_);
  } catch (const std::exception&) {
    // Too little memory: the network stays without packed weights, and every use of it says so.
  }
}

Trainer::Trainer(Model& model, std::unique_ptr<Windows> training, std::unique_ptr<Windows> validation,
                 Fingerprint fingerprint, const TrainOptions& options, const TrainCallback& callback)
    : options_(options),
      callback_(callback),
      lock_(options.checkpoint.empty() ? std::nullopt : std::optional<FileLock>(options.checkpoint)),
      team_(options.threads),
      in_training_(model, team_),
      network_(in_training_.get()),
      windows_(std::move(training)),
      validation_(std::move(validation)),
      fingerprint_(std::move(fingerprint)),
      format_(options.precision == Precision::bf16 ? Format::bf16 : Format::f32) {
  network_.set_format(format_, team_);
  moments_ = fresh_moments(options, network_.parameters());
  state_ = network_.initial_state(windows_->carries_state() ? windows_->batch() : 1);
  gradients_ = Gradients(network_.parameters());
  if (options.ema_decay > 0) average_ = network_.parameters();
  std::shared_ptr<const Parameters> first;
  if (validation_) first = std::make_shared<const Parameters>(network_.parameters());
  point_ = {progress_, network_.parameters(), moments_, average_, state_, nullptr, std::move(first)};
  if (!options.checkpoint.empty()) {
    check_writable(options.checkpoint, /*force=*/true);
    if (!options.resume) expect_no_other_file(options.checkpoint);
    if (options.resume) knows_arithmetic_ = read_checkpoint(options.checkpoint, fingerprint_, point_);
  }
  restore_point();
  // Until it was measured: 100 MB and 50 files a second. Weights, the best of them and moments are written.
  const std::size_t floats = network_.parameters().count() * (2 + moments_.size());
  writing_seconds_ = 0.02 + static_cast<double>(floats * sizeof(float)) / 1e8;
  earlier_seconds_ = progress_.seconds;
  checkpoint_due_ = seconds() + options.checkpoint_seconds;
}

TrainResult Trainer::run() {
  State before;
  if (!knows_arithmetic_) {
    warn(options_.checkpoint +
         ": an older checkpoint, which does not say on which instruction set it was made: with or without fused "
         "multiply-add (now " +
         fingerprint_.at("arithmetic") +
         "); if that was another, the weights are not those of an uninterrupted run to the bit");
  }
  plan_validations();
  mark_ = last_mark_ = {seconds(), progress_.update};
  if (time_limit() > 0) {  // this takes a while, and is needed in the end
    guess();
    if (!validation_) guess_loss();
  }
  while (!over()) {
    const Stopwatch clock;
    const std::uint64_t window = progress_.window;
    const bool keeps_point = window % kPointEvery == 0;
    if (keeps_point) before = state_;
    reset_streams();
    const Window rows = windows_->fill(window, progress_.epoch);
    const DropoutKey dropout{options_.seed, progress_.update};
    double loss = 0;
    if (!unless_stopped([&] {
          loss = network_.train(rows, dropout, windows_->before(state_, network_), gradients_, workspace_, team_);
        })) {
      break;
    }
    windows_->after(state_);
    const double norm = global_norm(gradients_, team_);
    if (const std::string what = divergence_reason(loss, norm, keeps_point); !what.empty()) {
      recover(what);
      continue;
    }
    if (keeps_point) {
      keep_point(before);
      if (seconds() >= checkpoint_due_) write_checkpoint();
    }
    look_at_loss(loss, rows);
    if (diverged_) break;

    const double rate = learning_rate();
    apply_update(options_, progress_.update, rate, clip_factor(options_.clip_norm, norm), gradients_, moments_,
                 network_.parameters(), team_);
    if (average_) update_average(options_.ema_decay, progress_.update, network_.parameters(), *average_, team_);
    network_.pack(team_);
    count(loss, rows);
    Report update = report(Report::Kind::update);
    update.loss = loss;
    update.learning_rate = rate;
    update.gradient_norm = norm;
    send(update);
    slowest_update_ = std::max(slowest_update_, clock.seconds());
    if (stopped_ || !validate_if_due()) continue;
    if (progress_.window == windows_->count()) end_epoch();
    decide_by_clock();
  }
  if (progress_.tokens == 0 && !stopped_) {
    throw Error(Status::failed,
                std::string(options_.minutes > 0 ? "minutes" : "max-seconds") +
                    ": expected time for at least one update and what comes after it, found less; nothing was "
                    "trained");
  }
  return finish();
}

bool Trainer::weights_are_finite() { return std::isfinite(global_norm(network_.parameters(), team_)); }

bool Trainer::out_of_patience() const {
  return options_.patience > 0 && progress_.validations.without_improvement >= options_.patience;
}

bool Trainer::over() const {
  const bool out_of_time = time_limit() > 0 && seconds() + seconds_at_the_end() >= time_limit();
  return stopped_ || diverged_ || out_of_time || progress_.update >= last_update() || out_of_patience();
}

void Trainer::reset_streams() {
  if (options_.state_reset == 0) return;
  const Random random(options_.seed, kResetStream);
  for (std::size_t b = 0; b < state_.batch(); ++b) {
    if (random.uniform_at(progress_.update * state_.batch() + b) >= options_.state_reset) continue;
    if (network_.learns_initial_state()) {
      copy_stream(network_.initial_state(1), 0, state_, b);
    } else {
      clear_stream(state_, b);
    }
  }
}

double Trainer::learning_rate() const {
  return learning_rate_at(options_, progress_.update, scheduled_updates(), progress_.validations.rate_factor,
                          progress_.cooldown) *
         progress_.rate_factor;
}

double Trainer::mean_loss() const {
  if (progress_.epoch_weight == 0) return progress_.last_loss;
  return progress_.epoch_nats / progress_.epoch_weight;
}

void Trainer::count(double loss, const Window& window) {
  const std::uint64_t tokens = target_rows(window, network_.targets());
  ++progress_.update;
  ++progress_.window;
  progress_.tokens += tokens;
  progress_.epoch_nats += loss * gradients_.weight;
  progress_.epoch_weight += gradients_.weight;
  run_tokens_ += tokens;
}

void Trainer::keep_point(const State& state) {
  if (progress_.update > point_.progress.update) progress_.recoveries = 0;
  progress_.seconds = seconds();
  point_.progress = progress_;
  copy_values(network_.parameters(), point_.weights);
  for (std::size_t i = 0; i < moments_.size(); ++i) copy_values(moments_[i], point_.moments[i]);
  if (average_) copy_values(*average_, *point_.average);
  point_.state = state;
  point_.best = best_;
  if (best_) point_.first = first_ = nullptr;
}

void Trainer::restore_point() {
  progress_ = point_.progress;
  copy_values(point_.weights, network_.parameters());
  for (std::size_t i = 0; i < moments_.size(); ++i) copy_values(point_.moments[i], moments_[i]);
  if (average_) copy_values(*point_.average, *average_);
  state_ = point_.state;
  best_ = point_.best;
  first_ = point_.first;
  network_.pack(team_);
}

const Parameters& Trainer::proven() const {
  if (point_.best) return *point_.best;
  return point_.average ? *point_.average : point_.weights;
}

void Trainer::write_checkpoint() {
  if (options_.checkpoint.empty()) return;
  const Stopwatch clock;
  point_.progress.seconds = seconds();
  std::string failure;
  try {
    sluice::write_checkpoint(options_.checkpoint, point_, fingerprint_);
    writing_seconds_ = clock.seconds();
  } catch (const Error& error) {
    if (stopped_) throw;  // no other will follow
    failure = error.what();
  } catch (const std::bad_alloc&) {
    if (stopped_) throw;
    failure = options_.checkpoint + ": not enough memory";
  }
  idle_seconds_ += clock.seconds();
  checkpoint_due_ = seconds() + options_.checkpoint_seconds;
  checkpoint_early_ = seconds() + kTimesWriting * clock.seconds();
  if (!failure.empty()) {
    if (!std::exchange(checkpoint_failed_, true)) {
      warn("no checkpoint after update " + std::to_string(progress_.update) +
           ", training goes on and tries again: " + failure);
    }
    return;
  }
  if (std::exchange(checkpoint_failed_, false)) warn(options_.checkpoint + ": there is a checkpoint again");
  Report written = report(Report::Kind::checkpoint);
  written.message = options_.checkpoint;
  send(written);
}

bool Trainer::validate_or_recover() {
  if (!weights_are_finite()) {
    recover("a weight is not finite");
    return false;
  }
  bool finite = true;
  if (validation_ && !unless_stopped([&] { finite = validate(); })) return false;
  if (!finite) {
    recover("the loss on what is kept for validation is not finite");
    return false;
  }
  progress_.last_loss = mean_loss();
  progress_.epoch_nats = 0;
  progress_.epoch_weight = 0;
  // As soon as the next window has proved these weights, unless epochs are so short that a run would mostly write.
  checkpoint_due_ = std::min(checkpoint_due_, checkpoint_early_);
  last_mark_ = std::exchange(mark_, {seconds(), progress_.update});
  return true;
}

bool Trainer::validate_if_due() {
  if (!by_updates()) return progress_.window < windows_->count() || validate_or_recover();
  // What comes after the last update, finish() does.
  const bool due = progress_.validate_every > 0 && progress_.update % progress_.validate_every == 0;
  return !due || progress_.update >= last_update() || validate_or_recover();
}

void Trainer::end_epoch() {
  progress_.window = 0;
  ++progress_.epoch;
  state_.reset();
}

TrainResult Trainer::finish() {
  bool stopped = stopped_;
  // It ended before the clock could decide.
  if (options_.minutes > 0 && progress_.validate_every == 0) progress_.validate_every = progress_.update + 1;
  if (!stopped && !unvalidated() && progress_.update > point_.progress.update) keep_point(state_);
  write_checkpoint();
  stopped = keep_best(stopped);
  const bool calibrates = options_.calibrate_temperature && best_ && !stopped;
  double calibrated = 0;
  if (calibrates && !unless_stopped([&] { calibrated = calibrate(); })) stopped = keep_best(true);
  // Here, where a lack of memory is an error, and not in the destructor, which could say nothing.
  network_.set_format(Format::f32, team_);
  const bool limited = options_.max_seconds > 0;  // which leaves no time for it
  if (best_ && !stopped && !limited && !unless_stopped([&] { validate_on_all(); })) stopped = keep_best(true);

  TrainResult result;
  result.tokens = progress_.tokens;
  result.updates = progress_.update;
  result.epochs = progress_.epoch;
  result.threads = team_.size();
  result.seconds = seconds();
  result.tokens_per_second = tokens_per_second();
  result.train_loss = mean_loss();
  result.validation_loss = whole_loss_              ? *whole_loss_
                           : calibrates && !stopped ? calibrated
                           : best_                  ? progress_.validations.best
                                                    : result.train_loss;
  result.validation_tokens = validation_rows_;
  result.stopped = stopped;
  result.stopped_early = !stopped && progress_.update < last_update() && out_of_patience();
  result.options = options_without_clock();
  if (!stopped) {
    look_at_result(result);
    result.diverged = diverged_;
    Report done = report(Report::Kind::done);
    done.loss = result.train_loss;
    done.validation_loss = result.validation_loss;
    send(done);
  }
  return result;
}

double Trainer::tokens_per_second() const {
  const double busy = clock_.seconds() - idle_seconds_;
  return busy > 0 ? static_cast<double>(run_tokens_) / busy : 0;
}

Report Trainer::report(Report::Kind kind) const {
  Report report;
  report.kind = kind;
  const std::uint64_t updates = expected_updates();
  report.epochs = (updates + windows_->count() - 1) / windows_->count();
  report.epoch = std::min<std::size_t>(progress_.epoch + 1, report.epochs);
  report.update = progress_.update;
  report.updates = updates;
  report.tokens = progress_.tokens;
  report.learning_rate = learning_rate();
  report.seconds = seconds();
  report.tokens_per_second = tokens_per_second();
  report.threads = team_.size();
  if (run_tokens_ > 0) {
    const double each = static_cast<double>(windows_->rows()) / static_cast<double>(windows_->count());
    const double left = std::max(0., static_cast<double>(updates) * each - static_cast<double>(progress_.tokens));
    report.seconds_left = left / static_cast<double>(run_tokens_) * clock_.seconds();
  }
  if (options_.max_seconds > 0) {
    report.seconds_left =
        std::clamp(options_.max_seconds - seconds_at_the_end() - report.seconds, 0., report.seconds_left);
  }
  if (options_.minutes > 0) report.seconds_left = std::max(0., time_limit() - report.seconds);
  return report;
}

void Trainer::send(const Report& report) {
  if (callback_ && !callback_(report)) stopped_ = true;
}

void Trainer::warn(const std::string& message) {
  Report warning = report(Report::Kind::warning);
  warning.message = message;
  send(warning);
}

}  // namespace sluice
