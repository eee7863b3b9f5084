#include "formats/foreign/linear_map.h"

#include <algorithm>
#include <utility>

namespace sluice::foreign {
namespace {

Numbers wide_copy(const Numbers& numbers, std::size_t size) {
  Numbers copy(size, true);
  for (std::size_t i = 0; i < numbers.size(); ++i) copy.set(i, numbers[i]);
  return copy;
}

// Terms of the same feature become one.
void merge(std::vector<LinearMap::Term>& terms) {
  std::ranges::stable_sort(terms, {}, &LinearMap::Term::feature);
  std::size_t count = 0;
  for (const LinearMap::Term& term : terms) {
    if (count > 0 && terms[count - 1].feature == term.feature) {
      terms[count - 1].factor += term.factor;
    } else {
      terms[count++] = term;
    }
  }
  terms.resize(count);
}

}  // namespace

LinearMap::LinearMap(std::size_t inputs, std::vector<Row> rows)
    : inputs_(inputs), outputs_(rows.size()), rows_(std::move(rows)) {
  if (inputs_ != outputs_) return;
  for (std::size_t i = 0; i < outputs_; ++i) {
    const Row& row = rows_[i];
    const bool same = row.offset == 0 && row.terms.size() == 1 && row.terms[0].feature == i && row.terms[0].factor == 1;
    if (!same) return;
  }
  rows_.clear();
}

LinearMap::Row LinearMap::row(std::size_t output) const {
  if (is_identity()) return {{{output, 1}}, 0};
  return rows_[output];
}

std::size_t LinearMap::size() const {
  std::size_t count = rows_.size();
  for (const Row& each : rows_) count += each.terms.size();
  return count;
}

LinearMap LinearMap::then(const Scale& scale) const {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < outputs_; ++i) {
    rows.push_back(row(i));
    for (Term& term : rows.back().terms) term.factor *= scale.factor[i];
    rows.back().offset = rows.back().offset * scale.factor[i] + scale.offset[i];
  }
  return {inputs_, std::move(rows)};
}

LinearMap LinearMap::then(const Select& select) const {
  std::vector<Row> rows;
  for (const std::size_t feature : select.features) rows.push_back(row(feature));
  return {inputs_, std::move(rows)};
}

LinearMap LinearMap::side_by_side(const std::vector<const LinearMap*>& maps) {
  std::vector<Row> rows;
  for (const LinearMap* map : maps) {
    for (std::size_t i = 0; i < map->outputs(); ++i) rows.push_back(map->row(i));
  }
  return {maps.front()->inputs(), std::move(rows)};
}

LinearMap LinearMap::sum(const std::vector<const LinearMap*>& maps, double factor) {
  std::vector<Row> rows(maps.front()->outputs());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const LinearMap* map : maps) {
      const Row row = map->row(i);
      for (const Term& term : row.terms) rows[i].terms.push_back({term.feature, term.factor * factor});
      rows[i].offset += row.offset * factor;
    }
    merge(rows[i].terms);
  }
  return {maps.front()->inputs(), std::move(rows)};
}

bool LinearMap::adds_halves() const {
  if (is_identity() || inputs_ % 2 != 0) return false;
  return std::ranges::all_of(rows_, [&](const Row& row) {
    const std::size_t half = row.terms.size() / 2;
    if (row.terms.size() % 2 != 0) return false;
    for (std::size_t i = 0; i < half; ++i) {
      const Term &first = row.terms[i], &second = row.terms[half + i];
      if (first.feature + inputs_ / 2 != second.feature || first.factor != second.factor) return false;
    }
    return true;
  });
}

LinearMap LinearMap::of_sums() const {
  std::vector<Row> rows = rows_;
  for (Row& row : rows) row.terms.resize(row.terms.size() / 2);
  return {inputs_ / 2, std::move(rows)};
}

Dense LinearMap::before(const Dense& dense) const {
  if (is_identity()) return dense;
  Dense made = {inputs_, dense.outputs, Numbers(inputs_ * dense.outputs, true), wide_copy(dense.bias, dense.outputs)};
  for (std::size_t o = 0; o < dense.outputs; ++o) {
    for (std::size_t i = 0; i < outputs_; ++i) {
      const double weight = dense.weight[o * outputs_ + i];
      for (const Term& term : rows_[i].terms) {
        const std::size_t at = o * inputs_ + term.feature;
        made.weight.set(at, made.weight[at] + weight * term.factor);
      }
      if (rows_[i].offset != 0) made.bias.set(o, made.bias[o] + weight * rows_[i].offset);
    }
  }
  return made;
}

Dense LinearMap::after(const Dense& dense) const {
  if (is_identity()) return dense;
  Dense made = {dense.inputs, outputs_, Numbers(dense.inputs * outputs_, true), Numbers(outputs_, true)};
  for (std::size_t o = 0; o < outputs_; ++o) {
    made.bias.set(o, rows_[o].offset);
    for (const Term& term : rows_[o].terms) {
      for (std::size_t i = 0; i < dense.inputs; ++i) {
        const std::size_t at = o * dense.inputs + i;
        made.weight.set(at, made.weight[at] + term.factor * dense.weight[term.feature * dense.inputs + i]);
      }
      if (!dense.bias.empty()) made.bias.set(o, made.bias[o] + term.factor * dense.bias[term.feature]);
    }
  }
  return made;
}

Dense LinearMap::dense() const {
  Dense made = {inputs_, outputs_, Numbers(inputs_ * outputs_, true), Numbers(outputs_, true)};
  for (std::size_t o = 0; o < outputs_; ++o) {
    const Row row = this->row(o);
    for (const Term& term : row.terms) made.weight.set(o * inputs_ + term.feature, term.factor);
    made.bias.set(o, row.offset);
  }
  return made;
}

}  // namespace sluice::foreign
