// Training as it is seen from outside: a line at the bottom of a terminal, lines that stay, JSON lines in a log.
#pragma once

#include <string>

#include "output.h"
#include "sluice/sluice.h"
#include "terminal.h"

namespace sluice::tool {

// One run.
class Progress {
 public:
  explicit Progress(Talk& talk) : talk_(talk) {}
  void show(const Report& report);

 private:
  Talk& talk_;
  double smooth_ = 0;  // exponential mean of the loss, over about 50 updates
};

Json to_json(const Report& report);

// Several runs one after another, as compare and demo train them.
class RunsProgress {
 public:
  explicit RunsProgress(Talk& talk) : talk_(talk) {}
  void show(const CompareProgress& progress);

 private:
  Talk& talk_;
  std::size_t run_ = 0;
  double smooth_ = 0;
};

}  // namespace sluice::tool
