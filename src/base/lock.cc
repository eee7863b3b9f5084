#include "base/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <mutex>
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

// What a lock file says about who holds it.
std::string owner_of(int fd) {
  char digits[20] = {};
  const ssize_t got = ::pread(fd, digits, sizeof digits - 1, 0);
  return got > 0 ? "process " + std::string(digits) : "another process";
}

}  // namespace

struct FileLock::Held {
  std::string path;  // absolute
  int fd = -1;
  bool locked = false;
  std::thread::id owner;
  Identity identity;

  // Removed while it is still locked: whoever opened it before finds that it has no name any more.
  ~Held() {
    const std::lock_guard guard(mutex());
    if (locked) {
      list().erase(identity);
      ::unlink(path.c_str());
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

FileLock::FileLock(const std::string& path) {
  const std::string place = place_of(path);
  if (place.empty()) return;
  const std::string name = std::filesystem::absolute(place + ".lock");
  for (;;) {
    // Before the file is there, so that nothing that fails later leaves it open.
    const auto mine = std::make_shared<Held>();
    mine->path = name;
    const int fd = mine->fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
      throw Error(Status::failed, path + ": cannot lock: " + name + ": " + std::generic_category().message(errno));
    }
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
      if (taken) throw busy(path, name, owner_of(fd));
      ::unlink(name.c_str());
      return;  // this file system knows no locks
    }
    if (::fstat(fd, &info) != 0 || info.st_nlink == 0) {
      continue;  // removed by who had it, between opening and locking
    }
    const std::string self = std::to_string(::getpid());
    if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, self.data(), self.size(), 0) < 0) {
      // A full disk: the lock holds without the number in it.
    }
    mine->owner = std::this_thread::get_id();
    mine->identity = identity;
    mine->locked = true;
    Held::list()[identity] = mine;
    held_ = mine;
    return;
  }
}

}  // namespace sluice
