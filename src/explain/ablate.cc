// Which units carry an answer: what is left of it when one unit's memory is held still.
#include <algorithm>
#include <cmath>

#include "base/failure.h"
#include "explain/reading.h"
#include "kernels/recurrence.h"
#include "model/model_access.h"

namespace sluice {
namespace {

// Places from the largest value on, equal ones in their order. Not std::stable_sort, which keeps a lack of memory to
// itself.
std::vector<std::size_t> falling(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(
      order, [&](std::size_t a, std::size_t b) { return values[a] != values[b] ? values[a] > values[b] : a < b; });
  return order;
}

constexpr std::size_t kTogether = 32;  // units tried side by side
constexpr double kMostWork = 4e9;      // multiplications that one ablation may take, but for
constexpr std::size_t kLeast = 8;      // units, which are always tried

// Multiplications of a step of one stream, without the head.
double work_of_step(const Model& model) {
  const Config& c = model.config();
  double work = 0;
  for (std::size_t l = 0; l < c.layers; ++l) {
    const std::size_t inputs = l == 0 ? c.embedding : c.hidden;
    work += static_cast<double>((model.cell().input_rows * inputs + model.cell().recurrent_rows * c.hidden) * c.hidden);
  }
  return work;
}

// What each unit's memory is held at, in the layout of a State of one stream.
State held_state(const Model& model, const GateTrace& trace, bool zero) {
  State held = model.initial_state();
  if (zero) return held;
  for (std::size_t l = 0; l < held.layers(); ++l) {
    for (std::size_t s = 0; s < held.states(); ++s) {
      const std::span<const float> values = states_of(trace.layers[l], s);
      const std::span<float> mean = held.of(l, s);
      for (std::size_t u = 0; u < mean.size(); ++u) {
        double sum = 0;
        for (std::size_t t = 0; t < trace.steps; ++t) sum += static_cast<double>(values[t * trace.hidden + u]);
        mean[u] = static_cast<float>(sum / static_cast<double>(trace.steps));
      }
    }
  }
  return held;
}

// The `count` units whose memory before the last word lies farthest from what it is held at, times the size of the
// weights that read it.
std::vector<Unit> likely_units(const TextFrom& text, const GateTrace& trace, const State& held, std::size_t count) {
  const std::size_t h = trace.hidden;
  const State last = state_after(text, trace, trace.steps - 1, 1);
  std::vector<Unit> units;
  std::vector<double> scores;
  for (std::size_t l = 0; l < held.layers(); ++l) {
    const std::span<const float> u = tensor(text.model, "rnn.weight_hh_l" + std::to_string(l));
    std::vector<double> weight(h);
    for (std::size_t i = 0; i < u.size(); ++i) {
      weight[i % h] += static_cast<double>(u[i]) * static_cast<double>(u[i]);
    }
    for (std::size_t unit = 0; unit < h; ++unit) {
      double far = 0;
      for (std::size_t s = 0; s < held.states(); ++s) {
        far += std::abs(static_cast<double>(last.of(l, s)[unit]) - static_cast<double>(held.of(l, s)[unit]));
      }
      units.push_back({l, unit});
      scores.push_back(far * std::sqrt(weight[unit]));
    }
  }
  const std::vector<std::size_t> order = falling(scores);
  std::vector<Unit> best;
  for (std::size_t i = 0; i < std::min(count, order.size()); ++i) best.push_back(units[order[i]]);
  return best;
}

// One batch of units: stream b reads the words after `from` with the memory of units[b] held.
class HeldUnits {
 public:
  HeldUnits(std::span<const Unit> units, const State& held) : units_(units), held_(held) {}

  std::span<const float> read(const TextFrom& text, const GateTrace& trace, std::size_t from, Workspace& workspace) {
    const Network& network = network_of(text.model);
    State state = state_after(text, trace, from + 1, units_.size());
    for (std::size_t t = from + 1; t < text.tokens.size(); ++t) {
      hold(state);
      const std::vector<Token> inputs(units_.size(), text.tokens[t]);
      network.forward(inputs, 1, units_.size(), state, workspace, alone_);
    }
    return network.logits(0, units_.size(), workspace, alone_);
  }

 private:
  void hold(State& state) const {
    for (std::size_t b = 0; b < units_.size(); ++b) {
      for (std::size_t s = 0; s < state.states(); ++s) {
        const Unit& u = units_[b];
        state.of(u.layer, s)[b * state.hidden() + u.unit] = held_.of(u.layer, s)[u.unit];
      }
    }
  }

  std::span<const Unit> units_;
  const State& held_;
  Team alone_{1};
};

}  // namespace

Ablation ablate(const TextFrom& text, Token answer, const AblationQuestion& question,
                const std::function<bool()>& go_on) {
  const Model& model = text.model;
  const std::span<const Token> tokens = text.tokens;
  expect_explainable(model, "ablation");
  expect_words(model, tokens);
  expect_words(model, {&answer, 1});
  const std::size_t from = question.from.value_or(0);
  if (from + 1 >= tokens.size()) {
    throw Error(Status::usage, "ablation: expected a word before the one that is asked after, " +
                                   std::to_string(tokens.size() - 1) + ", found " + std::to_string(from));
  }
  Workspace workspace;
  Team alone(1);
  const GateTrace trace = trace_of(text, workspace, alone);
  const double whole = log_probability(network_of(model).logits(tokens.size() - 1, 1, workspace, alone), answer);
  const State held = held_state(model, trace, question.zero);
  const double each = work_of_step(model) * static_cast<double>(tokens.size() - 1 - from);
  const auto affordable = std::max(kLeast, static_cast<std::size_t>(kMostWork / each));
  const std::vector<Unit> units = likely_units(text, trace, held, affordable);
  Ablation out{from, question.zero, {}};
  for (std::size_t first = 0; first < units.size(); first += kTogether) {
    expect_going(go_on);
    const std::span<const Unit> some = std::span(units).subspan(first, std::min(kTogether, units.size() - first));
    const std::span<const float> logits = HeldUnits(some, held).read(text, trace, from, workspace);
    const std::size_t stride = logits.size() / some.size();
    for (std::size_t b = 0; b < some.size(); ++b) {
      const std::span<const float> row = logits.subspan(b * stride, stride);
      out.units.push_back(
          {some[b], whole - log_probability(row, answer), choose(row, model.vocabulary().size(), 1).front()});
    }
  }
  std::vector<double> effects;
  for (const UnitEffect& unit : out.units) effects.push_back(std::abs(unit.nats));
  std::vector<UnitEffect> sorted;
  for (const std::size_t i : falling(effects)) sorted.push_back(out.units[i]);
  out.units = std::move(sorted);
  return out;
}

Ablation ablate(const Model& model, std::span<const Token> tokens, Token answer, const AblationQuestion& question,
                const std::function<bool()>& go_on) try {
  const State empty = model.initial_state();
  return ablate(TextFrom{model, empty, tokens}, answer, question, go_on);
} catch (...) {
  rethrow_as_error("ablate");
}

}  // namespace sluice
