// Answers into the caller's own memory.
#include <algorithm>
#include <cmath>

#include "handles.h"

namespace sluice::c {

sluice_status give_floats(const char* function, std::span<const float> from, float* buffer, std::size_t capacity,
                          std::size_t* count) noexcept {
  if (const sluice_status bad = check_pointer(function, count, "a place for the count")) return bad;
  *count = from.size();
  if (const sluice_status bad = check_buffer(function, buffer, capacity, from.size(), "floats")) return bad;
  if (buffer != nullptr) std::ranges::copy(from, buffer);
  return SLUICE_OK;
}

sluice_status give_top(const char* function, std::span<const float> probabilities, sluice_candidate* candidates,
                       std::size_t capacity, std::size_t* count) noexcept {
  if (const sluice_status bad = check_pointer(function, count, "a place for the count")) return bad;
  *count = 0;
  if (const sluice_status bad = check_pointer(function, candidates, "room for candidates")) return bad;
  if (capacity == 0) return refuse(function, "room for at least 1 candidate, found 0");
  // NaN stands last, for an order must be one.
  const auto rank = [](const sluice_candidate& c) { return std::isnan(c.probability) ? -1.f : c.probability; };
  const auto likelier = [&](const sluice_candidate& a, const sluice_candidate& b) {
    return rank(a) > rank(b) || (rank(a) == rank(b) && a.token < b.token);
  };
  // A heap in the caller's own room, the least likely of those kept in front: no memory is taken.
  sluice_candidate* end = candidates;
  for (std::uint32_t token = 0; token < probabilities.size(); ++token) {
    const sluice_candidate next = {token, probabilities[token]};
    if (end == candidates + capacity) {
      if (!likelier(next, candidates[0])) continue;
      std::pop_heap(candidates, end--, likelier);
    }
    *end++ = next;
    std::push_heap(candidates, end, likelier);
  }
  std::sort_heap(candidates, end, likelier);
  *count = static_cast<std::size_t>(end - candidates);
  return SLUICE_OK;
}

sluice_status give_bytes(const char* function, std::span<const std::byte> from, void* buffer, std::size_t capacity,
                         std::size_t* size) noexcept {
  *size = from.size();
  if (const sluice_status bad = check_buffer(function, buffer, capacity, from.size(), "bytes")) return bad;
  if (buffer != nullptr) std::ranges::copy(from, static_cast<std::byte*>(buffer));
  return SLUICE_OK;
}

}  // namespace sluice::c
