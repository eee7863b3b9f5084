// The log of a training that may be going on: what is new in it, read now and then.
#pragma once

#include <cstdint>
#include <string>

#include "training_curves.h"

namespace sluice::tool {

class LogFollower {
 public:
  explicit LogFollower(std::string path) : path_(std::move(path)) {}

  // Reads what was written since, a piece of it where it is much. Whatever is wrong with the log is a notice.
  void read();
  // Whether there was more than that.
  bool is_behind() const { return behind_; }
  const TrainingCurves& curves() const { return curves_; }
  // Counts how often the log began anew, from 1 on.
  std::uint64_t run() const { return run_; }
  // What is not as it should be, in a sentence or two; empty when all is well.
  std::string notice() const;

 private:
  bool open_and_read(int fd);
  void begin_anew();
  void take(std::string_view bytes);
  void enter_line(std::string_view line);

  std::string path_, trouble_;
  std::string head_;       // the first bytes, by which another log is known though it has the same file
  std::string part_;       // of a line whose end is not written yet
  bool too_long_ = false;  // that line is none, and skipped
  bool behind_ = false, began_anew_ = false;
  std::uint64_t file_ = 0, read_ = 0, run_ = 1, lines_ = 0, bad_ = 0, first_bad_ = 0;
  TrainingCurves curves_;
};

}  // namespace sluice::tool
