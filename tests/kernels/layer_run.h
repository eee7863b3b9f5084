// One recurrent layer run by the kernels, forward and backward, with dense results for comparison.
#pragma once

#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "kernels/recurrence.h"
#include "kernels/samples.h"
#include "kernels/small_layer.h"
#include "model/packing.h"

namespace sluice::test {

// Shapes as in reference::LayerRun and reference::LayerGradients; slopes are gradients of pre-activations.
struct LayerRun {
  std::vector<float> tape, states, slopes;
  std::vector<float> weight_ih, weight_hh, bias, bias_hn, input;
};

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}
inline bool same_bits(const LayerRun& a, const LayerRun& b) {
  return same_bits(a.tape, b.tape) && same_bits(a.states, b.states) && same_bits(a.slopes, b.slopes) &&
         same_bits(a.weight_ih, b.weight_ih) && same_bits(a.weight_hh, b.weight_hh) && same_bits(a.bias, b.bias) &&
         same_bits(a.bias_hn, b.bias_hn) && same_bits(a.input, b.input);
}

// How a sequence is given out: the batch cut into ranges, each a call of its own, or a team that divides it; and how
// many steps the way back takes at once, 0: all.
struct Division {
  std::vector<std::size_t> cuts = {};
  std::size_t threads = 0, steps = 0;
};

// The buffers of a layer as the kernels want them: units padded to blocks, rows further apart than they are long. What
// lies between rows is NaN, so that reading it is seen.
class LayerBuffersOnTrial {
 public:
  LayerBuffersOnTrial(const CellShape& cell, const reference::Layer& layer, std::size_t steps, std::size_t batch)
      : cell_(cell), T(steps), B(batch), I(layer.inputs), H(layer.hidden), Hp(round_up(layer.hidden, kBlock)) {
    const std::vector<float> w = to_float(layer.weight_ih), u = to_float(layer.weight_hh), b = to_float(layer.bias),
                             own = to_float(layer.bias_hn);
    pack_layer(cell, H, I, {w, u, b, own}, Format::f32, packed_, team_);
    pack_transposed_input(cell, H, I, w, Format::f32, transposed_input_, team_);
    pack_transposed_recurrent(cell, H, u, Format::f32, transposed_recurrent_, team_);
    tape_.assign(T * B * tape_stride(), nan());
    for (auto& s : states_) s.assign((T + 1) * B * stride(), nan());
    for (auto& c : carry_) c.assign(B * stride(), nan());
    mixed_.assign(B * stride(), nan());
    dy_.assign(T * B * stride(), nan());
    sequence_ = {T, B, Hp, tape_.data(), tape_stride(), {states_[0].data(), states_[1].data()}, stride()};
  }

  LayerRun run(const Numbers& input, const Numbers& state, const Numbers& dy, const Division& division) {
    LayerRun out;
    const std::vector<float> x = to_float(input);
    load_state(state);
    multiply(packed_.input, x.data(), I, tape_.data(), tape_stride(), packed_.bias.data(), 0, T * B, 0,
             packed_.input.panels());
    divided(division, [&](auto& worker) { recur_forward(cell_, packed_.recurrent, sequence_, worker); });
    out.tape = dense_tape();
    out.states = dense_states();
    spread(dy.data(), T * B, dy_.data());
    const Backward backward = {dy_.data(), stride(), {carry_[0].data(), carry_[1].data()}, mixed_.data()};
    const std::size_t at_once = division.steps > 0 ? division.steps : T;
    for (std::size_t last = T, first; last > 0; last = first) {
      first = last - std::min(last, at_once);
      divided(division, [&](auto& worker) {
        recur_backward(cell_, transposed_recurrent_, sequence_, {first, last}, backward, worker);
      });
    }
    out.slopes = dense_tape();
    weight_gradients(x, out);
    return out;
  }

  // The states alone, in registers; empty where the layer is not small.
  std::vector<float> run_small(const Numbers& input, const Numbers& state) {
    const std::vector<float> x = to_float(input);
    load_state(state);
    if (!recur_small(cell_, packed_.input, packed_.bias.data(), packed_.recurrent, x.data(), I, sequence_)) return {};
    return dense_states();
  }

 private:
  template <class Recur>
  void divided(const Division& division, Recur recur) const {
    if (division.threads > 0) {
      Team team(division.threads);
      return recur(team);
    }
    std::size_t first = 0;
    for (std::size_t i = 0; i <= division.cuts.size(); ++i) {
      const std::size_t last = i < division.cuts.size() ? division.cuts[i] : B;
      const Share share{first, last};
      recur(share);
      first = last;
    }
  }

  static float nan() { return std::numeric_limits<float>::quiet_NaN(); }
  std::size_t stride() const { return Hp + kBlock; }
  std::size_t tape_stride() const { return rows() * Hp + kBlock; }
  std::size_t rows() const { return static_cast<std::size_t>(cell_.rows); }
  std::size_t states() const { return static_cast<std::size_t>(cell_.states); }

  void spread(const double* from, std::size_t count, float* to) const {
    for (std::size_t i = 0; i < count; ++i) {
      std::fill_n(to + i * stride(), Hp, 0.f);
      for (std::size_t u = 0; u < H; ++u) to[i * stride() + u] = static_cast<float>(from[i * H + u]);
    }
  }
  void gather(const float* from, std::size_t count, std::vector<float>& to) const {
    for (std::size_t i = 0; i < count; ++i) to.insert(to.end(), from + i * stride(), from + i * stride() + H);
  }
  void load_state(const Numbers& state) {
    for (std::size_t s = 0; s < states(); ++s) spread(&state[s * B * H], B, states_[s].data());
  }
  std::vector<float> dense_states() const {
    std::vector<float> dense;
    for (std::size_t t = 0; t <= T; ++t) {
      for (std::size_t s = 0; s < states(); ++s) gather(sequence_.state_at(static_cast<int>(s), t, 0), B, dense);
    }
    return dense;
  }
  std::vector<float> dense_tape() const {
    std::vector<float> dense;
    for (std::size_t i = 0; i < T * B * rows(); ++i) {
      const float* row = &tape_[i / rows() * tape_stride() + i % rows() * Hp];
      dense.insert(dense.end(), row, row + H);
    }
    return dense;
  }

  // [H, columns] = sum over steps and streams of the slopes of a row times `other`.
  std::vector<float> gradient(std::size_t row, const float* other, std::size_t other_stride, std::size_t columns) {
    std::vector<float> out(H * columns);
    Scratch scratch;
    scratch.prepare_product(Format::f32, columns);
    product(
        {columns, T * B, tape_.data() + row * Hp, 1, tape_stride(), other, other_stride, out.data(), columns, false}, 0,
        H, 0, columns, scratch);
    return out;
  }

  void weight_gradients(const std::vector<float>& x, LayerRun& out) {
    const std::vector<float> ones(T * B, 1.f);
    const auto append = [](std::vector<float>& to, const std::vector<float>& more) {
      to.insert(to.end(), more.begin(), more.end());
    };
    for (std::size_t r = 0; r < static_cast<std::size_t>(cell_.inputs); ++r) {
      append(out.weight_ih, gradient(r, x.data(), I, I));
      append(out.bias, gradient(r, ones.data(), 1, 1));
    }
    if (cell_.own_bias >= 0) append(out.bias_hn, gradient(static_cast<std::size_t>(cell_.own_bias), ones.data(), 1, 1));
    for (int s = 0; s < cell_.stages; ++s) {
      for (int r = cell_.first[s]; r < cell_.first[s] + cell_.count[s]; ++r) {
        const float* mixed = tape_.data() + static_cast<std::size_t>(std::max(cell_.mixed_row, 0)) * Hp;
        append(out.weight_hh, s == 0 ? gradient(static_cast<std::size_t>(r), states_[0].data(), stride(), H)
                                     : gradient(static_cast<std::size_t>(r), mixed, tape_stride(), H));
      }
    }
    const std::size_t padded = transposed_input_.outputs;
    std::vector<float> dx(T * B * padded);
    multiply(transposed_input_, tape_.data(), tape_stride(), dx.data(), padded, nullptr, 0, T * B, 0,
             transposed_input_.panels());
    for (std::size_t i = 0; i < T * B; ++i) append(out.input, {&dx[i * padded], &dx[i * padded] + I});
  }

  const CellShape cell_;
  const std::size_t T, B, I, H, Hp;
  Team team_{1};
  PackedLayer packed_;
  Panels transposed_input_;
  StagePanels transposed_recurrent_;
  AlignedVector<float> tape_, states_[2], carry_[2], mixed_, dy_;
  Sequence sequence_;
};

// input [T, B, I], state [S, B, H] before the first step, dy [T, B, H]: the gradient of each output.
inline LayerRun run_layer(const CellShape& cell, const reference::Layer& layer, std::size_t steps, std::size_t batch,
                          const Numbers& input, const Numbers& state, const Numbers& dy,
                          const Division& division = {}) {
  return LayerBuffersOnTrial(cell, layer, steps, batch).run(input, state, dy, division);
}

}  // namespace sluice::test
