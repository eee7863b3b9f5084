// See remarks.h.
#include "remarks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "terminal.h"

namespace sluice::tool {
namespace {

constexpr std::uint64_t kFewUpdates = 300;
constexpr std::size_t kCourse = 4;       // validations, before anything is said of how they went
constexpr double kStillFalling = 0.005;  // of the loss (of 1, where it is less), in the last tenth of the updates
constexpr double kManyUnknown = 0.05;

// What the last tenth of the updates took from the loss: its share, where validations stand further apart.
double last_gain(const Course& course) {
  const auto& all = course.validations;
  const std::uint64_t then = all.back().update - all.back().update / 10;
  const auto before = std::find_if(all.rbegin(), all.rend(), [&](const auto& v) { return v.update <= then; });
  if (before == all.rend()) return 0;
  const auto last = static_cast<double>(all.back().update), span = last - static_cast<double>(before->update);
  return (before->loss - all.back().loss) * last / 10 / span;
}

}  // namespace

void Course::enter(const Report& report) {
  if (report.kind == Report::Kind::update) {
    if (epochs.empty() || epochs.back().number != report.epoch) epochs.push_back({report.epoch});
    Epoch& now = epochs.back();
    now.loss += (report.loss - now.loss) / static_cast<double>(++now.updates);
  }
  if (report.kind != Report::Kind::validation) return;
  const double share = static_cast<double>(report.update) / static_cast<double>(report.updates);
  validations.push_back(
      {report.epoch, report.update, report.validation_loss, share * static_cast<double>(report.epochs)});
}

const Course::Validation* Course::best() const {
  const auto found = std::ranges::min_element(validations, {}, &Validation::loss);
  return found == validations.end() ? nullptr : &*found;
}

bool Run::best_long_ago() const {
  const Course::Validation* best = course.best();
  return best != nullptr && 3 * best->update <= 2 * result.updates;
}

std::string Run::longer() const {
  if (options.minutes > 0) return fmt::format("--minutes {:.2g}", 2 * options.minutes);
  if (options.updates > 0 && options.max_seconds == 0) return fmt::format("--updates {}", 2 * options.updates);
  const bool ran_out =
      options.max_seconds > 0 && !result.stopped_early && (options.updates > 0 || result.epochs < options.epochs);
  return ran_out ? fmt::format("--max-seconds {:.0f}", std::ceil(2 * options.max_seconds))
                 : fmt::format("--epochs {}", 2 * options.epochs);
}

std::vector<std::string> remarks(const Run& run) {
  std::vector<std::string> all;
  const TrainResult& r = run.result;
  if (r.diverged) return all;  // which was said, and what to do
  if (r.updates < kFewUpdates && !r.stopped_early) {
    all.push_back(fmt::format("{} updates are few: a smaller --batch, or {}", r.updates, run.longer()));
  }
  if (run.course.validations.size() < kCourse || r.stopped_early) return all;
  if (run.best_long_ago()) {
    const bool updates = decided_by_updates(run.options);
    all.push_back(
        fmt::format("the best was {} {} of {}, and what came after only learned the text by heart: more "
                    "--dropout, or --patience to end sooner",
                    updates ? "update" : "epoch", updates ? run.course.best()->update : run.course.best()->epoch,
                    updates ? r.updates : run.options.epochs));
  } else if (const double gain = last_gain(run.course); gain > kStillFalling * std::max(1.0, r.validation_loss)) {
    all.push_back(fmt::format("the loss was still falling, by {:.4f} over the last tenth: {}", gain, run.longer()));
  }
  return all;
}

std::optional<std::string> remark_on(const Corpus& validation) {
  const double share = static_cast<double>(validation.unknown()) / static_cast<double>(validation.tokens().size());
  if (validation.vocabulary().text().level == Level::character || !(share > kManyUnknown)) return std::nullopt;
  return fmt::format("{} of the validation tokens are <unk>: --level char, or a lower --min-count", percent(share));
}

}  // namespace sluice::tool
