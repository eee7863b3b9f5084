#include "base/aligned.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <new>

namespace sluice {
namespace {

constexpr std::size_t kAlignment = 128;  // bytes: two cache lines, so that no two threads share a pair
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Systems before Linux 5.14 refuse, and fault.
void populate([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t bytes) {
#ifdef MADV_POPULATE_WRITE
  constexpr std::size_t page = 4096, few = 16 * page;
  const auto from = reinterpret_cast<std::uintptr_t>(begin), first = (from + page - 1) / page * page;
  const std::uintptr_t last = (from + bytes) / page * page;
  if (last > first + few) madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_WRITE);
#endif
}

}  // namespace

void* allocate_aligned(std::size_t bytes) {
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
  void* p = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (p == nullptr) throw std::bad_alloc();
  if (bytes >= kHugePage) madvise(p, bytes, MADV_HUGEPAGE);
  populate(p, bytes);
  return p;
}

}  // namespace sluice
