// A sequence of rows of numbers and what a model on numbers is to predict at each.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sluice/export.h"
#include "sluice/standard.h"

namespace sluice {

// N steps: inputs [N, I] and targets [N, O], row-major. Cheap to copy: copies share the numbers.
class SLUICE_API Series {
 public:
  // N follows from the sizes; `name` stands for the series in messages. Throws Error (usage): a width of 0, sizes that
  // are no whole number of rows or differ in N, a number that is not finite.
  Series(std::vector<float> inputs, std::size_t input_width, std::vector<float> targets, std::size_t target_width,
         std::string name = "series");
  // To predict `values` [N, width] from its own past: the target of each row is the row `ahead` steps after it, and
  // N - ahead steps remain. Throws Error (usage) besides when ahead is 0 or not below N.
  static Series forecast(std::vector<float> values, std::size_t width = 1, std::size_t ahead = 1,
                         std::string name = "series");

  std::size_t steps() const { return last_ - first_; }  // N
  std::size_t input_width() const;                      // I
  std::size_t target_width() const;                     // O
  std::span<const float> inputs() const;                // [N, I]
  std::span<const float> targets() const;               // [N, O]
  const std::string& name() const;
  // The steps [first, last) as a series of their own. Throws Error (usage) for steps that are not there.
  Series slice(std::size_t first, std::size_t last) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
  std::size_t first_ = 0, last_ = 0;
};

}  // namespace sluice
