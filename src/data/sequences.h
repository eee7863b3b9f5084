// Files that hold many sequences of numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/numbers.h"
#include "sluice/data.h"
#include "sluice/sequences.h"

namespace sluice {

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
// last. Where a comma does not separate, it may stand for the point. A header is skipped: a first line with a cell that
// is no number, or one that counts three columns or more from 0 or 1 and whose class no other line has. Missing numbers
// at the end of a line end the sequence there, since that is how sequences of different lengths are written in this
// form.
enum class LabelColumn { first, last, none };
std::string_view name(LabelColumn column);
LabelColumn find_label_column(std::string_view name);  // Throws Error (usage) that lists the names
Sequences read_sequence_lines(const TextSource& source, LabelColumn label, const SequenceOptions& options = {});

}  // namespace sluice
