// Which words a prediction hangs on, and how long a word's trace lives.
//
// Gradient and gradient times input: Simonyan, Vedaldi & Zisserman 2014, arXiv 1312.6034; Li, Chen, Hovy & Jurafsky
// 2016, arXiv 1506.01066. Leave one out: Li, Monroe & Jurafsky 2016, arXiv 1612.08220.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "explain/facts.h"
#include "explain/reading.h"

namespace sluice {
namespace {

constexpr std::size_t kTogether = 16;  // variants of a text that are read side by side

// A text that was read, and from where.
struct Read {
  const State& start;
  GateTrace trace;
};

// Its state after its first `words` words, for `batch` streams.
State state_after(const Model& model, const Read& read, std::size_t words, std::size_t batch) {
  State state = model.initial_state(batch);
  const std::size_t hidden = state.hidden();
  for (std::size_t l = 0; l < state.layers(); ++l) {
    for (std::size_t s = 0; s < state.states(); ++s) {
      const LayerTrace& layer = read.trace.layers[l];
      const float* from = words == 0 ? read.start.of(l, s).data()
                                     : (s == 0 ? layer.hidden : layer.memory).data() + (words - 1) * hidden;
      const std::span<float> rows = state.of(l, s);
      for (std::size_t b = 0; b < batch; ++b) std::copy_n(from, hidden, rows.data() + b * hidden);
    }
  }
  return state;
}

GateTrace trace_of(const Model& model, const State& start, std::span<const Token> tokens, Workspace& workspace,
                   Team& team) {
  State state = start;
  model.network().forward(tokens, tokens.size(), 1, state, workspace, team);
  return model.network().trace(workspace);
}

void measure_gradients(const Model& model, const State& start, std::span<const Token> tokens, Workspace& workspace,
                       Team& team, Connectivity& out) {
  const Network& network = model.network();
  const std::size_t e = network.config().embedding;
  std::vector<float> dx(tokens.size() * e);
  const double log_p = network.input_gradient(tokens, out.answer, start, dx, workspace, team);
  out.probability = std::exp(log_p);
  const std::span<const float> table = network.parameters()[0];
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const float* x = table.data() + tokens[t] * e;
    double norm = 0, along = 0;
    for (std::size_t i = 0; i < e; ++i) {
      const auto d = static_cast<double>(dx[t * e + i]);
      norm += d * d;
      along += d * static_cast<double>(x[i]);
    }
    out.gradient.push_back(std::sqrt(norm));
    out.along.push_back(along);
  }
}

// Words [first, first + batch) left out, one in each stream, and the rest read on from where the first of them stands.
void leave_out(const Model& model, std::span<const Token> tokens, const Read& read, std::size_t first,
               std::size_t batch, Workspace& workspace, Team& team, Connectivity& out) {
  const std::size_t steps = tokens.size() - first;
  std::vector<Token> inputs(steps * batch);
  for (std::size_t t = 0; t < steps; ++t) {
    for (std::size_t b = 0; b < batch; ++b) {
      inputs[t * batch + b] = t == b ? Vocabulary::unknown : tokens[first + t];
    }
  }
  State state = state_after(model, read, first, batch);
  model.network().forward(inputs, steps, batch, state, workspace, team);
  const std::span<const float> logits = model.network().logits((steps - 1) * batch, batch, workspace, team);
  const std::size_t stride = logits.size() / batch;
  for (std::size_t b = 0; b < batch; ++b) {
    const std::span<const float> row = logits.subspan(b * stride, stride);
    const bool same = tokens[first + b] == Vocabulary::unknown;
    out.leave_one_out.push_back(same ? 0 : std::log(out.probability) - log_probability(row, out.answer));
    out.without.push_back(choose(row, model.vocabulary().size(), 1).front());
  }
}

double distance(const float* a, const float* b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += d * d;
  }
  return std::sqrt(sum);
}

std::size_t last_half(const std::vector<double>& distances) {
  const double half = *std::max_element(distances.begin(), distances.end()) / 2;
  std::size_t last = 0;
  for (std::size_t i = 0; i < distances.size(); ++i) {
    if (distances[i] >= half) last = i;
  }
  return last;
}

}  // namespace

Connectivity connect_from(const Model& model, const State& start, std::span<const Token> tokens,
                          std::optional<Token> answer, bool leave_one_out, const std::function<bool()>& go_on) {
  expect_words(model, tokens);
  if (answer) expect_words(model, {&*answer, 1});
  Workspace workspace;
  Team alone(1);
  Connectivity out;
  out.at = tokens.size() - 1;
  Read read{start, {}};
  if (leave_one_out || !answer) read.trace = trace_of(model, start, tokens, workspace, alone);
  if (!answer) {
    const std::span<const float> logits = model.network().logits(out.at, 1, workspace, alone);
    answer = choose(logits, model.vocabulary().size(), 1).front().token;
  }
  out.answer = *answer;
  expect_going(go_on);
  measure_gradients(model, start, tokens, workspace, alone, out);
  for (std::size_t first = 0; leave_one_out && first < tokens.size(); first += kTogether) {
    expect_going(go_on);
    leave_out(model, tokens, read, first, std::min(kTogether, tokens.size() - first), workspace, alone, out);
  }
  return out;
}

Horizon horizon_from(const Model& model, const State& start, std::span<const Token> tokens, std::size_t at,
                     Token with) {
  expect_words(model, tokens);
  expect_words(model, {&with, 1});
  if (at >= tokens.size()) {
    throw Error(Status::usage, "horizon: expected a " + std::string(unit_name(model)) + " 0 to " +
                                   std::to_string(tokens.size() - 1) + ", found " + std::to_string(at));
  }
  Workspace workspace;
  Team alone(1);
  const GateTrace before = trace_of(model, start, tokens, workspace, alone);
  std::vector<Token> other(tokens.begin(), tokens.end());
  other[at] = with;
  const GateTrace after = trace_of(model, start, other, workspace, alone);
  Horizon out{at, with, {}};
  const std::size_t h = before.hidden;
  for (std::size_t l = 0; l < before.layers.size(); ++l) {
    const LayerTrace &a = before.layers[l], &b = after.layers[l];
    HorizonLayer& layer = out.layers.emplace_back();
    for (std::size_t t = at; t < tokens.size(); ++t) {
      layer.hidden.push_back(distance(&a.hidden[t * h], &b.hidden[t * h], h));
      if (!a.memory.empty()) layer.memory.push_back(distance(&a.memory[t * h], &b.memory[t * h], h));
    }
    layer.words = last_half(layer.memory.empty() ? layer.hidden : layer.memory);
  }
  return out;
}

Connectivity connect(const Model& model, std::span<const Token> tokens, std::optional<Token> answer, bool leave_one_out,
                     const std::function<bool()>& go_on) {
  return connect_from(model, model.initial_state(), tokens, answer, leave_one_out, go_on);
}

Horizon horizon(const Model& model, std::span<const Token> tokens, std::size_t at, Token with) {
  return horizon_from(model, model.initial_state(), tokens, at, with);
}

}  // namespace sluice
