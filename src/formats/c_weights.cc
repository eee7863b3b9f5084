// Weights as constant arrays: matrices row-major as they are inside, in float or in 8 bits with a scale a row.
#include "formats/c_plan.h"
#include "formats/c_text.h"
#include "model/model_access.h"

namespace sluice {
namespace {

class Arrays {
 public:
  explicit Arrays(const CPlan& plan) : plan_(plan) {}

  void add_vector(const std::string& name, const std::string& tensor) { add(name, find(tensor)); }
  void add(const std::string& name, std::span<const float> values) {
    (out.text += '\n') += float_array(full(name), values);
    out.bytes += values.size() * sizeof(float);
  }
  void add_matrix(const std::string& name, const std::string& tensor) {
    if (!plan_.int8()) return add_vector(name, tensor);
    const auto values = find(tensor);
    const Int8Rows rows = to_int8(full(name), values, network_of(plan_.model).parameters().find(tensor)->rows);
    (out.text += '\n') += int8_array(full(name), rows.values);
    out.text += float_array(full(name) + "_scale", rows.scales);
    out.bytes += rows.values.size() + rows.scales.size() * sizeof(float);
  }

  CWeights out;

 private:
  std::string full(const std::string& name) const { return plan_.options.prefix + "_" + name; }
  std::span<const float> find(const std::string& tensor) const {
    const Parameters& parameters = network_of(plan_.model).parameters();
    const Shape* shape = parameters.find(tensor);
    if (shape == nullptr) throw Error(Status::failed, tensor + ": expected such weights in the network, found none");
    return parameters[static_cast<std::size_t>(shape - parameters.shapes().data())];
  }

  const CPlan& plan_;
};

// The table of layers, which says where the arrays of each lie.
std::string layer_table(const CPlan& plan) {
  std::string text = "\ntypedef struct {\n";
  text += plan.int8() ? "  const int8_t *w, *u;\n  const float *w_scale, *u_scale;\n" : "  const float *w, *u;\n";
  text += plan.shape.own_bias >= 0 ? "  const float *b, *c;\n" : "  const float *b;\n";
  text += "  size_t inputs;\n} @_layer;\n\nstatic const @_layer @_layers[@@_LAYERS] = {\n";
  for (std::size_t l = 0; l < plan.layers; ++l) {
    const std::string n = std::to_string(l);
    text += "  {@_w" + n + ", @_u" + n + ", ";
    if (plan.int8()) text += "@_w" + n + "_scale, @_u" + n + "_scale, ";
    text += "@_b" + n + ", ";
    if (plan.shape.own_bias >= 0) text += "@_c" + n + ", ";
    text += std::to_string(plan.inputs_of(l)) + "},\n";
  }
  return with_prefix(text + "};\n", plan.options.prefix);
}

}  // namespace

CWeights c_weights(const CPlan& plan) {
  Arrays arrays(plan);
  if (plan.text) arrays.add_matrix("embedding", "embedding.weight");
  for (std::size_t l = 0; l < plan.layers; ++l) {
    const std::string n = std::to_string(l);
    arrays.add_matrix("w" + n, "rnn.weight_ih_l" + n);
    arrays.add_matrix("u" + n, "rnn.weight_hh_l" + n);
    arrays.add_vector("b" + n, "rnn.bias_l" + n);
    if (plan.shape.own_bias >= 0) arrays.add_vector("c" + n, "rnn.bias_hn_l" + n);
  }
  if (!plan.tied) arrays.add_matrix("head", "head.weight");
  arrays.add_vector("head_bias", "head.bias");
  for (std::size_t s = 0; s < plan.initial.size(); ++s) {
    arrays.add("init_" + std::string(plan.cell.states[s]), plan.initial[s]);
  }
  if (!plan.added.empty()) {
    (arrays.out.text += '\n') += token_array(plan.options.prefix + "_added", plan.added);
    arrays.out.bytes += plan.added.size() * sizeof(std::uint32_t);
  }
  arrays.out.text += layer_table(plan);
  return arrays.out;
}

}  // namespace sluice
