// Numbers that are missing, made into numbers that a network can read; and the scale of columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data/numbers.h"
#include "data/sequences.h"
#include "sluice/config.h"

namespace sluice {

// Takes the steps of a sequence in their order, and looks at none that comes later.
class MissingFiller {
 public:
  MissingFiller(Missing missing, std::size_t columns);

  // Numbers that a step becomes: one a column; with a mask three, all values first, then whether they are there (1 or
  // 0), then how long ago the last one was: log(1 + steps), from the sequence's start where there was none.
  std::size_t inputs() const { return missing_ == Missing::mask ? 3 * last_.size() : last_.size(); }
  void start();  // of another sequence
  // `row` has a number for each column, NaN where it is missing, scaled so that 0 is what to expect of a column of
  // which nothing is known yet; `to` gets inputs() numbers.
  void step(std::span<const float> row, float* to);

 private:
  Missing missing_;
  std::vector<float> last_;           // seen of each column
  std::vector<std::uint32_t> since_;  // steps
};

// Every sequence through a MissingFiller.
Sequences fill_missing(const Sequences& all, Missing missing);

// What makes each column's mean 0 and its deviation 1: of the numbers that are there; deviation over n, not n - 1. The
// deviation of a constant column counts as 1; a column without any number has mean 0.
void add_column(ScalingConfig& scaling, std::span<const double> values);
ScalingConfig find_scaling(const Sequences& all);
// And a number to that scale and back.
inline double to_scale(const ScalingConfig& scaling, double value, std::size_t column) {
  return (value - scaling.mean[column]) / scaling.deviation[column];
}
inline double from_scale(const ScalingConfig& scaling, double value, std::size_t column) {
  return value * scaling.deviation[column] + scaling.mean[column];
}
void apply_scaling(const ScalingConfig& scaling, Sequences& all);

}  // namespace sluice
