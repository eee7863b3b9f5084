#include "model/streams.h"

#include <algorithm>

#include "model/model_access.h"

namespace sluice {

Streams::Streams(const Model& model, std::size_t streams, bool chunks)
    : model_(model),
      network_(&network_of(model_)),
      state_(model.initial_state(streams)),
      former_(network_->former_fingerprint()),
      begin_tokens_(model.begin_tokens()),
      chunk_(chunks ? kChunk : 1),
      stride_(round_up(network_->outputs(), kBlock)),
      outputs_(streams * stride_) {
  if (network_->config().spelling.characters > 0) {
    throw Error(Status::usage, "stream: expected a model that reads tokens by number, found one that spells words");
  }
  if (!network_->streams()) {
    throw Error(Status::usage,
                "stream: expected a model that predicts every step from those before it, found one that reads whole "
                "sequences");
  }
  if (network_->learns_initial_state()) initial_ = network_->initial_state(1);
  network_->prepare_infer(workspace_, chunk_, streams);
}

bool Streams::all_known(std::span<const Token> tokens) const noexcept {
  const std::size_t size = network_->vocabulary();  // 0 for a network on numbers, which knows no token
  return std::all_of(tokens.begin(), tokens.end(), [size](Token token) { return token < size; });
}

void Streams::set_state(std::size_t stream, const State& one) noexcept {
  copy_stream(one, 0, state_, stream);
  forget_bad_output(stream);
}

void Streams::reset(std::size_t stream) noexcept {
  if (initial_.batch() > 0) {
    copy_stream(initial_, 0, state_, stream);
  } else {
    clear_stream(state_, stream);
  }
  forget_bad_output(stream);
}

void Streams::forget_bad_output(std::size_t stream) noexcept {
  if (!all_finite(output(stream))) std::fill_n(outputs_.data() + stream * stride_, network_->outputs(), 0.f);
}

bool Streams::step(std::span<const Token> tokens) noexcept {
  const FlushDenormals flush;
  if (tokens.size() != state_.batch() || !all_known(tokens)) return false;
  network_->infer(tokens, 1, state_, workspace_);
  keep_outputs();
  return true;
}

bool Streams::step(std::span<const float> x) noexcept {
  const FlushDenormals flush;
  if (model_.reads_text() || x.size() != state_.batch() * model_.config().inputs) return false;
  network_->infer(x, 1, state_, workspace_);
  keep_outputs();
  return true;
}

bool Streams::feed(std::span<const Token> tokens) noexcept {
  const FlushDenormals flush;
  const std::size_t batch = state_.batch();
  if (!model_.reads_text() || tokens.size() % batch != 0 || !all_known(tokens)) return false;
  if (tokens.empty()) return true;
  while (!tokens.empty()) {
    const std::size_t rows = std::min(tokens.size(), chunk_ * batch);
    network_->infer(tokens.first(rows), rows / batch, state_, workspace_);
    tokens = tokens.subspan(rows);
  }
  keep_outputs();
  return true;
}

bool Streams::feed(std::span<const float> x, std::span<float> y) noexcept {
  const FlushDenormals flush;
  if (model_.reads_text()) return false;
  const std::size_t batch = state_.batch(), in = batch * model_.config().inputs, out = batch * network_->outputs();
  const std::size_t steps = x.size() / in;
  if (x.size() != steps * in || y.size() != steps * out) return false;
  if (steps == 0) return true;
  for (std::size_t first = 0; first < steps; first += chunk_) {
    const std::size_t count = std::min(chunk_, steps - first);
    network_->infer(x.subspan(first * in, count * in), count, state_, workspace_);
    network_->predictions_of_all_steps(workspace_, y.subspan(first * out, count * out));
  }
  const float* last = y.data() + (steps - 1) * out;
  const std::size_t outputs = network_->outputs();
  for (std::size_t b = 0; b < batch; ++b) std::copy_n(last + b * outputs, outputs, outputs_.data() + b * stride_);
  return true;
}

void Streams::keep_outputs() noexcept {
  const std::span<const float> rows = network_->outputs_of_last_step(workspace_);
  if (model_.reads_text()) logits_ = rows;
  for (std::size_t b = 0; b < state_.batch(); ++b) {
    network_->head().predict(rows.data() + b * stride_, stride_, network_->targets(), outputs_.data() + b * stride_);
  }
}

std::span<const float> Streams::output(std::size_t stream) const noexcept {
  return std::span<const float>(outputs_).subspan(stream * stride_, network_->outputs());
}

std::span<const float> Streams::logits(std::size_t stream) const noexcept {
  return logits_.empty() ? logits_ : logits_.subspan(stream * stride_, network_->outputs());
}

}  // namespace sluice
