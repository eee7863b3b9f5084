// Many sequences, each by itself, and what a network is to predict for each of them or for each of their steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sluice/config.h"
#include "sluice/export.h"
#include "sluice/standard.h"

namespace sluice {

// How words are spelt: word w has the characters [starts[w], starts[w + 1]), one or more, by their numbers in an
// alphabet (SpellingConfig::characters).
struct SLUICE_API Spellings {
  std::vector<std::size_t> starts{0};
  std::vector<std::uint32_t> characters = {};

  std::size_t size() const { return starts.size() - 1; }
  std::span<const std::uint32_t> of(std::size_t word) const {
    return std::span<const std::uint32_t>(characters).subspan(starts[word], starts[word + 1] - starts[word]);
  }
};

// Fields that a network has no use for stay empty: labels are for heads whose targets are classes, targets for others.
struct SLUICE_API Sequences {
  std::string name = "sequences";          // in messages: the file they came from
  std::size_t inputs = 0;                  // numbers a step; 0: the steps are tokens
  std::vector<std::size_t> starts{0};      // sequence s has the steps [starts[s], starts[s + 1])
  std::vector<float> values = {};          // [steps, inputs]
  std::vector<std::uint32_t> tokens = {};  // [steps], where inputs is 0
  std::vector<std::uint32_t> words = {};   // [steps] which of the spellings a token has, where the network spells words
  Spellings spellings = {};
  bool labels_per_step = false;            // tags; else a class a sequence
  std::vector<std::uint32_t> labels = {};  // [sequences or steps]; kIgnoredLabel: this one counts for nothing
  std::vector<std::string> classes = {};   // what the numbers in labels stand for
  bool targets_per_step = false;           // else for a sequence as a whole
  std::size_t outputs = 0;                 // numbers a target; 0: there are none
  std::vector<float> targets = {};         // [sequences or steps, outputs]; NaN: this one counts for nothing
  std::vector<float> weights = {};  // [sequences or steps], as labels or targets: how much each counts in the loss;
                                    // empty: all the same

  std::size_t size() const { return starts.size() - 1; }
  std::size_t steps() const { return starts.back(); }
  std::size_t length(std::size_t s) const { return starts[s + 1] - starts[s]; }
  // The numbers of sequence s, [length(s), inputs].
  std::span<const float> values_of(std::size_t s) const {
    return std::span<const float>(values).subspan(starts[s] * inputs, length(s) * inputs);
  }
};

// These sequences of `all`, in this order. Throws Error (usage) for one that is not there.
SLUICE_API Sequences select(const Sequences& all, std::span<const std::size_t> which);

}  // namespace sluice
