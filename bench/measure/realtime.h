// How long single steps take, one after another: the typical one, and the worst.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "bench/measure/suite.h"

namespace sluice::bench {

struct StepTimes {
  std::string work, cell;  // work: "text" (64 tokens), "numbers" (1 in, 1 out), "batch" (numbers, 16 streams together)
  std::size_t hidden = 0, streams = 1, steps = 0;
  double median = 0, p999 = 0, worst = 0;  // seconds a step; p999: 999 of 1000 are no slower
};

struct RealTimeReport {
  double clock = 0;  // seconds: what reading the clock twice takes, which every time contains
  std::vector<StepTimes> results;
};

// Cells, hidden sizes and quick of the selection; progress as in run() of suite.h.
RealTimeReport run_realtime(const Selection& selection,
                            const std::function<bool(std::size_t, std::size_t, const std::string&)>& progress);

}  // namespace sluice::bench
