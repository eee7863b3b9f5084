#include "base/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "base/file.h"

namespace sluice {
namespace {

using Identity = std::pair<dev_t, ino_t>;  // of a lock file

Error busy(const std::string& path, const std::string& lock, const std::string& owner) {
  return Error(Status::failed, path + ": expected to be the only one who writes it, found that " + owner +
                                   " writes it too (" + lock + "): wait for its end, or give another file");
}

// What our lock files say, before the number of the process.
constexpr const char* kOurs = "sluice: written by process ";

// A small file from its start; empty as well where it cannot be read.
std::string content_of(int fd) {
  char bytes[80];
  const ssize_t got = ::pread(fd, bytes, sizeof bytes, 0);
  return {bytes, got > 0 ? static_cast<std::size_t>(got) : 0};
}

std::string owner_of(const std::string& content) {
  if (!content.starts_with(kOurs)) return "another process";
  std::string number = content.substr(std::string_view(kOurs).size());
  number.resize(std::min(number.find_first_not_of("0123456789"), number.size()));
  return "process " + number;
}

// Takes no memory, for want of which it would leave the file empty.
void write_owner(int fd) noexcept {
  char self[80];
  const int size = std::snprintf(self, sizeof self, "%s%ld\n", kOurs, static_cast<long>(::getpid()));
  const ssize_t written = ::pwrite(fd, self, static_cast<std::size_t>(size), 0);
  if (written < 0 || ::ftruncate(fd, written) != 0) {
    // A full disk: the lock holds without the number in it.
  }
}

// The lock file, which is made where there is none; what is written into it stands there before anybody locks it.
int open_lock(const std::string& path, const std::string& name, bool& ours) {
  const auto refuse = [&](const std::string& what) {
    throw Error(Status::failed, path + ": cannot lock: " + name + ": " + what);
  };
  constexpr int kFlags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  constexpr int kTries = 100;  // a millisecond each: somebody makes it or takes it away just now
  for (int tries = 0;; ++tries) {
    int fd = ::open(name.c_str(), kFlags | O_CREAT | O_EXCL, 0666);
    if (fd >= 0) {
      ours = true;
      write_owner(fd);
      return fd;
    }
    if (errno == EEXIST) fd = ::open(name.c_str(), kFlags);
    const int error = errno;
    struct stat info {};
    const bool there = fd >= 0 && ::fstat(fd, &info) == 0;
    if (error == ELOOP || (there && !S_ISREG(info.st_mode))) {
      if (fd >= 0) ::close(fd);
      refuse("expected a file that sluice made, found another kind of file; it is left as it is");
    }
    if (fd < 0 && (error != ENOENT || tries == kTries)) refuse(std::generic_category().message(error));
    if (there && info.st_size > 0) {
      ours = content_of(fd).starts_with(kOurs);
      if (ours) return fd;
      ::close(fd);
      refuse("expected a file that sluice made, found another one; it is left as it is: give it another name");
    }
    // Empty: it is being made, or a full disk left it so, or it is somebody else's, which is locked and left alone.
    if (there && tries == kTries) {
      ours = false;
      return fd;
    }
    if (fd >= 0) ::close(fd);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

struct FileLock::Held {
  std::string path;  // absolute
  int fd = -1;
  bool ours = false, locked = false;
  std::thread::id owner;
  Identity identity;

  // Removed while it is still locked: whoever opened it before finds that it has no name any more.
  ~Held() {
    const std::lock_guard guard(mutex());
    if (locked) {
      list().erase(identity);
      if (ours) ::unlink(path.c_str());
    }
    if (fd >= 0) ::close(fd);
  }

  // The locks of this process, by their files: to the system one process is not another's rival.
  static std::map<Identity, std::weak_ptr<const Held>>& list() {
    static std::map<Identity, std::weak_ptr<const Held>> held;
    return held;
  }
  static std::recursive_mutex& mutex() {
    static std::recursive_mutex one;
    return one;
  }
};

bool FileLock::is_held(const std::string& lock) {
  struct stat info {};
  const std::lock_guard guard(Held::mutex());
  return ::stat(lock.c_str(), &info) == 0 && Held::list().contains({info.st_dev, info.st_ino});
}

FileLock::FileLock(const std::string& path) {
  const std::string place = place_of(path);
  if (place.empty()) return;
  const std::string name = std::filesystem::absolute(place + ".lock");
  for (;;) {
    // Before the file is there, so that nothing that fails later leaves it open.
    const auto mine = std::make_shared<Held>();
    mine->path = name;
    const int fd = mine->fd = open_lock(path, name, mine->ours);
    const std::lock_guard guard(Held::mutex());
    struct stat info {};
    ::fstat(fd, &info);
    const Identity identity{info.st_dev, info.st_ino};
    if (const auto found = Held::list().find(identity); found != Held::list().end()) {
      const std::shared_ptr<const Held> held = found->second.lock();
      if (held == nullptr) continue;  // about to be removed
      if (held->owner != std::this_thread::get_id()) throw busy(path, name, "another thread of this process");
      held_ = held;
      return;
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const bool taken = errno == EWOULDBLOCK;
      if (taken) throw busy(path, name, owner_of(content_of(fd)));
      if (mine->ours) ::unlink(name.c_str());
      return;  // this file system knows no locks
    }
    if (::fstat(fd, &info) != 0 || info.st_nlink == 0) {
      continue;  // removed by who had it, between opening and locking
    }
    if (mine->ours) write_owner(fd);  // it may be what a process left that was killed
    mine->owner = std::this_thread::get_id();
    mine->identity = identity;
    mine->locked = true;
    Held::list()[identity] = mine;
    held_ = mine;
    return;
  }
}

}  // namespace sluice
