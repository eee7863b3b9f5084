// A file that grows by whole pieces, such as the lines of a log, each there as soon as it is written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/lock.h"

namespace sluice::tool {

class AppendFile {
 public:
  enum class Begin {
    anew,      // without what was there
    after,     // behind what is there
    as_first,  // where there is none of that name; it needs no lock
  };
  // `what` it is, in sentences: "log". Nothing is written for an empty path. Throws Error (failed): the file cannot be
  // opened, or another run writes it.
  AppendFile(const std::string& path, Begin begin, std::string what);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  // A piece that cannot be written is the last: it is taken back, the file ends before it, and the work goes on.
  void write(std::string_view piece);
  // Closes the file. What was lost, as one sentence; empty when every piece was written.
  std::string close();
  // The same so far, for people who watch: empty again after it was asked.
  std::string news();

 private:
  void lose(int error);

  std::string path_, what_, lost_;
  bool told_ = false;
  std::optional<FileLock> lock_;
  int fd_ = -1;
};

}  // namespace sluice::tool
