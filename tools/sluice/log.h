// The log of a training: a file of JSON lines, each whole as soon as it is written.
#pragma once

#include <optional>
#include <string>

#include "base/lock.h"
#include "output.h"

namespace sluice::tool {

class Log {
 public:
  // Nothing is written for an empty path. Throws Error (failed): the file cannot be opened, or another run writes it.
  Log(const std::string& path, bool append);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // A line that cannot be written is the last: it is taken back, the log ends before it, and the work goes on.
  void write(const Json& line);
  // Closes the file. What was lost, as one sentence; empty when every line was written.
  std::string close();
  // The same so far, for people who watch: empty again after it was asked.
  std::string news();

 private:
  void lose(int error);

  std::string path_, lost_;
  bool told_ = false;
  std::optional<FileLock> lock_;
  int fd_ = -1;
};

}  // namespace sluice::tool
