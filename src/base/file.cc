// Whole files in and out: read to the end, write by temporary file, fsync, rename, fsync of the folder.
// Source: rename(2), fsync(2) and the order of steps in "All File Systems Are Not Created Equal" (Pillai et al. 2014).
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <vector>

#include "base/fnv.h"

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
  mode_t mode = 0;  // of the file that exists; 0: as of a new one
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
    target.exists = true;  // a symbolic link to nothing: replaced like a file, whose permissions nobody chose
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

// What temporary files for `path` begin with. The name itself might leave no room for more.
std::string temporary_prefix(const Target& target) {
  char digits[20];
  const std::string name = target.path.substr(target.path.rfind('/') + 1);
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(fnv1a(std::span<const char>(name))));
  return ".sluice-" + std::string(digits) + "-";
}

// Removes what writers of this file left that were killed: who still writes holds a lock on its temporary file.
void remove_left_behind(const Target& target) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(target.folder.c_str()), &::closedir);
  if (folder == nullptr) {
    if (errno == ENOMEM) throw std::bad_alloc();
    return;
  }
  const std::string prefix = temporary_prefix(target);
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(prefix) || !name.ends_with(".tmp")) continue;
    const Descriptor file(::openat(::dirfd(folder.get()), entry->d_name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (file.get() < 0 || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) continue;
    ::unlinkat(::dirfd(folder.get()), entry->d_name, 0);
  }
}

// A file beside the target, locked while it is open, that is removed again unless keep() was called.
class Temporary {
 public:
  Temporary(const Target& target, const std::string& for_path) {
    static std::atomic<unsigned> number{0};
    const std::string prefix =
        (target.folder == "." ? "" : target.folder) + temporary_prefix(target) + std::to_string(::getpid()) + "-";
    for (int attempt = 0; attempt < 1000 && !file_; ++attempt) {
      path_ = prefix + std::to_string(number++) + ".tmp";
      const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (fd < 0 && errno != EEXIST) break;
      if (fd < 0) continue;
      file_.emplace(fd);
      // Whoever cleans up may have taken it for one left behind, just before it was locked.
      struct stat info {};
      const bool lost = ::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
      if (lost || ::fstat(fd, &info) != 0 || info.st_nlink == 0) file_.reset();
    }
    if (!file_) throw unwritable(for_path, "no temporary file beside it: " + reason(errno));
  }
  ~Temporary() {
    if (!kept_) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  int fd() const { return file_->get(); }
  int close() { return file_->close(); }
  const std::string& path() const { return path_; }
  void keep() { kept_ = true; }

 private:
  std::string path_;
  std::optional<Descriptor> file_;
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

// A file on its way: whole on the disk beside its place, then in its place.
class Pending {
 public:
  Pending(Target target, const FileBytes& file)
      : target_(std::move(target)), path_(file.path), temporary_(clean(target_), path_) {
    // A new file keeps the usual permissions.
    if (target_.exists && target_.mode != 0) ::fchmod(temporary_.fd(), target_.mode);
    if (const int error = write_all(temporary_.fd(), file.bytes)) throw unwritable(path_, reason(error));
    if (::fsync(temporary_.fd()) != 0) throw unwritable(path_, reason(errno));
  }

  // 0, or the errno of what went wrong. What is to go back keeps the old file under the temporary name meanwhile; a
  // file system that cannot exchange two names gives no way back.
  int place(bool force, bool can_go_back) {
    if (can_go_back && target_.exists &&
        ::renameat2(AT_FDCWD, temporary_.path().c_str(), AT_FDCWD, target_.path.c_str(), RENAME_EXCHANGE) == 0) {
      exchanged_ = true;
      return 0;
    }
    const int error = move_into_place(temporary_.path(), target_.path, force);
    if (error == 0) temporary_.keep();
    return error;
  }

  void go_back() {
    if (exchanged_) {
      ::rename(temporary_.path().c_str(), target_.path.c_str());
      temporary_.keep();
    } else if (!target_.exists) {
      ::unlink(target_.path.c_str());
    }
  }

  // The name itself reaches the disk with the folder. Some file systems refuse to sync a folder, and the file is whole
  // either way; a disk that fails is another matter.
  void finish() {
    if (temporary_.close() != 0) throw unwritable(path_, reason(errno));
    const Descriptor folder(::open(target_.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0 || ::fsync(folder.get()) == 0) return;
    if (errno != EIO && errno != ENOSPC && errno != EDQUOT) return;
    throw unwritable(path_, "the file is there, but its folder did not reach the disk: " + reason(errno));
  }

  const std::string& path() const { return path_; }

 private:
  static const Target& clean(const Target& target) {
    remove_left_behind(target);
    return target;
  }

  Target target_;
  std::string path_;
  Temporary temporary_;
  bool exchanged_ = false;
};

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
  const FileBytes file = {path, bytes};
  write_files({&file, 1}, force);
}

void write_files(std::span<const FileBytes> files, bool force) {
  std::vector<std::unique_ptr<Pending>> pending;
  std::vector<const FileBytes*> streams;
  for (const FileBytes& file : files) {
    Target target = find_target(file.path, force);
    if (target.stream) {
      streams.push_back(&file);
    } else {
      pending.push_back(std::make_unique<Pending>(std::move(target), file));
    }
  }
  for (const FileBytes* file : streams) write_stream(file->path, file->bytes);
  for (std::size_t i = 0; i < pending.size(); ++i) {
    const int error = pending[i]->place(force, /*can_go_back=*/pending.size() > 1);
    if (error == 0) continue;
    for (std::size_t placed = i; placed-- > 0;) pending[placed]->go_back();
    throw unwritable(pending[i]->path(), reason(error));
  }
  for (const auto& file : pending) file->finish();
}

std::string place_of(const std::string& path) {
  Target target = find_target(path, /*force=*/true);
  return target.stream ? std::string() : std::move(target.path);
}

}  // namespace sluice
