// The ceilings of this machine, each a short measurement that can be taken again beside the work it bounds.
#pragma once

#include <cstddef>
#include <memory>

namespace sluice::bench {

// Sizes of the data caches of a core and of the last level in bytes, as the system tells; 0 where it does not.
struct Caches {
  std::size_t first = 0, second = 0, third = 0;
};
Caches caches();

class Ceilings {
 public:
  explicit Ceilings(std::size_t threads);  // of a team of this many
  ~Ceilings();
  Ceilings(const Ceilings&) = delete;
  Ceilings& operator=(const Ceilings&) = delete;

  // Floating-point operations a second of all threads together: multiply-adds on registers alone, and this library's
  // own matrix product [192, 256] x [256, 256] out of each core's cache.
  double multiply_adds();
  double products();
  // Bytes a second of one thread reading `bytes` in order, again and again.
  double reads(std::size_t bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::bench
