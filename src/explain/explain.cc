// A text explained: read, connected, changed and read again.
#include <algorithm>
#include <cmath>

#include "base/failure.h"
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

Changed explain_changed(const TextFrom& before, const Reading& reading, std::size_t at, const ExplainOptions& options,
                        std::optional<Token> answer) {
  const Model& model = before.model;
  const ChangedText text = apply(model, reading.words, options.changes);
  const std::vector<GateHold> holds = holds_of(model, options.changes.clamp, reading.words.size());
  const std::vector<Token> tokens = tokens_of(text.words);
  const TextFrom after{model, before.start, tokens};
  Changed changed{read_held(after, options.top, moved_holds(holds, text.origin), options.go_on), text.from, {}};
  changed.reading.words = text.words;
  if (options.changes.clamp.empty()) {
    changed.connectivity = connect(after.first(moved_at(at, text.origin) + 1), answer, options.leave_one_out,
                                   options.go_on, options.words, tokens_before(model, tokens));
  }
  return changed;
}

// Of the first `words` words the one on which the prediction depends most.
std::size_t word_of_most_weight(const Connectivity& found, std::size_t words) {
  const std::vector<double>& weight = found.leave_one_out.empty() ? found.gradient : found.leave_one_out;
  const auto end = weight.begin() + static_cast<std::ptrdiff_t>(words);
  const auto smaller = [](double a, double b) { return std::abs(a) < std::abs(b); };
  return static_cast<std::size_t>(std::max_element(weight.begin(), end, smaller) - weight.begin());
}

std::optional<Horizon> answer_horizon(const TextFrom& text, const Connectivity& found,
                                      const HorizonQuestion& question) {
  const Model& model = text.model;
  const Token with = token_of(model, "horizon", question.with);
  std::size_t at = 0;
  if (question.at) {
    at = *question.at;
    expect_word(model, "horizon", at, text.tokens.size());
  } else {
    at = word_of_most_weight(found, found.gradient.size());
  }
  if (text.tokens[at] == with) return std::nullopt;
  return horizon(text, at, with);
}

// Those asked for; else those that carry most, fewer of them in a text of more than 500 words.
std::vector<Unit> units_to_look_at(const MicroscopeQuestion& question, const std::optional<Ablation>& ablation,
                                   std::size_t words) {
  if (!question.units.empty()) return question.units;
  constexpr std::size_t kMostWords = 500 * MicroscopeQuestion::usual, kLeast = 4;
  const std::size_t most = std::clamp(kMostWords / words, kLeast, MicroscopeQuestion::usual);
  std::vector<Unit> units;
  for (const UnitEffect& effect : ablation ? ablation->units : std::vector<UnitEffect>()) {
    if (units.size() < most) units.push_back(effect.unit);
  }
  return units;
}

}  // namespace

Explanation explain(const Model& model, std::string_view text, const ExplainOptions& options) try {
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
  out.begins_after = tokens_before(model, tokens);
  const State start = state_before(model, out.begins_after);
  const TextFrom read{model, start, tokens};
  out.reading = read_held(read, options.top, {}, options.go_on);
  for (std::size_t t = 0; t < tokens.size(); ++t) out.reading.words[t].text = pieces[t];
  const std::optional<Token> likeliest =
      options.top > 0 ? std::optional(out.reading.candidates[at].front().token) : std::nullopt;
  out.connectivity = connect(read.first(at + 1), answer ? answer : likeliest, options.leave_one_out, options.go_on,
                             options.words, out.begins_after);
  expect_going(options.go_on);
  if (options.horizon) out.horizon = answer_horizon(read, out.connectivity, *options.horizon);
  if (out.horizon && out.horizon->at < at) {
    // <unk> is asked for by default, and says of some models more than any word does.
    std::vector<Token> others;
    if (out.horizon->with != Vocabulary::unknown) {
      others = {out.horizon->with};
    } else if (!out.connectivity.replacements.empty()) {
      others = out.connectivity.replacements[out.horizon->at];
    }
    out.usable = usable(read.first(at + 1), out.connectivity.answer, out.horizon->at, std::move(others), options.go_on);
  }
  if (options.ablation && at > 0) {
    AblationQuestion question = *options.ablation;
    if (!question.from) question.from = word_of_most_weight(out.connectivity, at);
    out.ablation = ablate(read.first(at + 1), out.connectivity.answer, question, options.go_on);
  }
  if (options.microscope) {
    out.microscope = microscope(read, units_to_look_at(*options.microscope, out.ablation, tokens.size()));
  }
  out.changes = options.changes;
  if (!options.changes.empty()) out.changed = explain_changed(read, out.reading, at, options, answer);
  return out;
} catch (...) {
  rethrow_as_error("explain");
}

}  // namespace sluice
