// What the engine computes for a text that the model itself writes, or for noise: PREFIX_check compares with it, and so
// does what is said of the precision of 8 bits.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/random.h"
#include "base/threads.h"
#include "formats/c_plan.h"
#include "formats/c_text.h"
#include "model/model_access.h"
#include "sluice/stream.h"

namespace sluice {
namespace {

struct Inputs {
  std::vector<Token> tokens;  // [N] of a model of text
  std::vector<float> x;       // [N, I] of a model on numbers
};

struct Answers {
  std::vector<std::vector<float>> states;  // of each state a unit has, [N, L * H]
  std::vector<float> outputs;              // probabilities [N, V], or answers [N, O]
};

// Every token is drawn from what the model expects after the ones before, so that it is the kind of text it knows.
std::vector<Token> own_text(const Model& model, std::size_t steps) {
  std::vector<Token> tokens;
  Random random(1);
  Stream stream(model);
  for (Token token = 0; tokens.size() < steps; token = stream.sample({.allow_unknown = true}, random.uniform())) {
    tokens.push_back(token);
    stream.step(token);
  }
  return tokens;
}

Inputs inputs_of(const CPlan& plan, std::size_t steps) {
  if (plan.text) return {own_text(plan.model, steps), {}};
  Inputs noise{{}, std::vector<float>(steps * plan.inputs)};
  Random random(1);
  for (float& x : noise.x) x = static_cast<float>(2 * random.uniform() - 1);
  return noise;
}

Answers answers(const CPlan& plan, const Model& model, const Inputs& inputs) {
  const std::size_t states = model.cell().states.size();
  Answers out{std::vector<std::vector<float>>(states), {}};
  Stream stream(model);
  State begin = stream.state();
  for (std::size_t s = 0; s < plan.initial.size(); ++s) {
    for (std::size_t l = 0; l < plan.layers; ++l) {
      std::ranges::copy(std::span(plan.initial[s]).subspan(l * plan.hidden, plan.hidden), begin.of(l, s).begin());
    }
  }
  stream.set_state(begin);
  const bool text = model.reads_text();
  const std::size_t width = model.config().inputs;
  const std::size_t steps = text ? inputs.tokens.size() : inputs.x.size() / width;
  for (std::size_t t = 0; t < steps; ++t) {
    if (text) {
      stream.step(inputs.tokens[t]);
    } else {
      stream.step(std::span(inputs.x).subspan(t * width, width));
    }
    for (std::size_t s = 0; s < states; ++s) {
      for (std::size_t l = 0; l < model.config().layers; ++l) {
        std::ranges::copy(stream.state().of(l, s), std::back_inserter(out.states[s]));
      }
    }
    std::ranges::copy(text ? stream.probabilities() : stream.output(), std::back_inserter(out.outputs));
    for (std::size_t o = 0; o < plan.added.size(); ++o) {
      out.outputs[t * plan.outputs + o] += inputs.x[t * width + plan.added[o]];
    }
  }
  return out;
}

Model with_rounded_weights(const Model& model) {
  Model rounded = model;
  Parameters& parameters = network_of(rounded).parameters();
  for (std::size_t i = 0; i < parameters.shapes().size(); ++i) {
    const Shape& shape = parameters.shapes()[i];
    if (shape.name.find(".weight") == std::string::npos) continue;
    const Int8Rows rows = to_int8(shape.name, parameters[i], shape.rows);
    for (std::size_t k = 0; k < shape.size(); ++k) {
      parameters[i][k] = static_cast<float>(rows.values[k]) * rows.scales[k / shape.columns];
    }
  }
  Team alone(1);
  network_of(rounded).pack(alone);
  return rounded;
}

// The largest difference, of the larger of 1 and the number itself.
double difference(const std::vector<float>& found, const std::vector<float>& expected) {
  double most = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double e = static_cast<double>(expected[i]);
    most = std::max(most, std::abs(static_cast<double>(found[i]) - e) / std::max(1.0, std::abs(e)));
  }
  return most;
}

constexpr std::string_view helpers = R"(
/* The largest difference so far, of the larger of 1 and the number itself; a NaN is the largest of all. */
static void @_compare(const float *found, const float *expected, size_t count, float *most) {
  size_t i;
  for (i = 0; i < count; ++i) {
    const float size = expected[i] < 0.0f ? -expected[i] : expected[i];
    float difference = found[i] < expected[i] ? expected[i] - found[i] : found[i] - expected[i];
    if (size > 1.0f) difference /= size;
    if (*most == *most && !(difference <= *most)) *most = difference;
  }
}

static size_t @_largest(const float *y) {
  size_t best = 0, i;
  for (i = 1; i < @@_OUTPUTS; ++i) {
    if (y[i] > y[best]) best = i;
  }
  return best;
}
)";

std::string function(const CPlan& plan) {
  std::string text = R"(
void @_check(@_state *state, @_work *work, float *y, @_error *error) {
  size_t t;
  error->state = error->outputs = 0.0f;
  error->same = 0;
  @_init(state);
  for (t = 0; t < @@_CHECK_STEPS; ++t) {
    const float *outputs = @_check_outputs + t * @@_OUTPUTS;
    )";
  text += plan.text ? "    @_step(state, work, @_check_tokens[t]);\n"
                    : "    @_step(state, work, @_check_x + t * @@_INPUTS);\n";
  for (const std::string_view name : plan.cell.states) {
    const std::string s(name);
    text += "    @_compare(state->" + s + ", @_check_" + s +
            " + t * @@_LAYERS * @@_HIDDEN, @@_LAYERS * @@_HIDDEN, &error->state);\n";
  }
  text += "    @_outputs(state, work, y);\n";
  if (plan.text) text += "    @_softmax(y);\n";
  return text + R"(    @_compare(y, outputs, @@_OUTPUTS, &error->outputs);
    error->same += @_largest(y) == @_largest(outputs);
  }
}
)";
}

}  // namespace

// Rounding x and h to 16 bits is left out: it is some thousandths of what rounding the weights does.
CInt8Error c_int8_error(const CPlan& plan) {
  const Inputs inputs = inputs_of(plan, int8_error_steps);
  const Answers exact = answers(plan, plan.model, inputs),
                rounded = answers(plan, with_rounded_weights(plan.model), inputs);
  CInt8Error error;
  for (std::size_t s = 0; s < plan.states; ++s) {
    error.state = std::max(error.state, difference(rounded.states[s], exact.states[s]));
  }
  error.outputs = difference(rounded.outputs, exact.outputs);
  const auto largest = [&plan](const std::vector<float>& outputs, std::size_t step) {
    const auto first = outputs.begin() + static_cast<std::ptrdiff_t>(step * plan.outputs);
    return std::max_element(first, first + static_cast<std::ptrdiff_t>(plan.outputs)) - first;
  };
  for (std::size_t t = 0; t < int8_error_steps; ++t) {
    error.same += largest(rounded.outputs, t) == largest(exact.outputs, t) ? 1 : 0;
  }
  return error;
}

std::string c_check(const CPlan& plan) {
  const Inputs inputs = inputs_of(plan, plan.options.check_steps);
  const Answers engine = answers(plan, plan.model, inputs);
  const std::string name = plan.options.prefix + "_check_";
  std::string text = "\n";
  text += plan.text ? token_array(name + "tokens", inputs.tokens) : float_array(name + "x", inputs.x);
  for (std::size_t s = 0; s < plan.states; ++s)
    text += float_array(name + std::string(plan.cell.states[s]), engine.states[s]);
  text += float_array(name + "outputs", engine.outputs);
  return text + with_prefix(std::string(helpers) + function(plan), plan.options.prefix);
}

}  // namespace sluice
