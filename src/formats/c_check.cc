// PREFIX_check: what the engine computes for a text that the model itself writes, and how far the C code is from that.
#include <algorithm>
#include <iterator>

#include "base/random.h"
#include "formats/c_plan.h"
#include "formats/c_text.h"
#include "sluice/stream.h"

namespace sluice {
namespace {

struct Answers {
  std::vector<Token> tokens;
  std::vector<std::vector<float>> states;  // of each state a unit has, [N, L * H]
  std::vector<float> outputs;              // probabilities [N, V]
};

// Every token is drawn from what the model expects after the ones before, so that it is the kind of text it knows.
Answers answers(const CPlan& plan) {
  Answers out{{}, std::vector<std::vector<float>>(plan.states), {}};
  Random random(1);
  Stream stream(plan.model);
  Token token = 0;
  for (std::size_t t = 0; t < plan.options.check_steps; ++t) {
    out.tokens.push_back(token);
    stream.step(token);
    for (std::size_t s = 0; s < plan.states; ++s) {
      for (std::size_t l = 0; l < plan.layers; ++l)
        std::ranges::copy(stream.state().of(l, s), std::back_inserter(out.states[s]));
    }
    std::ranges::copy(stream.probabilities(), std::back_inserter(out.outputs));
    token = stream.sample({.allow_unknown = true}, random.uniform());
  }
  return out;
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

static size_t @_likeliest(const float *y) {
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
    @_step(state, work, @_check_tokens[t]);
)";
  for (const std::string_view name : plan.cell.states) {
    const std::string s(name);
    text += "    @_compare(state->" + s + ", @_check_" + s +
            " + t * @@_LAYERS * @@_HIDDEN, @@_LAYERS * @@_HIDDEN, &error->state);\n";
  }
  return text + R"(    @_outputs(state, work, y);
    @_softmax(y);
    @_compare(y, outputs, @@_OUTPUTS, &error->outputs);
    error->same += @_likeliest(y) == @_likeliest(outputs);
  }
}
)";
}

}  // namespace

std::string c_check(const CPlan& plan) {
  const Answers engine = answers(plan);
  const std::string name = plan.options.prefix + "_check_";
  std::string text = "\n";
  text += token_array(name + "tokens", engine.tokens);
  for (std::size_t s = 0; s < plan.states; ++s)
    text += float_array(name + std::string(plan.cell.states[s]), engine.states[s]);
  text += float_array(name + "outputs", engine.outputs);
  return text + with_prefix(std::string(helpers) + function(plan), plan.options.prefix);
}

}  // namespace sluice
