// The one list of a network's tensors: initialization, packing, files, export and views go through it.
#pragma once

#include <string>
#include <vector>

#include "model/parameters.h"
#include "sluice/model.h"

namespace sluice {

// Each of the equal layers that a config without a stack stands for.
LayerConfig shorthand_layer(const Config& config);
// The layers of a network in order: those of config.stack, or config.layers equal ones.
std::vector<LayerConfig> layers_of(const Config& config);
// Numbers a step that a layer gives to what stands above it.
std::size_t outputs_of(const LayerConfig& layer);
// Numbers a step that the first layer reads: E, with those of the spelling, or I.
std::size_t inputs_of(const Config& config);
// Numbers that the head predicts: V, or config.outputs where there are any.
std::size_t outputs_of(const Config& config, std::size_t vocabulary);
// Columns of the head's linear layer: more than those where a number is predicted by several, such as quantiles.
std::size_t head_columns(const Config& config, std::size_t vocabulary);
// The two halves of a layer that reads in both directions, or the one of any other: -1 backward, 1 forward.
std::vector<int> directions_of(const LayerConfig& layer);

// The layer that spells words (config.spelling) is none of those: its tensors have a place of their own.
inline constexpr std::size_t spelling_place = std::size_t{1} << 10;
LayerConfig spelling_layer(const SpellingConfig& spelling);
// The layer that a tensor is of, and not of the head.
LayerConfig layer_of(const Config& config, const std::vector<LayerConfig>& layers, const Shape& tensor);

// All tensors, in the order of the buffer. `vocabulary` is 0 for a network that reads features.
//   embedding.weight [V, E]
//   characters.weight [C, ...]  spelling.weight_ih_l0 ... and spelling.weight_ih_l0_reverse ..., where words are spelt
//   rnn.weight_ih_l{k} [G H, I]  rnn.weight_hh_l{k} [G H, H]  rnn.bias_l{k} [G H]  rnn.bias_hn_l{k} [H]
//   rnn.initial_l{k} [S, H] of a layer whose initial state is learned: h (and c)
//   the same with _reverse at the end, of a layer's backward direction
//   dense.weight_l{k} [O, I]  dense.bias_l{k} [O]
//   head.weight [C, H] (not when tied)  head.bias [C], C: head_columns()
std::vector<Shape> tensors_of(const Config& config, std::size_t vocabulary);

// First values, as the field does it (layout.cc has the sources). Each tensor draws from random numbers of its own, so
// that its first values do not depend on the sizes of others.
void initialize(const Config& config, std::uint64_t seed, Parameters& parameters);

}  // namespace sluice
