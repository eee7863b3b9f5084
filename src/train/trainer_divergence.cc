// What keeps a gradient from the weights, and what ends a training that leads nowhere (trainer.h has the rule).
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/sentence.h"
#include "train/trainer.h"

namespace sluice {
namespace {

constexpr std::uint64_t kMostRecoveries = 8;  // in a row, without reaching the next point

// Divergence without NaN: so many times the loss that the first weights, or guessing, had, in so many windows in a row
// or in the mean of the last epoch.
constexpr double kFarNats = 2, kFarSquares = 10;
constexpr std::uint64_t kFarWindows = 100;

// What predicting without looking costs on a window: all classes alike, or numbers from outputs of zero.
double loss_of_zeros(const Network& network, const Window& window) {
  if (network.head().classes()) return std::log(static_cast<double>(network.targets()));
  const std::vector<float> zeros(round_up(network.outputs(), kBlock));
  const Targets targets = {window.targets.tokens, window.targets.numbers, window.targets.weights};
  const std::size_t rows = target_rows(window, network.targets());
  double sum = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    sum += static_cast<double>(network.head().loss(zeros.data(), zeros.size(), network.targets(), targets, i));
  }
  return sum / static_cast<double>(rows);
}

std::string in_words(double bad) {
  if (std::isnan(bad)) return "not a number";
  if (std::isinf(bad)) return "infinite";
  Sentence text;
  text << "too large, " << bad;
  return text.str();
}

}  // namespace

// A gradient whose square does not fit a float counts as infinite, since it would leave a second moment of Adam or
// RMSProp infinite for good.
std::string Trainer::divergence_reason(double loss, double norm, bool look_at_weights) {
  Sentence text;
  if (!std::isfinite(loss)) {
    text << "the loss is " << in_words(loss);
  } else if (!(norm * norm <= static_cast<double>(std::numeric_limits<float>::max()))) {
    text << "the gradient's norm is " << in_words(norm);
  } else if (look_at_weights && !weights_are_finite()) {
    text << "a weight is not finite";
  }
  return text.str();
}

double Trainer::far_loss(double guess) const {
  return (network_.head().classes() ? kFarNats : kFarSquares) * std::max(progress_.first_loss, guess);
}

void Trainer::end_with_best(const std::string& message, const Parameters& others) {
  if (best_ && progress_.validations.best < guess_loss()) {
    Sentence kept;
    kept << message << "; the best weights, with a validation loss of " << progress_.validations.best << ", are kept";
    warn(kept.str());
    diverged_ = true;
    return;
  }
  std::ranges::copy(others.all(), network_.parameters().all().begin());
  throw Error(Status::diverged, message);
}

void Trainer::diverge(const std::string& what) {
  Sentence message;
  message << "training diverged after update " << progress_.update << " (epoch " << report(Report::Kind::warning).epoch
          << "): " << what << ", where it began at " << progress_.first_loss << "; try a much lower learning rate";
  end_with_best(message.str(), best_ ? *best_ : first_ ? *first_ : proven());
}

void Trainer::look_at_loss(double loss, const Window& window) {
  if (progress_.update == 0) progress_.first_loss = loss;
  const double far = far_loss(loss_of_zeros(network_, window));
  progress_.far_windows = loss > far ? progress_.far_windows + 1 : 0;
  if (progress_.far_windows < kFarWindows) return;
  Sentence what;
  what << "the loss has been above " << far << " for " << kFarWindows << " updates in a row, and is " << loss << " now";
  diverge(what.str());
}

void Trainer::recover(const std::string& what) {
  Progress& good = point_.progress;
  Sentence text;
  text << "after update " << progress_.update << " (epoch " << progress_.epoch + 1 << "): " << what;
  // The same weights and the same window give the same again: a smaller step cannot help where none was made.
  const bool hopeless = progress_.update == good.update;
  if (hopeless || good.recoveries == kMostRecoveries) {
    if (hopeless) {
      text << " before any step was made from these weights";
    } else {
      text << ", and halving the learning rate " << good.recoveries << " times, to " << learning_rate()
           << ", did not help; try a much lower learning rate" << (options_.clip_norm == 0 ? " and clip-norm = 1" : "");
    }
    return end_with_best("training diverged " + text.str(), proven());
  }
  // What the clock has decided stays: no update before it was another for that.
  good.planned_updates = progress_.planned_updates;
  good.cooldown = progress_.cooldown;
  good.validate_every = progress_.validate_every;
  good.rate_factor /= 2;
  ++good.recoveries;
  restore_point();
  text << "; going back to the state after update " << progress_.update << ", with half the learning rate from now on";
  Report recovery = report(Report::Kind::recovery);
  recovery.message = text.str();
  send(recovery);
}

}  // namespace sluice
