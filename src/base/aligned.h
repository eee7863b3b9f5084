// Memory for numbers: aligned to a cache line's pair, zeroed, in huge pages where the system gives them.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>
#include <vector>

namespace sluice {

inline constexpr std::size_t kAlignment = 128;  // bytes: two cache lines, so that no two threads share a pair
inline constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Has the system give the pages wholly within these bytes at once: a fault each takes four times as long, in a virtual
// machine more. Systems before Linux 5.14 refuse, and fault.
inline void populate(void* begin, std::size_t bytes) {
#ifdef MADV_POPULATE_WRITE
  constexpr std::size_t page = 4096, few = 16 * page;
  const auto from = reinterpret_cast<std::uintptr_t>(begin), first = (from + page - 1) / page * page;
  const std::uintptr_t last = (from + bytes) / page * page;
  if (last > first + few) madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_WRITE);
#endif
}

// An allocator for std::vector, which writes to all that it allocates. Blocks of a huge page or more are aligned to one
// and advised as such: 4 KiB pages stop the L2 prefetcher and a fresh buffer costs a fault each.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t n) {
    const std::size_t bytes = n * sizeof(T);
    const std::size_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
    void* p = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (p == nullptr) throw std::bad_alloc();
    if (bytes >= kHugePage) madvise(p, bytes, MADV_HUGEPAGE);
    populate(p, bytes);
    return static_cast<T*>(p);
  }
  void deallocate(T* p, std::size_t) { std::free(p); }
  bool operator==(const AlignedAllocator&) const { return true; }
};

template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

// For what is written before it is read: resize() leaves new elements as they are.
template <class T>
struct RawAllocator : AlignedAllocator<T> {
  using AlignedAllocator<T>::AlignedAllocator;
  template <class U>
  void construct(U* p) {
    ::new (static_cast<void*>(p)) U;
  }
};

template <class T>
using RawVector = std::vector<T, RawAllocator<T>>;

// Buffers grow and never shrink: a pass allocates only when it is larger than all before it.
template <class T>
void grow(AlignedVector<T>& v, std::size_t n) {
  if (v.size() < n) v.resize(n);
}

inline std::size_t round_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }

}  // namespace sluice
