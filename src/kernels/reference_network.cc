// The reference's whole network: embedding, layers, head and loss.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "kernels/reference.h"
#include "kernels/reference_loops.h"

namespace sluice::reference {
namespace {

std::string tensor(const char* what, std::size_t layer) { return std::string("rnn.") + what + std::to_string(layer); }

Layer layer_of(const Network& network, const Tensors& tensors, std::size_t k) {
  const Rows rows = rows_of(network.cell, network.activation);
  return {network.cell,
          network.activation,
          k > 0                ? network.hidden
          : network.inputs > 0 ? network.inputs
                               : network.embedding,
          network.hidden,
          tensors.at(tensor("weight_ih_l", k)),
          tensors.at(tensor("weight_hh_l", k)),
          tensors.at(tensor("bias_l", k)),
          rows.own_bias ? tensors.at(tensor("bias_hn_l", k)) : Numbers()};
}

const char* head_name(const Network& network) { return network.tied ? "embedding.weight" : "head.weight"; }

Numbers embedded(const Network& network, const Text& text) {
  const Numbers& table = network.tensors.at("embedding.weight");
  Numbers x;
  for (const std::uint32_t token : text.inputs) {
    x.insert(x.end(), &table[token * network.embedding], &table[token * network.embedding] + network.embedding);
  }
  return x;
}

Numbers outputs(const LayerRun& run, std::size_t states, std::size_t hidden) {  // [T, B, H]
  Numbers h;
  const std::size_t row = run.batch * hidden;
  for (std::size_t t = 1; t <= run.steps; ++t) {
    const double* at = &run.states[t * states * row];
    h.insert(h.end(), at, at + row);
  }
  return h;
}

// Answers and losses from h [T, B, H]: logits and -log p(target), or numbers and the mean square of their errors.
void apply_head(const Network& network, const Text& text, const Numbers& h, Result& result) {
  const std::size_t O = network.head_outputs(), H = network.hidden, n = text.steps * text.batch;
  const Numbers& weight = network.tensors.at(head_name(network));
  const Numbers& bias = network.tensors.at("head.bias");
  for (std::size_t i = 0; i < n; ++i) {
    Numbers y = bias;
    add_product(weight.data(), O, H, &h[i * H], y.data());
    double loss = 0;
    if (network.inputs > 0) {
      for (std::size_t o = 0; o < O; ++o) loss += std::pow(y[o] - text.y[i * O + o], 2) / static_cast<double>(O);
    } else {
      const double most = *std::max_element(y.begin(), y.end());
      double sum = 0;
      for (const double a : y) sum += std::exp(a - most);
      loss = most + std::log(sum) - y[text.targets[i]];
    }
    result.nats.push_back(loss);
    result.loss += loss / static_cast<double>(n);
    result.logits.insert(result.logits.end(), y.begin(), y.end());
  }
}

// The gradient of the loss by the outputs of row i.
Numbers answer_gradient(const Network& network, const Text& text, const Result& result, std::size_t i) {
  const std::size_t O = network.head_outputs(), n = text.steps * text.batch;
  const double* y = &result.logits[i * O];
  Numbers dy(O);
  if (network.inputs > 0) {
    for (std::size_t o = 0; o < O; ++o) dy[o] = 2 * (y[o] - text.y[i * O + o]) / static_cast<double>(O * n);
    return dy;
  }
  const double log_sum = result.nats[i] + y[text.targets[i]];
  for (std::size_t v = 0; v < O; ++v) {
    dy[v] = (std::exp(y[v] - log_sum) - (v == text.targets[i] ? 1 : 0)) / static_cast<double>(n);
  }
  return dy;
}

// The gradient of h [T, B, H]; those of the head's tensors are added to result.gradients.
Numbers head_gradients(const Network& network, const Text& text, const Numbers& h, Result& result) {
  const std::size_t O = network.head_outputs(), H = network.hidden;
  const Numbers& weight = network.tensors.at(head_name(network));
  Numbers dh(h.size());
  for (std::size_t i = 0; i < text.steps * text.batch; ++i) {
    const Numbers dy = answer_gradient(network, text, result, i);
    add_product_gradients(weight.data(), O, H, &h[i * H], dy.data(), result.gradients.at(head_name(network)).data(),
                          &dh[i * H]);
    add(dy.data(), O, result.gradients.at("head.bias").data());
  }
  return dh;
}

void differentiate(const Network& network, const Text& text, const Numbers& h, Result& result) {
  result.gradients = network.zeros();
  result.state_gradient.resize(result.state.size());
  const std::size_t state = result.state.size() / network.layers;
  Numbers d = head_gradients(network, text, h, result);
  for (std::size_t k = network.layers; k-- > 0;) {
    LayerGradients g = backward(layer_of(network, network.tensors, k), result.layers[k], d);
    result.gradients.at(tensor("weight_ih_l", k)) = std::move(g.weights.weight_ih);
    result.gradients.at(tensor("weight_hh_l", k)) = std::move(g.weights.weight_hh);
    result.gradients.at(tensor("bias_l", k)) = std::move(g.weights.bias);
    if (!g.weights.bias_hn.empty()) result.gradients.at(tensor("bias_hn_l", k)) = std::move(g.weights.bias_hn);
    std::copy(g.state.begin(), g.state.end(), result.state_gradient.begin() + static_cast<std::ptrdiff_t>(k * state));
    d = std::move(g.input);
  }
  if (network.inputs > 0) return;
  Numbers& table = result.gradients.at("embedding.weight");
  for (std::size_t i = 0; i < text.inputs.size(); ++i) {
    add(&d[i * network.embedding], network.embedding, &table[text.inputs[i] * network.embedding]);
  }
}

}  // namespace

Tensors Network::zeros() const {
  const Rows rows = rows_of(cell, activation);
  Tensors t;
  if (inputs == 0) t["embedding.weight"].resize(vocabulary * embedding);
  for (std::size_t k = 0; k < layers; ++k) {
    t[tensor("weight_ih_l", k)].resize(rows.input * hidden * (k > 0 ? hidden : inputs > 0 ? inputs : embedding));
    t[tensor("weight_hh_l", k)].resize(rows.recurrent * hidden * hidden);
    t[tensor("bias_l", k)].resize(rows.input * hidden);
    if (rows.own_bias) t[tensor("bias_hn_l", k)].resize(hidden);
  }
  if (!tied) t["head.weight"].resize(head_outputs() * hidden);
  t["head.bias"].resize(head_outputs());
  return t;
}

Result run(const Network& network, const Text& text, const Numbers& state, bool gradients) {
  Result result;
  const std::size_t states = rows_of(network.cell, network.activation).states;
  const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(states * text.batch * network.hidden);
  Numbers x = network.inputs > 0 ? text.x : embedded(network, text);
  for (std::size_t k = 0; k < network.layers; ++k) {
    const auto from = state.begin() + static_cast<std::ptrdiff_t>(k) * size;
    result.layers.push_back(forward(layer_of(network, network.tensors, k), text.steps, text.batch, std::move(x),
                                    Numbers(from, from + size)));
    const LayerRun& layer = result.layers.back();
    result.state.insert(result.state.end(), layer.states.end() - size, layer.states.end());
    x = outputs(layer, states, network.hidden);
  }
  apply_head(network, text, x, result);
  if (gradients) differentiate(network, text, x, result);
  return result;
}

}  // namespace sluice::reference
