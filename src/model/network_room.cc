// The room that passes need in a workspace: made before them, so that they take no memory.
#include <algorithm>

#include "base/watch.h"
#include "model/network_impl.h"

namespace sluice {

Workspace::Workspace() : impl_(std::make_unique<Impl>()) {}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

namespace {

// A network that could not be packed because memory ran out.
void expect_packed(const Network::Impl& n) {
  if (!n.packed) throw Error(Status::failed, "network: expected packed weights, found none");
}

// The room of parts: one memory each, made for this network.
void prepare_parts(const Network::Impl& n, Workspace::Impl& w, bool training, std::size_t threads) {
  if (w.parts.size() != n.parts.size()) {
    w.parts.clear();
    for (const auto& part : n.parts) w.parts.push_back(part->memory());
    w.dropped.resize(n.parts.size());
  }
  for (std::size_t l = 0; l < n.parts.size(); ++l) {
    Watch::ask();  // the memory of a first window may be much
    n.parts[l]->prepare(w.window, n.format, threads, training, *w.parts[l]);
  }
}

// The room of heads that read whole sequences.
void prepare_pooling(const Network::Impl& n, Workspace::Impl& w) {
  if (n.head_rows == HeadRows::steps) return;
  grow(w.pooled, w.window.batch * n.hidden_stride());
  w.highest.resize(w.window.batch * n.hidden());
  w.last_steps.resize(w.window.batch);
}

}  // namespace

void prepare(const Network::Impl& n, Workspace::Impl& w, bool training, std::size_t threads) {
  expect_packed(n);
  const std::size_t rows = w.window.rows();
  const SharedRoom room = n.room();
  prepare_parts(n, w, training, threads);
  grow(w.outputs, output_rows(n, rows) * n.padded_outputs());
  if (w.losses.size() < rows) w.losses.resize(rows);
  if (n.reads_tokens()) n.embedding->prepare(rows, w.embedding);
  if (n.spells()) n.spelling->prepare(n.format, threads, training, w.spelling);
  if (n.scales() || n.spells() || (training && n.config.input_dropout > 0)) grow(w.features, rows * n.input_stride());
  if (w.scratch.size() < threads) w.scratch.resize(threads);
  for (Scratch& scratch : w.scratch) {
    scratch.prepare_multiply(n.format, std::max(rows, n.spells() ? w.spelling.window.rows() : 0), room.factor);
    if (training) scratch.prepare_product(n.format, room.columns);
  }
  prepare_pooling(n, w);
  if (!training) return;
  Watch::ask();
  std::size_t widest = 0;
  bool apart = false;
  for (std::size_t l = 0; l < n.parts.size(); ++l) {
    const Part& part = *n.parts[l];
    widest = std::max(widest, row_stride(part.outputs()));
    apart = apart || (l > 0 && !part.in_place());
    if (n.layer_configs[l].dropout > 0) grow(w.dropped[l], rows * row_stride(part.outputs()));
  }
  grow(w.dy, rows * widest);
  if (apart) grow(w.dx, rows * widest);
  if (n.head_rows != HeadRows::steps) grow(w.dpooled, w.window.batch * n.hidden_stride());
  if (n.reads_tokens()) {
    const bool each = n.config.input_dropout > 0 || n.spells();
    grow(w.input_gradient, (each ? rows : std::min(rows, n.vocabulary)) * n.input_stride());
  }
  grow(w.sums, room.sums);
}

void Network::prepare_infer(Workspace& workspace, std::size_t steps, std::size_t batch) const {
  const Impl& n = *impl_;
  Workspace::Impl& w = workspace.impl();
  expect_packed(n);
  w.window = {steps, batch, nullptr};
  const std::size_t rows = steps * batch;
  prepare_parts(n, w, false, 0);
  if (n.reads_tokens()) grow(w.embedding.rows, rows * n.input_stride());
  if (n.scales()) grow(w.features, rows * n.input_stride());
  grow(w.outputs, (n.reads_tokens() && streams() ? 1 : steps) * batch * n.padded_outputs());
  if (!streams()) prepare_pooling(n, w);
  if (w.scratch.empty()) w.scratch.resize(1);
  w.scratch[0].prepare_multiply(n.format, rows, n.room().factor);
}

}  // namespace sluice
