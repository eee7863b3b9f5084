#include "progress.h"

#include <fmt/format.h>

#include <cmath>

#include "train/options.h"

namespace sluice::tool {
namespace {

void draw_bar(Console& console, const std::string& label, const std::string& unit, const Report& r, double& smooth) {
  smooth = smooth == 0 || !std::isfinite(smooth) ? r.loss : smooth + 0.02 * (r.loss - smooth);
  const double share = r.updates == 0 ? 0 : static_cast<double>(r.update) / static_cast<double>(r.updates);
  console.progress(label, share,
                   fmt::format("loss {:.3f}  {} {}s/s  {} left", smooth, rate(r.tokens_per_second), unit,
                               countdown(r.seconds_left)));
}

}  // namespace

std::string loss_unit(const std::string& unit) { return unit == "window" ? "pinball loss" : "nats per " + unit; }

std::string Progress::loss_text(double loss) const {
  if (unit_ == "window") return fmt::format("{:.4f} ({})", loss, loss_unit(unit_));
  const std::string text = fmt::format("{:.4f} {}", loss, loss_unit(unit_));
  return unit_ == "token" ? text + fmt::format(", perplexity {:.4g}", std::exp(loss)) : text;
}

void Progress::show(const Report& r) {
  if (first_ == 0) first_ = r.update;
  const std::uint64_t now = by_updates_ ? r.update : r.epoch, all = by_updates_ ? r.updates : r.epochs;
  const std::string epoch =
      fmt::format("{} {:>{}}/{}", by_updates_ ? "update" : "epoch", now, std::to_string(all).size(), all);
  switch (r.kind) {
    case Report::Kind::update:
      draw_bar(console_, epoch, unit_, r, smooth_);
      break;
    case Report::Kind::validation:
      if (r.best) best_ = {r.epoch, r.update, r.loss, r.validation_loss};
      console_.say(fmt::format("{}  train {:.4f}, validation {}{}  {} {}s/s  {}", epoch, r.loss,
                               loss_text(r.validation_loss), is_first() && r.best ? ", best so far" : "",
                               rate(r.tokens_per_second), unit_, duration(r.seconds)));
      break;
    case Report::Kind::recovery:
    case Report::Kind::warning:
      console_.say(one_line(r.message));
      break;
    case Report::Kind::checkpoint:
    case Report::Kind::done:
      break;
  }
}

std::string Progress::result(const TrainResult& r, bool validated) const {
  if (!validated) {
    return "train " + loss_text(r.train_loss);
  }
  // Losses of one and the same epoch beside each other: the last one's on what was trained is not the kept model's.
  if (!best_ || !is_first()) return "best: validation " + loss_text(r.validation_loss);
  if (by_updates_) {
    return fmt::format("best after update {}: train {:.4f}, validation {}", thousands(best_->update), best_->train,
                       loss_text(r.validation_loss));
  }
  // The last epoch may have ended before its end, as --max-seconds wants it.
  return fmt::format("best {} epoch {}: train {:.4f}, validation {}", best_->number > r.epochs ? "within" : "after",
                     best_->number, best_->train, loss_text(r.validation_loss));
}

void RunsProgress::show(const CompareProgress& p) {
  if (p.run != run_) smooth_ = 0;
  run_ = p.run;
  const std::string label = fmt::format("{:{}}/{}  {:<4}", p.run, std::to_string(p.runs).size(), p.runs, p.cell);
  if (p.report.kind == Report::Kind::update) {
    draw_bar(console_, label, "token", p.report, smooth_);
  } else if (p.report.kind == Report::Kind::recovery || p.report.kind == Report::Kind::warning) {
    console_.say(fmt::format("{} {}", label, one_line(p.report.message)));
  } else if (p.report.kind == Report::Kind::done) {
    console_.say(fmt::format("{} {} units, seed {}: {} tokens in {}, {} tokens/s", label, p.hidden, p.seed,
                             thousands(p.report.tokens), duration(p.report.seconds), rate(p.report.tokens_per_second)));
    console_.progress(label, 1, "measuring how far it remembers");
  }
}

Json to_json(const Report& r) {
  Json line = {{"kind", field_text(r.kind)},
               {"epoch", r.epoch},
               {"update", r.update},
               {"tokens", r.tokens},
               {"loss", r.loss},
               {"learning_rate", r.learning_rate},
               {"seconds", r.seconds},
               {"tokens_per_second", r.tokens_per_second}};
  if (r.kind == Report::Kind::update) line["gradient_norm"] = r.gradient_norm;
  if (r.kind == Report::Kind::validation || r.kind == Report::Kind::done) line["validation_loss"] = r.validation_loss;
  if (r.kind == Report::Kind::validation) line["best"] = r.best;
  if (!r.message.empty()) line["message"] = r.message;
  return line;
}

}  // namespace sluice::tool
