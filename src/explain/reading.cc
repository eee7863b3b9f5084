#include "explain/reading.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "base/failure.h"
#include "explain/facts.h"
#include "kernels/pointwise.h"
#include "model/config.h"
#include "model/model_access.h"

namespace sluice {
namespace {

constexpr std::size_t kRows = 64;  // of logits held at a time

[[noreturn]] void refuse(const std::string& what, const std::string& expected, const std::string& found) {
  throw Error(Status::usage, what + ": expected " + expected + ", found " + found);
}

void expect_below(const std::string& what, std::size_t value, std::size_t end) {
  if (value >= end) refuse(what, "0 to " + std::to_string(end - 1), std::to_string(value));
}

// As many digits as it takes to read the same number again.
std::string shortest(double value) {
  char digits[32];
  return {digits, std::to_chars(std::begin(digits), std::end(digits), value).ptr};
}

std::size_t gate_of(const CellInfo& cell, const std::string& name) {
  std::string known;
  for (std::size_t g = 0; g < cell.gates.size(); ++g) {
    if (cell.gates[g].name == name) return g;
    known += (known.empty() ? "" : ", ") + std::string(cell.gates[g].name);
  }
  if (known.empty()) refuse("clamp", "a cell with gates", "the plain RNN, which has none");
  refuse("clamp", "one of the gates " + known, "\"" + name + "\"");
}

// Candidates after every word, and the surprise of every word but the first.
void predict(const Model& model, std::span<const Token> tokens, std::size_t top, Workspace& workspace, Team& team,
             const std::function<bool()>& go_on, Reading& reading) {
  const std::size_t vocabulary = model.vocabulary().size();
  reading.surprise.assign(tokens.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t start = 0; start < tokens.size(); start += kRows) {
    expect_going(go_on);
    const std::size_t count = std::min(kRows, tokens.size() - start);
    const std::span<const float> logits = network_of(model).logits(start, count, workspace, team);
    const std::size_t stride = logits.size() / count;
    for (std::size_t i = 0; i < count; ++i) {
      const std::span<const float> row = logits.subspan(i * stride, stride);
      reading.candidates.push_back(choose(row, vocabulary, top));
      const std::size_t next = start + i + 1;
      if (next < tokens.size()) reading.surprise[next] = -log_probability(row, tokens[next]);
    }
  }
}

}  // namespace

void expect_explainable(const Model& model, const std::string& where) {
  expect_text(model.config(), where);
  expect_plain(model.config(), where);
  if (model.precision() == Precision::f32) return;
  refuse(where, "a model of precision f32", "one of less");
}

void expect_words(const Model& model, std::span<const Token> tokens) {
  expect_explainable(model, "explain");
  if (tokens.empty()) refuse("text", "at least one " + std::string(unit_name(model)), "none");
  for (const Token token : tokens) expect_below("token", token, model.vocabulary().size());
}

void expect_going(const std::function<bool()>& go_on) {
  if (go_on && !go_on()) throw Error(Status::failed, "explain: expected to go on, found that it should stop");
}

std::vector<GateHold> holds_of(const Model& model, std::span<const Clamp> clamps, std::size_t steps) {
  std::vector<GateHold> holds;
  for (const Clamp& clamp : clamps) {
    GateHold hold;
    hold.gate = gate_of(model.cell(), clamp.gate);
    for (const std::size_t unit : clamp.units) expect_below("clamp: unit", unit, model.config().hidden);
    hold.units = clamp.units;
    expect_below("clamp: first word", clamp.first, steps);
    const std::size_t last = clamp.last.value_or(steps - 1);
    expect_below("clamp: last word", last, steps);
    if (last < clamp.first) {
      refuse("clamp: last word", std::to_string(clamp.first) + " or more", std::to_string(last));
    }
    hold.first = clamp.first;
    hold.last = last + 1;
    if (!(clamp.value >= 0 && clamp.value <= 1)) refuse("clamp: value", "0 to 1", shortest(clamp.value));
    hold.value = static_cast<float>(clamp.value);
    if (clamp.layer) expect_below("clamp: layer", *clamp.layer, model.config().layers);
    for (std::size_t l = 0; l < model.config().layers; ++l) {
      if (clamp.layer && *clamp.layer != l) continue;
      hold.layer = l;
      holds.push_back(hold);
    }
  }
  return holds;
}

std::vector<Choice> choose(std::span<const float> logits, std::size_t vocabulary, std::size_t top) {
  const std::size_t count = std::min(top, vocabulary);
  // A heap of the best so far: the vocabulary is long and the list is short.
  std::vector<Token> best(count);
  std::iota(best.begin(), best.end(), Token{0});
  const auto likelier = [&](Token a, Token b) { return logits[a] > logits[b] || (logits[a] == logits[b] && a < b); };
  std::make_heap(best.begin(), best.end(), likelier);
  for (auto token = static_cast<Token>(count); token < vocabulary && count > 0; ++token) {
    if (!likelier(token, best.front())) continue;
    std::pop_heap(best.begin(), best.end(), likelier);
    best.back() = token;
    std::push_heap(best.begin(), best.end(), likelier);
  }
  std::sort_heap(best.begin(), best.end(), likelier);
  std::vector<Choice> choices;
  const double base = best.empty() ? 0 : log_probability(logits, best.front());
  for (const Token token : best) {
    const double log_p = base + static_cast<double>(logits[token]) - static_cast<double>(logits[best.front()]);
    choices.push_back({token, static_cast<float>(std::exp(log_p))});
  }
  return choices;
}

std::vector<Token> likely_others(std::span<const float> logits, std::size_t vocabulary, Token token,
                                 std::size_t count) {
  std::vector<Token> others;
  for (const Choice& choice : choose(logits, vocabulary, count + 2)) {
    const bool other = choice.token != token && choice.token != Vocabulary::unknown;
    if (other && others.size() < count) others.push_back(choice.token);
  }
  if (others.empty()) others = {Vocabulary::unknown};
  return others;
}

double log_probability(std::span<const float> logits, Token token) {
  return -static_cast<double>(softmax_loss(logits.data(), logits.size(), token));
}

State state_before(const Model& model, std::span<const Token> tokens) {
  State state = model.initial_state();
  if (tokens.empty()) return state;
  Workspace workspace;
  Team alone(1);
  network_of(model).forward(tokens, tokens.size(), 1, state, workspace, alone);
  return state;
}

GateTrace trace_of(const TextFrom& text, Workspace& workspace, Team& team) {
  State state = text.start;
  network_of(text.model).forward(text.tokens, text.tokens.size(), 1, state, workspace, team);
  return network_of(text.model).trace(workspace);
}

std::span<const float> states_of(const LayerTrace& layer, std::size_t state) {
  return state == 0 ? layer.hidden : layer.memory;
}

State state_after(const TextFrom& text, const GateTrace& trace, std::size_t words, std::size_t batch) {
  State state = text.model.initial_state(batch);
  const std::size_t hidden = state.hidden();
  for (std::size_t l = 0; l < state.layers(); ++l) {
    for (std::size_t s = 0; s < state.states(); ++s) {
      const std::span<const float> from =
          words == 0 ? text.start.of(l, s) : states_of(trace.layers[l], s).subspan((words - 1) * hidden, hidden);
      const std::span<float> rows = state.of(l, s);
      for (std::size_t b = 0; b < batch; ++b) std::copy_n(from.data(), hidden, rows.data() + b * hidden);
    }
  }
  return state;
}

std::span<const float> tensor(const Model& model, const std::string& name) {
  const Parameters& all = network_of(model).parameters();
  const Shape* shape = all.find(name);
  if (shape == nullptr) throw Error(Status::failed, name + ": expected such a tensor in the network, found none");
  return all.all().subspan(shape->offset, shape->size());
}

Reading read_held(const TextFrom& text, std::size_t top, std::span<const GateHold> holds,
                  const std::function<bool()>& go_on) {
  const auto& [model, start, tokens] = text;
  expect_words(model, tokens);
  Reading reading;
  for (const Token token : tokens) reading.words.push_back({model.vocabulary().token(token), token});
  Workspace workspace;
  Team alone(1);
  State state = start;
  if (holds.empty()) {
    network_of(model).forward(tokens, tokens.size(), 1, state, workspace, alone);
  } else {
    network_of(model).forward_held(tokens, holds, state, workspace, alone);
  }
  reading.trace = network_of(model).trace(workspace);
  reading.layers = summarise(model.cell(), reading.trace);
  predict(model, tokens, top, workspace, alone, go_on, reading);
  return reading;
}

Reading read_text(const Model& model, std::span<const Token> tokens, std::size_t top,
                  std::span<const Clamp> clamps) try {
  expect_words(model, tokens);
  const State empty = model.initial_state();
  return read_held({model, empty, tokens}, top, holds_of(model, clamps, tokens.size()));
} catch (...) {
  rethrow_as_error("read_text");
}

}  // namespace sluice
