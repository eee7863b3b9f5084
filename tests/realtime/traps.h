// Traps for what a real-time function must not do. This program's own malloc and pthread functions stand in front of
// the C library's, and count what the calling thread does while it is armed.
#pragma once

#include <cstdint>

namespace sluice::test {

struct Trapped {
  std::uint64_t memory = 0;  // taken or given back
  std::uint64_t locks = 0;   // taken, waited for or given back
};

void arm_traps();
Trapped disarm_traps();

// From here on the process is killed (SIGSYS) for every system call but write and exit. False: the system refuses to
// do so.
bool forbid_system_calls();

}  // namespace sluice::test
