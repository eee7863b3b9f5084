// Many sequences, each by itself, with what a network is to predict for each of them or for each of their steps; and
// the files that hold such sequences as numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/numbers.h"
#include "sluice/data.h"

namespace sluice {

struct Sequences {
  std::string name = {};                   // in messages: the file
  std::size_t inputs = 0;                  // numbers a step; 0: the steps are tokens
  std::vector<std::size_t> starts{0};      // sequence s has the steps [starts[s], starts[s + 1])
  std::vector<float> values = {};          // [steps, inputs]; NaN: missing
  std::vector<std::uint32_t> tokens = {};  // [steps], where inputs is 0
  bool labels_per_step = false;            // tags; else a class a sequence
  std::vector<std::uint32_t> labels = {};  // [sequences or steps]; empty: the file has none
  std::vector<std::string> classes = {};   // what the numbers in labels stand for
  bool targets_per_step = false;           // else for a sequence as a whole
  std::size_t outputs = 0;                 // numbers a target; 0: there are none
  std::vector<float> targets = {};         // [sequences or steps, outputs], for regression and several labels at once

  std::size_t size() const { return starts.size() - 1; }
  std::size_t steps() const { return starts.back(); }
  std::size_t length(std::size_t s) const { return starts[s + 1] - starts[s]; }
  // The numbers of sequence s, [length(s), inputs].
  std::span<const float> values_of(std::size_t s) const {
    return std::span<const float>(values).subspan(starts[s] * inputs, length(s) * inputs);
  }
};

// These sequences of `all`, in this order.
Sequences select(const Sequences& all, std::span<const std::size_t> which);

struct SequenceOptions {
  Missing missing = Missing::refuse;      // refuse: a missing number is an error; else it is NaN
  std::vector<std::string> classes = {};  // of training, where another file was trained on; empty: the file says them
  std::size_t inputs = 0;                 // numbers a step that the file must have; 0: any
};

// The `.ts` format of sktime and aeon: lines of '#' and '@' first, then a line for each sequence, its dimensions
// separated by ':' and the class at the end. What `@targetLabel` announces is a number, and goes to `targets`. Throws
// Error (bad_file) with the line: a header that does not fit its data, dimensions of different lengths, a number that
// cannot be read, time stamps (which are not supported).
Sequences read_ts(const TextSource& source, const SequenceOptions& options = {});

// One sequence a line, of one number a step: separated by commas, semicolons, tabs or blanks, with the class first or
// last. A header is skipped: a first line with a cell that is no number, or one that counts three columns or
// more from 0 or 1 and whose class no other line has. Missing numbers at the end of a line end the sequence there,
// since that is how sequences of different lengths are written in this form.
enum class LabelColumn { first, last, none };
std::string_view name(LabelColumn column);
LabelColumn find_label_column(std::string_view name);  // Throws Error (usage) that lists the names
Sequences read_sequence_lines(const TextSource& source, LabelColumn label, const SequenceOptions& options = {});

}  // namespace sluice
