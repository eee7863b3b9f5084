// What of a word can still be used some words later: the answer's probability if the question came there.
#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/failure.h"
#include "explain/facts.h"
#include "explain/reading.h"
#include "model/model_access.h"

namespace sluice {
namespace {

constexpr std::size_t kOthers = 4, kMostDistances = 64, kLongestQuestion = 24;

bool ends_a_clause(std::string_view token) {
  return !token.empty() && std::string_view(".,;:!?\n").find(token.back()) != std::string_view::npos;
}

// The first word of the question that the last of the tokens ends.
std::size_t question_of(const Model& model, std::span<const Token> tokens, std::size_t at) {
  const std::size_t end = tokens.size();
  std::size_t first = at + 1 + (end - at - 1) / 2;
  for (std::size_t t = end - 2; t > at; --t) {  // a mark that is the last of all ends no question
    if (ends_a_clause(model.vocabulary().token(tokens[t]))) {
      first = t + 1;
      break;
    }
  }
  return std::max(first, end - std::min(end - at - 1, kLongestQuestion));
}

// Distances from 0 to `last`, evenly.
std::vector<std::size_t> distances_to(std::size_t last) {
  const std::size_t count = std::min(last + 1, kMostDistances);
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(count == 1 ? 0 : i * last / (count - 1));
  return all;
}

// p(answer) if the question came after each of the distances.
std::vector<double> ask(const TextFrom& text, const Usable& asked, const std::function<bool()>& go_on) {
  Workspace workspace, of_question;
  Team alone(1);
  const GateTrace trace = trace_of(text.first(asked.question), workspace, alone);
  const std::span<const Token> question = text.tokens.subspan(asked.question);
  const Network& network = network_of(text.model);
  std::vector<double> probability;
  for (const std::size_t distance : asked.distances) {
    expect_going(go_on);
    State state = state_after(text, trace, asked.at + distance + 1, 1);
    network.forward(question, question.size(), 1, state, of_question, alone);
    const std::span<const float> logits = network.logits(question.size() - 1, 1, of_question, alone);
    probability.push_back(std::exp(log_probability(logits, asked.answer)));
  }
  return probability;
}

}  // namespace

Usable usable(const TextFrom& text, Token answer, std::size_t at, std::vector<Token> others,
              const std::function<bool()>& go_on) {
  const auto& [model, start, tokens] = text;
  expect_words(model, tokens);
  expect_words(model, {&answer, 1});
  if (!others.empty()) expect_words(model, others);
  if (at + 1 >= tokens.size()) {
    throw Error(Status::usage, "usable: expected a " + std::string(unit_name(model)) + " before the last, " +
                                   std::to_string(tokens.size() - 1) + ", found " + std::to_string(at));
  }
  Usable out;
  out.at = at;
  out.answer = answer;
  out.question = question_of(model, tokens, at);
  out.distances = distances_to(out.question - 1 - at);
  if (!others.empty()) {
    out.others = std::move(others);
  } else if (at == 0) {
    out.others = {Vocabulary::unknown};  // nothing is expected before the first word
  } else {
    Workspace workspace;
    Team alone(1);
    trace_of(text.first(at), workspace, alone);
    const std::span<const float> logits = network_of(model).logits(at - 1, 1, workspace, alone);
    out.others = likely_others(logits, model.vocabulary().size(), tokens[at], kOthers);
  }
  out.probability = ask(text, out, go_on);
  out.with_another.assign(out.distances.size(), 0);
  std::vector<Token> changed(tokens.begin(), tokens.end());
  for (const Token other : out.others) {
    changed[at] = other;
    const std::vector<double> p = ask({model, start, changed}, out, go_on);
    for (std::size_t i = 0; i < p.size(); ++i) out.with_another[i] += p[i] / static_cast<double>(out.others.size());
  }
  const auto apart = [&](std::size_t i) { return std::abs(out.probability[i] - out.with_another[i]); };
  double most = 0;
  for (std::size_t i = 0; i < out.distances.size(); ++i) most = std::max(most, apart(i));
  for (std::size_t i = 0; i < out.distances.size(); ++i) {
    if (apart(i) >= most / 2) out.words = out.distances[i];
  }
  return out;
}

Usable usable(const Model& model, std::span<const Token> tokens, Token answer, std::size_t at,
              std::optional<Token> with, const std::function<bool()>& go_on) try {
  const State empty = model.initial_state();
  return usable(TextFrom{model, empty, tokens}, answer, at, with ? std::vector{*with} : std::vector<Token>(), go_on);
} catch (...) {
  rethrow_as_error("usable");
}

}  // namespace sluice
