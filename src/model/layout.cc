// First values:
//   W    uniform(+-sqrt(6 / (I + H))) per gate                (Glorot & Bengio 2010, eq. 16); of a dense layer likewise
//   U    orthogonal per gate                                  (Saxe, McClelland & Ganguli 2014, section 3)
//   b    0, the LSTM's forget gate `forget_bias`              (Gers et al. 2000; Jozefowicz et al. 2015, section 3.2)
//   embedding   normal(0, 1); tied: uniform(+-0.1)            (the latter as in Zaremba et al. 2014 and after)
//   head        uniform(+-1 / sqrt(H)), bias 0
#include "model/layout.h"

#include <cmath>

#include "base/random.h"
#include "heads/head.h"
#include "kernels/recurrence.h"
#include "model/layer_kinds.h"
#include "model/orthogonal.h"

namespace sluice {
namespace {

void fill_uniform(std::span<float> values, double bound, Random& random) {
  for (float& v : values) v = static_cast<float>((2 * random.uniform() - 1) * bound);
}

double as_double(std::size_t n) { return static_cast<double>(n); }

void add_spelling(const SpellingConfig& spelling, std::vector<Shape>& all) {
  constexpr std::string_view prefix = "rnn";
  all.push_back({"characters.weight", spelling.characters, spelling.embedding, TensorRole::embedding, spelling_place});
  const std::size_t first = all.size();
  RecurrentLayer::add_tensors(spelling_layer(spelling), 0, spelling.embedding, all);
  for (std::size_t i = first; i < all.size(); ++i) {
    all[i].name.replace(0, prefix.size(), "spelling");
    all[i].layer = spelling_place;
  }
}

void initialize(const Config& config, const std::vector<LayerConfig>& layers, const Shape& shape,
                std::span<float> values, Random& random) {
  switch (shape.role) {
    case TensorRole::embedding:
      if (config.tied) {
        fill_uniform(values, 0.1, random);
      } else {
        for (float& v : values) v = static_cast<float>(random.normal());
      }
      return;
    case TensorRole::head:
      return fill_uniform(values, 1 / std::sqrt(as_double(shape.columns)), random);
    case TensorRole::input:
      return fill_uniform(values, std::sqrt(6.0 / as_double(shape.columns + layer_of(config, layers, shape).units)),
                          random);
    case TensorRole::recurrent:
      return fill_orthogonal(values, shape.rows / shape.columns, shape.columns, random);
    case TensorRole::bias: {
      const LayerConfig layer = layer_of(config, layers, shape);
      const int forget = find_shape(layer.cell, layer.activation)->forget_row;
      if (forget < 0) return;
      for (float& v : values.subspan(static_cast<std::size_t>(forget) * layer.units, layer.units)) {
        v = static_cast<float>(layer.forget_bias);
      }
      return;
    }
    case TensorRole::weight:
      return fill_uniform(values, std::sqrt(6.0 / as_double(shape.columns + shape.rows)), random);
    case TensorRole::recurrent_bias:
    case TensorRole::initial_state:
    case TensorRole::zeros:
    case TensorRole::head_bias:
      return;
  }
}

}  // namespace

LayerConfig shorthand_layer(const Config& config) {
  LayerConfig layer;
  layer.cell = config.cell;
  layer.units = config.hidden;
  layer.activation = config.activation;
  layer.dropout = config.dropout;
  layer.weight_dropout = config.weight_dropout;
  layer.forget_bias = config.forget_bias;
  return layer;
}

std::vector<LayerConfig> layers_of(const Config& config) {
  if (!config.stack.empty()) return config.stack;
  return std::vector<LayerConfig>(config.layers, shorthand_layer(config));
}

std::size_t outputs_of(const LayerConfig& layer) { return layer.direction == "both" ? 2 * layer.units : layer.units; }

std::size_t inputs_of(const Config& config) {
  if (config.inputs > 0) return config.inputs;
  return config.embedding + (config.spelling.characters > 0 ? 2 * config.spelling.units : 0);
}

LayerConfig spelling_layer(const SpellingConfig& spelling) {
  LayerConfig layer;
  layer.cell = spelling.cell;
  layer.units = spelling.units;
  layer.direction = "both";
  return layer;
}

LayerConfig layer_of(const Config& config, const std::vector<LayerConfig>& layers, const Shape& tensor) {
  return tensor.layer == spelling_place ? spelling_layer(config.spelling) : layers[tensor.layer];
}

std::size_t outputs_of(const Config& config, std::size_t vocabulary) {
  return config.outputs > 0 ? config.outputs : vocabulary;
}

std::size_t head_columns(const Config& config, std::size_t vocabulary) {
  return make_head(config.head, config.inputs == 0)->columns(outputs_of(config, vocabulary));
}

std::vector<int> directions_of(const LayerConfig& layer) {
  if (layer.kind != "recurrent") return {};
  if (layer.direction == "forward") return {1};
  if (layer.direction == "backward") return {-1};
  return {1, -1};
}

std::vector<Shape> tensors_of(const Config& config, std::size_t vocabulary) {
  std::vector<Shape> all;
  if (config.inputs == 0) {
    all.push_back({"embedding.weight", vocabulary, config.embedding, TensorRole::embedding});
  }
  if (config.spelling.characters > 0) add_spelling(config.spelling, all);
  const std::vector<LayerConfig> layers = layers_of(config);
  std::size_t width = inputs_of(config);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    with_kind_of(layers[l], [&](auto kind) { decltype(kind)::type::add_tensors(layers[l], l, width, all); });
    width = outputs_of(layers[l]);
  }
  const std::size_t outputs = head_columns(config, vocabulary);
  if (!config.tied) all.push_back({"head.weight", outputs, width, TensorRole::head, layers.size()});
  all.push_back({"head.bias", outputs, 1, TensorRole::head_bias, layers.size()});
  return all;
}

void initialize(const Config& config, std::uint64_t seed, Parameters& parameters) {
  const std::vector<LayerConfig> layers = layers_of(config);
  for (std::size_t i = 0; i < parameters.shapes().size(); ++i) {
    Random random(seed, i);
    initialize(config, layers, parameters.shapes()[i], parameters[i], random);
  }
}

}  // namespace sluice
