#include "bench/measure/realtime.h"

#include <algorithm>
#include <memory>

#include "base/random.h"
#include "bench/measure/samples.h"
#include "sluice/stream.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kTokens = 64, kStreams = 16, kWarm = 1000, kInputs = 4096;

// A step is called with its number; what it reads was drawn before.
using Step = std::function<void(std::size_t)>;

std::vector<double> time_steps(const Step& step, std::size_t steps) {
  std::vector<double> times(steps);
  for (std::size_t i = 0; i < kWarm; ++i) step(i);
  for (std::size_t i = 0; i < steps; ++i) {
    const double start = seconds_now();
    step(i);
    times[i] = seconds_now() - start;
  }
  return times;
}

double at_share(std::vector<double>& times, double share) {
  const auto place = static_cast<std::ptrdiff_t>(share * static_cast<double>(times.size() - 1));
  std::nth_element(times.begin(), times.begin() + place, times.end());
  return times[static_cast<std::size_t>(place)];
}

Vocabulary numbered_vocabulary() {
  std::vector<std::string> tokens = {std::string(Vocabulary::unknown_text)};
  while (tokens.size() < kTokens) tokens.push_back(std::to_string(tokens.size()));
  return Vocabulary({}, std::move(tokens));
}

// What a step needs, kept alive by it.
struct Work {
  explicit Work(Model made) : model(std::move(made)) {}
  Model model;
  std::unique_ptr<Stream> stream;
  std::unique_ptr<StreamBatch> batch;
  std::vector<float> x;
};

Step make_step(const std::string& work, const std::string& cell, std::size_t hidden) {
  Config config;
  config.cell = cell;
  config.hidden = hidden;
  if (work == "text") {
    const auto w = std::make_shared<Work>(Model(config, numbered_vocabulary()));
    w->stream = std::make_unique<Stream>(w->model);
    return [w](std::size_t i) { w->stream->step(static_cast<Token>(i % kTokens)); };
  }
  config.inputs = config.outputs = 1;
  const auto w = std::make_shared<Work>(Model(config));
  Random random(1);
  for (std::size_t i = 0; i < kInputs; ++i) w->x.push_back(static_cast<float>(2 * random.uniform() - 1));
  if (work == "batch") {
    w->batch = std::make_unique<StreamBatch>(w->model, kStreams);
    return [w](std::size_t i) {
      w->batch->step(std::span<const float>(w->x).subspan(i % (kInputs / kStreams) * kStreams, kStreams));
    };
  }
  w->stream = std::make_unique<Stream>(w->model);
  return [w](std::size_t i) { w->stream->step(std::span<const float>(w->x).subspan(i % kInputs, 1)); };
}

}  // namespace

RealTimeReport run_realtime(const Selection& selection,
                            const std::function<bool(std::size_t, std::size_t, const std::string&)>& progress) {
  RealTimeReport report;
  std::vector<double> clock = time_steps([](std::size_t) {}, 10001);
  report.clock = at_share(clock, 0.5);
  std::vector<std::string> names = selection.cells;
  if (names.empty()) {
    for (const CellInfo& info : cells()) names.emplace_back(info.name);
  }
  const std::vector<std::size_t> usual = {16, 64, 256}, hidden = selection.hidden.empty() ? usual : selection.hidden;
  const std::size_t steps = selection.quick ? 10000 : 200000;
  std::vector<StepTimes> planned;
  for (const std::string& cell : names) {
    for (const char* work : {"text", "numbers", "batch"}) {
      for (const std::size_t h : hidden) {
        planned.push_back({.work = work, .cell = cell, .hidden = h, .steps = steps});
        if (planned.back().work == "batch") planned.back().streams = kStreams;
      }
    }
  }
  for (std::size_t i = 0; i < planned.size(); ++i) {
    StepTimes r = planned[i];
    if (!progress(i, planned.size(), r.work + " " + r.cell + " " + std::to_string(r.hidden))) break;
    std::vector<double> times = time_steps(make_step(r.work, r.cell, r.hidden), steps);
    r.median = at_share(times, 0.5);
    r.p999 = at_share(times, 0.999);
    r.worst = *std::ranges::max_element(times);
    report.results.push_back(r);
  }
  return report;
}

}  // namespace sluice::bench
