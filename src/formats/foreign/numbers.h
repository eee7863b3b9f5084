// Numbers out of a file: float32, or double where the file has doubles.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace sluice::foreign {

// A copy shares the numbers until one of the two is changed: weights of a large file are handed on from part to part.
class Numbers {
 public:
  Numbers() = default;
  explicit Numbers(std::size_t size, bool wide = false) : size_(size), wide_(wide) {
    if (wide) {
      doubles_ = std::make_shared<std::vector<double>>(size);
    } else {
      floats_ = std::make_shared<std::vector<float>>(size);
    }
  }
  explicit Numbers(std::vector<float> values)
      : size_(values.size()), floats_(std::make_shared<std::vector<float>>(std::move(values))) {}
  explicit Numbers(std::vector<double> values)
      : size_(values.size()), wide_(true), doubles_(std::make_shared<std::vector<double>>(std::move(values))) {}
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool wide() const { return wide_; }
  // Calls f(all of them as a vector of float or double).
  template <class F>
  decltype(auto) visit(F&& f) const {
    static const std::vector<float> none;
    return wide_ ? f(*doubles_) : f(floats_ ? *floats_ : none);
  }
  double operator[](std::size_t i) const { return wide_ ? (*doubles_)[i] : static_cast<double>((*floats_)[i]); }
  void set(std::size_t i, double value) {
    if (wide_) {
      own(doubles_)[i] = value;
    } else {
      own(floats_)[i] = static_cast<float>(value);
    }
  }

 private:
  template <class T>
  static std::vector<T>& own(std::shared_ptr<std::vector<T>>& values) {
    if (values.use_count() > 1) values = std::make_shared<std::vector<T>>(*values);
    return *values;
  }

  std::size_t size_ = 0;
  bool wide_ = false;
  std::shared_ptr<std::vector<float>> floats_;
  std::shared_ptr<std::vector<double>> doubles_;
};

}  // namespace sluice::foreign
