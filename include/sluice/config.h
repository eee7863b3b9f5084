// What a network is made of, as data: layers in order, and a head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sluice/standard.h"

namespace sluice {

// One layer of a network. Fields that its kind, or its cell, has no use for keep their defaults; others are refused.
struct LayerConfig {
  std::string kind = "recurrent";     // recurrent or dense
  std::string cell = "gru";           // recurrent: a name of cells()
  std::size_t units = 256;            // H, units, of a direction; the outputs of a dense layer
  std::string direction = "forward";  // recurrent: forward, backward (from each sequence's own last step), both
                                      // (outputs side by side, forward first) or sum (outputs added)
  std::string activation = "tanh";    // of the plain rnn: tanh or relu; dense: none, tanh, relu, sigmoid or elu
  double dropout = 0;                 // of its outputs, in training
  double weight_dropout = 0;  // of the recurrent weights U (DropConnect; Merity, Keskar & Socher 2018, section 2)
  double forget_bias = 1;     // initial bias of the LSTM's forget gate (Jozefowicz et al. 2015)
  std::string initial_state = "zero";  // of a recurrent layer: zero, or learned: trained with the weights, of which it
                                       // is one; its gradient is that of windows that begin a sequence
  bool operator==(const LayerConfig&) const = default;
};

// What a network predicts, from which of its rows, and the loss that it is trained on. O numbers or classes.
//   softmax     one of O classes, -log p; class_weights and label_smoothing (Szegedy et al. 2016, section 7)
//   squared     O numbers, the mean of (y - target)^2
//   absolute    O numbers, the mean of |y - target|
//   huber       O numbers, squared up to huber_delta and linear beyond (Huber 1964)
//   quantiles   for each of O numbers one output a quantile, the pinball loss (Koenker & Bassett 1978)
//   normal      for each of O numbers a mean and the logarithm of a deviation, -log of the density
//   poisson     O counts (targets of 0 or more): the logarithm of each one's mean, -log of the probability
//   multilabel  O labels, each there or not, the sum of their binary cross-entropies
struct HeadConfig {
  std::string loss = {};               // empty: softmax over the tokens for a network that reads tokens, else squared
  std::string at = "steps";            // every step; last: after each sequence's last step (of both directions); mean
                                       // or max: over the steps of each sequence
  std::vector<double> quantiles = {};  // ascending, between 0 and 1
  std::vector<double> class_weights = {};  // [O], or empty: all 1; the loss is the weighted mean
  double label_smoothing = 0;              // share of a target spread over all classes
  double huber_delta = 1;
  // [O] the number of an input feature that is added to each prediction (its mean, its quantiles) as it was read, or
  // empty: the network predicts the difference. Of squared, absolute, huber, quantiles and normal, at steps or last.
  std::vector<double> residual = {};
  bool operator==(const HeadConfig&) const = default;
};

// A class that counts for nothing, neither in a loss nor in a mean.
inline constexpr std::uint32_t kIgnoredLabel = 0xffffffffu;

// How the features of a step are scaled before the first layer: (x - mean) / deviation, [I] each, or both empty.
struct ScalingConfig {
  std::vector<double> mean = {}, deviation = {};
  bool operator==(const ScalingConfig&) const = default;
};

// How the words of a network that reads tokens are spelt beside their embedding: the characters of a word, embedded,
// are read by a recurrent layer in both directions, and its last states of both stand after the word's embedding (Ling
// et al. 2015; Plank, Soegaard & Goldberg 2016). So a word that is not in the vocabulary is more than <unk>. Words come
// with their spelling in Sequences, which a stream has no place for.
struct SpellingConfig {
  std::size_t characters = 0;  // C, of which 0 stands for all that are not known; no characters: words are not spelt
  std::size_t embedding = 32;  // numbers that stand for a character
  std::size_t units = 64;      // of each direction
  std::string cell = "gru";    // a name of cells()
  double word_dropout = 0;     // share of words that training reads as <unk>, with their spelling
  bool operator==(const SpellingConfig&) const = default;
};

}  // namespace sluice
