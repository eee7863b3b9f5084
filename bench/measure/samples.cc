#include "bench/measure/samples.h"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace sluice::bench {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double thread_seconds_now() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Spread spread_of(std::vector<double> values) {
  Spread s;
  s.count = values.size();
  if (values.empty()) return s;
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
  };
  s.least = values.front();
  s.lower = at(0.25);
  s.median = at(0.5);
  s.upper = at(0.75);
  s.most = values.back();
  return s;
}

namespace {

double time_of(const std::function<void()>& work, std::size_t runs) {
  const double start = seconds_now();
  for (std::size_t i = 0; i < runs; ++i) work();
  return (seconds_now() - start) / static_cast<double>(runs);
}

}  // namespace

std::vector<double> measure(const std::function<void()>& work, const Effort& effort,
                            const std::function<void()>& between) {
  work();
  std::size_t runs = 1;
  double once = time_of(work, runs);
  while (once * static_cast<double>(runs) < effort.sample_seconds) {
    const double wanted = effort.sample_seconds / std::max(once, 1e-9);
    runs = std::max(2 * runs, std::min(16 * runs, static_cast<std::size_t>(wanted)));
    once = time_of(work, runs);
  }
  const double affordable = effort.work_seconds / (once * static_cast<double>(runs));
  const std::size_t count = std::clamp(static_cast<std::size_t>(std::min(affordable, 1e6)), effort.least, effort.most);
  std::vector<double> samples;
  for (std::size_t i = 0; i < count; ++i) {
    between();
    samples.push_back(time_of(work, runs));
  }
  return samples;
}

}  // namespace sluice::bench
