// Event files, as TensorBoard reads them: records (a length and the bytes, each with its checksum) of Event messages.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "append_file.h"
#include "sluice/sluice.h"

namespace sluice::tool {

// Throws Error (failed): no folder can be there, or it holds event files already, which neither `resume` nor `force`
// allow for.
void check_event_folder(const std::string& folder, bool resume, bool force);

// One file more in a folder, with what a training reports: scalars, and histograms of gates.
class EventFile {
 public:
  // Nothing is written for an empty folder, which is made where it is missing. `replace`: event files that are there
  // are removed. Throws Error (failed).
  EventFile(const std::string& folder, bool replace);

  void enter(const Report& report, std::span<const GateHistogram> gates);
  std::string news() { return file_ ? file_->news() : ""; }
  std::string close() { return file_ ? file_->close() : ""; }

 private:
  void write(std::string_view event);

  std::optional<AppendFile> file_;
  std::optional<std::uint64_t> last_;  // update
};

}  // namespace sluice::tool
