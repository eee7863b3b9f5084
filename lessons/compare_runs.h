// What the comparisons on a text and on favourites share: every cell and seed trained in turn, and measured.
#pragma once

#include <functional>

#include "lessons/compare.h"

namespace sluice {

// The text to train on with one seed, the same for all cells.
using CorpusForSeed = std::function<Corpus(std::uint64_t seed)>;
// Fills in what is measured on held-out text: nats_per_token and recall_by_distance.
using Measure = std::function<void(const Model& model, CellResult& result)>;

// What is measured while training goes on, `times` of it, with the weights that there are then. It takes none of the
// seconds of the result.
struct MeasureThen {
  std::size_t times = 0;
  std::function<std::vector<Recall>(const Model& model, std::uint64_t seed)> recall = {};
};

// Throws Error (usage): no cell, no seed, an unknown cell, a checkpoint (one file cannot serve several runs).
std::vector<CompareRun> compare_runs(const CompareOptions& options, const CorpusForSeed& corpus, const Measure& measure,
                                     const CompareCallback& report, const MeasureThen& then = {});

}  // namespace sluice
