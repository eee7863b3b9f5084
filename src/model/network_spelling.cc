// What a network that spells words reads: the embedding of each token and the spelling of its word side by side.
#include <algorithm>

#include "kernels/pointwise.h"
#include "model/network_impl.h"

namespace sluice {
namespace {

// The pass over the characters. Dropout is of the rows that come of it.
Pass characters_pass(const Network::Impl& n, Workspace::Impl& w, Team& team) {
  return {w.spelling.window, n.format, nullptr, w.layer_scratch(n), team};
}

}  // namespace

void set_words(const Network::Impl& n, const Window& window, const DropoutKey* dropout, Workspace::Impl& w) {
  const std::size_t rows = w.window.rows();
  if (window.spellings == nullptr || window.words.size() != rows || window.inputs.tokens.size() != rows) {
    throw Error(Status::usage, "words: expected a token and the spelling of its word in each of " +
                                   std::to_string(rows) + " rows, found " +
                                   (window.spellings == nullptr ? "no spelling" : "another number of them"));
  }
  n.spelling->set_words(window.words, *window.spellings, w.spelling);
  w.tokens.assign(window.inputs.tokens.begin(), window.inputs.tokens.end());
  const double rate = n.config.spelling.word_dropout;
  if (dropout == nullptr || rate == 0) return;
  const Random random = dropout_random(*dropout, kWordPlace);
  for (std::size_t i = 0; i < rows; ++i) {
    if (random.uniform_at(i) < rate) w.tokens[i] = Vocabulary::unknown;
  }
}

PartInput spelt_rows(const Network::Impl& n, const DropoutKey* dropout, Workspace::Impl& w, Team& team) {
  const std::size_t stride = n.input_stride(), width = n.config.embedding;
  n.spelling->forward(characters_pass(n, w, team), n.parameters, w.spelling);
  const bool drops = dropout != nullptr && n.config.input_dropout > 0;
  const Random random = drops ? dropout_random(*dropout, kInputPlace) : Random(0);
  const float* table = n.parameters[0].data();
  team.split(w.window.rows(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      float* row = w.features.data() + i * stride;
      std::copy_n(table + w.tokens[i] * width, width, row);
      n.spelling->copy_row(i, w.spelling, row + width);
      std::fill(row + n.inputs(), row + stride, 0.f);
      if (drops) sluice::dropout(row, row, stride, n.config.input_dropout, random, i * stride);
    }
  });
  return {w.features.data(), stride, nullptr};
}

void spelling_gradients(const Network::Impl& n, const float* dx, Parameters& gradients, Workspace::Impl& w,
                        Team& team) {
  n.spelling->backward(characters_pass(n, w, team), dx + n.config.embedding, n.input_stride(), n.parameters, gradients,
                       w.spelling);
}

}  // namespace sluice
