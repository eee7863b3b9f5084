#include "model/spelling_layer.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "model/layout.h"

namespace sluice {
namespace {

std::size_t characters_tensor(const std::vector<Shape>& tensors) {
  std::size_t i = 0;
  while (tensors[i].layer != spelling_place) ++i;  // the embedding of the characters comes before the layer
  return i;
}

}  // namespace

SpellingLayer::SpellingLayer(const SpellingConfig& config, const std::vector<Shape>& tensors)
    : layer_(make_part(spelling_layer(config), spelling_place, config.embedding, tensors)),
      embedding_(config.characters, config.embedding, row_stride(config.embedding), characters_tensor(tensors)),
      characters_(characters_tensor(tensors)) {}

SpellingLayer::SpellingLayer(std::unique_ptr<Part> layer, const Embedding& embedding, std::size_t characters)
    : layer_(std::move(layer)), embedding_(embedding), characters_(characters) {}

std::unique_ptr<SpellingLayer> SpellingLayer::clone() const {
  return std::unique_ptr<SpellingLayer>(new SpellingLayer(layer_->clone(), embedding_, characters_));
}

void SpellingLayer::set_words(std::span<const Token> words, const Spellings& spellings, Memory& m) const {
  m.words.prepare(words.size(), spellings.size());
  m.words.find(words);
  const std::vector<Token>& distinct = m.words.tokens;
  const auto length = [&](std::uint32_t slot) {
    return static_cast<std::uint32_t>(spellings.starts[distinct[slot] + 1] - spellings.starts[distinct[slot]]);
  };
  m.order.resize(distinct.size());
  std::iota(m.order.begin(), m.order.end(), 0u);
  std::ranges::sort(m.order, [&](std::uint32_t a, std::uint32_t b) {
    return length(a) != length(b) ? length(a) > length(b) : a < b;
  });
  m.places.resize(m.order.size());
  m.lengths.clear();
  for (std::uint32_t place = 0; place < m.order.size(); ++place) {
    m.places[m.order[place]] = place;
    m.lengths.push_back(length(m.order[place]));
  }
  m.characters.clear();
  for (std::size_t t = 0; t < m.lengths.front(); ++t) {
    for (std::size_t place = 0; place < m.order.size() && m.lengths[place] > t; ++place) {
      m.characters.push_back(spellings.of(distinct[m.order[place]])[t]);
    }
  }
  m.window = {m.lengths.front(), m.order.size(), nullptr};
  m.window.entries = packed_entries(m.lengths, m.window.steps, m.window.batch, m.entries);
}

void SpellingLayer::prepare(Format format, std::size_t threads, bool training, Memory& m) const {
  const std::size_t rows = m.window.rows();
  if (!m.layer) m.layer = layer_->memory();
  layer_->prepare(m.window, format, threads, training, *m.layer);
  embedding_.prepare(rows, m.embedding);
  if (m.zeros.batch() < m.window.batch) {
    std::vector<StateShape> shapes;
    for (const RecurrentLayer* direction : layer_->recurrent()) shapes.push_back(state_shape(*direction));
    m.zeros = State(std::move(shapes), m.window.batch);
  }
  if (!training) return;
  grow(m.dy, rows * row_stride(outputs()));
  grow(m.dx, m.embedding.rows.size());
}

std::size_t SpellingLayer::last_row(std::size_t place, const Memory& m) {
  const std::size_t last = m.lengths[place] - 1;
  const std::uint32_t* entries = m.window.entries;
  return (entries == nullptr ? last * m.window.batch : entries[last + 1] - entries[1]) + place;
}

void SpellingLayer::forward(const Pass& pass, const Parameters& parameters, Memory& m) const {
  layer_->load(m.window, m.zeros, 0, *m.layer);
  const PartInput in = embedding_.look_up(m.characters, parameters, m.embedding, pass.team);
  forward_part(*layer_, pass, in, parameters, *m.layer);
}

void SpellingLayer::copy_row(std::size_t row, const Memory& m, float* out) const {
  const std::size_t place = m.places[m.words.slots[row]], stride = row_stride(outputs());
  const float* rows = layer_->rows(m.window, *m.layer);
  std::copy_n(rows + last_row(place, m) * stride, half(), out);
  std::copy_n(rows + place * stride + half(), half(), out + half());
}

void SpellingLayer::backward(const Pass& pass, const float* dy, std::size_t dy_stride, const Parameters& parameters,
                             Parameters& gradients, Memory& m) const {
  const std::size_t stride = row_stride(outputs());
  pass.team.split(m.window.rows(), 1, [&](std::size_t first, std::size_t last) {
    std::fill(m.dy.data() + first * stride, m.dy.data() + last * stride, 0.f);
  });
  // The rows of a word are added in the order of the window.
  pass.team.split(m.order.size(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t place = first; place < last; ++place) {
      const std::uint32_t slot = m.order[place];
      float* ahead = m.dy.data() + last_row(place, m) * stride;
      float* back = m.dy.data() + place * stride + half();
      for (std::uint32_t i = m.words.starts[slot]; i < m.words.starts[slot + 1]; ++i) {
        const float* from = dy + m.words.by_slot[i] * dy_stride;
        for (std::size_t k = 0; k < half(); ++k) ahead[k] += from[k];
        for (std::size_t k = 0; k < half(); ++k) back[k] += from[half() + k];
      }
    }
  });
  const PartInput in = {m.embedding.rows.data(), embedding_.stride(), &m.embedding.distinct.repeated};
  const PartGradient gradient = {m.dy.data(), stride, m.dx.data(), embedding_.stride()};
  backward_part(*layer_, pass, in, gradient, parameters, gradients, *m.layer);
  std::ranges::fill(gradients[characters_], 0.f);
  embedding_.add_gradients(m.dx.data(), gradients, m.embedding, pass.team);
}

}  // namespace sluice
