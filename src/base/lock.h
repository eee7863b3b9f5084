// One writer at a time: who writes a file for long, or again and again, holds a lock beside it.
#pragma once

#include <memory>
#include <string>

#include "sluice/error.h"

namespace sluice {

// Holds PATH.lock, a file with the number of this process in it, while it lives. The system gives the lock back however
// a process ends, so a lock file that a kill left is in nobody's way. The thread that holds it may take it again.
// Nothing is locked where writes go to a pipe or device, or where the file system knows no locks. A file of that name
// that was not made here is never changed or removed.
class FileLock {
 public:
  // Throws Error (failed): another process or thread has it, naming both file and process; `path` cannot be written; or
  // PATH.lock is a file of somebody else's.
  explicit FileLock(const std::string& path);

  // Whether a file is the lock of something that this process writes now: what is written there would be lost.
  static bool is_held(const std::string& lock);

 private:
  struct Held;
  std::shared_ptr<const Held> held_;  // null: nothing is locked
};

}  // namespace sluice
