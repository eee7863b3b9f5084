#include "text_sources.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "data/reader.h"
#include "sluice/error.h"

namespace sluice::tool {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kStart = std::size_t{1} << 16;  // bytes that text_warnings() looks at

// What another source gives, decompressed where it begins as gzip files do (RFC 1952), whatever its name.
class Unzipped {
 public:
  Unzipped(TextSource::Read read, std::string name) : read_(std::move(read)), name_(std::move(name)) {}
  ~Unzipped() {
    if (zipped_) inflateEnd(&stream_);
  }
  Unzipped(const Unzipped&) = delete;
  Unzipped& operator=(const Unzipped&) = delete;

  std::size_t read(char* into, std::size_t most) {
    if (!looked_) look();
    if (!zipped_) {
      if (left_.empty()) return read_(into, most);
      const std::size_t count = left_.copy(into, most);
      left_.erase(0, count);
      return count;
    }
    return unzip(into, most);
  }

 private:
  [[noreturn]] void refuse(const std::string& found) const {
    throw Error(Status::bad_file, fmt::format("{}: expected a whole gzip file, found {}", name_, found));
  }

  // The first two bytes decide.
  void look() {
    looked_ = true;
    std::array<char, 2> two{};
    std::size_t got = 0;
    while (got < two.size()) {
      const std::size_t more = read_(two.data() + got, two.size() - got);
      if (more == 0) break;
      got += more;
    }
    left_.assign(two.data(), got);
    zipped_ = left_ == "\x1f\x8b";
    // 15: the largest window; 16: with the header and the checksum of gzip.
    if (zipped_ && inflateInit2(&stream_, 15 + 16) != Z_OK) throw std::bad_alloc();
  }

  std::size_t unzip(char* into, std::size_t most) {
    stream_.next_out = reinterpret_cast<Bytef*>(into);
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(most, kStart));
    const uInt room = stream_.avail_out;
    while (stream_.avail_out == room) {
      if (stream_.avail_in == 0 && !fill()) {
        if (!between_members_) refuse("one that is cut short");
        return 0;
      }
      if (std::exchange(between_members_, false)) inflateReset(&stream_);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_MEM_ERROR) throw std::bad_alloc();
      if (status == Z_STREAM_END) {
        between_members_ = true;  // another may follow
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        refuse(fmt::format("damage ({})", stream_.msg != nullptr ? stream_.msg : "no reason given"));
      }
    }
    return room - stream_.avail_out;
  }

  bool fill() {
    if (left_.empty()) {
      left_.resize(kStart);
      left_.resize(read_(left_.data(), kStart));
    }
    packed_ = std::exchange(left_, {});
    stream_.next_in = reinterpret_cast<Bytef*>(packed_.data());
    stream_.avail_in = static_cast<uInt>(packed_.size());
    return !packed_.empty();
  }

  TextSource::Read read_;
  std::string name_;
  bool looked_ = false, zipped_ = false, between_members_ = false;
  std::string left_;    // read and not yet used
  std::string packed_;  // what stream_ reads from
  z_stream stream_{};
};

TextSource source_of(const std::string& path, const std::shared_ptr<std::string>& start) {
  const TextSource file = file_source(path);
  const auto open_it = [file, start]() -> TextSource::Read {
    return [unzipped = std::make_shared<Unzipped>(file.open(), file.name), start](char* into, std::size_t most) {
      const std::size_t count = unzipped->read(into, most);
      start->append(into, std::min(count, kStart - std::min(kStart, start->size())));
      return count;
    };
  };
  return {file.name, open_it};
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

std::vector<std::string> files_in(const std::string& folder) {
  const auto refuse = [&](const std::string& found) {
    throw Error(Status::bad_file, fmt::format("{}: expected text files in this directory, found {}", folder, found));
  };
  std::vector<std::string> files;
  std::error_code failed;
  for (fs::recursive_directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    if (is_hidden(at->path())) {
      if (at->is_directory()) at.disable_recursion_pending();
      continue;
    }
    std::error_code gone;
    if (at->is_regular_file(gone)) files.push_back(at->path().string());
  }
  if (failed) refuse(fmt::format("that it cannot be read ({})", failed.message()));
  if (files.empty()) refuse("none");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

TextFiles text_files(const std::vector<std::string>& paths) {
  TextFiles files;
  files.start = std::make_shared<std::string>();
  bool standard_input = false;
  for (const std::string& path : paths) {
    if (path == "-" && std::exchange(standard_input, true)) {
      throw Error(Status::usage, "FILE: expected - (standard input) once, found it twice");
    }
    std::error_code unknown;
    const bool folder = path != "-" && fs::is_directory(path, unknown);
    if (folder || paths.size() > 1) files.plain = false;
    for (const std::string& file : folder ? files_in(path) : std::vector{path}) {
      files.sources.push_back(source_of(file, files.start));
    }
  }
  files.name = paths.front();
  while (files.name.size() > 1 && files.name.ends_with('/')) files.name.pop_back();
  if (paths.size() > 1) files.name += fmt::format(" and {} more", paths.size() - 1);
  return files;
}

DataKind kind_of_file(const std::string& path, TextFiles& files) {
  return find_data_kind(path, [&](const std::string&) {
    TextSource& file = files.sources.at(0);
    return file = opened_twice(file);
  });
}

TextSource one_file(const std::string& path, const TextFiles& files) {
  if (files.sources.size() == 1) return files.sources[0];
  throw Error(Status::bad_file,
              fmt::format("{}: expected one file of examples, found a folder with {}", path, files.sources.size()));
}

TextSource open_examples(const std::string& path) { return one_file(path, text_files({path})); }

}  // namespace sluice::tool
