// What predicting costs without looking at the past: the least that a trained model must beat.
#pragma once

#include <cstdint>
#include <vector>

#include "data/batches.h"

namespace sluice {

// Of a text: every token by its frequency in the training text, or all of them evenly, whichever costs less. Of a
// series: the mean of every target. Learned from the training windows, from evenly spaced ones where there are many.
class Guess {
 public:
  Guess(const Batches& training, std::size_t vocabulary);
  // Mean nats a token, or mean squared error, over the first `windows` windows of `batches`, evenly spaced ones of them
  // where they are many.
  double loss(const Batches& batches, std::size_t windows) const;

 private:
  std::vector<double> nats_;   // [V] of each token
  std::vector<double> means_;  // [O]
};

}  // namespace sluice
