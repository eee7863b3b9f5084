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

void Embedding::prepare(std::size_t rows, Memory& m) const {
  const std::size_t distinct = std::min(rows, vocabulary_);
  grow(m.rows, distinct * stride());
  if (m.slot_of_token.size() < vocabulary_) m.slot_of_token.resize(vocabulary_);
  if (m.slots.size() < rows) {
    m.slots.resize(rows);
    m.by_slot.resize(rows);
  }
  if (m.starts.size() < distinct + 1) m.starts.resize(distinct + 1);
  m.distinct.reserve(distinct);
}

void Embedding::find_distinct(std::span<const Token> tokens, Memory& m) const {
  m.distinct.clear();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token token = tokens[i];
    std::uint32_t slot = m.slot_of_token[token];
    if (slot >= m.distinct.size() || m.distinct[slot] != token) {
      slot = static_cast<std::uint32_t>(m.distinct.size());
      m.slot_of_token[token] = slot;
      m.distinct.push_back(token);
    }
    m.slots[i] = slot;
  }
  const std::size_t distinct = m.distinct.size();
  std::fill_n(m.starts.begin(), distinct + 1, 0u);
  for (std::size_t i = 0; i < tokens.size(); ++i) ++m.starts[m.slots[i] + 1];
  for (std::size_t u = 0; u < distinct; ++u) m.starts[u + 1] += m.starts[u];
  for (std::size_t i = 0; i < tokens.size(); ++i) m.by_slot[m.starts[m.slots[i]]++] = static_cast<std::uint32_t>(i);
  for (std::size_t u = distinct; u > 0; --u) m.starts[u] = m.starts[u - 1];
  m.starts[0] = 0;
  m.repeated = {distinct, std::span(m.slots).first(tokens.size()), std::span(m.by_slot).first(tokens.size()),
                std::span(m.starts).first(distinct + 1)};
}

PartInput Embedding::look_up(std::span<const Token> tokens, const Parameters& parameters, Memory& m, Team& team) const {
  find_distinct(tokens, m);
  const float* table = parameters[0].data();
  team.split(m.distinct.size(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t u = first; u < last; ++u) {
      copy_padded(table + m.distinct[u] * width_, width_, m.rows.data() + u * stride(), stride());
    }
  });
  return {m.rows.data(), stride(), &m.repeated};
}

PartInput Embedding::look_up_each(std::span<const Token> tokens, const Parameters& parameters,
                                  Memory& m) const noexcept {
  const float* table = parameters[0].data();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    copy_padded(table + tokens[i] * width_, width_, m.rows.data() + i * stride(), stride());
  }
  return {m.rows.data(), stride(), nullptr};
}

void Embedding::add_gradients(const float* dx, Parameters& gradients, const Memory& m, Team& team) const {
  float* out = gradients[0].data();
  team.split(m.distinct.size(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t u = first; u < last; ++u) {
      float* row = out + m.distinct[u] * width_;
      for (std::size_t i = 0; i < width_; ++i) row[i] += dx[u * stride() + i];
    }
  });
}

void Embedding::add_each_gradient(std::span<const Token> tokens, const float* dx, Parameters& gradients,
                                  Team& team) const {
  float* out = gradients[0].data();
  team.split(width_, kBlock, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      for (std::size_t k = first; k < last; ++k) out[tokens[i] * width_ + k] += dx[i * stride() + k];
    }
  });
}

}  // namespace sluice
