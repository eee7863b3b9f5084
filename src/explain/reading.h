// A text read once: what every part of an explanation starts from.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/threads.h"
#include "model/network.h"
#include "sluice/explain.h"

namespace sluice {

// Words and the state before the first of them.
struct TextFrom {
  const Model& model;
  const State& start;
  std::span<const Token> tokens;

  TextFrom first(std::size_t count) const { return {model, start, tokens.first(count)}; }
};

// The state before a text: after what tokens_before() says (facts.h), else empty.
State state_before(const Model& model, std::span<const Token> tokens);

// What an explanation needs: a model of text with its weights in f32. Throws Error (usage) besides.
void expect_explainable(const Model& model, const std::string& where);
// And that there are words, all of the model's. Throws Error (usage).
void expect_words(const Model& model, std::span<const Token> tokens);
// Throws Error (failed) where `go_on` is there and says no.
void expect_going(const std::function<bool()>& go_on);

// Clamps as the network wants them. Throws Error (usage): an unknown gate, a layer, unit or word out of range.
std::vector<GateHold> holds_of(const Model& model, std::span<const Clamp> clamps, std::size_t steps);

// The parts of sluice/explain.h from another state than the empty one. `go_on` as in ExplainOptions.
Reading read_held(const TextFrom& text, std::size_t top, std::span<const GateHold> holds,
                  const std::function<bool()>& go_on = {});
// `before`: what was read before the first word.
Connectivity connect(const TextFrom& text, std::optional<Token> answer, bool leave_one_out,
                     const std::function<bool()>& go_on, const CorpusWords* words = nullptr,
                     std::span<const Token> before = {});
Horizon horizon(const TextFrom& text, std::size_t at, Token with);
// Without `others`, those that the model expects most at `at`.
Usable usable(const TextFrom& text, Token answer, std::size_t at, std::vector<Token> others,
              const std::function<bool()>& go_on);
Ablation ablate(const TextFrom& text, Token answer, const AblationQuestion& question,
                const std::function<bool()>& go_on);
Microscope microscope(const TextFrom& text, std::span<const Unit> units);

// What a text does, the tape left in the workspace.
GateTrace trace_of(const TextFrom& text, Workspace& workspace, Team& team);

// The state of a text that was read, after its first `words` words, for `batch` streams.
State state_after(const TextFrom& text, const GateTrace& trace, std::size_t words, std::size_t batch);

// States of a layer after each word, [T, H]: h, and c where there is one.
std::span<const float> states_of(const LayerTrace& layer, std::size_t state);

// A tensor of the network's by the name it has in a model file. Throws Error (failed) when there is none.
std::span<const float> tensor(const Model& model, const std::string& name);

// The likeliest of a row of logits, padding included, by falling probability.
std::vector<Choice> choose(std::span<const float> logits, std::size_t vocabulary, std::size_t top);

// The likeliest of a row of logits, but for `token` and <unk>; <unk> alone where there is no other.
std::vector<Token> likely_others(std::span<const float> logits, std::size_t vocabulary, Token token, std::size_t count);

// log p(token) of a row of logits, in nats.
double log_probability(std::span<const float> logits, Token token);

// Means, saturation and half-lives of a trace.
std::vector<LayerSummary> summarise(const CellInfo& cell, const GateTrace& trace);

}  // namespace sluice
