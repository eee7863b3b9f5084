// Sequences; see sequences.h.
#include "data/sequences.h"

#include <algorithm>
#include <array>

#include "base/failure.h"
#include "base/shown.h"
#include "sluice/error.h"

namespace sluice {
namespace {

constexpr std::array<std::string_view, 3> kLabelColumns{"first", "last", "none"};

// The rows of `from` that belong to sequence s, `width` numbers each, at the end of `to`.
template <class T>
void append_rows(const std::vector<T>& from, std::size_t first, std::size_t last, std::size_t width,
                 std::vector<T>& to) {
  if (from.empty()) return;
  const std::size_t rows = from.size() / std::max<std::size_t>(1, width);
  if (first > last || last > rows) {
    throw Error(Status::usage, "sequences: expected rows up to " + std::to_string(rows) +
                                   " in ascending order, found " + std::to_string(first) + " to " +
                                   std::to_string(last));
  }
  const auto begin = from.begin();
  to.insert(to.end(), begin + static_cast<std::ptrdiff_t>(first * width),
            begin + static_cast<std::ptrdiff_t>(last * width));
}

}  // namespace

Sequences select(const Sequences& all, std::span<const std::size_t> which) try {
  Sequences some;
  some.name = all.name;
  some.inputs = all.inputs;
  some.labels_per_step = all.labels_per_step;
  some.classes = all.classes;
  some.targets_per_step = all.targets_per_step;
  some.outputs = all.outputs;
  some.spellings = all.spellings;
  for (const std::size_t s : which) {
    if (s >= all.size()) {
      throw Error(Status::usage, all.name + ": expected the number of one of " + std::to_string(all.size()) +
                                     " sequences, found " + std::to_string(s));
    }
    const std::size_t first = all.starts[s], last = all.starts[s + 1];
    some.starts.push_back(some.steps() + last - first);
    append_rows(all.values, first, last, all.inputs, some.values);
    append_rows(all.tokens, first, last, 1, some.tokens);
    append_rows(all.words, first, last, 1, some.words);
    append_rows(all.labels, all.labels_per_step ? first : s, all.labels_per_step ? last : s + 1, 1, some.labels);
    append_rows(all.targets, all.targets_per_step ? first : s, all.targets_per_step ? last : s + 1, all.outputs,
                some.targets);
    const bool per_step = all.labels.empty() ? all.targets_per_step : all.labels_per_step;
    append_rows(all.weights, per_step ? first : s, per_step ? last : s + 1, 1, some.weights);
  }
  return some;
} catch (...) {
  rethrow_as_error("select");
}

std::string_view name(LabelColumn column) { return kLabelColumns[static_cast<std::size_t>(column)]; }

LabelColumn find_label_column(std::string_view name) {
  for (std::size_t i = 0; i < kLabelColumns.size(); ++i) {
    if (kLabelColumns[i] == name) return static_cast<LabelColumn>(i);
  }
  throw Error(Status::usage, "label column: expected first, last or none, found " + shown(name));
}

}  // namespace sluice
