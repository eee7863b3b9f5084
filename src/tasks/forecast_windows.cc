// The windows of forecasts, and what a network's outputs for them mean; see forecast.h.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/watch.h"
#include "sluice/train.h"
#include "tasks/forecast.h"

namespace sluice {
namespace {

// Writes the steps of one window.
class WindowWriter {
 public:
  WindowWriter(const ForecastTask& task, std::vector<float>& to) : task_(task), to_(to) {}

  // Returns what the window is measured from.
  ForecastLevel write(const ForecastSeries& series, const ForecastOrigin& origin) {
    const std::size_t targets = task_.targets.size(), segment = task_.segment, at = origin.at;
    const ForecastLevel level = level_of(task_, series, at, origin.target);
    for (std::size_t row = at - task_.lookback; row < at; row += segment) {
      for (std::size_t i = 0; i < segment; ++i) {
        const double value = static_cast<double>(series.value(row + i, origin.target));
        put(static_cast<float>((value - level.level) / level.scale));
      }
      mask(series, origin.target, row, segment);
      for (std::size_t c = targets; c < task_.columns(); ++c) column(series, c, row, segment);
      rest(series, origin, row, false);
    }
    if (task_.future.empty()) return level;
    const std::size_t known = targets + task_.past.size();
    const std::size_t empty = (1 + task_.past.size()) * segment * (task_.missing == Missing::mask ? 3 : 1);
    for (std::size_t row = at; row < at + task_.horizon; row += segment) {
      to_.insert(to_.end(), empty, 0.f);
      const std::size_t there = std::min(segment, at + task_.horizon - row);
      for (std::size_t c = known; c < task_.columns(); ++c) column(series, c, row, there);
      rest(series, origin, row, true);
    }
    return level;
  }

 private:
  void put(float value) { to_.push_back(value); }

  // A segment of a column, of which `there` rows are known; zeros for the others.
  void column(const ForecastSeries& series, std::size_t c, std::size_t row, std::size_t there) {
    for (std::size_t i = 0; i < task_.segment; ++i) put(i < there ? series.value(row + i, c) : 0.f);
    mask(series, c, row, there);
  }

  void mask(const ForecastSeries& series, std::size_t c, std::size_t row, std::size_t there) {
    if (task_.missing != Missing::mask) return;
    for (std::size_t part = 1; part <= 2; ++part) {
      for (std::size_t i = 0; i < task_.segment; ++i) {
        put(i < there ? series.value(row + i, part * task_.columns() + c) : 0.f);
      }
    }
  }

  void rest(const ForecastSeries& series, const ForecastOrigin& origin, std::size_t row, bool ahead) {
    const std::uint32_t* fixed = series.fixed.data() + (origin.at - 1) * task_.fixed.size();
    for (std::size_t f = 0; f < task_.fixed.size(); ++f) {
      for (std::size_t k = 0; k < task_.categories[f].size(); ++k) put(fixed[f] == k ? 1.f : 0.f);
    }
    if (!task_.future.empty()) put(ahead ? 1.f : 0.f);
    if (!task_.yearly) return;
    constexpr double kYear = 31556952e6;  // microseconds of a Gregorian year in the mean
    const double turn = 2 * std::numbers::pi * std::fmod(static_cast<double>(series.times[row]), kYear) / kYear;
    put(static_cast<float>(std::sin(turn)));
    put(static_cast<float>(std::cos(turn)));
  }

  const ForecastTask& task_;
  std::vector<float>& to_;
};

}  // namespace

ForecastLevel level_of(const ForecastTask& task, const ForecastSeries& series, std::size_t at, std::size_t target) {
  ForecastLevel level;
  const auto value = [&](std::size_t back) { return static_cast<double>(series.value(at - back, target)); };
  if (task.bases[target] == ForecastBase::last) {
    level.level = value(1);
  } else {
    for (std::size_t back = 1; back <= task.span; ++back) level.level += value(back);
    level.level /= static_cast<double>(task.span);
  }
  if (task.id.empty()) return level;
  // Many series, some of which are far larger than others: each window has a scale of its own.
  double sum = 0, squares = 0;
  for (std::size_t back = 1; back <= task.lookback; ++back) sum += value(back);
  const double n = static_cast<double>(task.lookback), mean = sum / n;
  for (std::size_t back = 1; back <= task.lookback; ++back) squares += (value(back) - mean) * (value(back) - mean);
  constexpr double kLeast = 1e-3;
  level.scale = std::sqrt(squares / n + kLeast * kLeast);
  return level;
}

double base_of(const ForecastTask& task, const ForecastSeries& series, std::size_t at, std::size_t target,
               std::size_t h, const ForecastLevel& level) {
  if (task.bases[target] != ForecastBase::seasonal) return level.level;
  return static_cast<double>(series.value(at - task.season + h % task.season, target));
}

std::vector<ForecastOrigin> origins_of(const ForecastTask& task, std::span<const ForecastSeries> series,
                                       const ForecastPart& part, std::size_t most) {
  struct Range {
    std::size_t first, last;  // origins
  };
  std::vector<Range> ranges;
  std::size_t all = 0;
  for (const ForecastSeries& one : series) {
    const std::size_t after = part.after ? rows_until(one, *part.after) : 0;
    const std::size_t end = part.last ? rows_until(one, *part.last) : one.size();
    const std::size_t first = std::max(after, task.lookback);
    ranges.push_back({first, end >= task.horizon && end - task.horizon >= first ? end - task.horizon + 1 : first});
    all += ranges.back().last - ranges.back().first;
  }
  const std::size_t targets = task.targets.size();
  const std::size_t stride = std::max<std::size_t>(1, (all * targets + most - 1) / std::max<std::size_t>(1, most));
  std::vector<ForecastOrigin> origins;
  for (std::size_t s = 0; s < series.size(); ++s) {
    for (std::size_t target = 0; target < targets; ++target) {
      // Where only some are taken, the last one is among them.
      const std::size_t first = ranges[s].first + (ranges[s].last - ranges[s].first + stride - 1) % stride;
      for (std::size_t at = first; at < ranges[s].last; at += stride) origins.push_back({s, target, at});
    }
  }
  return origins;
}

Sequences windows_of(const ForecastTask& task, std::span<const ForecastSeries> series,
                     std::span<const ForecastOrigin> origins, bool targets) {
  Sequences all;
  all.inputs = task.inputs();
  all.values.reserve(origins.size() * task.steps() * all.inputs);
  all.outputs = targets ? task.horizon : 0;
  if (targets) all.targets.reserve(origins.size() * task.horizon);
  WindowWriter writer(task, all.values);
  for (const ForecastOrigin& origin : origins) {
    Watch::ask();
    const ForecastSeries& one = series[origin.series];
    const ForecastLevel level = writer.write(one, origin);
    all.starts.push_back(all.starts.back() + task.steps());
    if (!targets) continue;
    for (std::size_t h = 0; h < task.horizon; ++h) {
      const double truth = truth_of(task, one, origin.at + h, origin.target);
      const double base = base_of(task, one, origin.at, origin.target, h, level);
      all.targets.push_back(static_cast<float>((truth - base) / level.scale));
    }
  }
  return all;
}

void to_values(const ForecastTask& task, std::span<const ForecastSeries> series, const ForecastOrigin& origin,
               std::span<float> outputs) {
  const ForecastSeries& one = series[origin.series];
  const ForecastLevel level = level_of(task, one, origin.at, origin.target);
  const std::size_t quantiles = outputs.size() / task.horizon;
  for (std::size_t h = 0; h < task.horizon; ++h) {
    const double base = base_of(task, one, origin.at, origin.target, h, level);
    const auto of_step = outputs.subspan(h * quantiles, quantiles);
    for (float& output : of_step) {
      output = static_cast<float>(static_cast<double>(output) * level.scale + base);
    }
    std::ranges::sort(of_step);  // nothing keeps the network's quantiles from crossing
  }
}

void predict_each(const ForecastTask& task, const Model& model, std::span<const ForecastSeries> series,
                  std::span<const ForecastOrigin> origins, std::size_t threads,
                  const std::function<void(const ForecastOrigin&, std::span<const float>)>& use) {
  constexpr std::size_t kAtOnce = 512, kBatch = 128;
  for (; !origins.empty(); origins = origins.subspan(std::min(kAtOnce, origins.size()))) {
    const auto some = origins.first(std::min(kAtOnce, origins.size()));
    std::vector<float> y = predict(model, windows_of(task, series, some, false), kBatch, threads);
    const std::size_t width = y.size() / some.size();
    for (std::size_t i = 0; i < some.size(); ++i) {
      const std::span<float> values = std::span(y).subspan(i * width, width);
      to_values(task, series, some[i], values);
      use(some[i], values);
    }
  }
}

namespace {

// A forecast from a row on, as yet without its values.
Forecast forecast_at(const ForecastTask& task, const ForecastSeries& one, std::size_t at, const TimeForm& form) {
  Forecast next;
  next.series = one.name;
  const std::size_t first = at - std::min(at, task.lookback);
  for (std::size_t row = first; row < at; ++row) next.past_times.push_back(time_text(one.times[row], form));
  for (std::size_t h = 0; h < task.horizon; ++h) next.times.push_back(time_text(one.times[at + h], form));
  for (std::size_t t = 0; t < task.targets.size(); ++t) {
    const auto value = [&](std::size_t row) { return from_scale(task.scaling, truth_of(task, one, row, t), t); };
    for (std::size_t row = first; row < at; ++row) next.past.push_back(value(row));
    for (std::size_t h = 0; h < task.horizon; ++h) next.truth.push_back(value(at + h));
  }
  return next;
}

}  // namespace

std::vector<Forecast> forecasts_from(const ForecastTask& task, const Model& model,
                                     std::span<const ForecastSeries> series, std::span<const ForecastOrigin> origins,
                                     const TimeForm& form, std::size_t threads) {
  std::vector<Forecast> all;
  predict_each(task, model, series, origins, threads, [&](const ForecastOrigin& origin, std::span<const float> values) {
    if (origin.target == 0) all.push_back(forecast_at(task, series[origin.series], origin.at, form));
    for (const float value : values) {
      all.back().values.push_back(from_scale(task.scaling, static_cast<double>(value), origin.target));
    }
  });
  return all;
}

}  // namespace sluice
