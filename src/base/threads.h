// A team of threads that runs one function at a time, the caller among them.
#pragma once

#include <atomic>
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

 private:
  std::uint32_t threads_;
  alignas(128) std::atomic<std::uint32_t> arrived_{0};
  alignas(128) std::atomic<std::uint32_t> round_{0};
};

// Work is given out by thread number, never by who is free, so results cannot depend on timing. Workers flush
// denormals. A team is used by one thread at a time.
class Team {
 public:
  explicit Team(std::size_t threads = 0);  // 0: as many as the machine has
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  std::size_t size() const { return size_; }

  // Calls f(thread) for every thread in [0, size()), thread 0 on the caller, and returns when all are done. f must not
  // throw.
  template <class F>
  void run(F&& f) {
    using Plain = std::remove_reference_t<F>;
    run_erased([](void* body, std::size_t thread) { (*static_cast<Plain*>(body))(thread); },
               const_cast<void*>(static_cast<const void*>(&f)));
  }

  // Splits [0, count) into size() contiguous ranges at multiples of `grain` and calls f(first, last) for the nonempty
  // ones.
  template <class F>
  void split(std::size_t count, std::size_t grain, F&& f) {
    const std::size_t units = (count + grain - 1) / grain;
    run([&](std::size_t thread) {
      const std::size_t first = units * thread / size_ * grain;
      std::size_t last = units * (thread + 1) / size_ * grain;
      if (last > count) last = count;
      if (first < last) f(first, last);
    });
  }

 private:
  void run_erased(void (*call)(void*, std::size_t), void* body);
  void work(std::size_t thread);

  std::size_t size_;
  std::vector<std::thread> workers_;
  std::atomic<std::uint32_t> epoch_{0};    // one more for every piece of work
  std::atomic<std::uint32_t> running_{0};  // workers not done with it
  std::atomic<bool> stop_{false};
  void (*call_)(void*, std::size_t) = nullptr;
  void* body_ = nullptr;
};

}  // namespace sluice
