// Times of one piece of work, measured several times.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace sluice::bench {

double seconds_now();         // of a clock that never goes back
double thread_seconds_now();  // of processor time that the calling thread was given

// What several measurements say. Quartiles by linear interpolation between order statistics.
struct Spread {
  double least = 0, lower = 0, median = 0, upper = 0, most = 0;
  std::size_t count = 0;
};
Spread spread_of(std::vector<double> values);

// How long and how often to measure.
struct Effort {
  double sample_seconds = 5e-4;      // a sample is as many runs as take this long
  double work_seconds = 0.4;         // a piece of work is measured for about this long,
  std::size_t least = 5, most = 41;  // and this often
};

// Runs `work` in samples of several runs and returns the seconds of one run in each, after a first run that does not
// count. `between` is called before every sample: what is compared is measured in turn.
std::vector<double> measure(const std::function<void()>& work, const Effort& effort,
                            const std::function<void()>& between);

}  // namespace sluice::bench
