// Scoring a text or a series with a network, shared by validation and evaluate(); and its windows as a network reads
// them.
#pragma once

#include <limits>
#include <vector>

#include "base/threads.h"
#include "data/batches.h"
#include "model/network.h"
#include "sluice/train.h"

namespace sluice {

// A window of Batches, filled.
class FilledWindow {
 public:
  // Valid until the next call.
  Window fill(const Batches& batches, std::size_t k);

 private:
  std::vector<Token> inputs_, targets_;
  std::vector<float> x_, y_;
};

// How much of it is read: so many windows, and none that would begin after so many seconds, but always one.
struct Extent {
  std::size_t windows = std::numeric_limits<std::size_t>::max();
  double seconds = std::numeric_limits<double>::infinity();

  bool goes_on(std::size_t window, double passed) const {
    return window == 0 || (window < windows && passed < seconds);
  }
};

// Sums over what was scored.
struct Tally {
  std::size_t windows = 0;
  std::uint64_t rows = 0;
  double loss = 0;
  std::uint64_t unknown = 0, first = 0, first_three = 0;  // of a text: targets that are <unk>; hits
  std::size_t threads = 0;                                // that scored, where evaluate() has asked for some
  double unknown_loss = 0;                                // of these targets
  std::uint64_t unknown_first = 0, unknown_first_three = 0;

  double mean_loss() const { return loss / static_cast<double>(rows); }
};

// Reads the windows in order with the state carried on, from an empty state. The sums are added in the order of the
// text or series, so the result does not depend on the number of threads.
Tally tally(const Network& network, const Batches& batches, Workspace& workspace, Team& team,
            const Extent& extent = {});

// Throws Error (usage) when the model reads no text, or the text was numbered with another vocabulary than its own.
void check_fits(const Model& model, const Corpus& corpus);
// Throws Error (usage) when the widths of the series are not the model's inputs and outputs.
void check_fits(const Model& model, const Series& series);

}  // namespace sluice
