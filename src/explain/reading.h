// A text read once: what every part of an explanation starts from.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/network.h"
#include "sluice/explain.h"

namespace sluice {

// What an explanation needs: a model of text with its weights in f32. Throws Error (usage) besides.
void expect_explainable(const Model& model, const std::string& where);
// And that there are words, all of the model's. Throws Error (usage).
void expect_words(const Model& model, std::span<const Token> tokens);
// Throws Error (failed) where `go_on` is there and says no.
void expect_going(const std::function<bool()>& go_on);

// Clamps as the network wants them. Throws Error (usage): an unknown gate, a layer, unit or word out of range.
std::vector<GateHold> holds_of(const Model& model, std::span<const Clamp> clamps, std::size_t steps);

// The state in which a text is read: after model.begin_token(), or empty where there is none or the text has it itself.
State text_start(const Model& model, std::span<const Token> tokens);

// The parts of sluice/explain.h from a state instead of the empty one. `go_on` as in ExplainOptions.
Reading read_from(const Model& model, const State& start, std::span<const Token> tokens, std::size_t top,
                  std::span<const GateHold> holds, const std::function<bool()>& go_on = {});
Connectivity connect_from(const Model& model, const State& start, std::span<const Token> tokens,
                          std::optional<Token> answer, bool leave_one_out, const std::function<bool()>& go_on);
Horizon horizon_from(const Model& model, const State& start, std::span<const Token> tokens, std::size_t at, Token with);

// The likeliest of a row of logits, padding included, by falling probability.
std::vector<Choice> choose(std::span<const float> logits, std::size_t vocabulary, std::size_t top);

// log p(token) of a row of logits, in nats.
double log_probability(std::span<const float> logits, Token token);

// Means, saturation and half-lives of a trace.
std::vector<LayerSummary> summarise(const CellInfo& cell, const GateTrace& trace);

}  // namespace sluice
