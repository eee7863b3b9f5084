#include "training_record.h"

#include <fmt/format.h>

#include <utility>

#include "base/file.h"
#include "log_follower.h"
#include "progress.h"

namespace sluice::tool {
namespace {

constexpr double kTimesWriting = 20;  // at least, that pass between two times that the page is written

Json gates_line(const Report& report, const std::vector<GateHistogram>& gates) {
  Json line = {{"kind", "gates"}, {"epoch", report.epoch}, {"update", report.update}, {"layers", Json::array()}};
  for (const GateHistogram& gate : gates) {
    Json& layers = line["layers"];
    if (layers.empty() || layers.back()["layer"] != gate.layer) {
      layers.push_back({{"layer", gate.layer}, {"gates", Json::object()}});
    }
    layers.back()["gates"][std::string(gate.gate)] = gate.counts;
  }
  return line;
}

// Of a run that goes on: what its log has so far.
TrainingCurves earlier_curves(const RecordTarget& target) {
  if (!target.resume || target.log.empty() || target.page.empty()) return {};
  LogFollower log(target.log);
  do log.read();
  while (log.is_behind());
  return log.curves();
}

}  // namespace

TrainingRecord::TrainingRecord(const RecordTarget& target, Json start, const Json& ngram)
    : target_(target),
      start_(std::move(start)),
      ngram_(ngram),
      curves_(earlier_curves(target)),
      log_(target.log, target.resume ? AppendFile::Begin::after : AppendFile::Begin::anew, "log"),
      events_(target.events, target.force && !target.resume),
      page_there_(target.resume || target.force) {
  if (!target.page.empty()) page_lock_.emplace(target.page);
}

void TrainingRecord::say(const Json& line) {
  if (!target_.log.empty()) log_.write(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  if (!target_.page.empty()) curves_.enter(line);
}

void TrainingRecord::enter(const Report& report) {
  if (target_.log.empty() && target_.page.empty() && target_.events.empty()) return;
  const bool first = !start_.is_null();
  if (first) {
    start_["updates"] = report.updates;
    start_["resumed"] = target_.resume;
    say(std::exchange(start_, nullptr));
    if (!ngram_.is_null()) say(ngram_);
  }
  std::vector<GateHistogram> gates;
  if (report.gates) gates = report.gates();
  say(to_json(report));
  if (!gates.empty()) say(gates_line(report, gates));
  events_.enter(report, gates);
  // So that it can be looked at from the first update on.
  const bool milestone = report.kind == Report::Kind::validation || report.kind == Report::Kind::checkpoint;
  if (first || (milestone && clock_.seconds() >= page_due_)) write_page();
}

void TrainingRecord::write_page() {
  if (target_.page.empty()) return;
  const double began = clock_.seconds();
  try {
    write_file(target_.page, training_page(curves_.json()), std::exchange(page_there_, true));
    page_lost_.clear();
  } catch (const Error& error) {
    page_lost_ = fmt::format("{}: the page is not up to date: {}", target_.page, error.what());
  }
  page_due_ = clock_.seconds() + kTimesWriting * (clock_.seconds() - began);
}

std::string TrainingRecord::news() {
  std::string text;
  for (const std::string& one : {log_.news(), events_.news(), page_told_ ? std::string() : page_lost_}) {
    text += (text.empty() || one.empty() ? "" : "; ") + one;
  }
  page_told_ = page_told_ || !page_lost_.empty();
  return text;
}

std::string TrainingRecord::close() {
  write_page();
  page_lock_.reset();
  std::string text;
  for (const std::string& one : {log_.close(), events_.close(), page_lost_}) {
    text += (text.empty() || one.empty() ? "" : "; ") + one;
  }
  return text;
}

}  // namespace sluice::tool
