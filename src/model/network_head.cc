// The linear layer and the head on it: where outputs, losses and gradients meet.
#include <algorithm>

#include "base/watch.h"
#include "kernels/pointwise.h"
#include "model/network_impl.h"

namespace sluice {
namespace {

Targets targets_of(const Rows& rows) { return {rows.tokens, rows.numbers, rows.weights}; }

// The first row of step t, and of the steps of sequence b.
std::size_t row_of(const WindowShape& window, std::size_t t) {
  return window.entries == nullptr ? t * window.batch : window.entries[t + 1] - window.entries[1];
}

// Calls f(b, length) for every sequence.
template <class F>
void for_each_sequence(const WindowShape& window, F&& f) {
  std::size_t length = window.steps;
  for (std::size_t b = 0; b < window.batch; ++b) {
    while (row_of(window, length) - row_of(window, length - 1) <= b) --length;
    f(b, length);
  }
}

// Columns [reverse_from, H) of the last part's rows are those of a backward direction, which ends at the first step.
std::size_t reverse_from(const Network::Impl& n) {
  const LayerConfig& top = n.layer_configs.back();
  if (top.kind != "recurrent" || top.direction == "forward") return n.hidden();
  return top.direction == "both" ? top.units : 0;
}

// [B, H] from the rows of the last part: those after the last step, their mean or their maximum.
void pool(const Network::Impl& n, const InputRows& in, Workspace::Impl& w) {
  const std::size_t h = n.hidden(), stride = n.hidden_stride(), turned = reverse_from(n);
  for_each_sequence(w.window, [&](std::size_t b, std::size_t length) {
    const auto row = [&](std::size_t t) { return in.x + (row_of(w.window, t) + b) * in.stride; };
    float* out = w.pooled.data() + b * stride;
    std::fill_n(out, stride, 0.f);
    w.last_steps[b] = row_of(w.window, length - 1) + b;
    if (n.head_rows == HeadRows::last) {
      std::copy_n(row(length - 1), turned, out);
      std::copy_n(row(0) + turned, h - turned, out + turned);
    } else if (n.head_rows == HeadRows::mean) {
      for (std::size_t u = 0; u < h; ++u) {
        double sum = 0;
        for (std::size_t t = 0; t < length; ++t) sum += static_cast<double>(row(t)[u]);
        out[u] = static_cast<float>(sum / static_cast<double>(length));
      }
    } else {
      std::uint32_t* highest = w.highest.data() + b * h;
      for (std::size_t u = 0; u < h; ++u) {
        highest[u] = 0;
        for (std::size_t t = 1; t < length; ++t) {
          if (!(row(t)[u] <= row(highest[u])[u])) highest[u] = static_cast<std::uint32_t>(t);
        }
        out[u] = row(highest[u])[u];
      }
    }
  });
}

// dy [N, H] of the last part from the gradient of the pooled rows.
void unpool(const Network::Impl& n, Workspace::Impl& w) {
  const std::size_t h = n.hidden(), stride = n.hidden_stride(), turned = reverse_from(n);
  std::fill_n(w.dy.data(), w.window.rows() * stride, 0.f);
  for_each_sequence(w.window, [&](std::size_t b, std::size_t length) {
    const auto row = [&](std::size_t t) { return w.dy.data() + (row_of(w.window, t) + b) * stride; };
    const float* d = w.dpooled.data() + b * stride;
    if (n.head_rows == HeadRows::last) {
      std::copy_n(d, turned, row(length - 1));
      std::copy_n(d + turned, h - turned, row(0) + turned);
    } else if (n.head_rows == HeadRows::mean) {
      for (std::size_t t = 0; t < length; ++t) {
        for (std::size_t u = 0; u < h; ++u) row(t)[u] = d[u] / static_cast<float>(length);
      }
    } else {
      for (std::size_t u = 0; u < h; ++u) row(w.highest[b * h + u])[u] = d[u];
    }
  });
}

}  // namespace

void add_features(const Network::Impl& n, const Workspace::Impl& w, std::size_t row, std::size_t count,
                  float* y) noexcept {
  const std::vector<double>& features = n.config.head.residual;
  if (features.empty()) return;
  for (std::size_t i = 0; i < count; ++i) {
    const float* x = w.numbers + (row + i) * n.inputs();
    for (std::size_t o = 0; o < features.size(); ++o) {
      n.head->shift(y + i * n.padded_outputs(), o, x[static_cast<std::size_t>(features[o])]);
    }
  }
}

void add_residual(const Network::Impl& n, const Workspace::Impl& w, std::size_t first, std::size_t count,
                  float* y) noexcept {
  if (n.config.head.residual.empty()) return;
  if (n.head_rows == HeadRows::steps) return add_features(n, w, first, count, y);
  for (std::size_t i = 0; i < count; ++i) {
    add_features(n, w, w.last_steps[first + i], 1, y + i * n.padded_outputs());
  }
}

std::size_t head_row_count(const Network::Impl& n, const Workspace::Impl& w) {
  return n.head_rows == HeadRows::steps ? w.window.rows() : w.window.batch;
}

InputRows head_input(const Network::Impl& n, const DropoutKey* dropout, Workspace::Impl& w) {
  const InputRows last = last_rows(n, dropout, w);
  if (n.head_rows == HeadRows::steps) return last;
  pool(n, last, w);
  return {w.pooled.data(), n.hidden_stride()};
}

// 64 MB of them: the head's gradient is read and written once for every chunk, which for a large vocabulary costs more
// than outputs that stay in the L3 cache would save.
std::size_t output_rows(const Network::Impl& n, std::size_t rows) {
  constexpr std::size_t kFloats = std::size_t{16} << 20;
  return std::min(rows, std::max<std::size_t>(128, kFloats / n.padded_outputs()));
}

double head_gradient(const Network::Impl& n, const DropoutKey* dropout, const Rows& rows_to_predict,
                     Gradients& gradients, Workspace::Impl& w, Team& team) {
  const InputRows input = head_input(n, dropout, w);
  const Targets targets = targets_of(rows_to_predict);
  const std::size_t rows = head_row_count(n, w), chunk = output_rows(n, rows), stride = n.padded_outputs();
  const std::size_t dy_stride = n.hidden_stride();
  double counted = 0;
  for (std::size_t i = 0; i < rows; ++i) counted += n.head->weight(targets, n.targets(), i);
  gradients.weight = counted;
  const float scale = counted > 0 ? 1.f / static_cast<float>(counted) : 0.f;
  float* dy = n.head_rows == HeadRows::steps ? w.dy.data() : w.dpooled.data();
  for (std::size_t start = 0; start < rows; start += chunk) {
    const std::size_t count = std::min(chunk, rows - start);
    const InputRows x = {input.x + start * input.stride, input.stride};
    Watch::ask();
    n.linear->forward(x, count, w.outputs.data(), stride, w.scratch, team);
    add_residual(n, w, start, count, w.outputs.data());
    team.split(count, 1, [&](std::size_t first, std::size_t last) {
      for (std::size_t r = first; r < last; ++r) {
        const double weight = n.head->weight(targets, n.targets(), start + r);
        const float loss = n.head->gradient(w.outputs.data() + r * stride, stride, n.targets(), targets, start + r,
                                            weight == 1 ? scale : scale * static_cast<float>(weight));
        w.losses[start + r] = weight == 1 ? loss : loss * static_cast<float>(weight);
      }
    });
    Watch::ask();
    n.linear->backward_input(w.outputs.data(), stride, count, dy + start * dy_stride, dy_stride, n.parameters,
                             w.layer_scratch(n), team);
    Watch::ask();
    n.linear->backward_weights(w.outputs.data(), stride, x, count, start > 0, gradients, w.layer_scratch(n), team);
  }
  n.linear->finish_bias(gradients, w.layer_scratch(n));
  if (n.head_rows != HeadRows::steps) unpool(n, w);
  double loss = 0;
  for (std::size_t i = 0; i < rows; ++i) loss += static_cast<double>(w.losses[i]);
  return counted > 0 ? loss / counted : 0;
}

void head_losses(const Network::Impl& n, const Rows& rows_to_predict, std::span<float> loss,
                 std::span<std::uint32_t> rank, Workspace::Impl& w, Team& team) {
  const InputRows input = head_input(n, nullptr, w);
  const Targets targets = targets_of(rows_to_predict);
  const std::size_t rows = head_row_count(n, w), chunk = output_rows(n, rows), stride = n.padded_outputs();
  for (std::size_t start = 0; start < rows; start += chunk) {
    const std::size_t count = std::min(chunk, rows - start);
    Watch::ask();
    n.linear->forward({input.x + start * input.stride, input.stride}, count, w.outputs.data(), stride, w.scratch, team);
    add_residual(n, w, start, count, w.outputs.data());
    team.split(count, 1, [&](std::size_t first, std::size_t last) {
      for (std::size_t r = first; r < last; ++r) {
        const float* y = w.outputs.data() + r * stride;
        loss[start + r] = n.head->loss(y, stride, n.targets(), targets, start + r);
        if (rank.empty() || targets.classes[start + r] == kIgnoredLabel) continue;
        rank[start + r] = softmax_rank(y, stride, targets.classes[start + r]);
      }
    });
  }
}

void head_predictions(const Network::Impl& n, std::span<float> y, Workspace::Impl& w, Team& team) {
  const InputRows input = head_input(n, nullptr, w);
  const std::size_t rows = head_row_count(n, w), chunk = output_rows(n, rows), stride = n.padded_outputs();
  const std::size_t width = n.linear->outputs();
  for (std::size_t start = 0; start < rows; start += chunk) {
    const std::size_t count = std::min(chunk, rows - start);
    n.linear->forward({input.x + start * input.stride, input.stride}, count, w.outputs.data(), stride, w.scratch, team);
    add_residual(n, w, start, count, w.outputs.data());
    for (std::size_t r = 0; r < count; ++r) {
      float* row = w.outputs.data() + r * stride;
      n.head->predict(row, stride, n.targets(), row);
      std::copy_n(row, width, y.data() + (start + r) * width);
    }
  }
}

double prediction_gradient(const Network::Impl& n, const float* input, Token target, float* dy, Workspace::Impl& w,
                           Team& team) {
  float* logits = w.outputs.data();
  n.linear->forward({input, 0}, 1, logits, n.padded_outputs(), w.scratch, team);
  const float nats = softmax_gradient(logits, n.padded_outputs(), target, -1);
  n.linear->backward_input(logits, n.padded_outputs(), 1, dy, n.hidden_stride(), n.parameters, w.layer_scratch(n),
                           team);
  return -static_cast<double>(nats);
}

}  // namespace sluice
