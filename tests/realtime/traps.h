// Traps for what a real-time function must not do, and a system that has no more memory or threads to give. This
// program's own malloc and pthread functions stand in front of the C library's, and count what the calling thread does.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::test {

struct Trapped {
  std::uint64_t memory = 0;  // taken or given back
  std::uint64_t locks = 0;   // taken, waited for or given back
};

void arm_traps();
Trapped disarm_traps();

// What the calling thread asks malloc and its like for, counted from 1.
struct MemoryUse {
  std::uint64_t asked = 0, refused = 0;
  std::int64_t kept = 0;  // given and not given back
};

// Counts from here on. Request number `fail_at` is refused, and all after it if `forever`; 0: none.
void count_use(std::uint64_t fail_at, bool forever);
MemoryUse stop_counting();

// Whoever asks for more than that at once is refused: a machine of little memory.
void refuse_larger(std::size_t bytes);

// How many threads the process may still make; -1: any number.
void allow_threads(int most);

// From here on the process is killed (SIGSYS) for every system call but write and exit. False: the system refuses to
// do so.
bool forbid_system_calls();

}  // namespace sluice::test
