// A team of threads that runs one function at a time, the caller among them.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace sluice {

// While it lives, the calling thread treats denormals as zero (x86 FTZ and DAZ, Arm FZ); then the old mode is back.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  std::uint64_t saved_;
};

// Threads of a team meet here, again and again; what they wrote before is seen by all after.
class Barrier {
 public:
  explicit Barrier(std::size_t threads) : threads_(static_cast<std::uint32_t>(threads)) {}
  void wait() noexcept;
  // Seconds that all threads together have slept here.
  double slept() const { return 1e-9 * static_cast<double>(slept_.load(std::memory_order_relaxed)); }

 private:
  std::uint32_t threads_;
  alignas(128) std::atomic<std::uint32_t> arrived_{0};
  alignas(128) std::atomic<std::uint32_t> round_{0};
  std::atomic<std::uint64_t> slept_{0};  // ns
};

// Whether a team should leave its work to the caller, because others use the processors: then each meeting waits for a
// thread that has no processor, for milliseconds where the work takes microseconds. Of n threads, one that is busy for
// b of t seconds has done an n-th of the work; alone it would need n b. From time to time the team tries again.
class Contention {
 public:
  explicit Contention(std::size_t threads) : threads_(static_cast<double>(threads)) {}
  bool alone() const { return alone_; }
  // A piece of work took `seconds`, of which the caller slept `slept`. While alone, the pause before it counts too.
  void add(double seconds, double slept);

 private:
  static constexpr double kTogether = 0.02, kAlone = 0.2;  // seconds until it is judged again

  double threads_, seconds_ = 0, slept_ = 0;
  bool alone_ = false;
};

struct Range {
  std::size_t first, last;
};

// Work is given out by thread number, never by who is free, so results cannot depend on timing. Workers flush
// denormals. A team is used by one thread at a time.
class Team {
 public:
  // 0: as many as the machine has. Where the system gives fewer threads, size() says how many there are; the caller
  // is always one of them.
  explicit Team(std::size_t threads = 0);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  std::size_t size() const { return size_; }

  // Calls f(thread) for every thread in [0, size()) and returns when all are done: thread 0 on the caller, the others
  // at the same time or, on a crowded machine, one after another on the caller. f must not throw.
  template <class F>
  void run(F&& f) {
    run_erased(invoke<F>, erased(f), nullptr);
  }

  // The same for threads that meet at a barrier: meeting(thread, barrier) on all threads at the same time or, on a
  // crowded machine, alone().
  template <class F, class G>
  void meet(F&& meeting, G&& alone) {
    if (size_ == 1 || contention_.alone()) {
      run_alone(invoke<G>, erased(alone), 1);
      return;
    }
    Barrier barrier(size_);
    auto f = [&](std::size_t thread) { meeting(thread, barrier); };
    run_erased(invoke<decltype(f)>, erased(f), &barrier);
  }

  // A thread's part of [0, count), which is cut at multiples of `grain`; it may be empty.
  Range share(std::size_t count, std::size_t grain, std::size_t thread) const {
    const std::size_t units = (count + grain - 1) / grain;
    const auto cut = [&](std::size_t at) { return std::min(count, units * at / size_ * grain); };
    return {cut(thread), cut(thread + 1)};
  }

  // Calls f(first, last), or f(first, last, thread), for every thread's share that is not empty.
  template <class F>
  void split(std::size_t count, std::size_t grain, F&& f) {
    run([&](std::size_t thread) {
      const auto [first, last] = share(count, grain, thread);
      if (first == last) return;
      if constexpr (std::is_invocable_v<F&, std::size_t, std::size_t, std::size_t>) {
        f(first, last, thread);
      } else {
        f(first, last);
      }
    });
  }

 private:
  using Call = void (*)(void*, std::size_t);
  using Clock = std::chrono::steady_clock;
  template <class F>
  static void invoke(void* body, std::size_t thread) {
    auto& f = *static_cast<std::remove_reference_t<F>*>(body);
    if constexpr (std::is_invocable_v<decltype(f), std::size_t>) {
      f(thread);
    } else {
      f();
    }
  }
  template <class F>
  static void* erased(F& f) {
    return const_cast<void*>(static_cast<const void*>(&f));
  }
  void keep_apart();
  void run_erased(Call call, void* body, const Barrier* barrier);
  void run_together(Call call, void* body, const Barrier* barrier);
  void run_alone(Call call, void* body, std::size_t threads);
  void work(std::size_t thread);

  std::size_t size_;
  Contention contention_;
  Clock::time_point ended_ = {};  // the last piece of work
  int processor_ = -1;            // the caller's, which the workers keep off
  std::vector<std::thread> workers_;
  std::atomic<std::uint32_t> epoch_{0};    // one more for every piece of work
  std::atomic<std::uint32_t> running_{0};  // workers not done with it
  std::atomic<bool> stop_{false};
  Call call_ = nullptr;
  void* body_ = nullptr;
};

}  // namespace sluice
