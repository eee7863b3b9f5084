#include "base/threads.h"

#include <algorithm>
#include <exception>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sluice {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kFlush = 0x8040;  // MXCSR: FTZ (bit 15) and DAZ (bit 6)
std::uint64_t read_mode() { return _mm_getcsr(); }
// One place for every write: inlined where a mode is taken and where it is given back, it cost a stream's step 45 ns in
// one program of three, by where the two happened to lie (Zen 5).
[[gnu::noinline]] void write_mode(std::uint64_t mode) { _mm_setcsr(static_cast<std::uint32_t>(mode)); }
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

using Clock = std::chrono::steady_clock;

// After a pause of this many seconds the workers sleep, on processors that may sleep too. Waiting for them to wake says
// nothing about others' use of the machine.
constexpr double kPause = 1e-3;

// Returns for how long it slept.
Clock::duration wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return {};
    pause_briefly();
  }
  const auto start = Clock::now();
  value.wait(old, std::memory_order_acquire);
  return Clock::now() - start;
}

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

// A write waits for all arithmetic before it, so one that changes nothing is left out: a program that flushes anyway,
// as audio does, pays nothing a step.
FlushDenormals::FlushDenormals() : saved_(read_mode()) {
  if ((saved_ & kFlush) != kFlush) write_mode(saved_ | kFlush);
}
FlushDenormals::~FlushDenormals() {
  if ((saved_ & kFlush) != kFlush) write_mode(saved_);
}

void Barrier::wait() noexcept {
  const std::uint32_t round = round_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);
    round_.store(round + 1, std::memory_order_release);
    round_.notify_all();
  } else {
    const auto slept = std::chrono::duration_cast<std::chrono::nanoseconds>(wait_while(round_, round)).count();
    if (slept > 0) slept_.fetch_add(static_cast<std::uint64_t>(slept), std::memory_order_relaxed);
  }
}

void Contention::add(double seconds, double slept) {
  seconds_ += seconds;
  slept_ += slept;
  if (seconds_ < (alone_ ? kAlone : kTogether)) return;
  alone_ = !alone_ && threads_ * (seconds_ - slept_) < seconds_;
  seconds_ = slept_ = 0;
}

Team::Team(std::size_t threads)
    : size_(std::max<std::size_t>(1, threads != 0 ? threads : std::thread::hardware_concurrency())),
      contention_(size_) {
  // A thread that cannot be made throws std::system_error, or std::bad_alloc where its own memory cannot be had. No
  // worker looks at the size, so those that run already need not know.
  try {
    workers_.reserve(size_ - 1);
    for (std::size_t i = 1; i < size_; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (const std::exception&) {
    size_ = workers_.size() + 1;
    contention_ = Contention(size_);
  }
}

Team::~Team() {
  stop_.store(true);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (auto& worker : workers_) worker.join();
}

// Linux likes to wake a thread on the processor of the one that wakes it. The two then take turns for milliseconds,
// with other processors idle, until the system's balancing comes round. So the workers may run anywhere but there.
void Team::keep_apart() {
#if defined(__linux__)
  const int here = sched_getcpu();
  if (here == processor_) return;
  processor_ = here;
  cpu_set_t others;
  if (here < 0 || sched_getaffinity(0, sizeof others, &others) != 0) return;
  if (static_cast<std::size_t>(CPU_COUNT(&others)) < size_) return;
  CPU_CLR(static_cast<std::size_t>(here), &others);
  for (auto& worker : workers_) pthread_setaffinity_np(worker.native_handle(), sizeof others, &others);
#endif
}

void Team::run_erased(Call call, void* body, const Barrier* barrier) {
  if (size_ == 1 || contention_.alone()) {
    run_alone(call, body, size_);
  } else {
    run_together(call, body, barrier);
  }
}

void Team::run_alone(Call call, void* body, std::size_t threads) {
  const FlushDenormals flush;
  for (std::size_t thread = 0; thread < threads; ++thread) call(body, thread);
  if (size_ == 1) return;
  const auto now = Clock::now();
  contention_.add(seconds(now - ended_), 0);  // with the pause before: others may be gone by then
  ended_ = now;
}

void Team::run_together(Call call, void* body, const Barrier* barrier) {
  const FlushDenormals flush;
  keep_apart();
  const auto start = Clock::now();
  call_ = call;
  body_ = body;
  running_.store(static_cast<std::uint32_t>(size_ - 1), std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  call(body, 0);
  Clock::duration slept{};
  for (std::uint32_t left; (left = running_.load(std::memory_order_acquire)) != 0;) slept += wait_while(running_, left);
  const double met = barrier != nullptr ? barrier->slept() / static_cast<double>(size_) : 0;
  const bool paused = seconds(start - ended_) > kPause;
  ended_ = Clock::now();
  if (!paused) contention_.add(seconds(ended_ - start), seconds(slept) + met);
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
