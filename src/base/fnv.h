// FNV-1a, 64 bits (Fowler, Noll & Vo; RFC 9923): a checksum in which every single changed byte changes the sum.
#pragma once

#include <cstdint>
#include <span>

namespace sluice {

inline constexpr std::uint64_t kFnvStart = 0xcbf29ce484222325u;

// `sum` is what stood before these bytes. Byte is char, std::byte or the like.
template <class Byte>
std::uint64_t fnv1a(std::span<const Byte> bytes, std::uint64_t sum = kFnvStart) {
  for (const Byte byte : bytes) sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  return sum;
}

}  // namespace sluice
