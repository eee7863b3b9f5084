// The recurrent layers over a window: forward, and backward from the gradient of the top layer's outputs.
//
// Where the input is tokens, W x is computed for distinct tokens alone, and dW from their summed gradients.
#include <algorithm>
#include <cstring>

#include "kernels/pointwise.h"
#include "model/network_impl.h"

namespace sluice {
namespace {

// Which dropout: of the input, of the recurrent weights of a layer; else of the outputs of a layer.
constexpr std::size_t kInputPlace = 1000, kWeightPlace = 512;

void copy_padded(const float* from, std::size_t n, float* to, std::size_t padded) {
  std::memcpy(to, from, n * sizeof(float));
  std::memset(to + n, 0, (padded - n) * sizeof(float));
}

void drop_rows(const float* in, std::size_t in_stride, float* out, std::size_t out_stride, std::size_t rows,
               std::size_t width, double rate, const Random& random, Team& team) {
  team.split(rows, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t r = first; r < last; ++r) {
      dropout(in + r * in_stride, out + r * out_stride, width, rate, random, r * width);
    }
  });
}

// The mask of a layer's recurrent weights, on them or on their gradient.
void drop_weights(const Network::Impl& n, std::span<const float> in, float* out, std::size_t layer,
                  const DropoutKey& key, Team& team) {
  const Random random = dropout_random(key, kWeightPlace + layer);
  team.split(in.size(), 4096, [&](std::size_t first, std::size_t last) {
    dropout(in.data() + first, out + first, last - first, n.config.weight_dropout, random, first);
  });
}

bool drops_weights(const Network::Impl& n, const DropoutKey* key) {
  return key != nullptr && n.config.weight_dropout > 0;
}

// U of a layer as this window sees it.
const RecurrentWeights& recurrent_weights(const Network::Impl& n, std::size_t layer, const DropoutKey* key,
                                          const Workspace::Impl& w) {
  return drops_weights(n, key) ? w.dropped[layer] : n.layers[layer].recurrent;
}

// Draws U of every layer anew.
void pack_dropped_weights(const Network::Impl& n, const DropoutKey& key, Workspace::Impl& w, Team& team) {
  for (std::size_t l = 0; l < n.config.layers; ++l) {
    const std::span<const float> u = n.parameters[n.layer_tensor(l, 1)];
    const std::span<float> dropped = std::span<float>(w.dropped_weights).first(u.size());
    drop_weights(n, u, dropped.data(), l, key, team);
    pack_recurrent(*n.shape, n.hidden(), dropped, n.layer_parameters(l).own, n.format, w.dropped[l], team);
    pack_transposed_recurrent(*n.shape, n.hidden(), dropped, n.format, w.dropped_back[l], team);
  }
}

// Numbers the distinct tokens of the window and lists the positions of each.
void find_distinct(std::span<const Token> inputs, Workspace::Impl& w) {
  w.distinct.clear();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Token token = inputs[i];
    std::uint32_t slot = w.slot_of_token[token];
    if (slot >= w.distinct.size() || w.distinct[slot] != token) {
      slot = static_cast<std::uint32_t>(w.distinct.size());
      w.slot_of_token[token] = slot;
      w.distinct.push_back(token);
    }
    w.slots[i] = slot;
  }
  std::fill_n(w.slot_starts.begin(), w.distinct.size() + 1, 0u);
  for (std::size_t i = 0; i < inputs.size(); ++i) ++w.slot_starts[w.slots[i] + 1];
  for (std::size_t u = 0; u < w.distinct.size(); ++u) w.slot_starts[u + 1] += w.slot_starts[u];
  for (std::size_t i = 0; i < inputs.size(); ++i)
    w.by_slot[w.slot_starts[w.slots[i]]++] = static_cast<std::uint32_t>(i);
  for (std::size_t u = w.distinct.size(); u > 0; --u) w.slot_starts[u] = w.slot_starts[u - 1];
  w.slot_starts[0] = 0;
}

// Layer 0 without input dropout: W e + b once for each distinct token, then copied to where it occurs.
void project_distinct(const Network::Impl& n, Workspace::Impl& w, Team& team) {
  const std::size_t e = n.config.embedding, stride = n.input_stride();
  const float* embedding = n.parameters[0].data();
  const PackedLayer& packed = n.layers[0];
  team.split(w.distinct.size(), 1, [&](std::size_t first, std::size_t last, std::size_t thread) {
    for (std::size_t u = first; u < last; ++u) {
      copy_padded(embedding + w.distinct[u] * e, e, w.embedded.data() + u * stride, stride);
    }
    multiply(packed.input, w.embedded.data(), stride, w.table.data(), n.table_stride(), packed.bias.data(), first, last,
             0, packed.input.panels(), &w.scratch[thread]);
  });
}

// Row i of what layer 0 reads: an embedded token, or the numbers themselves.
const float* input_row(const Network::Impl& n, const Rows& inputs, std::size_t i) {
  if (!n.reads_text()) return inputs.numbers.data() + i * n.inputs();
  return n.parameters[0].data() + inputs.tokens[i] * n.config.embedding;
}

// The rows of layer 0's input, dropped, to w.inputs[0].
void drop_inputs(const Network::Impl& n, const Rows& inputs, const DropoutKey& key, Workspace::Impl& w, Team& team) {
  const std::size_t stride = n.input_stride();
  const Random random = dropout_random(key, kInputPlace);
  float* x = w.inputs[0].data();
  team.split(w.steps * w.batch, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      copy_padded(input_row(n, inputs, i), n.inputs(), x + i * stride, stride);
      dropout(x + i * stride, x + i * stride, stride, n.config.input_dropout, random, i * stride);
    }
  });
}

bool drops_inputs(const Network::Impl& n, const DropoutKey* key) {
  return key != nullptr && n.config.input_dropout > 0;
}
bool drops_outputs(const Network::Impl& n, const DropoutKey* key) { return key != nullptr && n.config.dropout > 0; }

// Whether a layer's W x comes from the table of distinct tokens.
bool reads_table(const Network::Impl& n, std::size_t layer, const DropoutKey* key) {
  return layer == 0 && n.reads_text() && !drops_inputs(n, key);
}

// The rows that a layer reads, which is not of those that read the table.
InputRows layer_input(const Network::Impl& n, std::size_t layer, const Rows& inputs, const DropoutKey* key,
                      const Workspace::Impl& w) {
  if (layer > 0) {
    return {drops_outputs(n, key) ? w.inputs[layer].data() : w.outputs(n, layer - 1), n.state_stride()};
  }
  if (drops_inputs(n, key)) return {w.inputs[0].data(), n.input_stride()};
  return {inputs.numbers.data(), n.inputs()};
}

// What a layer reads, for the whole window: rows after dropout, or the table.
void prepare_input(const Network::Impl& n, std::size_t layer, const Rows& inputs, const DropoutKey* key,
                   Workspace::Impl& w, Team& team) {
  if (layer > 0) {
    if (!drops_outputs(n, key)) return;
    drop_rows(w.outputs(n, layer - 1), n.state_stride(), w.inputs[layer].data(), n.state_stride(), w.steps * w.batch,
              n.padded(), n.config.dropout, dropout_random(*key, layer), team);
  } else if (drops_inputs(n, key)) {
    drop_inputs(n, inputs, *key, w, team);
  } else if (n.reads_text()) {
    find_distinct(inputs.tokens, w);
    project_distinct(n, w, team);
  }
}

// W x + b of a part of the window, whose first row is number `row`, onto its tape.
void project_part(const Network::Impl& n, std::size_t layer, const Rows& inputs, const DropoutKey* key,
                  const Sequence& part, std::size_t row, Workspace::Impl& w, Team& team) {
  if (!reads_table(n, layer, key)) {
    const InputRows in = layer_input(n, layer, inputs, key, w);
    return project_input(n.layers[layer], in.x + row * in.stride, in.stride, part, w.layer_scratch(n), team);
  }
  team.split(part.batch, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t t = 0; t < part.steps; ++t) {
      for (std::size_t b = first; b < last; ++b) {
        const std::uint32_t slot = w.slots[row + t * part.batch + b];
        std::memcpy(part.tape_at(t, b), w.table.data() + slot * n.table_stride(), n.gate_columns() * sizeof(float));
      }
    }
  });
}

// The gradients of layer l, as they stand among those of the network.
LayerGradients gradients_of(const Network::Impl& n, std::size_t layer, Parameters& gradients) {
  return {gradients[n.layer_tensor(layer, 0)], gradients[n.layer_tensor(layer, 1)], gradients[n.layer_tensor(layer, 2)],
          n.shape->own_bias >= 0 ? gradients[n.layer_tensor(layer, 3)] : std::span<float>()};
}

// dW, db and the embedding's gradient of distinct tokens: a token's occurrences are summed first, in order of position.
void token_gradients(const Network::Impl& n, const Panels& transposed, Parameters& gradients, Workspace::Impl& w,
                     Team& team) {
  const Sequence s = w.sequence(n, 0);
  const std::size_t distinct = w.distinct.size(), e = n.config.embedding, stride = n.input_stride();
  team.split(n.gate_columns(), kBlock, [&](std::size_t first, std::size_t last) {
    for (std::size_t u = 0; u < distinct; ++u) {
      const std::span<const std::uint32_t> at(w.by_slot.data() + w.slot_starts[u],
                                              w.slot_starts[u + 1] - w.slot_starts[u]);
      sum_listed_rows(s.tape + first, s.tape_stride, at, w.table.data() + u * n.table_stride() + first, last - first);
    }
  });
  Sequence table = s;  // the distinct tokens as one row of steps
  table.steps = distinct;
  table.batch = 1;
  table.tape = w.table.data();
  table.tape_stride = n.table_stride();
  float* de = w.embedded_gradient.data();
  input_gradients(n.layer_shape(0), transposed, table, {w.embedded.data(), stride}, de, stride,
                  gradients_of(n, 0, gradients), w.layer_scratch(n), team);
  float* out = gradients[0].data();
  team.split(distinct, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t u = first; u < last; ++u) {
      float* row = out + w.distinct[u] * e;
      for (std::size_t i = 0; i < e; ++i) row[i] += de[u * stride + i];
    }
  });
}

// The embedding's gradient from dx of every position, where the embedded input was dropped.
void dropped_token_gradients(const Network::Impl& n, std::span<const Token> inputs, const DropoutKey& key,
                             Parameters& gradients, Workspace::Impl& w, Team& team) {
  const std::size_t e = n.config.embedding, stride = n.input_stride();
  float* dx = w.embedded_gradient.data();
  const Random random = dropout_random(key, kInputPlace);
  drop_rows(dx, stride, dx, stride, inputs.size(), stride, n.config.input_dropout, random, team);
  float* out = gradients[0].data();
  team.split(e, kBlock, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      for (std::size_t k = first; k < last; ++k) out[inputs[i] * e + k] += dx[i * stride + k];
    }
  });
}

}  // namespace

std::span<const Panels> transposed_inputs(const Network::Impl& n, Team& team) {
  return n.transposed_inputs.get(n.config.layers, [&](std::size_t l, Panels& w) {
    pack_transposed_input(*n.shape, n.hidden(), n.layer_shape(l).inputs, n.layer_parameters(l).input, n.format, w,
                          team);
  });
}

std::span<const StagePanels> transposed_recurrent(const Network::Impl& n, Team& team) {
  return n.transposed_recurrent.get(n.config.layers, [&](std::size_t l, StagePanels& u) {
    pack_transposed_recurrent(*n.shape, n.hidden(), n.layer_parameters(l).recurrent, n.format, u, team);
  });
}

Random dropout_random(const DropoutKey& key, std::size_t place) {
  return Random(mix64(key.seed ^ 0x5eed0fd20b007u), key.update * 1024 + place);
}

void project_layer(const Network::Impl& n, std::size_t layer, const Rows& inputs, Workspace::Impl& w, Team& team) {
  prepare_input(n, layer, inputs, nullptr, w, team);
  project_part(n, layer, inputs, nullptr, w.sequence(n, layer), 0, w, team);
}

void forward_layers(const Network::Impl& n, const Rows& inputs, const DropoutKey* key, Workspace::Impl& w, Team& team) {
  if (drops_weights(n, key)) pack_dropped_weights(n, *key, w, team);
  for (std::size_t l = 0; l < n.config.layers; ++l) {
    prepare_input(n, l, inputs, key, w, team);
    forward_layer(*n.shape, recurrent_weights(n, l, key, w), w.sequence(n, l), team,
                  [&](const Sequence& part, std::size_t row) { project_part(n, l, inputs, key, part, row, w, team); });
  }
}

const float* head_input(const Network::Impl& n, const DropoutKey* key, Workspace::Impl& w, Team& team) {
  const float* top = w.outputs(n, n.config.layers - 1);
  if (!drops_outputs(n, key)) return top;
  drop_rows(top, n.state_stride(), w.head_input.data(), n.state_stride(), w.steps * w.batch, n.padded(),
            n.config.dropout, dropout_random(*key, n.config.layers), team);
  return w.head_input.data();
}

void clear_embedding_gradient(const Network::Impl& n, std::span<const Token> inputs, const DropoutKey* key,
                              Gradients& gradients, Workspace::Impl& w, Team& team) {
  const std::size_t e = n.config.embedding;
  float* rows = gradients[0].data();
  team.split(gradients.sparse ? gradients.touched.size() : n.vocabulary, 16, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      std::fill_n(rows + (gradients.sparse ? gradients.touched[i] : i) * e, e, 0.f);
    }
  });
  gradients.sparse = true;
  if (!reads_table(n, 0, key)) find_distinct(inputs, w);
  gradients.touched.reserve(std::min(inputs.size(), n.vocabulary));
  gradients.touched = w.distinct;
}

void backward_layers(const Network::Impl& n, const Rows& inputs, const DropoutKey* key, Parameters& gradients,
                     Workspace::Impl& w, Team& team) {
  const std::size_t stride = n.state_stride();
  const std::span<const Panels> back = transposed_inputs(n, team);
  const std::span<const StagePanels> recurrent_back =
      drops_weights(n, key) ? std::span<const StagePanels>(w.dropped_back) : transposed_recurrent(n, team);
  const Backward backward = {w.dy.data(), stride, {w.carry[0].data(), w.carry[1].data()}, w.mixed.data()};
  for (std::size_t l = n.config.layers; l-- > 0;) {
    if (drops_outputs(n, key)) {
      drop_rows(w.dy.data(), stride, w.dy.data(), stride, w.steps * w.batch, n.padded(), n.config.dropout,
                dropout_random(*key, l + 1), team);
    }
    const bool table = reads_table(n, l, key), dropped_tokens = l == 0 && n.reads_text() && !table;
    const InputRows in = table ? InputRows{} : layer_input(n, l, inputs, key, w);
    float* dx = l > 0 ? w.dy.data() : dropped_tokens ? w.embedded_gradient.data() : nullptr;
    const LayerGradients out = gradients_of(n, l, gradients);
    backward_layer(n.layer_shape(l), {back[l], recurrent_back[l]}, w.sequence(n, l), backward, in, dx,
                   l > 0 ? stride : n.input_stride(), out, w.layer_scratch(n), team);
    if (drops_weights(n, key)) drop_weights(n, out.recurrent, out.recurrent.data(), l, *key, team);
    if (table) token_gradients(n, back[0], gradients, w, team);
    if (dropped_tokens) dropped_token_gradients(n, inputs.tokens, *key, gradients, w, team);
  }
}

}  // namespace sluice
