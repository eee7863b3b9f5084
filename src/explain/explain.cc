// A text explained: read, connected, changed and read again.
#include <algorithm>
#include <cmath>

#include "explain/facts.h"
#include "explain/reading.h"

namespace sluice {
namespace {

[[noreturn]] void refuse(const std::string& what, const std::string& expected, const std::string& found) {
  throw Error(Status::usage, what + ": expected " + expected + ", found " + found);
}

void expect_word(const Model& model, const std::string& what, std::size_t at, std::size_t words) {
  if (at < words) return;
  refuse(what, "a " + std::string(unit_name(model)) + " 0 to " + std::to_string(words - 1), std::to_string(at));
}

// The one token that a piece of text is for the model.
Token token_of(const Model& model, const std::string& what, const std::string& text) {
  if (text == Vocabulary::unknown_text) return Vocabulary::unknown;
  if (const auto known = model.vocabulary().find(text)) return *known;
  const std::vector<Token> tokens = model.vocabulary().encode(text);
  if (tokens.size() != 1)
    refuse(what, "one " + std::string(unit_name(model)), std::to_string(tokens.size()) + " of them");
  return tokens.front();
}

Token answer_of(const Model& model, const std::string& text) {
  const auto known = model.vocabulary().find(text);
  if (!known) refuse("answer", "a " + std::string(unit_name(model)) + " that the model knows", "\"" + text + "\"");
  return *known;
}

// A text after its changes, and where each word of it stood before.
struct ChangedText {
  std::vector<Word> words;
  std::vector<std::size_t> origin;               // number before, of replaced words as well
  std::vector<std::optional<std::size_t>> from;  // Changed::from
};

ChangedText apply(const Model& model, const std::vector<Word>& words, const Changes& changes) {
  for (const std::size_t at : changes.remove) expect_word(model, "delete", at, words.size());
  std::vector<Word> replaced = words;
  std::vector<bool> kept(words.size(), true);
  for (const Replacement& r : changes.replace) {
    expect_word(model, "replace", r.at, words.size());
    replaced[r.at] = {r.with, token_of(model, "replace", r.with)};
    kept[r.at] = false;
  }
  ChangedText out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (std::find(changes.remove.begin(), changes.remove.end(), i) != changes.remove.end()) continue;
    out.words.push_back(replaced[i]);
    out.origin.push_back(i);
    out.from.push_back(kept[i] ? std::optional(i) : std::nullopt);
  }
  if (out.words.empty()) refuse("delete", "at least one " + std::string(unit_name(model)) + " left", "none");
  return out;
}

// Holds of the text before, at the words' places after; words that went take theirs with them.
std::vector<GateHold> moved_holds(const std::vector<GateHold>& holds, const std::vector<std::size_t>& origin) {
  const auto place = [&](std::size_t word) {
    return static_cast<std::size_t>(std::lower_bound(origin.begin(), origin.end(), word) - origin.begin());
  };
  std::vector<GateHold> moved = holds;
  for (GateHold& hold : moved) {
    hold.first = place(hold.first);
    hold.last = place(hold.last);
  }
  return moved;
}

std::vector<Token> tokens_of(const std::vector<Word>& words) {
  std::vector<Token> tokens;
  tokens.reserve(words.size());
  for (const Word& word : words) tokens.push_back(word.token);
  return tokens;
}

// Where the question stands in the changed text: after the last word that is not behind it.
std::size_t moved_at(std::size_t at, const std::vector<std::size_t>& origin) {
  const auto after = static_cast<std::size_t>(std::upper_bound(origin.begin(), origin.end(), at) - origin.begin());
  return after == 0 ? 0 : after - 1;
}

Changed explain_changed(const Model& model, const State& start, const Reading& reading, std::size_t at,
                        const ExplainOptions& options, std::optional<Token> answer) {
  const ChangedText text = apply(model, reading.words, options.changes);
  const std::vector<GateHold> holds = holds_of(model, options.changes.clamp, reading.words.size());
  const std::vector<Token> tokens = tokens_of(text.words);
  Changed changed{
      read_from(model, start, tokens, options.top, moved_holds(holds, text.origin), options.go_on), text.from, {}};
  changed.reading.words = text.words;
  if (options.changes.clamp.empty()) {
    changed.connectivity = connect_from(model, start, std::span(tokens).first(moved_at(at, text.origin) + 1), answer,
                                        options.leave_one_out, options.go_on);
  }
  return changed;
}

std::optional<Horizon> answer_horizon(const Model& model, const State& start, const std::vector<Token>& tokens,
                                      const Connectivity& found, const HorizonQuestion& question) {
  const Token with = token_of(model, "horizon", question.with);
  std::size_t at = 0;
  if (question.at) {
    at = *question.at;
    expect_word(model, "horizon", at, tokens.size());
  } else {
    const std::vector<double>& weight = found.leave_one_out.empty() ? found.gradient : found.leave_one_out;
    const auto smaller = [](double a, double b) { return std::abs(a) < std::abs(b); };
    at = static_cast<std::size_t>(std::max_element(weight.begin(), weight.end(), smaller) - weight.begin());
  }
  if (tokens[at] == with) return std::nullopt;
  return horizon_from(model, start, tokens, at, with);
}

}  // namespace

Explanation explain(const Model& model, std::string_view text, const ExplainOptions& options) {
  expect_explainable(model, "explain");
  std::vector<std::string> pieces;
  const std::vector<Token> tokens = model.vocabulary().encode(text, &pieces);
  expect_words(model, tokens);
  const std::size_t at = options.at.value_or(tokens.size() - 1);
  expect_word(model, "at", at, tokens.size());
  std::optional<Token> answer;
  if (!options.answer.empty()) answer = answer_of(model, options.answer);

  Explanation out;
  out.text = text;
  const std::optional<Token> begin = model.begin_token();
  if (begin && tokens.front() != *begin) out.begins_after = begin;
  const State start = text_start(model, tokens);
  out.reading = read_from(model, start, tokens, options.top, {}, options.go_on);
  for (std::size_t t = 0; t < tokens.size(); ++t) out.reading.words[t].text = pieces[t];
  const std::optional<Token> likeliest =
      options.top > 0 ? std::optional(out.reading.candidates[at].front().token) : std::nullopt;
  out.connectivity = connect_from(model, start, std::span(tokens).first(at + 1), answer ? answer : likeliest,
                                  options.leave_one_out, options.go_on);
  expect_going(options.go_on);
  if (options.horizon) out.horizon = answer_horizon(model, start, tokens, out.connectivity, *options.horizon);
  out.changes = options.changes;
  if (!options.changes.empty()) out.changed = explain_changed(model, start, out.reading, at, options, answer);
  return out;
}

}  // namespace sluice
