// Predictions that need no network, by which one is judged: for classes, tags and notes. forecast_baselines.h has those
// for series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/sequences.h"
#include "data/tagged_sentences.h"

namespace sluice {

// The most frequent class of training; of as many, the first.
std::uint32_t majority_class(std::span<const std::uint32_t> labels, std::size_t classes);
// How often each class is there, [classes].
std::vector<std::uint64_t> count_classes(std::span<const std::uint32_t> labels, std::size_t classes);

// The share of labels that a prediction hits.
double accuracy(std::span<const std::uint32_t> predicted, std::span<const std::uint32_t> labels);

enum class Distance {
  euclidean,  // for sequences of one length
  warped,     // dynamic time warping over all dimensions together (Sakoe & Chiba 1978), without a window
};
// Euclid's where all sequences are of one length.
Distance fitting_distance(const Sequences& train, const Sequences& test);

// The class of the nearest sequence of training, for each sequence of `test`; of several, the first. Neither may have
// missing numbers. The same for any number of threads.
std::vector<std::uint32_t> nearest_neighbour(const Sequences& train, const Sequences& test, Distance distance,
                                             std::size_t threads = 0);
// Pairs of steps that it compares at most, for whoever has no time: a second is enough for some hundred million.
double nearest_neighbour_work(const Sequences& train, const Sequences& test, Distance distance);

// The class of each text of `test` by naive Bayes (multinomial: McCallum & Nigam 1998) over all n-grams of 1 to `order`
// tokens, with a token of their own where a text begins and ends. Every n-gram counts a tenth of a time more in every
// class, so that none is impossible; one that no text of training has does not count. Of as likely ones, the first.
std::vector<std::uint32_t> naive_bayes(const Sequences& train, const Sequences& test, std::size_t order);
// N-grams that it counts at most, each of which takes 16 bytes: ten million take some seconds.
std::size_t naive_bayes_ngrams(const Sequences& train, std::size_t order);

// The most frequent tag of each word of training. A word that was not there gets that of the words which were there
// once and begin as it does, with a capital or without. Of as many, the one that the word had first. Both have the
// classes of training.
std::vector<std::uint32_t> most_frequent_tags(const TaggedSentences& train, const TaggedSentences& test);

// The negative log-likelihood of a step, in nats, summed over its numbers, each of which is 0 or 1: for frames whose
// every number has the frequency that it has in training, each counted once more as 1 and once as 0, so that none is
// impossible. The steps are those of `targets` [steps, outputs].
double marginal_loss(const Sequences& train, const Sequences& test);
// The same of what was counted: in how many of `steps` each number was 1.
double marginal_loss(std::span<const std::uint64_t> ones, std::uint64_t steps, const Sequences& test);
// In how many steps each number of `targets` is 1, [outputs].
std::vector<std::uint64_t> count_targets(const Sequences& all);

}  // namespace sluice
