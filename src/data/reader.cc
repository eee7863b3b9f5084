// Tokens of a text read piece by piece; see reader.h.
#include "data/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "sluice/error.h"

namespace sluice {
namespace {

bool is_white(std::string_view token) {
  if (token == Vocabulary::end_of_line) return true;
  for (std::size_t at = 0; at < token.size(); at += sequence_length(token[at])) {
    const char32_t value = code_point(token.substr(at));
    if (!is_blank(value) && !is_line_end(value)) return false;
  }
  return true;
}

// Closes what it opens.
class InputFile {
 public:
  explicit InputFile(const std::string& path) : name_(source_name(path)) {
    file_ = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file_ < 0) refuse(errno == ENOENT ? "none of that name" : reason(errno));
    struct stat info {};
    if (fstat(file_, &info) == 0 && S_ISDIR(info.st_mode)) {
      if (file_ != STDIN_FILENO) close(file_);
      refuse("a directory");
    }
  }
  ~InputFile() {
    if (file_ != STDIN_FILENO) close(file_);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  std::size_t read(char* into, std::size_t most) {
    while (true) {
      const ssize_t got = ::read(file_, into, most);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) refuse("that it cannot be read (" + reason(errno) + ")");
    }
  }

 private:
  static std::string reason(int error) { return std::generic_category().message(error); }
  [[noreturn]] void refuse(const std::string& found) const {
    throw Error(Status::bad_file, name_ + ": expected a text file, found " + found);
  }

  std::string name_;
  int file_ = -1;
};

}  // namespace

TokenReader::TokenReader(Read read, std::string name, const TextOptions& options, std::size_t chunk)
    : read_(std::move(read)),
      name_(std::move(name)),
      options_(options),
      cleaner_(name_, options.lossy),
      splitter_(options.level),
      raw_(chunk, '\0') {
  splitter_.start(text_, false);
}

bool TokenReader::next(std::string_view& token) {
  while (!splitter_.next(token)) {
    if (last_) return finish(token);
    refill();
  }
  if (options_.lowercase) token = lowercase(token, lowered_);
  if (!visible_) visible_ = !is_white(token);
  if (options_.level == Level::pretokenized) line_open_ = token != Vocabulary::end_of_line;
  return true;
}

bool TokenReader::finish(std::string_view& token) {
  if (!visible_) {
    throw Error(Status::bad_file,
                name_ + ": expected text, found " + (bytes_ == 0 ? "an empty file" : "only white space"));
  }
  token = Vocabulary::end_of_line;
  return std::exchange(line_open_, false);
}

void TokenReader::refill() {
  text_.erase(0, splitter_.consumed());
  std::size_t filled = 0;
  while (filled < raw_.size() && !last_) {
    const std::size_t got = read_(raw_.data() + filled, raw_.size() - filled);
    last_ = got == 0;
    filled += got;
  }
  bytes_ += filled;
  cleaner_.clean(std::string_view(raw_).substr(0, filled), last_, text_);
  splitter_.start(text_, last_);
}

std::string source_name(const std::string& path) { return path == "-" ? "standard input" : path; }

TokenReader::Read read_from_file(const std::string& path) {
  return [file = std::make_shared<InputFile>(path)](char* into, std::size_t most) { return file->read(into, most); };
}

TokenReader::Read read_from_memory(std::string_view text) {
  return [text](char* into, std::size_t most) mutable {
    const std::size_t count = text.copy(into, most);
    text.remove_prefix(count);
    return count;
  };
}

}  // namespace sluice
