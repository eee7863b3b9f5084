// Random numbers that are a pure function of (seed, stream, index), so that they do not depend on who draws them in
// which order: SplitMix64's finaliser (Steele, Lea & Flood 2014) over a counter.
#pragma once

#include <cmath>
#include <cstdint>

namespace sluice {

inline std::uint64_t mix64(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0)
      : key_(mix64(mix64(seed + 0x9e3779b97f4a7c15u) + stream * 0xd1342543de82ef95u)) {}

  // The number at a position: random access.
  std::uint64_t at(std::uint64_t index) const { return mix64(key_ + (index + 1) * 0x9e3779b97f4a7c15u); }
  // In [0, 1), 53 bits.
  double uniform_at(std::uint64_t index) const { return static_cast<double>(at(index) >> 11) * 0x1p-53; }

  // The next one: a sequence.
  std::uint64_t next() { return at(index_++); }
  double uniform() { return uniform_at(index_++); }
  // In [0, n), without bias worth speaking of for n far below 2^32.
  std::uint64_t below(std::uint64_t n) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * n) >> 64);
  }
  // Standard normal, Box & Muller 1958.
  double normal() {
    const double u = 1 - uniform(), v = uniform();
    return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586476925 * v);
  }

 private:
  std::uint64_t key_;
  std::uint64_t index_ = 0;
};

}  // namespace sluice
