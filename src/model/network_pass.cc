// A pass over a window: states, the parts one after another; and the public train, score, predict, forward, trace and
// infer. The room for it is made in network_room.cc.
#include <algorithm>
#include <cstring>

#include "base/watch.h"
#include "kernels/pointwise.h"
#include "model/network_impl.h"

namespace sluice {

namespace {

bool drops_input(const Network::Impl& n, const DropoutKey* dropout) {
  return dropout != nullptr && n.config.input_dropout > 0;
}

bool drops_outputs(const Network::Impl& n, std::size_t place, const DropoutKey* dropout) {
  return dropout != nullptr && n.layer_configs[place].dropout > 0;
}

bool drops_anything(const Network::Impl& n) {
  return n.config.input_dropout > 0 || n.config.spelling.word_dropout > 0 ||
         std::ranges::any_of(n.layer_configs,
                             [](const LayerConfig& layer) { return layer.dropout > 0 || layer.weight_dropout > 0; });
}

std::size_t padded_outputs(const Part& part) { return round_up(part.outputs(), kBlock); }

// Row i of what the first part reads: an embedded token, or the features themselves.
const float* input_row(const Network::Impl& n, const Rows& inputs, std::size_t i) {
  if (!n.reads_tokens()) return inputs.numbers.data() + i * n.inputs();
  return n.parameters[0].data() + inputs.tokens[i] * n.inputs();
}

// A row of features, scaled.
void scale_row(const Network::Impl& n, const float* in, float* out) noexcept {
  for (std::size_t i = 0; i < n.mean.size(); ++i) out[i] = (in[i] - n.mean[i]) * n.inverse_deviation[i];
}

// Rows of features, scaled. Keeps the real-time contract.
PartInput scale_input(const Network::Impl& n, const float* numbers, std::size_t first, std::size_t last,
                      Workspace::Impl& w) noexcept {
  const std::size_t stride = n.input_stride(), width = n.inputs();
  for (std::size_t i = first; i < last; ++i) scale_row(n, numbers + i * width, w.features.data() + i * stride);
  return {w.features.data(), stride, nullptr};
}

// These rows, scaled and dropped.
PartInput drop_input(const Network::Impl& n, const Rows& inputs, const DropoutKey& key, Workspace::Impl& w,
                     Team& team) {
  const std::size_t stride = n.input_stride(), width = n.inputs();
  const Random random = dropout_random(key, kInputPlace);
  float* out = w.features.data();
  team.split(w.window.rows(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      float* row = out + i * stride;
      if (n.scales()) {
        scale_row(n, input_row(n, inputs, i), row);
      } else {
        std::memcpy(row, input_row(n, inputs, i), width * sizeof(float));
      }
      std::memset(row + width, 0, (stride - width) * sizeof(float));
      dropout(row, row, stride, n.config.input_dropout, random, i * stride);
    }
  });
  return {out, stride, nullptr};
}

// The gradient of an embedding that is not tied: zero, and ready for the window's tokens. After forward_parts().
void clear_embedding_gradient(const Network::Impl& n, std::span<const Token> tokens, const DropoutKey* dropout,
                              Gradients& gradients, Workspace::Impl& w, Team& team) {
  const std::size_t e = n.config.embedding;
  float* rows = gradients[0].data();
  team.split(gradients.sparse ? gradients.touched.size() : n.vocabulary, 16, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      std::fill_n(rows + (gradients.sparse ? gradients.touched[i] : i) * e, e, 0.f);
    }
  });
  gradients.sparse = true;
  if (n.spells() || drops_input(n, dropout)) w.embedding.distinct.find(tokens);
  gradients.touched.reserve(std::min(tokens.size(), n.vocabulary));
  gradients.touched = w.embedding.distinct.tokens;
}

// Given dy of the last part, fills every gradient but the head's. Embedding gradients are added to what is there.
void backward_parts(const Network::Impl& n, const PartInput& input, std::span<const Token> tokens,
                    const DropoutKey* dropout, Parameters& gradients, Workspace::Impl& w, Team& team) {
  const Pass pass = w.pass(n, dropout, team);
  const std::size_t rows = w.window.rows();
  AlignedVector<float>*dy = &w.dy, *dx = &w.dx;
  for (std::size_t l = n.parts.size(); l-- > 0;) {
    const Part& part = *n.parts[l];
    const std::size_t stride = row_stride(part.outputs());
    Watch::ask();
    if (drops_outputs(n, l, dropout)) {
      drop_rows(dy->data(), stride, dy->data(), stride, rows, padded_outputs(part), n.layer_configs[l].dropout,
                dropout_random(*dropout, l + 1), team);
    }
    PartGradient gradient = {dy->data(), stride, nullptr, row_stride(part.inputs())};
    if (l == 0) {
      if (n.reads_tokens()) gradient.x = w.input_gradient.data();
    } else {
      gradient.x = part.in_place() ? dy->data() : dx->data();
    }
    backward_part(part, pass, part_input(n, l, input, dropout, w), gradient, n.parameters, gradients, *w.parts[l]);
    if (l > 0 && !part.in_place()) std::swap(dy, dx);
  }
  if (!n.reads_tokens()) return;
  float* de = w.input_gradient.data();
  if (input.repeated != nullptr) return n.embedding->add_gradients(de, gradients, w.embedding, team);
  const std::size_t stride = n.input_stride();
  if (drops_input(n, dropout)) {
    drop_rows(de, stride, de, stride, rows, stride, n.config.input_dropout, dropout_random(*dropout, kInputPlace),
              team);
  }
  n.embedding->add_each_gradient(tokens, de, gradients, team);
  if (n.spells()) spelling_gradients(n, de, gradients, w, team);
}

void expect_room(const Rows& rows, std::size_t count, std::size_t width, const char* what) {
  if (rows.tokens.size() == count || rows.numbers.size() == count * width) return;
  throw Error(Status::usage,
              std::string(what) + ": expected " + std::to_string(count) + " rows, found " +
                  std::to_string(std::max(rows.tokens.size(), rows.numbers.size() / std::max<std::size_t>(1, width))));
}

}  // namespace

void set_window(const Window& window, Workspace::Impl& w) {
  w.window = {window.steps, window.batch, nullptr};
  w.inferred = nullptr;
  if (!window.lengths.empty()) {
    w.window.entries = packed_entries(window.lengths, window.steps, window.batch, w.entries);
  }
}

void load_state(const Network::Impl& n, const State& state, Workspace::Impl& w) {
  std::size_t first = 0;
  for (std::size_t l = 0; l < n.parts.size(); ++l) {
    n.parts[l]->load(w.window, state, first, *w.parts[l]);
    first += n.parts[l]->states();
  }
}

void store_state(const Network::Impl& n, const Workspace::Impl& w, State& state) {
  std::size_t first = 0;
  for (std::size_t l = 0; l < n.parts.size(); ++l) {
    n.parts[l]->store(w.window, *w.parts[l], first, state);
    first += n.parts[l]->states();
  }
}

PartInput input_rows(const Network::Impl& n, const Rows& inputs, const DropoutKey* dropout, bool each,
                     Workspace::Impl& w, Team& team) {
  w.numbers = inputs.numbers.data();
  if (n.spells()) return spelt_rows(n, dropout, w, team);
  if (drops_input(n, dropout)) return drop_input(n, inputs, *dropout, w, team);
  if (n.scales()) {
    team.split(w.window.rows(), 16,
               [&](std::size_t first, std::size_t last) { scale_input(n, inputs.numbers.data(), first, last, w); });
    return {w.features.data(), n.input_stride(), nullptr};
  }
  if (!n.reads_tokens()) return {inputs.numbers.data(), n.inputs(), nullptr};
  if (each) return n.embedding->look_up_each(inputs.tokens, n.parameters, w.embedding);
  return n.embedding->look_up(inputs.tokens, n.parameters, w.embedding, team);
}

PartInput part_input(const Network::Impl& n, std::size_t place, const PartInput& input, const DropoutKey* dropout,
                     const Workspace::Impl& w) {
  if (place == 0) return input;
  const std::size_t stride = row_stride(n.parts[place]->inputs());
  if (drops_outputs(n, place - 1, dropout)) return {w.dropped[place - 1].data(), stride, nullptr};
  return {n.parts[place - 1]->rows(w.window, *w.parts[place - 1]), stride, nullptr};
}

PartInput forward_parts(const Network::Impl& n, const Rows& inputs, const DropoutKey* dropout, Workspace::Impl& w,
                        Team& team) {
  const Pass pass = w.pass(n, dropout, team);
  const PartInput input = input_rows(n, inputs, dropout, false, w, team);
  for (std::size_t l = 0; l < n.parts.size(); ++l) {
    const Part& part = *n.parts[l];
    Watch::ask();
    forward_part(part, pass, part_input(n, l, input, dropout, w), n.parameters, *w.parts[l]);
    if (!drops_outputs(n, l, dropout)) continue;
    const std::size_t stride = row_stride(part.outputs());
    drop_rows(part.rows(w.window, *w.parts[l]), stride, w.dropped[l].data(), stride, w.window.rows(),
              padded_outputs(part), n.layer_configs[l].dropout, dropout_random(*dropout, l + 1), team);
  }
  return input;
}

InputRows last_rows(const Network::Impl& n, const DropoutKey* dropout, const Workspace::Impl& w) {
  if (w.inferred != nullptr) return {w.inferred, n.hidden_stride()};
  const std::size_t last = n.parts.size() - 1;
  if (drops_outputs(n, last, dropout)) return {w.dropped[last].data(), n.hidden_stride()};
  return {n.parts[last]->rows(w.window, *w.parts[last]), n.hidden_stride()};
}

double Network::train(const Window& window, const DropoutKey& dropout, State& state, Gradients& gradients,
                      Workspace& workspace, Team& team) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  const DropoutKey* key = drops_anything(n) ? &dropout : nullptr;
  set_window(window, w);
  w.begins = window.begins;
  if (n.spells()) set_words(n, window, key, w);
  prepare(n, w, true, team.size());
  expect_room(window.inputs, w.window.rows(), n.inputs(), "inputs");
  expect_room(window.targets, head_row_count(n, w), n.targets(), "targets");
  load_state(n, state, w);
  const PartInput input = forward_parts(n, window.inputs, key, w, team);
  store_state(n, w, state);
  const std::span<const Token> tokens = n.spells() ? std::span<const Token>(w.tokens) : window.inputs.tokens;
  if (n.reads_tokens() && !n.config.tied) clear_embedding_gradient(n, tokens, key, gradients, w, team);
  const double loss = head_gradient(n, key, window.targets, gradients, w, team);
  backward_parts(n, input, tokens, key, gradients, w, team);
  return loss;
}

void Network::score(const Window& window, State& state, std::span<float> loss, std::span<std::uint32_t> rank,
                    Workspace& workspace, Team& team) const {
  forward(window, state, workspace, team);
  head_losses(*impl_, window.targets, loss, rank, workspace.impl(), team);
}

void Network::predict(const Window& window, State& state, std::span<float> y, Workspace& workspace, Team& team) const {
  forward(window, state, workspace, team);
  head_predictions(*impl_, y, workspace.impl(), team);
}

void Network::forward(const Rows& inputs, std::size_t steps, std::size_t batch, State& state, Workspace& workspace,
                      Team& team) const {
  forward({inputs, {}, steps, batch}, state, workspace, team);
}

void Network::forward(const Window& window, State& state, Workspace& workspace, Team& team) const {
  Workspace::Impl& w = workspace.impl();
  set_window(window, w);
  if (impl_->spells()) set_words(*impl_, window, nullptr, w);
  prepare(*impl_, w, false, team.size());
  load_state(*impl_, state, w);
  forward_parts(*impl_, window.inputs, nullptr, w, team);
  store_state(*impl_, w, state);
}

GateTrace Network::trace(Workspace& workspace) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  GateTrace trace = {w.window.steps, n.recurrent.front()->shape().hidden, {}};
  for (std::size_t l = 0; l < n.recurrent.size(); ++l) {
    const RecurrentLayer& recurrent = *n.recurrent[l];
    const CellShape& cell = *recurrent.shape().cell;
    const std::vector<ShownRow> shown = shown_rows(recurrent.cell().name);
    const Sequence s = w.sequence(n, l);
    const std::size_t hidden = recurrent.shape().hidden;
    LayerTrace layer;
    layer.gates.resize(shown.size());
    for (std::size_t t = 0; t < w.window.steps; ++t) {
      const float* tape = s.tape_at(t, 0);
      for (std::size_t g = 0; g < shown.size(); ++g) {
        const float* row = tape + static_cast<std::size_t>(shown[g].row) * s.hidden;
        for (std::size_t u = 0; u < hidden; ++u) layer.gates[g].push_back(shown[g].complement ? 1 - row[u] : row[u]);
      }
      if (cell.candidate_row >= 0) {
        const float* row = tape + static_cast<std::size_t>(cell.candidate_row) * s.hidden;
        layer.candidate.insert(layer.candidate.end(), row, row + hidden);
      }
      layer.hidden.insert(layer.hidden.end(), s.state_at(0, t + 1, 0), s.state_at(0, t + 1, 0) + hidden);
      if (cell.states > 1) {
        layer.memory.insert(layer.memory.end(), s.state_at(1, t + 1, 0), s.state_at(1, t + 1, 0) + hidden);
      }
    }
    trace.layers.push_back(std::move(layer));
  }
  return trace;
}

void Network::infer(const Rows& inputs, std::size_t steps, State& state, Workspace& workspace) const noexcept {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  w.window = {steps, state.batch(), nullptr};
  w.numbers = inputs.numbers.data();
  PartInput in = {inputs.numbers.data(), n.inputs(), nullptr};
  if (n.scales()) in = scale_input(n, inputs.numbers.data(), 0, steps * state.batch(), w);
  if (n.reads_tokens()) in = n.embedding->look_up_each(inputs.tokens, n.parameters, w.embedding);
  float* values = state.values().data();
  for (std::size_t l = 0; l < n.parts.size(); ++l) {
    const Part& part = *n.parts[l];
    in = {part.infer(w.window, in, values, *w.parts[l], w.scratch[0]), row_stride(part.outputs()), nullptr};
    values += state.batch() * part.state_size();
  }
  w.inferred = in.x;
}

std::span<float> Network::outputs_of_last_step(Workspace& workspace) const noexcept {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  const InputRows rows = last_rows(n, nullptr, w);
  const float* last = rows.x + (w.window.steps - 1) * w.window.batch * rows.stride;
  n.linear->infer({last, rows.stride}, w.window.batch, w.outputs.data(), n.padded_outputs(), w.scratch[0]);
  add_features(n, w, (w.window.steps - 1) * w.window.batch, w.window.batch, w.outputs.data());
  return std::span<float>(w.outputs).first(w.window.batch * n.padded_outputs());
}

std::span<float> Network::outputs_of_sequence(Workspace& workspace) const noexcept {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  const std::size_t rows = head_row_count(n, w);
  n.linear->infer(head_input(n, nullptr, w), rows, w.outputs.data(), n.padded_outputs(), w.scratch[0]);
  add_residual(n, w, 0, rows, w.outputs.data());
  return std::span<float>(w.outputs).first(rows * n.padded_outputs());
}

void Network::predictions_of_all_steps(Workspace& workspace, std::span<float> y) const noexcept {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  const std::size_t rows = w.window.rows(), width = n.linear->outputs(), stride = n.padded_outputs();
  n.linear->infer(last_rows(n, nullptr, w), rows, w.outputs.data(), stride, w.scratch[0]);
  add_features(n, w, 0, rows, w.outputs.data());
  for (std::size_t i = 0; i < rows; ++i) {
    float* row = w.outputs.data() + i * stride;
    n.head->predict(row, stride, n.targets(), row);
    std::copy_n(row, width, y.data() + i * width);
  }
}

}  // namespace sluice
