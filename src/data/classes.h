// The classes (or tags) that a file names, as numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/lines.h"
#include "data/token_table.h"

namespace sluice {

// A file that is trained on says which classes there are. Any other file is read with the classes of training, and may
// have no others.
class ClassNames {
 public:
  // `known`: the classes of training; empty: the file says them. `what` stands for a class in messages: "class", "tag".
  explicit ClassNames(const std::vector<std::string>& known, std::string what = "class");

  // The number of a class, which stands in the last line of `lines`, or in a line of a file (0: in its name). Throws
  // Error (bad_file): no text, a class that is not known.
  std::uint32_t number(std::string_view label, const LineReader& lines);
  std::uint32_t number(std::string_view label, const std::string& file, std::uint64_t line);

  bool contains(std::string_view label) const { return !label.empty() && table_.find(label) != TokenTable::none; }

  // The classes in the order of their numbers. Those that the file said stand in the order of bytes, whatever the order
  // of its lines, and `labels` are numbered anew to fit.
  std::vector<std::string> finish(std::vector<std::uint32_t>& labels) const;

 private:
  bool known_;
  std::string what_;
  TokenTable table_;
};

}  // namespace sluice
