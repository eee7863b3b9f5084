// Token numbers in memory or in a mapped temporary file; see token_store.h.
#include "data/token_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <string>

#include "sluice/error.h"

namespace sluice {
namespace {

std::string temporary_folder() {
  const char* folder = std::getenv("TMPDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/tmp";
}

[[noreturn]] void fail(const std::string& what, int error) {
  throw Error(Status::failed, temporary_folder() + ": expected room for a temporary file of tokens, found that " +
                                  what + " failed (" + std::strerror(error) + ")");
}

int unnamed_file() {
  std::string name = temporary_folder() + "/sluice-tokens-XXXXXX";
  const int file = mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) fail("making one", errno);
  unlink(name.c_str());
  return file;
}

void replace(std::span<Token> tokens, std::span<const Token> map) {
  for (Token& token : tokens) token = map[token];
}

}  // namespace

std::uint64_t memory_budget() {
  if (const char* text = std::getenv("SLUICE_MEMORY_BUDGET"); text != nullptr && *text != '\0') {
    std::uint64_t bytes = 0;
    const char* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, bytes);
    if (error != std::errc() || stop != end) {
      throw Error(Status::usage,
                  std::string("SLUICE_MEMORY_BUDGET: expected a number of bytes, found \"") + text + "\"");
    }
    return bytes;
  }
  std::ifstream info("/proc/meminfo");
  for (std::string key, rest; info >> key; std::getline(info, rest)) {
    std::uint64_t kibibytes = 0;
    if (key == "MemAvailable:" && info >> kibibytes) return kibibytes * 1024 / 4;
  }
  return std::uint64_t{1} << 30;  // a system that does not say
}

TokenStore::~TokenStore() {
  if (tokens_ != nullptr) munmap(tokens_, capacity_);
  if (file_ >= 0) close(file_);
}

void TokenStore::flush() {
  if (block_.empty()) return;
  const std::uint64_t needed = (size_ + block_.size()) * sizeof(Token);
  if (file_ < 0 && needed > budget_) spill();
  if (file_ >= 0) {
    write(block_, size_ * sizeof(Token));
  } else {
    if (needed > capacity_) {
      // The system moves the pages of a private mapping, so growing copies nothing.
      const std::uint64_t capacity =
          std::max(needed, std::min(budget_, std::max<std::uint64_t>(2 * capacity_, kBlock * sizeof(Token))));
      void* place = capacity_ == 0 ? mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                                   : mremap(tokens_, capacity_, capacity, MREMAP_MAYMOVE);
      if (place == MAP_FAILED) throw std::bad_alloc();
      tokens_ = static_cast<Token*>(place);
      capacity_ = capacity;
    }
    std::memcpy(tokens_ + size_, block_.data(), block_.size() * sizeof(Token));
  }
  size_ += block_.size();
  block_.clear();
}

void TokenStore::spill() {
  file_ = unnamed_file();
  if (tokens_ == nullptr) return;
  write({tokens_, size_}, 0);
  munmap(tokens_, capacity_);
  tokens_ = nullptr;
  capacity_ = 0;
}

void TokenStore::write(std::span<const Token> tokens, std::uint64_t at) {
  const char* bytes = reinterpret_cast<const char*>(tokens.data());
  std::size_t left = tokens.size_bytes();
  while (left > 0) {
    const ssize_t written = pwrite(file_, bytes, left, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("writing it", written < 0 ? errno : ENOSPC);
    bytes += written;
    at += static_cast<std::uint64_t>(written);
    left -= static_cast<std::size_t>(written);
  }
}

void TokenStore::finish(std::span<const Token> map) {
  flush();
  block_ = {};
  if (file_ >= 0) {
    finish_file(map);
  } else if (size_ > 0) {
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const std::uint64_t used = (size_ * sizeof(Token) + page - 1) / page * page;
    if (used < capacity_) {
      void* place = mremap(tokens_, capacity_, used, 0);
      if (place != MAP_FAILED) capacity_ = used;
    }
    if (!map.empty()) replace({tokens_, size_}, map);
  }
}

// Replaces through pwrite and not through the mapping, where a full disk would be a signal and not an error.
void TokenStore::finish_file(std::span<const Token> map) {
  if (!map.empty()) {
    std::vector<Token> block(kBlock);
    for (std::size_t first = 0; first < size_; first += kBlock) {
      const std::span<Token> part = std::span(block).first(std::min(kBlock, size_ - first));
      std::size_t done = 0;
      while (done < part.size_bytes()) {
        const ssize_t got = pread(file_, reinterpret_cast<char*>(part.data()) + done, part.size_bytes() - done,
                                  static_cast<off_t>(first * sizeof(Token) + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) fail("reading it", got < 0 ? errno : EIO);
        done += static_cast<std::size_t>(got);
      }
      replace(part, map);
      write(part, first * sizeof(Token));
    }
  }
  void* place = mmap(nullptr, size_ * sizeof(Token), PROT_READ, MAP_SHARED, file_, 0);
  if (place == MAP_FAILED) fail("mapping it", errno);
  tokens_ = static_cast<Token*>(place);
  capacity_ = size_ * sizeof(Token);
}

}  // namespace sluice
