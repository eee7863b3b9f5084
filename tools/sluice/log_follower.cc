#include "log_follower.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "base/json_tree.h"
#include "terminal.h"

namespace sluice::tool {
namespace {

constexpr std::size_t kPiece = std::size_t{8} << 20;    // read at a time
constexpr std::size_t kLongest = std::size_t{1} << 20;  // line
constexpr std::size_t kHead = 256;

}  // namespace

void LogFollower::begin_anew() {
  began_anew_ = began_anew_ || read_ > 0;
  run_ += read_ > 0 ? 1 : 0;
  head_.clear();
  part_.clear();
  too_long_ = false;
  read_ = lines_ = bad_ = 0;
  curves_ = {};
}

void LogFollower::read() {
  behind_ = false;
  const int fd = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    const std::string why = std::generic_category().message(errno);
    trouble_ = errno != ENOENT ? fmt::format("{}: cannot be read: {}.", path_, why)
               : read_ > 0     ? fmt::format("{} is gone; what it said until then is shown.", path_)
                               : fmt::format("{} is not there yet; it is looked for every two seconds.", path_);
    return;
  }
  trouble_.clear();
  if (!open_and_read(fd)) trouble_ = fmt::format("{}: cannot be read as a file of lines.", path_);
  ::close(fd);
}

bool LogFollower::open_and_read(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const auto size = static_cast<std::uint64_t>(info.st_size), file = static_cast<std::uint64_t>(info.st_ino);
  std::string head(head_.size(), '\0');
  const bool same = file == file_ && size >= read_ &&
                    ::pread(fd, head.data(), head.size(), 0) == static_cast<ssize_t>(head.size()) && head == head_;
  if (!same) begin_anew();
  file_ = file;
  std::vector<char> bytes(std::min<std::uint64_t>(size - read_, kPiece));
  const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(read_));
  if (got < 0) return false;
  const std::string_view now(bytes.data(), static_cast<std::size_t>(got));
  if (head_.size() < kHead) head_ += now.substr(0, kHead - head_.size());
  read_ += now.size();
  take(now);
  behind_ = got > 0 && read_ < size;
  return true;
}

void LogFollower::take(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = bytes.find('\n', at);
    if (!too_long_) part_ += bytes.substr(at, end == bytes.npos ? end : end - at);
    if (part_.size() > kLongest) {
      too_long_ = true;
      part_.clear();
    }
    if (end == bytes.npos) return;
    enter_line(part_);
    part_.clear();
    too_long_ = false;
    at = end + 1;
  }
}

void LogFollower::enter_line(std::string_view line) {
  ++lines_;
  bool good = false;
  try {
    good = !too_long_ && curves_.enter(read_json(line, path_, kLongest));
  } catch (const Error&) {
    // Counted below.
  }
  if (good) return;
  if (bad_++ == 0) first_bad_ = lines_;
}

std::string LogFollower::notice() const {
  std::string text = trouble_;
  const auto say = [&](const std::string& sentence) { text += (text.empty() ? "" : " ") + sentence; };
  if (began_anew_ && trouble_.empty()) say(fmt::format("{} was begun anew; what it said before is gone.", path_));
  if (bad_ == 1) say(fmt::format("Line {} is none of a log of sluice train, and is left out.", first_bad_));
  if (bad_ > 1) {
    say(fmt::format("{} lines, the first of them line {}, are none of a log of sluice train, and are left out.",
                    thousands(bad_), first_bad_));
  }
  if (!part_.empty() || too_long_) {
    say(fmt::format("Line {} has no end yet; it counts when it has one.", lines_ + 1));
  }
  return text;
}

}  // namespace sluice::tool
