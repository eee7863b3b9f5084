// SIGINT and SIGTERM (and SIGHUP) as a question that long work asks now and then: go on? A second signal ends the
// program at once.
#pragma once

#include <csignal>

namespace sluice::tool {

// While it lives, the first signal is noted; before and after, signals do what they did. One at a time.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  bool go_on() const;
  int exit_code() const;     // 128 + the signal's number; 0 when there was none
  const char* name() const;  // "SIGINT", ...

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction before_[3];
};

}  // namespace sluice::tool
