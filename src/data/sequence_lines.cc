// One sequence a line; see sequences.h.
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/shown.h"
#include "data/cells.h"
#include "data/classes.h"
#include "data/csv.h"
#include "data/sequences.h"

namespace sluice {
namespace {

class SequenceLines {
 public:
  SequenceLines(const TextSource& source, LabelColumn label, const SequenceOptions& options)
      : rows_(source), label_(label), options_(options), names_(options.classes) {
    all_.name = source.name;
    all_.inputs = 1;
  }

  Sequences read() {
    if (options_.inputs > 1) {
      refuse_at(rows_.name(), std::to_string(options_.inputs) + " numbers a step, as in training",
                "a file of 1 a step");
    }
    std::vector<std::string> counted;  // a first row that may be a header of numbers
    bool first = true;
    while (rows_.next(cells_)) {
      const Row kind = std::exchange(first, false) ? kind_of_first() : Row::sequence;
      if (kind == Row::counted) counted.assign(cells_.begin(), cells_.end());
      if (kind == Row::sequence) take();
    }
    if (!counted.empty()) {
      cells_.assign(counted.begin(), counted.end());
      if (all_.size() == 0 || names_.contains(label_text())) take_before_all();
    }
    if (all_.size() == 0) refuse_at(rows_.name(), "one sequence a line", first ? "an empty file" : "a header alone");
    if (label_ != LabelColumn::none) all_.classes = names_.finish(all_.labels);
    return std::move(all_);
  }

 private:
  void take() {
    if (label_ != LabelColumn::none) {
      all_.labels.push_back(names_.number(label_text(), rows_.name(), rows_.line()));
    }
    std::span<const std::string_view> numbers = number_cells();
    const std::size_t before = label_ == LabelColumn::first ? 1 : 0;  // cells before the first number
    while (!numbers.empty() && is_missing(numbers.back())) numbers = numbers.first(numbers.size() - 1);
    if (numbers.empty()) rows_.refuse("a sequence of numbers", "none");
    for (std::size_t t = 0; t < numbers.size(); ++t) {
      all_.values.push_back(read(numbers[t], before + t));
    }
    all_.starts.push_back(all_.values.size());
  }

  // Where a comma does not separate, it may stand for the point of every number.
  float read(std::string_view cell, std::size_t column) {
    const auto place = [&] { return rows_.place(column); };
    const std::size_t mark = rows_.separator() == ',' ? std::string_view::npos : cell.find_first_of(".,");
    if (mark == std::string_view::npos) return read_cell(cell, options_.missing, place);
    std::string pointed;
    if (cell[mark] == ',' && read_number_with_comma(cell)) {
      pointed = cell;
      pointed[mark] = '.';
    }
    const float number = read_cell(pointed.empty() ? cell : pointed, options_.missing, place);
    if (decimal_ != '\0' && decimal_ != cell[mark]) {
      refuse_at(place(), std::string("\"") + decimal_ + "\" for the point of every number, as in the lines before",
                shown(cell));
    }
    decimal_ = cell[mark];
    return number;
  }

  void take_before_all() {
    take();
    std::vector<std::size_t> order(all_.size());
    std::iota(order.begin() + 1, order.end(), std::size_t{0});
    order.front() = all_.size() - 1;
    all_ = select(all_, order);
  }

  std::string_view label_text() const {
    return label_ == LabelColumn::none ? "" : label_ == LabelColumn::first ? cells_.front() : cells_.back();
  }

  std::span<const std::string_view> number_cells() const {
    const std::span<const std::string_view> cells = cells_;
    if (label_ == LabelColumn::first) return cells.subspan(1);
    return cells.first(cells.size() - (label_ == LabelColumn::last ? 1 : 0));
  }

  // A header of names has a cell that is no number. One that counts its columns from 0 or 1 looks like a sequence, of a
  // class that no other line has.
  enum class Row { header, counted, sequence };
  Row kind_of_first() const {
    const auto cells = number_cells();
    const auto starts_at = cells.empty() ? std::nullopt : read_number(cells.front(), rows_.separator());
    bool counts = label_ != LabelColumn::none && cells.size() > 2 && (starts_at == 0.0 || starts_at == 1.0);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto number = read_number(cells[i], rows_.separator());
      if (!number && !is_missing(cells[i])) return Row::header;
      counts = counts && number == *starts_at + static_cast<double>(i);
    }
    return counts ? Row::counted : Row::sequence;
  }

  CsvReader rows_;
  LabelColumn label_;
  const SequenceOptions& options_;
  ClassNames names_;
  char decimal_ = '\0';  // what the numbers so far have for their point
  Sequences all_;
  std::vector<std::string_view> cells_;
};

}  // namespace

Sequences read_sequence_lines(const TextSource& source, LabelColumn label, const SequenceOptions& options) try {
  return SequenceLines(source, label, options).read();
} catch (...) {
  rethrow_as_error("sequences");
}

}  // namespace sluice
