// Sources: Elman 1990; Hochreiter & Schmidhuber 1997 with the forget gate and peepholes of Gers et al. 2002; Cho et al.
// 2014; the projection of Sak et al. 2014; clip, coupled gates and lengths as in ONNX's RNN, LSTM and GRU.
#include "formats/foreign/recurrent.h"

#include <algorithm>

namespace sluice::foreign {
namespace {

using Doubles = std::vector<double>;

Doubles expanded(const Numbers& numbers) {
  Doubles values(numbers.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = numbers[i];
  return values;
}

// One direction of one part, its weights as doubles.
class Cells {
 public:
  Cells(const Recurrent& part, const Direction& direction)
      : part_(part),
        d_(direction),
        I_(part.inputs),
        H_(part.hidden),
        R_(part.outputs()),
        rows_(gates_of(part.cell) * H_),
        W_(expanded(direction.input)),
        U_(expanded(direction.recurrent)),
        bw_(expanded(direction.input_bias)),
        bu_(expanded(direction.recurrent_bias)),
        p_(expanded(direction.peepholes)),
        P_(expanded(direction.projection)) {
    bw_.resize(rows_);
    bu_.resize(rows_);
  }

  // One step of one row: moves h [R] and c [H].
  void step(const double* x, double* h, double* c) const {
    Doubles wx = product(W_, x, I_), uh = product(U_, h, R_);
    for (std::size_t i = 0; i < rows_; ++i) wx[i] += bw_[i], uh[i] += bu_[i];
    switch (part_.cell) {
      case Cell::rnn:
        for (std::size_t j = 0; j < H_; ++j) h[j] = activate(d_.candidate, clipped(wx[j] + uh[j]));
        return;
      case Cell::lstm:
        return lstm(wx, uh, h, c);
      default:
        return gru(wx, uh, h);
    }
  }

 private:
  static Doubles product(const Doubles& matrix, const double* x, std::size_t columns) {
    Doubles y(matrix.size() / columns);
    for (std::size_t i = 0; i < y.size(); ++i) {
      for (std::size_t k = 0; k < columns; ++k) y[i] += matrix[i * columns + k] * x[k];
    }
    return y;
  }
  double clipped(double a) const { return part_.clip > 0 ? std::clamp(a, -part_.clip, part_.clip) : a; }

  void lstm(const Doubles& wx, const Doubles& uh, double* h, double* c) const {
    Doubles next(H_);
    for (std::size_t j = 0; j < H_; ++j) {
      const auto a = [&](std::size_t gate) { return wx[gate * H_ + j] + uh[gate * H_ + j]; };
      const auto peep = [&](std::size_t gate, double memory) { return p_.empty() ? 0 : p_[gate * H_ + j] * memory; };
      const double i = activate(d_.gate, clipped(a(0) + peep(0, c[j])));
      const double f = part_.couples_input_forget ? 1 - i : activate(d_.gate, clipped(a(1) + peep(1, c[j])));
      const double g = activate(d_.candidate, clipped(a(2)));
      c[j] = f * c[j] + i * g;
      const double o = activate(d_.gate, clipped(a(3) + peep(2, c[j])));
      next[j] = o * activate(d_.output, c[j]);
    }
    if (!P_.empty()) next = product(P_, next.data(), H_);
    std::ranges::copy(next, h);
  }

  void gru(Doubles& wx, const Doubles& uh, double* h) const {
    Doubles z(H_), r(H_);
    for (std::size_t j = 0; j < H_; ++j) {
      z[j] = activate(d_.gate, clipped(wx[j] + uh[j]));
      r[j] = activate(d_.gate, clipped(wx[H_ + j] + uh[H_ + j]));
    }
    // The recurrent half of the new memory: U_h (r * h) + b, or r * (U_h h + b).
    Doubles inner(H_);
    for (std::size_t j = 0; j < H_; ++j) {
      const std::size_t row = 2 * H_ + j;
      if (part_.cell == Cell::gru_reset_after) {
        inner[j] = r[j] * uh[row];
      } else {
        inner[j] = bu_[row];
        for (std::size_t k = 0; k < H_; ++k) inner[j] += U_[row * H_ + k] * (r[k] * h[k]);
      }
    }
    for (std::size_t j = 0; j < H_; ++j) {
      const double n = activate(d_.candidate, clipped(wx[2 * H_ + j] + inner[j]));
      h[j] = part_.keeps ? z[j] * h[j] + (1 - z[j]) * n : (1 - z[j]) * h[j] + z[j] * n;
    }
  }

  const Recurrent& part_;
  const Direction& d_;
  const std::size_t I_, H_, R_, rows_;
  Doubles W_, U_, bw_, bu_, p_, P_;
};

// Where a row's state starts.
void start(const Numbers& own, const Doubles* given, std::size_t b, std::size_t direction, std::size_t directions,
           Doubles& state) {
  const std::size_t size = state.size();
  for (std::size_t j = 0; j < size; ++j) {
    state[j] = given != nullptr ? (*given)[(b * directions + direction) * size + j] : own.empty() ? 0 : own[j];
  }
}

}  // namespace

RecurrentOutputs run_recurrent(const Recurrent& part, const RecurrentInputs& in) {
  const std::size_t T = in.steps, B = in.batch, D = part.directions.size(), H = part.hidden, R = part.outputs();
  RecurrentOutputs out = {Doubles(T * B * D * R), Doubles(B * D * R), Doubles(B * D * H)};
  for (std::size_t k = 0; k < D; ++k) {
    const Direction& direction = part.directions[k];
    const Cells cells(part, direction);
    for (std::size_t b = 0; b < B; ++b) {
      Doubles h(R), c(H), shown(R);  // shown: the output of the step before
      start(direction.initial_h, in.h, b, k, D, h);
      start(direction.initial_c, in.c, b, k, D, c);
      for (std::size_t step = 0; step < T; ++step) {
        const std::size_t t = direction.backward ? T - 1 - step : step;
        if (in.mask == nullptr || (*in.mask)[t * B + b] != 0) {
          cells.step(in.x.data() + (t * B + b) * part.inputs, h.data(), c.data());
          shown = h;
        } else if (part.masked_is_zero) {
          continue;
        }
        std::ranges::copy(shown, out.sequence.begin() + static_cast<std::ptrdiff_t>(((t * B + b) * D + k) * R));
      }
      std::ranges::copy(h, out.h.begin() + static_cast<std::ptrdiff_t>((b * D + k) * R));
      std::ranges::copy(c, out.c.begin() + static_cast<std::ptrdiff_t>((b * D + k) * H));
    }
  }
  return out;
}

}  // namespace sluice::foreign
