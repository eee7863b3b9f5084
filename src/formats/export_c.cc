// Puts the file together: what it says of itself, the names it gives, and the pieces from c_*.cc.
#include "formats/export_c.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "formats/c_plan.h"
#include "formats/c_text.h"
#include "formats/fold_scaling.h"
#include "model/config.h"
#include "model/model_access.h"

namespace sluice {
namespace {

constexpr std::size_t most_default_tokens = 1024, longest_literal = 4095;

bool is_identifier(std::string_view prefix) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !prefix.empty() && letter(prefix[0]) &&
         std::ranges::all_of(prefix, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

std::string thousands(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

std::string short_number(double value) {
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.begin(), digits.end(), value, std::chars_format::scientific, 1).ptr};
}

// The config of the same network as one that begins at zeros and, where it reads features, gives its outputs as they
// are at every step: what stands after the last step of a sequence is what a stream has at every step, quantiles are
// outputs like others, the scaling of features becomes part of the first weights, probabilities are left to
// PREFIX_softmax, and the state before the first step and features that are added to outputs stand in the file by
// themselves.
Config plain_config(const Model& model) {
  Config config = model.config();
  for (LayerConfig& layer : config.stack) layer.initial_state = "zero";
  if (!config.stack.empty()) config = checked(config);
  if (config.inputs == 0 || !config.stack.empty()) return config;
  config.scaling = {};
  config.head.residual.clear();
  if (config.head.at == "last") config.head.at = "steps";
  if (config.head.loss == "quantiles" || config.head.loss == "softmax") {
    config.outputs = model.outputs();
    const std::string at = config.head.at;
    config.head = {};
    config.head.loss = "squared";
    config.head.at = at;
  }
  return config;
}

// The model with that config.
Model plain_of(const Model& model, const Config& config) {
  const Config& own = model.config();
  if (config.head == own.head && config.scaling == own.scaling && config.stack == own.stack) return model;
  const auto plain = std::make_shared<Network>(config, model.vocabulary().size());
  const Parameters& from = network_of(model).parameters();
  Parameters& to = plain->parameters();
  for (std::size_t i = 0; i < to.shapes().size(); ++i) {
    const auto index = static_cast<std::size_t>(from.find(to.shapes()[i].name) - from.shapes().data());
    std::ranges::copy(from[index], to[i].begin());
  }
  if (const ScalingConfig& scaling = model.config().scaling; !scaling.mean.empty()) {
    // Those of the first layer come first: W, U, b.
    const std::span<float> weight = to[0], bias = to[2];
    std::vector<double> row(config.inputs);
    for (std::size_t r = 0; r < bias.size(); ++r) {
      const std::span<float> floats = weight.subspan(r * row.size(), row.size());
      std::ranges::copy(floats, row.begin());
      bias[r] = static_cast<float>(static_cast<double>(bias[r]) + fold_scaling(scaling, row));
      std::ranges::transform(row, floats.begin(), [](double w) { return static_cast<float>(w); });
    }
  }
  Team alone(1);
  plain->pack(alone);
  return ModelAccess::make(plain, model.vocabulary());
}

// Of each state the numbers before the first step, [L, H]; none where all are zeros.
std::vector<std::vector<float>> initial_states(const Model& model, std::size_t states, std::size_t layers) {
  std::vector<std::vector<float>> all(states);
  if (!network_of(model).learns_initial_state()) return {};
  const State state = model.initial_state();
  for (std::size_t s = 0; s < states; ++s) {
    for (std::size_t l = 0; l < layers; ++l) std::ranges::copy(state.of(l, s), std::back_inserter(all[s]));
  }
  return all;
}

// Of each output the number of the feature that is added to it; none where nothing is.
std::vector<std::uint32_t> added_features(const Model& model) {
  const std::vector<double>& features = model.config().head.residual;
  std::vector<std::uint32_t> all(features.empty() ? 0 : model.outputs());
  const std::unique_ptr<Head> head = make_head(model.config().head, false);
  for (std::size_t o = 0; o < features.size(); ++o) {
    std::vector<float> moved(all.size());
    head->shift(moved.data(), o, 1);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (moved[i] != 0) all[i] = static_cast<std::uint32_t>(features[o]);
    }
  }
  return all;
}

constexpr std::string_view softmax_function = R"(/* Turns outputs into probabilities, in place. */
void @_softmax(float *y);
)";

constexpr std::string_view text_functions =
    R"(/* Reads one token; one that is not below @@_VOCABULARY is read as 0, <unk>. */
void @_step(@_state *state, @_work *work, uint32_t token);
/* What the network expects after the last step: y[@@_OUTPUTS], not normalised. */
void @_outputs(const @_state *state, @_work *work, float *y);
)";

constexpr std::string_view number_functions = R"(/* Reads x[@@_INPUTS]. */
void @_step(@_state *state, @_work *work, const float *x);
/* The answer to the last step: y[@@_OUTPUTS]. */
void @_outputs(const @_state *state, @_work *work, float *y);
)";

}  // namespace

CPlan::CPlan(const Model& m, const COptions& o)
    : model(m),
      options(o),
      shape(*find_shape(m.config().cell, m.config().activation)),
      cell(cell_in_c(m.config().cell, m.config().activation, "    ")),
      layers(m.config().layers),
      hidden(m.config().hidden),
      inputs(m.reads_text() ? m.config().embedding : m.config().inputs),
      outputs(m.reads_text() ? m.vocabulary().size() : m.config().outputs),
      input_rows(m.cell().input_rows),
      recurrent_rows(m.cell().recurrent_rows),
      states(m.cell().states.size()),
      text(m.reads_text()),
      tied(m.config().tied) {}

bool CPlan::with_tokens() const {
  if (!text) {
    if (!options.tokens.value_or(false)) return false;
    throw Error(Status::usage, "tokens: expected a model of text, found one on numbers");
  }
  const std::vector<std::string>& tokens = model.vocabulary().tokens();
  const bool fit = std::ranges::all_of(tokens, [](const std::string& t) { return t.size() <= longest_literal; });
  if (options.tokens.value_or(false) && !fit) {
    throw Error(Status::failed, "tokens: expected texts of at most " + std::to_string(longest_literal) +
                                    " bytes, as C promises to take them, found a longer one");
  }
  return options.tokens.value_or(fit && tokens.size() <= most_default_tokens);
}

// The tape of one layer, and in 8 bits what is multiplied: the input and the state.
std::size_t CPlan::work_bytes() const {
  const std::size_t tape = 4 * static_cast<std::size_t>(shape.rows) * hidden;
  return tape + (int8() ? (2 * (std::max(inputs, hidden) + hidden) + 3) / 4 * 4 : 0);
}

std::size_t CPlan::step_products() const {
  return input_rows * hidden * (inputs + (layers - 1) * hidden) + recurrent_rows * hidden * hidden * layers;
}

std::string c_comment(const CPlan& plan, const CSource& facts) {
  std::string out = "/* A recurrent network in freestanding C99, written by `sluice export`.\n *\n";
  const auto row = [&out](std::string_view name, const std::string& value) {
    out += " * " + std::string(name) + std::string(16 - name.size(), ' ') + value + "\n";
  };
  row("cell", plan.model.config().cell + ": " + std::string(plan.model.cell().title));
  row("source", std::string(plan.cell.source));
  std::string_view label = "equations";
  for (const std::string_view line : plan.cell.equations) row(std::exchange(label, ""), std::string(line));
  row("sizes", std::to_string(plan.layers) + (plan.layers == 1 ? " layer of " : " layers of ") +
                   std::to_string(plan.hidden) + " units, " + (plan.text ? "embedding " : "inputs ") +
                   std::to_string(plan.inputs) + (plan.tied ? " (tied)" : "") +
                   (plan.text ? ", vocabulary " : ", outputs ") + std::to_string(plan.outputs));
  row("weights",
      thousands(facts.weight_bytes) + " bytes of constants for " + thousands(plan.weight_count()) + " weights");
  row("memory", thousands(facts.state_bytes) + " bytes of state for each stream, " + thousands(facts.work_bytes) +
                    " bytes of work for all");
  row("multiply-adds",
      thousands(facts.step_products) + " a step, " + thousands(facts.output_products) + " for the outputs");
  if (facts.error) {
    row("precision", "int8: weights in 8 bits with a scale a row; x and h rounded to 16 bits at every step, by the");
    row("", "largest magnitude at hand; sums in 32 bits; state, gates and activations in float");
    const std::string where = plan.text ? " steps of its own text: " : " steps of noise: ";
    row("error", "over " + std::to_string(int8_error_steps) + where + short_number(facts.error->state) +
                     " in the state, " + short_number(facts.error->outputs) + " in the outputs;");
    row("", "the same output is largest after " + std::to_string(facts.error->same) + " of them");
  } else {
    row("precision", "f32: within 1e-5 of the engine in state and outputs");
  }
  return out + " */\n";
}

std::string c_declarations(const CPlan& plan) {
  const auto constant = [](const char* name, std::size_t value) {
    return "  @@_" + std::string(name) + " = " + std::to_string(value) + ",\n";
  };
  std::string out = "#include <stddef.h>\n#include <stdint.h>\n\nenum {\n";
  out += constant("LAYERS", plan.layers) + constant("HIDDEN", plan.hidden) + constant("INPUTS", plan.inputs) +
         constant("OUTPUTS", plan.outputs);
  if (plan.text) out += "  @@_VOCABULARY = @@_OUTPUTS,\n";
  if (plan.options.check_steps > 0) out += constant("CHECK_STEPS", plan.options.check_steps);
  out += "};\n\n/* The memory of one stream, a value: copy it, keep it, put it back. */\ntypedef struct {\n";
  for (const std::string_view name : plan.cell.states) {
    out += "  float " + std::string(name) + "[@@_LAYERS * @@_HIDDEN];\n";
  }
  if (!plan.added.empty())
    out += "  float added[@@_OUTPUTS]; /* numbers of the last input that the outputs begin at */\n";
  out += "} @_state;\n\n/* Scratch; nothing in it outlives a call, so that one serves any number of streams. */\n";
  out += "typedef struct {\n  float a[" + std::to_string(plan.shape.rows) + " * @@_HIDDEN];\n";
  if (plan.int8()) {
    out += std::string("  int16_t x[") + (plan.inputs > plan.hidden ? "@@_INPUTS" : "@@_HIDDEN") + "], q[@@_HIDDEN];\n";
  }
  out += "} @_work;\n\n/* The state before the first step. */\nvoid @_init(@_state *state);\n";
  out += plan.text ? text_functions : number_functions;
  if (plan.softmax) out += softmax_function;
  if (plan.options.check_steps > 0) {
    out += R"(
/* The largest differences from the engine, of the larger of 1 and the number itself, and after how many steps both
   found the same output largest. */
typedef struct {
  float state, outputs;
  uint32_t same;
} @_error;
/* Runs @@_CHECK_STEPS steps of which the engine's numbers are known; y[@@_OUTPUTS] is scratch. */
void @_check(@_state *state, @_work *work, float *y, @_error *error);
)";
  }
  if (plan.with_tokens())
    out += "\n/* The text of every token, in UTF-8. */\nextern const char *const @_tokens[@@_VOCABULARY];\n";
  return out;
}

void expect_for_c(const Model& model, const std::string& where) { expect_plain(plain_config(model), where); }

CSource export_c(const Model& model, const COptions& options) {
  if (!is_identifier(options.prefix)) {
    throw Error(Status::usage,
                "prefix: expected a C identifier that begins with a letter, found \"" + options.prefix + "\"");
  }
  const Config config = plain_config(model);
  expect_plain(config, "export");
  const Model plain = plain_of(model, config);
  CPlan plan(plain, options);
  plan.softmax = plan.text || model.config().head.loss == "softmax";
  plan.initial = initial_states(model, plan.states, plan.layers);
  plan.added = added_features(model);
  const CWeights weights = c_weights(plan);
  const auto named = [&options](const std::string& text) { return with_prefix(text, options.prefix); };
  CSource out;
  out.weight_bytes = weights.bytes;
  out.state_bytes = plan.state_bytes();
  out.work_bytes = plan.work_bytes();
  out.step_products = plan.step_products();
  out.output_products = plan.output_products();
  if (plan.int8()) out.error = c_int8_error(plan);
  out.source = c_comment(plan, out);
  if (options.header.empty()) {
    out.source += named(c_declarations(plan));
  } else {
    out.header = out.source + named("#ifndef @@_H\n#define @@_H\n\n" + c_declarations(plan));

    out.header += "\n#endif\n";
    out.source += "#include \"" + options.header + "\"\n";
  }
  out.source += weights.text + named(c_functions(plan));
  if (plan.with_tokens()) {
    const std::vector<std::string>& tokens = model.vocabulary().tokens();
    (out.source += '\n') += string_array(options.prefix + "_tokens", tokens);
    for (const std::string& token : tokens) out.token_bytes += token.size() + 1;
  }
  if (options.check_steps > 0) out.source += c_check(plan);
  return out;
}

}  // namespace sluice
