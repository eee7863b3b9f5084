// Scoring with a network, shared by validation and evaluate().
#pragma once

#include <limits>
#include <vector>

#include "base/threads.h"
#include "model/network.h"
#include "sluice/train.h"
#include "train/windows.h"

namespace sluice {

// How much of it is read: so many windows, and none that would begin after so many seconds, but always one of which
// something counts.
struct Extent {
  std::size_t windows = std::numeric_limits<std::size_t>::max();
  double seconds = std::numeric_limits<double>::infinity();

  // uncounted: Windows::uncounted() of what is read.
  bool goes_on(std::size_t window, double passed, std::size_t uncounted) const {
    return window <= uncounted || (window < windows && passed < seconds);
  }
};

// Sums over what was scored.
struct Tally {
  std::size_t windows = 0;
  std::uint64_t rows = 0;
  double loss = 0, weight = 0;  // of the rows, weighted as the head says; the sum of these weights
  std::uint64_t unknown = 0, first = 0, first_three = 0;  // of a text: targets that are <unk>; hits
  std::size_t threads = 0;                                // that scored, where evaluate() has asked for some
  double unknown_loss = 0;                                // of these targets
  std::uint64_t unknown_first = 0, unknown_first_three = 0;

  double mean_loss() const { return loss / weight; }
};

// Reads the windows in order from an empty state, which long streams carry on. The sums are added in the order of the
// rows, so the result does not depend on the number of threads.
Tally tally(const Network& network, Windows& windows, Workspace& workspace, Team& team, const Extent& extent = {});

// Throws Error (usage) when the model is no language model, or the text was numbered with another vocabulary than its
// own.
void check_fits(const Model& model, const Corpus& corpus);
// The tokens of TrainOptions::reset_at; none where it is empty. Throws Error (bad_file) when the vocabulary lacks one.
std::vector<Token> mark_of(const Vocabulary& vocabulary, const std::string& reset_at);
// Throws Error (usage) when the widths of the series are not the model's inputs and outputs.
void check_fits(const Model& model, const Series& series);

}  // namespace sluice
