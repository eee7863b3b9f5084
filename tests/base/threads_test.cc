// The team of threads: whose work is done by whom, and what it does where others use the processors.
#include "base/threads.h"

#include <gtest/gtest.h>

#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace sluice::threads_test {
namespace {

TEST(Contention, LeavesTheWorkToOneThreadWhenWaitingTakesMoreThanWorking) {
  Contention two(2);
  for (int i = 0; i < 100; ++i) two.add(0.001, 0.0004);  // busy for 60 %: 1.2 times as fast as alone
  EXPECT_FALSE(two.alone());
  for (int i = 0; i < 21; ++i) two.add(0.001, 0.0006);  // 40 %: alone it would take 80 % of the time
  EXPECT_TRUE(two.alone());

  Contention four(4);
  for (int i = 0; i < 21; ++i) four.add(0.001, 0.0006);  // 40 %: alone it would take 160 %
  EXPECT_FALSE(four.alone());
}

TEST(Contention, TriesAgainAfterAWhile) {
  Contention two(2);
  two.add(0.1, 0.09);
  ASSERT_TRUE(two.alone());
  two.add(0.1, 0);
  EXPECT_TRUE(two.alone());
  two.add(0.2, 0);
  EXPECT_FALSE(two.alone());
}

TEST(Contention, OneThreadNeverWaits) {
  Contention one(1);
  one.add(10, 0);
  EXPECT_FALSE(one.alone());
}

#if defined(__linux__)
// After a pause Linux would wake the worker where the caller runs, and one processor would do the work of two.
TEST(Team, WorkersKeepOffTheCallersProcessor) {
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  if (CPU_COUNT(&allowed) < 2) GTEST_SKIP() << "one processor alone";
  Team team(2);
  int together = 0, counted = 0;
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    int before = -1, after = -1, worker = -1;
    team.run([&](std::size_t thread) {
      if (thread == 0) {
        before = sched_getcpu();
      } else {
        worker = sched_getcpu();
      }
    });
    after = sched_getcpu();
    if (before != after) continue;  // the caller itself was moved meanwhile
    ++counted;
    together += worker == before ? 1 : 0;
  }
  EXPECT_LE(together, counted / 4);
}
#endif

// As many rounds as it takes the team to judge several times, among threads that leave it no processor.
TEST(Team, DoesTheSameWorkOnACrowdedMachine) {
  constexpr std::size_t kThreads = 3, kRounds = 50, kMeetings = 20;
  std::atomic<bool> stop{false};
  std::vector<std::thread> crowd(2 * std::thread::hardware_concurrency());
  for (std::thread& other : crowd) {
    other = std::thread([&] {
      while (!stop.load(std::memory_order_relaxed)) continue;
    });
  }
  Team team(kThreads);
  std::vector<std::size_t> done(100), turn(kThreads);
  for (std::size_t round = 0; round < kRounds; ++round) {
    team.split(done.size(), 1, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) ++done[i];
    });
    // Each thread reads what the one before it wrote ahead of the last meeting.
    std::fill(turn.begin(), turn.end(), 0);
    team.meet(
        [&](std::size_t thread, Barrier& barrier) {
          for (std::size_t k = 1; k <= kMeetings; ++k) {
            const std::size_t before = turn[(thread + 1) % kThreads];
            barrier.wait();
            turn[thread] = before + 1;
            barrier.wait();
          }
        },
        [&] { std::fill(turn.begin(), turn.end(), kMeetings); });
    for (const std::size_t t : turn) ASSERT_EQ(t, kMeetings) << round;
  }
  stop = true;
  for (std::thread& other : crowd) other.join();
  for (const std::size_t n : done) ASSERT_EQ(n, kRounds);
}

}  // namespace
}  // namespace sluice::threads_test
