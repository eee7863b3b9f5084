// What the course of a training says about its options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/sluice.h"

namespace sluice::tool {

// The losses of a run, in their order.
struct Course {
  struct Validation {
    std::size_t epoch = 0;
    std::uint64_t update = 0;
    double loss = 0, epochs = 0;  // epochs: that were done then, 2.5 in the middle of the third
  };
  std::vector<Validation> validations;
  // What each epoch's updates lost; after --resume, those of the epoch that were still to come.
  struct Epoch {
    std::size_t number = 0, updates = 0;
    double loss = 0;  // the mean
  };
  std::vector<Epoch> epochs;

  void enter(const Report& report);  // of whatever kind
  // The first with the lowest loss; nullptr where there is none.
  const Validation* best() const;
};

// Whether a run is so many updates, and not so many epochs.
inline bool decided_by_updates(const TrainOptions& o) { return o.updates > 0 || o.minutes > 0; }

struct Run {
  const TrainOptions& options;
  const TrainResult& result;
  const Course& course;
  std::size_t parameters = 0;

  // Whether the best weights are from the first two thirds of the updates.
  bool best_long_ago() const;
  std::string longer() const;  // "--epochs 20", or the option that ended it sooner
};

// A sentence for each thing that stands out, with the option that may help.
std::vector<std::string> remarks(const Run& run);
// The same of a text to validate on: too many unknown tokens.
std::optional<std::string> remark_on(const Corpus& validation);

}  // namespace sluice::tool
