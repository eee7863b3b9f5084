// The registry as data, built from the cells' own files.
#include <array>
#include <string>
#include <vector>

#include "cells/tape_rows.h"
#include "kernels/recurrence.h"
#include "sluice/error.h"

namespace sluice {
namespace {

#include "cells/registry-inl.h"

struct Entry {
  CellInfo info;
  CellShape shape;
  std::string_view activation;
  std::vector<GateInfo> gates;
  std::vector<ShownRow> shown;
  std::span<const std::string_view> symbols;
};

template <class Cell>
void add(std::vector<Entry>& entries) {
  Entry e;
  if constexpr (requires { Cell::shown; }) {
    for (const Shown& s : Cell::shown) {
      e.gates.push_back(s.info);
      e.shown.push_back({s.row, s.complement});
    }
  }
  constexpr int kStages = static_cast<int>(std::size(Cell::stages));
  CellShape& shape = e.shape;
  shape = {
      static_cast<int>(entries.size()),          Cell::rows,       Cell::inputs,       kStages, {0, 0}, {0, 0}, -1, -1,
      static_cast<int>(std::size(Cell::states)), Cell::forget_row, Cell::candidate_row};
  std::size_t recurrent = 0;
  for (int i = 0; i < kStages; ++i) {
    shape.first[i] = Cell::stages[i].first;
    shape.count[i] = Cell::stages[i].count;
    recurrent += static_cast<std::size_t>(shape.count[i]);
    if (shape.first[i] + shape.count[i] > Cell::inputs) shape.own_bias = shape.first[i] + shape.count[i] - 1;
  }
  if constexpr (requires { Cell::mixed_row; }) shape.mixed_row = Cell::mixed_row;
  static_assert(std::size(Cell::symbols) == Cell::rows, "each row of the tape has its symbol in the equations");
  e.symbols = Cell::symbols;
  e.activation = Cell::activation;
  e.info = {
      Cell::name, Cell::title, Cell::source, Cell::equations, {}, Cell::states, static_cast<std::size_t>(Cell::inputs),
      recurrent};
  entries.push_back(std::move(e));
}

const std::vector<Entry>& registry() {
  static const std::vector<Entry> entries = [] {
    std::vector<Entry> all;
#define SLUICE_CELL(Cell) add<Cell>(all);
#include "cells/registry-inl.h"
    for (Entry& e : all) e.info.gates = e.gates;  // the vectors have their final place now
    return all;
  }();
  return entries;
}

}  // namespace

// A cell that comes with several activations is listed once, under its first.
std::span<const CellInfo> cells() {
  static const std::vector<CellInfo> infos = [] {
    std::vector<CellInfo> all;
    for (const Entry& e : registry()) {
      if (all.empty() || all.back().name != e.info.name) all.push_back(e.info);
    }
    return all;
  }();
  return infos;
}

const CellInfo& find_cell(std::string_view name) {
  std::string known;
  for (const CellInfo& info : cells()) {
    if (info.name == name) return info;
    known += (known.empty() ? "" : ", ") + std::string(info.name);
  }
  throw Error(Status::usage, "cell: expected one of " + known + ", found \"" + std::string(name) + "\"");
}

const CellInfo& find_cell(std::string_view name, std::string_view activation) {
  for (const Entry& e : registry()) {
    if (e.info.name == name && e.activation == activation) return e.info;
  }
  return find_cell(name);
}

const CellShape* find_shape(std::string_view cell, std::string_view activation) {
  for (const Entry& e : registry()) {
    if (e.info.name == cell && (e.activation.empty() || e.activation == activation)) return &e.shape;
  }
  return nullptr;
}

std::vector<ShownRow> shown_rows(std::string_view cell) {
  for (const Entry& e : registry()) {
    if (e.info.name == cell) return e.shown;
  }
  return {};
}

std::span<const std::string_view> row_symbols(std::string_view cell) {
  for (const Entry& e : registry()) {
    if (e.info.name == cell) return e.symbols;
  }
  return {};
}

}  // namespace sluice
