// What only some passes need, made by the first of them.
#pragma once

#include <mutex>

namespace sluice {

// Packed weights that only gradients need, filled by the first pass that wants them after pack(): whoever only infers
// has neither the time nor the memory for it. Passes may run at once on one network; a copy of a network begins
// without.
template <class Packed>
class OnDemand {
 public:
  OnDemand() = default;
  OnDemand(const OnDemand&) {}
  OnDemand& operator=(const OnDemand&) {
    fresh_ = false;
    return *this;
  }
  void outdate() { fresh_ = false; }
  // fill(Packed&), whose buffers are those of the last time.
  template <class Fill>
  const Packed& get(Fill&& fill) const {
    const std::lock_guard lock(mutex_);
    if (!fresh_) fill(packed_);
    fresh_ = true;
    return packed_;
  }

 private:
  mutable std::mutex mutex_;
  mutable bool fresh_ = false;
  mutable Packed packed_;
};

}  // namespace sluice
