// Tokens of a text read piece by piece; see reader.h.
#include "data/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "base/watch.h"
#include "data/encoding.h"
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

// What messages call a path.
std::string source_name(const std::string& path) { return path == "-" ? "standard input" : path; }

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
  token = Vocabulary::end_of_line;
  return std::exchange(line_open_, false);
}

void TokenReader::refill() {
  text_.erase(0, splitter_.consumed());
  Watch::ask();
  std::size_t filled = 0;
  while (filled < raw_.size() && !last_) {
    const std::size_t got = read_(raw_.data() + filled, raw_.size() - filled);
    last_ = got == 0;
    filled += got;
  }
  const std::string_view piece = std::string_view(raw_).substr(0, filled);
  if (bytes_ == 0) refuse_other_encoding(piece, name_, options_.lossy);
  bytes_ += filled;
  try {
    cleaner_.clean(piece, last_, text_);
  } catch (const Error& error) {
    // The sentence names the byte; what to do about it depends on what stands around it.
    const std::uint64_t start = bytes_ - filled, bad = cleaner_.offset();
    throw Error(error.status(), error.what() + advice_on_invalid(piece, bad < start ? 0 : bad - start));
  }
  splitter_.start(text_, last_);
}

bool TextReader::next(std::string_view& token) {
  while (true) {
    if (reader_ && reader_->next(token)) {
      line_open_ = token != kNewline && token != Vocabulary::end_of_line;
      return true;
    }
    if (reader_) {
      visible_ |= reader_->visible();
      bytes_ += reader_->bytes();
      reader_.reset();
    }
    if (next_ == sources_.size()) break;
    if (line_open_) {  // without this, the last word of a file and the first of the next would stand in one line
      line_open_ = false;
      token = options_.level == Level::pretokenized ? Vocabulary::end_of_line : kNewline;
      return true;
    }
    const TextSource& source = sources_[next_++];
    reader_.emplace(source.open(), source.name, options_, chunk_);
  }
  if (visible_) return false;
  throw Error(Status::bad_file,
              name_ + ": expected text, found " + (bytes_ == 0 ? "an empty file" : "only white space"));
}

TextSource file_source(const std::string& path) {
  const auto open_it = [path]() -> TextSource::Read {
    return [file = std::make_shared<InputFile>(path)](char* into, std::size_t most) { return file->read(into, most); };
  };
  return {source_name(path), open_it};
}

TextSource::Read read_from_memory(std::string_view text) {
  return [text](char* into, std::size_t most) mutable {
    const std::size_t count = text.copy(into, most);
    text.remove_prefix(count);
    return count;
  };
}

}  // namespace sluice
