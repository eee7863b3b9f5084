// The functions that belong to the form of the network: one layer's step around its cell's equations, and the whole.
#include "formats/c_plan.h"
#include "formats/c_text.h"

namespace sluice {
namespace {

// `count` blocks of H numbers, as C.
std::string blocks(std::size_t count) {
  if (count == 0) return "0";
  return (count == 1 ? "" : std::to_string(count) + " * ") + "H";
}
std::string after(const std::string& array, std::size_t count) {
  return count == 0 ? array : array + " + " + blocks(count);
}

// Rows [row, row + count) of the tape get U times what stands in `factor`; U's rows begin at block u_row.
std::string recurrent_product(const CPlan& plan, const std::string& factor, std::size_t u_row, std::size_t row,
                              std::size_t count, const std::string& start) {
  std::string u = "layer->u", call = "  @_product(";
  if (u_row > 0) u += " + " + blocks(u_row) + " * H";
  call += u + ", ";
  if (plan.int8()) call += after("layer->u_scale", u_row) + ", ";
  return call + factor + ", H, " + blocks(count) + ", " + start + ", " + after("a", row) + ");\n";
}

// A recurrent product of the cell: rows that W x has reached go on from there, a row of its own from its own bias.
std::string stage(const CPlan& plan, int index, std::size_t u_row) {
  const auto first = static_cast<std::size_t>(plan.shape.first[index]);
  const auto count = static_cast<std::size_t>(plan.shape.count[index]);
  const std::string source = index == 0 ? "h" : after("a", static_cast<std::size_t>(plan.shape.mixed_row));
  std::string text, factor = source;
  if (plan.int8()) {
    text += "  scale = @_quantize(" + source + ", H, work->q);\n";
    factor = "work->q, scale";
  }
  const std::size_t own = first + count > plan.input_rows ? 1 : 0;
  if (count > own) text += recurrent_product(plan, factor, u_row, first, count - own, after("a", first));
  if (own != 0) text += recurrent_product(plan, factor, u_row + count - own, first + count - own, own, "layer->c");
  return text;
}

std::string each_unit(const std::string& body) { return "  for (j = 0; j < H; ++j) {\n" + body + "  }\n"; }

std::string advance(const CPlan& plan) {
  std::string text = "\n/* One layer, one step: ";
  for (std::size_t i = 0; i < plan.cell.equations.size(); ++i) {
    text += (i == 0 ? "" : "\n   ") + std::string(plan.cell.equations[i]);
  }
  text += " */\nstatic void @_advance(const @_layer *layer, ";
  text += plan.int8() ? "const int16_t *x, float x_scale, " : "const float *x, ";
  for (const std::string_view name : plan.cell.states) text += "float *" + std::string(name) + ", ";
  text += "@_work *work) {\n  enum { H = @@_HIDDEN };\n  float *a = work->a;\n";
  if (plan.int8()) text += "  float scale;\n";
  text += "  size_t j;\n  @_product(layer->w, ";
  text += plan.int8() ? "layer->w_scale, x, x_scale, " : "x, ";
  text += "layer->inputs, " + blocks(plan.input_rows) + ", layer->b, a);\n" + stage(plan, 0, 0);
  if (plan.shape.stages == 2) {
    text += each_unit(plan.cell.mix) + stage(plan, 1, static_cast<std::size_t>(plan.shape.count[0]));
  }
  return text + each_unit(plan.cell.forward) + "}\n";
}

std::string init(const CPlan& plan) {
  std::string text = "\nvoid @_init(@_state *state) {\n";
  text += "  volatile float *number; /* volatile, or a compiler might call memset */\n  size_t i;\n";
  for (const std::string_view name : plan.cell.states) {
    text += "  number = state->" + std::string(name) + ";\n";
    const std::string first = plan.initial.empty() ? "0.0f" : "@_init_" + std::string(name) + "[i]";
    text += "  for (i = 0; i < @@_LAYERS * @@_HIDDEN; ++i) number[i] = " + first + ";\n";
  }
  if (!plan.added.empty()) {
    text += "  number = state->added;\n  for (i = 0; i < @@_OUTPUTS; ++i) number[i] = 0.0f;\n";
  }
  return text + "}\n";
}

// The input of the first layer is a row of the embedding; in 8 bits it is widened, which loses nothing.
std::string read_token(const CPlan& plan) {
  std::string text = "  if (token >= @@_VOCABULARY) token = 0;\n";
  const std::string row = "@_embedding + (size_t)token * @@_INPUTS;\n";
  if (!plan.int8()) return text + "  x = " + row;
  text += "  row = " + row + "  for (l = 0; l < @@_INPUTS; ++l) work->x[l] = row[l];\n";
  return text + "  scale = @_embedding_scale[token];\n";
}

// And of a model on numbers what it is given.
std::string read_numbers(const CPlan& plan) {
  return plan.int8() ? "  scale = @_quantize(x, @@_INPUTS, work->x);\n" : "";
}

std::string step(const CPlan& plan) {
  std::string text = "\nvoid @_step(@_state *state, @_work *work, ", states;
  text += plan.text ? "uint32_t token) {\n" : "const float *x) {\n";
  for (const std::string_view name : plan.cell.states) states += "state->" + std::string(name) + " + l * @@_HIDDEN, ";
  if (plan.text) text += plan.int8() ? "  const int8_t *row;\n" : "  const float *x;\n";
  if (plan.int8()) text += "  float scale;\n";
  text += "  size_t l;\n";
  if (!plan.added.empty()) text += "  for (l = 0; l < @@_OUTPUTS; ++l) state->added[l] = x[@_added[l]];\n";
  text += (plan.text ? read_token(plan) : read_numbers(plan)) +
          "  for (l = 0; l < @@_LAYERS; ++l) {\n    @_advance(&@_layers[l], ";
  text += (plan.int8() ? "work->x, scale, " : "x, ") + states + "work);\n";
  text += plan.int8() ? "    scale = @_quantize(state->h + l * @@_HIDDEN, @@_HIDDEN, work->x);\n"
                      : "    x = state->h + l * @@_HIDDEN;\n";
  return text + "  }\n}\n";
}

std::string outputs(const CPlan& plan) {
  const std::string head = plan.tied ? "@_embedding" : "@_head";
  std::string text = "\nvoid @_outputs(const @_state *state, @_work *work, float *y) {\n";
  if (!plan.added.empty()) text += "  size_t i;\n";
  if (plan.int8()) {
    text += "  const float scale = @_quantize(state->h + (@@_LAYERS - 1) * @@_HIDDEN, @@_HIDDEN, work->x);\n";
    text += "  @_product(" + head + ", " + head + "_scale, work->x, scale, ";
  } else {
    text += "  (void)work; /* as in 8 bits, so that one precision can stand for the other */\n";
    text += "  @_product(" + head + ", state->h + (@@_LAYERS - 1) * @@_HIDDEN, ";
  }
  text += "@@_HIDDEN, @@_OUTPUTS, @_head_bias, y);\n";
  if (!plan.added.empty()) text += "  for (i = 0; i < @@_OUTPUTS; ++i) y[i] += state->added[i];\n";
  return text + "}\n";
}

}  // namespace

std::string c_functions(const CPlan& plan) {
  const std::string equations = plan.cell.mix + plan.cell.forward;
  const auto calls = [&](const char* function) { return equations.find(function) != std::string::npos; };
  std::string text;
  if (plan.softmax || calls("@_sigmoid(")) text += c_exp;
  if (calls("@_sigmoid(")) text += c_sigmoid;
  if (calls("@_tanh(")) text += c_tanh;
  if (calls("@_relu(")) text += c_relu;
  text += plan.int8() ? c_product_int8 : c_product_f32;
  return text + advance(plan) + init(plan) + step(plan) + outputs(plan) + std::string(plan.softmax ? c_softmax : "");
}

}  // namespace sluice
