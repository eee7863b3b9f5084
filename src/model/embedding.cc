#include "model/embedding.h"

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

void copy_padded(const float* from, std::size_t n, float* to, std::size_t padded) {
  std::memcpy(to, from, n * sizeof(float));
  std::memset(to + n, 0, (padded - n) * sizeof(float));
}

}  // namespace

void Distinct::prepare(std::size_t rows, std::size_t vocabulary) {
  const std::size_t distinct = std::min(rows, vocabulary);
  if (slot_of_token.size() < vocabulary) slot_of_token.resize(vocabulary);
  if (slots.size() < rows) {
    slots.resize(rows);
    by_slot.resize(rows);
  }
  if (starts.size() < distinct + 1) starts.resize(distinct + 1);
  tokens.reserve(distinct);
}

void Distinct::find(std::span<const Token> all) {
  tokens.clear();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Token token = all[i];
    std::uint32_t slot = slot_of_token[token];
    if (slot >= tokens.size() || tokens[slot] != token) {
      slot = static_cast<std::uint32_t>(tokens.size());
      slot_of_token[token] = slot;
      tokens.push_back(token);
    }
    slots[i] = slot;
  }
  const std::size_t distinct = tokens.size();
  std::fill_n(starts.begin(), distinct + 1, 0u);
  for (std::size_t i = 0; i < all.size(); ++i) ++starts[slots[i] + 1];
  for (std::size_t u = 0; u < distinct; ++u) starts[u + 1] += starts[u];
  for (std::size_t i = 0; i < all.size(); ++i) by_slot[starts[slots[i]]++] = static_cast<std::uint32_t>(i);
  for (std::size_t u = distinct; u > 0; --u) starts[u] = starts[u - 1];
  starts[0] = 0;
  repeated = {distinct, std::span(slots).first(all.size()), std::span(by_slot).first(all.size()),
              std::span(starts).first(distinct + 1)};
}

void Embedding::prepare(std::size_t rows, Memory& m) const {
  grow(m.rows, std::min(rows, vocabulary_) * stride_);
  m.distinct.prepare(rows, vocabulary_);
}

PartInput Embedding::look_up(std::span<const Token> tokens, const Parameters& parameters, Memory& m, Team& team) const {
  m.distinct.find(tokens);
  const float* table = parameters[tensor_].data();
  const std::vector<Token>& distinct = m.distinct.tokens;
  team.split(distinct.size(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t u = first; u < last; ++u) {
      copy_padded(table + distinct[u] * width_, width_, m.rows.data() + u * stride_, stride_);
    }
  });
  return {m.rows.data(), stride_, &m.distinct.repeated};
}

PartInput Embedding::look_up_each(std::span<const Token> tokens, const Parameters& parameters,
                                  Memory& m) const noexcept {
  const float* table = parameters[tensor_].data();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    copy_padded(table + tokens[i] * width_, width_, m.rows.data() + i * stride_, stride_);
  }
  return {m.rows.data(), stride_, nullptr};
}

void Embedding::add_gradients(const float* dx, Parameters& gradients, const Memory& m, Team& team) const {
  float* out = gradients[tensor_].data();
  const std::vector<Token>& distinct = m.distinct.tokens;
  team.split(distinct.size(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t u = first; u < last; ++u) {
      float* row = out + distinct[u] * width_;
      for (std::size_t i = 0; i < width_; ++i) row[i] += dx[u * stride_ + i];
    }
  });
}

void Embedding::add_each_gradient(std::span<const Token> tokens, const float* dx, Parameters& gradients,
                                  Team& team) const {
  float* out = gradients[tensor_].data();
  team.split(width_, kBlock, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      for (std::size_t k = first; k < last; ++k) out[tokens[i] * width_ + k] += dx[i * stride_ + k];
    }
  });
}

}  // namespace sluice
