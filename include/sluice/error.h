// The one exception of the library. Its message is a sentence: where, what was expected, what was found.
#pragma once

#include <stdexcept>
#include <string>

#include "sluice/export.h"
#include "sluice/standard.h"

namespace sluice {

// The value is the exit code the command line gives.
enum class Status : int {
  failed = 1,    // the work could not be done: a full disk, an output that already exists
  usage = 2,     // an option or argument is out of range or unknown
  bad_file = 3,  // a file is missing, unreadable, or not what it should be
  diverged = 4,  // training met NaN or Inf and smaller steps did not help, or its loss rose far above the start's
};

class SLUICE_API Error : public std::runtime_error {
 public:
  Error(Status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  Status status() const noexcept { return status_; }

 private:
  Status status_;
};

}  // namespace sluice
