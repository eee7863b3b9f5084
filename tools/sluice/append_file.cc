#include "append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace sluice::tool {

AppendFile::AppendFile(const std::string& path, Begin begin, std::string what) : path_(path), what_(std::move(what)) {
  if (path.empty()) return;
  if (begin != Begin::as_first) lock_.emplace(path);
  const int how = begin == Begin::anew ? O_TRUNC : begin == Begin::as_first ? O_EXCL : 0;
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | how, 0666);
  if (fd_ < 0) {
    throw Error(Status::failed,
                fmt::format("{}: cannot write the {}: {}", path, what_, std::generic_category().message(errno)));
  }
}

AppendFile::~AppendFile() {
  if (fd_ >= 0) ::close(fd_);
}

void AppendFile::lose(int error) {
  lost_ = fmt::format("{}: the {} is not whole: {}", path_, what_, std::generic_category().message(error));
}

void AppendFile::write(std::string_view text) {
  if (fd_ < 0 || !lost_.empty()) return;
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

std::string AppendFile::news() { return std::exchange(told_, !lost_.empty()) ? std::string() : lost_; }

std::string AppendFile::close() {
  const int fd = std::exchange(fd_, -1);
  if (fd >= 0 && ::close(fd) != 0 && lost_.empty()) lose(errno);
  lock_.reset();
  return lost_;
}

}  // namespace sluice::tool
