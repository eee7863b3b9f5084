#include "kernels/reference.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

#include "cells/tape_rows.h"
#include "kernels/reference_loops.h"
#include "sluice/error.h"

namespace sluice::reference {
namespace {

using std::tanh;
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double relu(double x) { return x < 0 ? 0 : x; }
double is_positive(double x) { return x > 0 ? 1 : 0; }

#include "cells/registry-inl.h"

template <class Cell>
inline constexpr std::size_t kStates = std::size(Cell::states);
template <class Cell>
inline constexpr bool kTwoStages = std::size(Cell::stages) == 2;

// The row that only U feeds and that starts from a bias of its own; -1 when there is none.
template <class Cell>
constexpr int own_row() {
  for (const Stage& stage : Cell::stages) {
    if (stage.first + stage.count > Cell::inputs) return stage.first + stage.count - 1;
  }
  return -1;
}

template <class Cell>
constexpr Rows rows() {
  Rows r{Cell::rows, Cell::inputs, 0, kStates<Cell>, own_row<Cell>() >= 0};
  for (const Stage& stage : Cell::stages) r.recurrent += static_cast<std::size_t>(stage.count);
  return r;
}

// One layer with its cell's equations at hand. H is short for the number of units throughout.
template <class Cell>
class CellLayer {
 public:
  explicit CellLayer(const Layer& layer) : layer_(layer), H(layer.hidden), I(layer.inputs) {}

  void step(std::size_t batch, std::size_t b, const double* x, double* tape, const double* before, double* after) const;
  void step_back(std::size_t batch, std::size_t b, const double* x, const double* tape, const double* before,
                 const double* after, double* carry, double* dx, Layer& gradients) const;

 private:
  // Row block of a stage in weight_hh.
  std::size_t recurrent_offset(std::size_t stage) const {
    return stage == 0 ? 0 : static_cast<std::size_t>(Cell::stages[0].count) * H * H;
  }
  std::size_t first(std::size_t stage) const { return static_cast<std::size_t>(Cell::stages[stage].first) * H; }
  std::size_t size(std::size_t stage) const { return static_cast<std::size_t>(Cell::stages[stage].count) * H; }

  struct Unit {
    double y[Cell::rows] = {}, state[kStates<Cell>] = {}, next[kStates<Cell>] = {}, d[kStates<Cell>] = {};
  };
  // Numbers of unit u gathered from arrays [rows, H] and [S, B, H] at row b; null arrays are left out.
  void gather(std::size_t u, std::size_t batch, std::size_t b, const double* tape, const double* before,
              const double* after, const double* carry, Unit& unit) const {
    for (std::size_t r = 0; r < Cell::rows; ++r) unit.y[r] = tape[r * H + u];
    for (std::size_t s = 0; s < kStates<Cell>; ++s) {
      const std::size_t i = (s * batch + b) * H + u;
      unit.state[s] = before[i];
      if (after != nullptr) unit.next[s] = after[i];
      if (carry != nullptr) unit.d[s] = carry[i];
    }
  }
  void scatter_rows(std::size_t u, const Unit& unit, double* tape) const {
    for (std::size_t r = 0; r < Cell::rows; ++r) tape[r * H + u] = unit.y[r];
  }
  void scatter_states(std::size_t u, std::size_t batch, std::size_t b, const double* values, double* states) const {
    for (std::size_t s = 0; s < kStates<Cell>; ++s) states[(s * batch + b) * H + u] = values[s];
  }

  const Layer& layer_;
  const std::size_t H, I;
};

// tape [rows, H] of stream b at one step; before and after [S, B, H].
template <class Cell>
void CellLayer<Cell>::step(std::size_t batch, std::size_t b, const double* x, double* tape, const double* before,
                           double* after) const {
  std::copy(layer_.bias.begin(), layer_.bias.end(), tape);
  add_product(layer_.weight_ih.data(), Cell::inputs * H, I, x, tape);
  if constexpr (own_row<Cell>() >= 0)
    std::copy(layer_.bias_hn.begin(), layer_.bias_hn.end(), tape + own_row<Cell>() * H);
  Unit unit;
  add_product(layer_.weight_hh.data(), size(0), H, before + b * H, tape + first(0));
  if constexpr (kTwoStages<Cell>) {
    for (std::size_t u = 0; u < H; ++u) {
      gather(u, batch, b, tape, before, nullptr, nullptr, unit);
      Cell::mix(unit.y, unit.state);
      scatter_rows(u, unit, tape);
    }
    add_product(layer_.weight_hh.data() + recurrent_offset(1), size(1), H, tape + Cell::mixed_row * H, tape + first(1));
  }
  for (std::size_t u = 0; u < H; ++u) {
    gather(u, batch, b, tape, before, nullptr, nullptr, unit);
    Cell::forward(unit.y, unit.state, unit.next);
    scatter_rows(u, unit, tape);
    scatter_states(u, batch, b, unit.next, after);
  }
}

// carry [S, B, H]: in, the gradient of the state after the step; out, of the state before it.
template <class Cell>
void CellLayer<Cell>::step_back(std::size_t batch, std::size_t b, const double* x, const double* tape,
                                const double* before, const double* after, double* carry, double* dx,
                                Layer& gradients) const {
  Numbers d(tape, tape + Cell::rows * H);  // gate values, turned into gradients of pre-activations
  Unit unit;
  for (std::size_t u = 0; u < H; ++u) {
    gather(u, batch, b, d.data(), before, after, carry, unit);
    Cell::backward(unit.y, unit.state, unit.next, unit.d);
    scatter_rows(u, unit, d.data());
    scatter_states(u, batch, b, unit.d, carry);
  }
  if constexpr (kTwoStages<Cell>) {
    Numbers mixed(H);
    add_product_gradients(layer_.weight_hh.data() + recurrent_offset(1), size(1), H, tape + Cell::mixed_row * H,
                          d.data() + first(1), gradients.weight_hh.data() + recurrent_offset(1), mixed.data());
    for (std::size_t u = 0; u < H; ++u) {
      gather(u, batch, b, d.data(), before, after, carry, unit);
      Cell::unmix(unit.y, unit.state, mixed[u], unit.d);
      scatter_rows(u, unit, d.data());
      scatter_states(u, batch, b, unit.d, carry);
    }
  }
  add_product_gradients(layer_.weight_hh.data(), size(0), H, before + b * H, d.data() + first(0),
                        gradients.weight_hh.data(), carry + b * H);
  add_product_gradients(layer_.weight_ih.data(), Cell::inputs * H, I, x, d.data(), gradients.weight_ih.data(), dx);
  add(d.data(), Cell::inputs * H, gradients.bias.data());
  if constexpr (own_row<Cell>() >= 0) add(d.data() + own_row<Cell>() * H, H, gradients.bias_hn.data());
}

template <class Cell>
void run_forward(const Layer& layer, LayerRun& run) {
  const CellLayer<Cell> cell(layer);
  const std::size_t tape = Cell::rows * layer.hidden, state = kStates<Cell> * run.batch * layer.hidden;
  for (std::size_t t = 0; t < run.steps; ++t) {
    for (std::size_t b = 0; b < run.batch; ++b) {
      const std::size_t i = t * run.batch + b;
      cell.step(run.batch, b, &run.input[i * layer.inputs], &run.tape[i * tape], &run.states[t * state],
                &run.states[(t + 1) * state]);
    }
  }
}

template <class Cell>
void run_backward(const Layer& layer, const LayerRun& run, const Numbers& output_gradient, LayerGradients& out) {
  const CellLayer<Cell> cell(layer);
  const std::size_t tape = Cell::rows * layer.hidden, state = kStates<Cell> * run.batch * layer.hidden;
  for (std::size_t t = run.steps; t-- > 0;) {
    add(&output_gradient[t * run.batch * layer.hidden], run.batch * layer.hidden, out.state.data());
    for (std::size_t b = 0; b < run.batch; ++b) {
      const std::size_t i = t * run.batch + b;
      cell.step_back(run.batch, b, &run.input[i * layer.inputs], &run.tape[i * tape], &run.states[t * state],
                     &run.states[(t + 1) * state], out.state.data(), &out.input[i * layer.inputs], out.weights);
    }
  }
}

struct Entry {
  std::string_view cell, activation;
  Rows rows;
  void (*forward)(const Layer&, LayerRun&);
  void (*backward)(const Layer&, const LayerRun&, const Numbers&, LayerGradients&);
};

constexpr Entry kEntries[] = {
#define SLUICE_CELL(Cell) {Cell::name, Cell::activation, rows<Cell>(), run_forward<Cell>, run_backward<Cell>},
#include "cells/registry-inl.h"
};

const Entry& find(std::string_view cell, std::string_view activation) {
  for (const Entry& entry : kEntries) {
    if (entry.cell == cell && (entry.activation.empty() || entry.activation == activation)) return entry;
  }
  throw Error(Status::usage,
              "cell: expected a registered one, found " + std::string(cell) + " " + std::string(activation));
}

}  // namespace

Rows rows_of(const std::string& cell, const std::string& activation) { return find(cell, activation).rows; }

LayerRun forward(const Layer& layer, std::size_t steps, std::size_t batch, Numbers input, const Numbers& state) {
  const Entry& entry = find(layer.cell, layer.activation);
  LayerRun run{steps, batch, std::move(input), Numbers(steps * batch * entry.rows.tape * layer.hidden), state};
  run.states.resize((steps + 1) * entry.rows.states * batch * layer.hidden);
  entry.forward(layer, run);
  return run;
}

LayerGradients backward(const Layer& layer, const LayerRun& run, const Numbers& output_gradient) {
  const Entry& entry = find(layer.cell, layer.activation);
  LayerGradients out;
  out.weights = layer;
  for (Numbers* n : {&out.weights.weight_ih, &out.weights.weight_hh, &out.weights.bias, &out.weights.bias_hn}) {
    std::fill(n->begin(), n->end(), 0.0);
  }
  out.input.resize(run.input.size());
  out.state.resize(entry.rows.states * run.batch * layer.hidden);
  entry.backward(layer, run, output_gradient, out);
  return out;
}

}  // namespace sluice::reference
