// Whole files in and out, safely.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/aligned.h"
#include "sluice/error.h"

namespace sluice {

// The bytes of a file, in huge pages where the system gives them. Throws Error (bad_file) in one sentence naming the
// path: missing, a directory, unreadable, larger than `most` bytes.
RawVector<char> read_file(const std::string& path, std::uint64_t most = std::uint64_t{1} << 40);

// Writes a file that is either there whole or not at all: a temporary file beside it, fsync, rename, fsync of the
// folder. Throws Error (failed) and leaves no temporary file: exists and not force, full disk, no permission, a
// directory. Temporary files that a kill left beside the same file are removed.
void write_file(const std::string& path, std::string_view bytes, bool force);

// Several that belong together: all of them, or each as it was before.
struct FileBytes {
  std::string path;
  std::string_view bytes;
};
void write_files(std::span<const FileBytes> files, bool force);

// The file that a write to `path` puts in place, links followed; empty for a pipe, a device or an open stream, which
// is written to as it is. Throws as check_writable(path, true).
std::string place_of(const std::string& path);

// Throws the Error (failed) that write_file would throw before any work is done: exists and not force, or the folder
// is missing or not writable.
void check_writable(const std::string& path, bool force);

}  // namespace sluice
