#include "base/threads.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sluice {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kFlush = 0x8040;  // MXCSR: FTZ (bit 15) and DAZ (bit 6)
std::uint64_t read_mode() { return _mm_getcsr(); }
void write_mode(std::uint64_t mode) { _mm_setcsr(static_cast<std::uint32_t>(mode)); }
void pause_briefly() { _mm_pause(); }
#elif defined(__aarch64__)
constexpr std::uint64_t kFlush = std::uint64_t{1} << 24;  // FPCR: FZ
std::uint64_t read_mode() {
  std::uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void write_mode(std::uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
void pause_briefly() { asm volatile("yield"); }
#else
constexpr std::uint64_t kFlush = 0;
std::uint64_t read_mode() { return 0; }
void write_mode(std::uint64_t) {}
void pause_briefly() {}
#endif

// A few microseconds: a sleeping thread takes tens of them to wake, and the pieces of a training step follow closely.
constexpr int kSpins = 4000;

void wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause_briefly();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

FlushDenormals::FlushDenormals() : saved_(read_mode()) { write_mode(saved_ | kFlush); }
FlushDenormals::~FlushDenormals() { write_mode(saved_); }

void Barrier::wait() noexcept {
  const std::uint32_t round = round_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);
    round_.store(round + 1, std::memory_order_release);
    round_.notify_all();
  } else {
    wait_while(round_, round);
  }
}

Team::Team(std::size_t threads) : size_(threads != 0 ? threads : std::thread::hardware_concurrency()) {
  if (size_ == 0) size_ = 1;
  workers_.reserve(size_ - 1);
  for (std::size_t i = 1; i < size_; ++i) workers_.emplace_back([this, i] { work(i); });
}

Team::~Team() {
  stop_.store(true);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void Team::run_erased(void (*call)(void*, std::size_t), void* body) {
  const FlushDenormals flush;
  if (size_ > 1) {
    call_ = call;
    body_ = body;
    running_.store(static_cast<std::uint32_t>(size_ - 1), std::memory_order_relaxed);
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();
  }
  call(body, 0);
  for (std::uint32_t left; (left = running_.load(std::memory_order_acquire)) != 0;) wait_while(running_, left);
}

void Team::work(std::size_t thread) {
  const FlushDenormals flush;
  for (std::uint32_t seen = 0;;) {
    wait_while(epoch_, seen);
    ++seen;
    if (stop_.load()) return;
    call_(body_, thread);
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_one();
  }
}

}  // namespace sluice
