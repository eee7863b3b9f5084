// Whole files in and out: read to the end, write by temporary file, fsync, rename, fsync of the folder.
// Source: rename(2), fsync(2) and the order of steps in "All File Systems Are Not Created Equal" (Pillai et al. 2014).
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <system_error>

namespace sluice {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

// Closes at the end of a scope; close() itself is called where its answer matters.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int close() {
    const int fd = fd_;
    fd_ = -1;
    return fd < 0 ? 0 : ::close(fd);
  }

 private:
  int fd_;
};

Error unreadable(const std::string& path, const std::string& expected, const std::string& found) {
  return Error(Status::bad_file, path + ": expected " + expected + ", found " + found);
}

Error unwritable(const std::string& path, const std::string& why) {
  return Error(Status::failed, path + ": cannot write: " + why);
}

// Names that stand for something already open: opening them again writes to it, renaming onto them would replace the
// name itself.
bool is_open_stream(const std::string& path) {
  return path == "/dev/stdout" || path == "/dev/stderr" || path.starts_with("/dev/fd/") ||
         path.starts_with("/proc/self/fd/");
}

// Where a write to `path` goes: a pipe or device is written to directly, anything else is replaced as a whole.
struct Target {
  std::string path;    // with symbolic links followed, so that a link stays a link
  std::string folder;  // of path
  bool stream = false;
  bool exists = false;
  mode_t mode = 0;  // of the file that exists
};

// Throws the Errors that can be known before anything is written.
Target find_target(const std::string& path, bool force) {
  if (path.empty()) throw Error(Status::failed, "cannot write: expected a file name, found an empty one");
  Target target{.path = path, .folder = {}};
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) throw unwritable(path, "expected a file name, found a directory");
    target.stream = !S_ISREG(info.st_mode) || is_open_stream(path);
    if (target.stream) return target;
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
    if (real == nullptr && errno == ENOMEM) throw std::bad_alloc();  // else a link would be replaced
    if (real != nullptr) target.path = real.get();
    target.exists = true;
    target.mode = info.st_mode & 07777;
  } else if (const int error = errno; error != ENOENT) {
    throw unwritable(path, reason(error));
  } else if (::lstat(path.c_str(), &info) == 0) {
    target.exists = true;  // a symbolic link to nothing: replaced like a file
    target.mode = 0666;
  }
  if (target.exists && !force) throw unwritable(path, "the file already exists (--force replaces it)");

  const std::size_t slash = target.path.rfind('/');
  if (slash + 1 == target.path.size()) throw unwritable(path, "expected a file name, found a directory");
  target.folder = slash == std::string::npos ? "." : target.path.substr(0, slash + 1);
  if (::stat(target.folder.c_str(), &info) != 0) {
    throw unwritable(path, "the directory " + target.folder + " cannot be used: " + reason(errno));
  }
  if (!S_ISDIR(info.st_mode)) throw unwritable(path, target.folder + " is not a directory");
  if (::faccessat(AT_FDCWD, target.folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    throw unwritable(path, "no new file can be made in " + target.folder + ": " + reason(errno));
  }
  return target;
}

// 0, or the errno of what went wrong.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

void write_stream(const std::string& path, std::string_view bytes) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (file.get() < 0) throw unwritable(path, reason(errno));
  if (const int error = write_all(file.get(), bytes)) throw unwritable(path, reason(error));
  if (file.close() != 0) throw unwritable(path, reason(errno));
}

// A file that is removed again unless keep() was called.
class Temporary {
 public:
  Temporary(const std::string& folder, const std::string& for_path) {
    static std::atomic<unsigned> number{0};
    const std::string prefix = (folder == "." ? "" : folder) + ".sluice-" + std::to_string(::getpid()) + "-";
    for (int attempt = 0; attempt < 1000 && fd_ < 0; ++attempt) {
      path_ = prefix + std::to_string(number++) + ".tmp";
      fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (fd_ < 0 && errno != EEXIST) break;
    }
    if (fd_ < 0) throw unwritable(for_path, "no temporary file beside it: " + reason(errno));
  }
  ~Temporary() {
    if (!kept_) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  int fd() const { return fd_; }
  const std::string& path() const { return path_; }
  void keep() { kept_ = true; }

 private:
  std::string path_;
  int fd_ = -1;
  bool kept_ = false;
};

// Without force a file that appeared since the check must not be lost. 0 or errno.
int move_into_place(const std::string& from, const std::string& to, bool force) {
  if (!force) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;  // those two: this file system cannot
  }
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

RawVector<char> read_file(const std::string& path, std::uint64_t most) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throw unreadable(path, "a file to read", errno == ENOENT ? "none of that name" : reason(errno));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) throw unreadable(path, "a file to read", reason(errno));
  if (S_ISDIR(info.st_mode)) throw unreadable(path, "a file", "a directory");
  // /dev/zero never ends.
  if (S_ISBLK(info.st_mode) || (S_ISCHR(info.st_mode) && ::isatty(file.get()) == 0)) {
    throw unreadable(path, "a file", "a device");
  }
  const auto check_size = [&](std::uint64_t size) {
    if (size <= most) return;
    throw unreadable(path, "at most " + std::to_string(most) + " bytes", std::to_string(size) + " or more");
  };
  const auto known = static_cast<std::uint64_t>(info.st_size);
  check_size(known);

  // One byte more than expected, so that a file of exactly that size ends in the first round.
  RawVector<char> bytes;
  std::size_t used = 0;
  try {
    bytes.resize(static_cast<std::size_t>(known) + 1);
    for (;;) {
      const ssize_t got = ::read(file.get(), bytes.data() + used, std::min(bytes.size() - used, std::size_t{1} << 30));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw unreadable(path, "a file to read", reason(errno));
      if (got == 0) break;
      used += static_cast<std::size_t>(got);
      check_size(used);
      if (used == bytes.size()) bytes.resize(bytes.size() + std::max(bytes.size() / 2, std::size_t{1} << 16));
    }
  } catch (const std::bad_alloc&) {
    throw OutOfMemory(path + ": expected a file that fits into memory, found " +
                      std::to_string(std::max<std::uint64_t>(known, used)) + " bytes or more");
  }
  bytes.resize(used);
  return bytes;
}

void check_writable(const std::string& path, bool force) { find_target(path, force); }

void write_file(const std::string& path, std::string_view bytes, bool force) {
  const Target target = find_target(path, force);
  if (target.stream) return write_stream(path, bytes);

  Temporary temporary(target.folder, path);
  Descriptor file(temporary.fd());
  if (target.exists && target.mode != 0) ::fchmod(file.get(), target.mode);  // else the new file keeps the default
  if (const int error = write_all(file.get(), bytes)) throw unwritable(path, reason(error));
  if (::fsync(file.get()) != 0) throw unwritable(path, reason(errno));
  if (file.close() != 0) throw unwritable(path, reason(errno));
  if (const int error = move_into_place(temporary.path(), target.path, force)) throw unwritable(path, reason(error));
  temporary.keep();

  // The name itself reaches the disk with the folder. Some file systems refuse to sync a folder; the file is whole
  // either way.
  Descriptor folder(::open(target.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) ::fsync(folder.get());
}

}  // namespace sluice
