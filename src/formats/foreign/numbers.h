// Numbers out of a file: float32, or double where the file has doubles.
#pragma once

#include <cstddef>
#include <vector>

namespace sluice::foreign {

class Numbers {
 public:
  Numbers() = default;
  explicit Numbers(std::size_t size, bool wide = false) : wide_(wide) {
    wide ? doubles_.resize(size) : floats_.resize(size);
  }
  std::size_t size() const { return wide_ ? doubles_.size() : floats_.size(); }
  bool empty() const { return size() == 0; }
  bool wide() const { return wide_; }
  double operator[](std::size_t i) const { return wide_ ? doubles_[i] : static_cast<double>(floats_[i]); }
  void set(std::size_t i, double value) {
    if (wide_) {
      doubles_[i] = value;
    } else {
      floats_[i] = static_cast<float>(value);
    }
  }

 private:
  bool wide_ = false;
  std::vector<float> floats_;
  std::vector<double> doubles_;
};

}  // namespace sluice::foreign
