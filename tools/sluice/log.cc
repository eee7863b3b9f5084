#include "log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace sluice::tool {

Log::Log(const std::string& path, bool append) : path_(path) {
  if (path.empty()) return;
  lock_.emplace(path);
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (append ? 0 : O_TRUNC), 0666);
  if (fd_ < 0) {
    throw Error(Status::failed,
                fmt::format("{}: cannot write the log: {}", path, std::generic_category().message(errno)));
  }
}

Log::~Log() {
  if (fd_ >= 0) ::close(fd_);
}

void Log::lose(int error) {
  lost_ = fmt::format("{}: the log is not whole: {}", path_, std::generic_category().message(error));
}

void Log::write(const Json& line) {
  if (fd_ < 0 || !lost_.empty()) return;
  const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = ::write(fd_, text.data() + done, text.size() - done);
    if (written > 0) done += static_cast<std::size_t>(written);
    if (written < 0 && errno != EINTR) {
      lose(errno);
      struct stat info {};
      const bool file = ::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode);
      if (file && done > 0 && ::ftruncate(fd_, info.st_size - static_cast<off_t>(done)) != 0) lose(errno);
      return;
    }
  }
}

std::string Log::news() { return std::exchange(told_, !lost_.empty()) ? std::string() : lost_; }

std::string Log::close() {
  const int fd = std::exchange(fd_, -1);
  if (fd >= 0 && ::close(fd) != 0 && lost_.empty()) lose(errno);
  lock_.reset();
  return lost_;
}

}  // namespace sluice::tool
