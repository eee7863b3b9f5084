// What predicting costs without looking at the past: the least that a trained model must beat.
#pragma once

#include <cstdint>
#include <vector>

#include "train/windows.h"

namespace sluice {

// Of classes (or tokens): every one by its frequency among the training targets, or all of them evenly, whichever costs
// less. Of numbers: for every target the constant that suits the loss, as its mean, its median or its quantiles.
// Learned from the training windows, from evenly spaced ones where there are many. Refers to the network.
class Guess {
 public:
  Guess(Windows& training, const Network& network);
  // Mean loss of a row over the first `windows` windows, evenly spaced ones of them where they are many.
  double loss(Windows& windows, std::size_t count) const;

 private:
  const Network& network_;
  std::vector<double> nats_;    // [O] of each class, where nothing but its probability counts
  std::vector<float> outputs_;  // [padded] outputs of the head, for every other loss
};

}  // namespace sluice
