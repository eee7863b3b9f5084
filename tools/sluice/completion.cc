#include "completion.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/random.h"
#include "explain/facts.h"

namespace sluice::tool {
namespace {

// What a text starts after: the end of the line before.
std::vector<Token> line_start(const Model& model) {
  const Vocabulary& vocabulary = model.vocabulary();
  const auto token = vocabulary.find(vocabulary.text().level == Level::pretokenized ? Vocabulary::end_of_line : "\n");
  if (!token) {
    throw Error(Status::usage,
                fmt::format("TEXT: expected at least one {}, found an empty text (and this model knows no line ends to "
                            "start from)",
                            unit_name(model)));
  }
  return {*token};
}

}  // namespace

Completion complete(const Model& model, std::string_view prompt, const CompletionOptions& options,
                    const std::function<void(std::string_view)>& piece) {
  const Vocabulary& vocabulary = model.vocabulary();
  Completion done;
  done.prompt = prompt;
  std::vector<std::string> pieces;
  std::vector<Token> tokens = vocabulary.encode(prompt, &pieces);
  std::size_t unknown = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] != Vocabulary::unknown) continue;
    ++unknown;
    if (std::find(done.unknown.begin(), done.unknown.end(), pieces[i]) == done.unknown.end()) {
      done.unknown.push_back(pieces[i]);
    }
  }
  done.all_unknown = !tokens.empty() && unknown == tokens.size();
  if (tokens.empty()) tokens = line_start(model);

  Stream stream(model);
  const auto step = [&](Token token) {
    if (options.go_on && !options.go_on()) throw Error(Status::failed, "complete: expected to go on, was told to stop");
    stream.step(token);
  };
  for (const Token token : tokens) step(token);
  for (const auto& [token, probability] : stream.top(options.top)) {
    done.candidates.push_back({vocabulary.token(token), probability});
  }
  std::string text(prompt);
  Random random(options.seed);
  for (std::size_t i = 0; i < options.tokens; ++i) {
    const Token token = stream.sample(options.sample, random.uniform());
    const std::string next = vocabulary.decode_next(text, token);
    text += next;
    if (piece) piece(next);
    if (i + 1 < options.tokens) step(token);
  }
  done.continuation = text.substr(prompt.size());
  return done;
}

std::string draw_candidates(const Style& style, const std::vector<Candidate>& candidates, std::string_view margin,
                            std::string_view right_answer) {
  std::size_t widest = 8;
  for (const Candidate& c : candidates) widest = std::max(widest, columns(visible(c.token)));
  widest = std::min<std::size_t>(widest, 24);
  const std::size_t around = columns(margin) + widest + 12;
  const std::size_t room = style.width > around + 8 ? std::min<std::size_t>(style.width - around, 40) : 8;
  const std::string other_margin(columns(margin), ' ');
  std::string page;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& c = candidates[i];
    const std::string name = pad_right(shortened(visible(c.token), widest), widest);
    const double p = static_cast<double>(c.probability);
    page += i == 0 ? margin : other_margin;
    if (!style.terminal) {
      page += fmt::format("{}  {:.6f}\n", name, p);
      continue;
    }
    const bool right = !right_answer.empty() && c.token == right_answer;
    const Rgb hue = right_answer.empty() ? colours::blue : right ? colours::green : colours::red;
    page += fmt::format("{}  {}  {}\n", i == 0 ? style.bold(name) : name, pad_left(percent(p, 1), 7),
                        style.colour(bar(p, room), hue));
  }
  return page;
}

Json to_json(const std::vector<Candidate>& candidates) {
  Json list = Json::array();
  for (const Candidate& c : candidates) list.push_back({{"token", c.token}, {"probability", tidy(c.probability)}});
  return list;
}

Json to_json(const Completion& c) {
  return {{"prompt", c.prompt},
          {"unknown", c.unknown},
          {"candidates", to_json(c.candidates)},
          {"continuation", c.continuation}};
}

}  // namespace sluice::tool
