// Memory for numbers: aligned to a cache line's pair, zeroed, in huge pages where the system gives them.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <span>
#include <vector>

namespace sluice {

// Memory of that many bytes, all of which will be written to: blocks of a huge page or more are aligned to one and
// advised as such, because 4 KiB pages stop the L2 prefetcher; fresh pages are taken all at once, because a fault each
// takes several times as long. Throws std::bad_alloc; std::free gives it back.
void* allocate_aligned(std::size_t bytes);

template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(allocate_aligned(n * sizeof(T))); }
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
