// The linear head and the loss on it: the one place where they meet. A kind of loss is what it makes of a row.
#include <algorithm>

#include "kernels/pointwise.h"
#include "model/network_impl.h"

namespace sluice {
namespace {

// Mean of (y - target)^2 over a row of n numbers, added in double and in order.
float squared_error(const float* y, const float* target, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double error = static_cast<double>(y[i]) - static_cast<double>(target[i]);
    sum += error * error;
  }
  return static_cast<float>(sum / static_cast<double>(n));
}

// The same, and y becomes its gradient times `scale`.
float squared_error_gradient(float* y, const float* target, std::size_t n, float scale) {
  const float loss = squared_error(y, target, n), factor = 2 * scale / static_cast<float>(n);
  for (std::size_t i = 0; i < n; ++i) y[i] = (y[i] - target[i]) * factor;
  return loss;
}

// -log softmax(a)[target] of a network on text, mean square of (y - target) of a network on numbers; for row i of the
// targets, from a row of answers [padded].
float row_loss(const Network::Impl& n, const float* answers, const Rows& targets, std::size_t i) {
  if (n.reads_text()) return softmax_loss(answers, n.padded_outputs(), targets.tokens[i]);
  return squared_error(answers, targets.numbers.data() + i * n.outputs(), n.outputs());
}

// The same, and the row becomes the gradient of the loss times `scale`.
float row_gradient(const Network::Impl& n, float* answers, const Rows& targets, std::size_t i, float scale) {
  if (n.reads_text()) return softmax_gradient(answers, n.padded_outputs(), targets.tokens[i], scale);
  return squared_error_gradient(answers, targets.numbers.data() + i * n.outputs(), n.outputs(), scale);
}

// A product whose rows are split over the team, or its columns where rows are too few to use a packed panel often.
void split_product(const Product& p, std::size_t rows, Workspace::Impl& w, Team& team) {
  constexpr std::size_t kPanel = 64, kRows = 96;
  const bool by_columns = p.columns >= kPanel * team.size() && rows < kRows * team.size();
  const std::size_t count = by_columns ? p.columns : rows, grain = by_columns ? kPanel : 24;
  team.split(count, grain, [&](std::size_t first, std::size_t last, std::size_t thread) {
    if (by_columns) {
      product(p, 0, rows, first, last, w.scratch[thread]);
    } else {
      product(p, first, last, 0, p.columns, w.scratch[thread]);
    }
  });
}

}  // namespace

// 64 MB of them: the head's gradient is read and written once for every chunk, which for a large vocabulary costs more
// than answers that stay in the L3 cache would save.
std::size_t answer_rows(const Network::Impl& n, std::size_t rows) {
  constexpr std::size_t kFloats = std::size_t{16} << 20;
  return std::min(rows, std::max<std::size_t>(128, kFloats / n.padded_outputs()));
}

void head_answers(const Network::Impl& n, const float* input, std::size_t rows, float* answers, Workspace::Impl& w,
                  Team& team) {
  const std::size_t panels = n.head.panels(), stride = n.padded_outputs();
  if (panels >= 4 * team.size()) {
    team.split(panels, 1, [&](std::size_t first, std::size_t last, std::size_t thread) {
      multiply(n.head, input, n.state_stride(), answers, stride, n.head_bias.data(), 0, rows, first, last,
               &w.scratch[thread]);
    });
  } else {
    team.split(rows, 1, [&](std::size_t first, std::size_t last, std::size_t thread) {
      multiply(n.head, input, n.state_stride(), answers, stride, n.head_bias.data(), first, last, 0, panels,
               &w.scratch[thread]);
    });
  }
}

double head_gradient(const Network::Impl& n, const float* input, const Rows& targets, Parameters& gradients,
                     Workspace::Impl& w, Team& team) {
  const std::size_t rows = w.steps * w.batch, chunk = answer_rows(n, rows), stride = n.padded_outputs();
  const std::size_t h = n.hidden();
  const std::span<const float> weights = n.parameters[n.head_weight_tensor()];
  const std::span<float> dw = gradients[n.head_weight_tensor()];
  const float scale = 1.f / static_cast<float>(rows);
  for (std::size_t start = 0; start < rows; start += chunk) {
    const std::size_t count = std::min(chunk, rows - start);
    const float* x = input + start * n.state_stride();
    head_answers(n, x, count, w.answers.data(), w, team);
    team.split(count, 1, [&](std::size_t first, std::size_t last) {
      for (std::size_t r = first; r < last; ++r) {
        w.losses[start + r] = row_gradient(n, w.answers.data() + r * stride, targets, start + r, scale);
      }
    });
    float* dy = w.dy.data() + start * n.state_stride();
    // Padding stays zero even after a pass that met NaN, which a product by zero would keep alive.
    for (std::size_t r = 0; r < count; ++r) {
      std::fill(dy + r * n.state_stride() + h, dy + (r + 1) * n.state_stride(), 0.f);
    }
    split_product(
        {h, n.outputs(), w.answers.data(), stride, 1, weights.data(), h, dy, n.state_stride(), false, n.format}, count,
        w, team);
    split_product({h, count, w.answers.data(), 1, stride, x, n.state_stride(), dw.data(), h, start > 0, n.format},
                  n.outputs(), w, team);
    team.split(stride, kBlock, [&](std::size_t first, std::size_t last) {
      sum_rows(w.answers.data() + first, stride, count, w.sums.data() + first, last - first, start > 0);
    });
  }
  const std::span<float> db = gradients[n.head_bias_tensor()];
  std::copy_n(w.sums.data(), db.size(), db.begin());
  double loss = 0;
  for (std::size_t i = 0; i < rows; ++i) loss += static_cast<double>(w.losses[i]);
  return loss / static_cast<double>(rows);
}

void head_losses(const Network::Impl& n, const float* input, const Rows& targets, std::span<float> loss,
                 std::span<std::uint32_t> rank, Workspace::Impl& w, Team& team) {
  const std::size_t rows = w.steps * w.batch, chunk = answer_rows(n, rows), stride = n.padded_outputs();
  for (std::size_t start = 0; start < rows; start += chunk) {
    const std::size_t count = std::min(chunk, rows - start);
    head_answers(n, input + start * n.state_stride(), count, w.answers.data(), w, team);
    team.split(count, 1, [&](std::size_t first, std::size_t last) {
      for (std::size_t r = first; r < last; ++r) {
        const float* answers = w.answers.data() + r * stride;
        loss[start + r] = row_loss(n, answers, targets, start + r);
        if (!rank.empty()) rank[start + r] = softmax_rank(answers, stride, targets.tokens[start + r]);
      }
    });
  }
}

double prediction_gradient(const Network::Impl& n, const float* input, Token target, float* dy, Workspace::Impl& w,
                           Team& team) {
  float* logits = w.answers.data();
  head_answers(n, input, 1, logits, w, team);
  const float nats = softmax_gradient(logits, n.padded_outputs(), target, -1);
  split_product({n.hidden(), n.vocabulary, logits, n.padded_outputs(), 1, n.parameters[n.head_weight_tensor()].data(),
                 n.hidden(), dy, n.state_stride(), false, n.format},
                1, w, team);
  return -static_cast<double>(nats);
}

}  // namespace sluice
