// The numbers in a cell's printed equations, of single units, word by word: what the matrices make of the word and of
// the state, and the biases. The rest follows from the equations themselves. Sums are taken in double.
#include <cmath>
#include <iterator>
#include <numeric>

#include "base/failure.h"
#include "cells/tape_rows.h"
#include "explain/reading.h"
#include "kernels/recurrence.h"

namespace sluice {
namespace {

using std::tanh;
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
[[maybe_unused]] double relu(double x) { return x < 0 ? 0 : x; }
[[maybe_unused]] double is_positive(double x) { return x > 0 ? 1 : 0; }

#include "cells/registry-inl.h"

// What the second stage multiplies, of one unit, from its pre-activations of the first.
using Mix = double (*)(double* rows, const double* state);
template <class Cell>
constexpr Mix mix_of() {
  if constexpr (requires { Cell::mixed_row; }) {
    return [](double* rows, const double* state) {
      Cell::mix(rows, state);
      return rows[Cell::mixed_row];
    };
  } else {
    return nullptr;
  }
}
constexpr Mix kMixes[] = {
#define SLUICE_CELL(Cell) mix_of<Cell>(),
#include "cells/registry-inl.h"
};

double product(std::span<const float> row, std::span<const double> vector) {
  double sum = 0;
  for (std::size_t k = 0; k < row.size(); ++k) sum += static_cast<double>(row[k]) * vector[k];
  return sum;
}

std::string named(char letter, std::string_view symbol) {
  std::string name(1, letter);
  if (!symbol.empty()) (name += '_') += symbol;
  return name;
}

// One layer: its weights, and where the rows of the tape lie in them.
class LayerParts {
 public:
  LayerParts(const Model& model, std::size_t layer)
      : shape_(*find_shape(model.config().cell, model.config().activation)),
        symbols_(row_symbols(model.config().cell)),
        hidden_(model.config().hidden),
        inputs_(layer == 0 ? model.config().embedding : hidden_),
        w_(tensor(model, "rnn.weight_ih_l" + std::to_string(layer))),
        u_(tensor(model, "rnn.weight_hh_l" + std::to_string(layer))),
        b_(tensor(model, "rnn.bias_l" + std::to_string(layer))) {
    if (shape_.own_bias >= 0) own_ = tensor(model, "rnn.bias_hn_l" + std::to_string(layer));
  }

  void name(Microscope& out) const {
    for (int row = 0; row < shape_.inputs; ++row) out.products.push_back(named('W', symbols_[index(row)]));
    for_each_recurrent([&](int row, int, std::size_t) { out.products.push_back(named('U', symbols_[index(row)])); });
    for (int row = 0; row < shape_.inputs; ++row) out.biases.push_back(named('b', symbols_[index(row)]));
    if (shape_.own_bias >= 0) out.biases.push_back(named('c', symbols_[index(shape_.own_bias)]));
  }

  // x: what the layer reads; before: its states before the step, [S][H].
  void add_word(std::span<const double> x, const std::vector<std::vector<double>>& before, UnitParts& out) const {
    for (int row = 0; row < shape_.inputs; ++row) out.products.push_back(product(w_row(index(row), out.unit.unit), x));
    for_each_recurrent([&](int, int stage, std::size_t block) {
      out.products.push_back(product(u_row(block, out.unit.unit), stage == 0 ? before[0] : mixed_));
    });
  }

  // What the second stage multiplies, of every unit: the same for all units of a word.
  void mix(std::span<const double> x, const std::vector<std::vector<double>>& before) {
    const Mix mixed = kMixes[shape_.index];
    if (mixed == nullptr) return;
    mixed_.resize(hidden_);
    std::vector<double> rows(index(shape_.rows)), state(before.size());
    for (std::size_t unit = 0; unit < hidden_; ++unit) {
      for (int row = 0; row < shape_.inputs; ++row) {
        rows[index(row)] = product(w_row(index(row), unit), x) + bias(index(row), unit);
      }
      for_each_recurrent([&](int row, int stage, std::size_t block) {
        if (stage == 0) rows[index(row)] += product(u_row(block, unit), before[0]);
      });
      for (std::size_t s = 0; s < state.size(); ++s) state[s] = before[s][unit];
      mixed_[unit] = mixed(rows.data(), state.data());
    }
  }

  std::vector<double> biases(std::size_t unit) const {
    std::vector<double> all;
    all.reserve(static_cast<std::size_t>(shape_.inputs) + 1);
    for (int row = 0; row < shape_.inputs; ++row) all.push_back(bias(index(row), unit));
    if (!own_.empty()) all.push_back(static_cast<double>(own_[unit]));
    return all;
  }

 private:
  static std::size_t index(int row) { return static_cast<std::size_t>(row); }
  std::span<const float> w_row(std::size_t row, std::size_t unit) const {
    return w_.subspan((row * hidden_ + unit) * inputs_, inputs_);
  }
  std::span<const float> u_row(std::size_t block, std::size_t unit) const {
    return u_.subspan((block * hidden_ + unit) * hidden_, hidden_);
  }
  double bias(std::size_t row, std::size_t unit) const { return static_cast<double>(b_[row * hidden_ + unit]); }

  // Calls f(row of the tape, stage, block of U).
  template <class F>
  void for_each_recurrent(F&& f) const {
    std::size_t block = 0;
    for (int stage = 0; stage < shape_.stages; ++stage) {
      for (int i = 0; i < shape_.count[stage]; ++i) f(shape_.first[stage] + i, stage, block++);
    }
  }

  const CellShape& shape_;
  std::span<const std::string_view> symbols_;
  std::size_t hidden_, inputs_;
  std::span<const float> w_, u_, b_, own_;
  std::vector<double> mixed_;
};

void read_layer(const TextFrom& text, const GateTrace& trace, std::size_t layer, std::span<UnitParts*> units) {
  const auto& [model, start, tokens] = text;
  LayerParts parts(model, layer);
  const std::size_t h = trace.hidden, states = model.cell().states.size(), e = model.config().embedding;
  const std::span<const float> table = tensor(model, "embedding.weight");
  std::vector<std::vector<double>> before(states);
  for (std::size_t s = 0; s < states; ++s) {
    const std::span<const float> first = start.of(layer, s);
    before[s].assign(first.begin(), first.end());
  }
  for (UnitParts* unit : units) {
    unit->biases = parts.biases(unit->unit.unit);
    for (const std::vector<double>& state : before) unit->before.push_back(state[unit->unit.unit]);
  }
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const std::span<const float> read =
        layer == 0 ? table.subspan(tokens[t] * e, e) : std::span(trace.layers[layer - 1].hidden).subspan(t * h, h);
    const std::vector<double> x(read.begin(), read.end());
    parts.mix(x, before);
    for (UnitParts* unit : units) parts.add_word(x, before, *unit);
    for (std::size_t s = 0; s < states; ++s) {
      const std::span<const float> after = states_of(trace.layers[layer], s).subspan(t * h, h);
      before[s].assign(after.begin(), after.end());
    }
    for (UnitParts* unit : units) {
      for (std::size_t s = 0; s < states; ++s) unit->states.push_back(before[s][unit->unit.unit]);
    }
  }
}

}  // namespace

Microscope microscope(const TextFrom& text, std::span<const Unit> units) {
  const Model& model = text.model;
  expect_explainable(model, "microscope");
  expect_words(model, text.tokens);
  Microscope out;
  LayerParts(model, 0).name(out);
  for (const Unit& unit : units) {
    if (unit.layer >= model.config().layers || unit.unit >= model.config().hidden) {
      throw Error(Status::usage, "microscope: expected a layer below " + std::to_string(model.config().layers) +
                                     " and a unit below " + std::to_string(model.config().hidden) + ", found layer " +
                                     std::to_string(unit.layer) + ", unit " + std::to_string(unit.unit));
    }
    out.units.push_back({unit, {}, {}, {}, {}});
  }
  Workspace workspace;
  Team alone(1);
  const GateTrace trace = trace_of(text, workspace, alone);
  for (std::size_t layer = 0; layer < model.config().layers; ++layer) {
    std::vector<UnitParts*> here;
    for (UnitParts& unit : out.units) {
      if (unit.unit.layer == layer) here.push_back(&unit);
    }
    if (!here.empty()) read_layer(text, trace, layer, here);
  }
  return out;
}

Microscope microscope(const Model& model, std::span<const Token> tokens, std::span<const Unit> units) try {
  const State empty = model.initial_state();
  return microscope(TextFrom{model, empty, tokens}, units);
} catch (...) {
  rethrow_as_error("microscope");
}

}  // namespace sluice
