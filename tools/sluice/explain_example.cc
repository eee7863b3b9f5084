// See explain_example.h. Leave one out: Li, Monroe & Jurafsky 2016, arXiv 1612.08220.
#include "explain_example.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "base/fields.h"
#include "options.h"
#include "sluice/train.h"
#include "task_score.h"
#include "terminal.h"

namespace sluice::tool {
namespace {

constexpr std::size_t kMostWords = 2000;

// The sequence as it is, and then without each of its steps.
Sequences with_each_left_out(const Sequences& one, std::optional<std::size_t> tagged) {
  Sequences all;
  const std::size_t steps = one.tokens.size();
  const bool spelt = !one.words.empty();
  all.spellings = one.spellings;
  const auto strange = static_cast<std::uint32_t>(all.spellings.size());
  if (spelt) {
    all.spellings.characters.push_back(0);
    all.spellings.starts.push_back(all.spellings.characters.size());
  }
  const auto add = [&](Token token, std::uint32_t word) {
    all.tokens.push_back(token);
    if (spelt) all.words.push_back(word);
  };
  for (std::size_t variant = 0; variant <= steps; ++variant) {
    for (std::size_t t = 0; t < steps; ++t) {
      if (t + 1 != variant) {
        add(one.tokens[t], spelt ? one.words[t] : 0);
      } else if (steps == 1 || tagged == t) {
        add(Vocabulary::unknown, strange);
      }
    }
    all.starts.push_back(all.tokens.size());
  }
  return all;
}

std::size_t class_named(const std::vector<std::string>& classes, const std::string& name) {
  const auto found = std::ranges::find(classes, name);
  expect(found != classes.end(), "--answer", fmt::format("one of {}", fmt::join(classes, ", ")), name);
  return static_cast<std::size_t>(found - classes.begin());
}

}  // namespace

ExampleExplanation explain_example(const Model& model, const Task& task, const ExampleText& text,
                                   const ExampleQuestion& question) {
  ExampleExplanation e;
  e.kind = task.kind;
  e.words = text.words;
  e.classes = task.classes;
  const std::size_t words = text.words.size(), width = task.classes.size();
  expect(words <= kMostWords, "TEXT", fmt::format("{} words or characters at most", kMostWords), std::to_string(words));
  if (task.kind == TaskKind::tag) e.at = question.at.value_or(words - 1);
  const Sequences variants = with_each_left_out(text.examples.sequences, e.at);
  const std::vector<float> y = predict(model, variants);
  const std::vector<std::uint32_t> likeliest = likeliest_classes(task, y);
  // Of a tagger, the row of the word that is asked about, which stands a step earlier without one before it.
  const auto row = [&](std::size_t variant) {
    return e.at ? variants.starts[variant] + *e.at - (variant > 0 && variant <= *e.at ? 1 : 0) : variant;
  };
  const std::span<const float> whole = std::span(y).subspan(row(0) * width, width);
  e.probabilities.assign(whole.begin(), whole.end());
  e.answer = question.answer.empty() ? likeliest[row(0)] : class_named(e.classes, question.answer);
  const auto log_of = [&](std::size_t variant) {
    constexpr float kLeast = 1e-30f;
    return std::log(static_cast<double>(std::max(kLeast, y[row(variant) * width + e.answer])));
  };
  for (std::size_t w = 0; w < words; ++w) e.without.push_back({log_of(0) - log_of(w + 1), likeliest[row(w + 1)]});
  return e;
}

std::string draw_explanation(const Style& style, const ExampleExplanation& e) {
  const std::string of = e.at ? fmt::format(" of \"{}\"", visible(e.words[*e.at])) : "";
  std::string page = fmt::format("{}{}: {} with {:.4f}\n\n", e.at ? "tag" : "class", of,
                                 style.bold(one_line(e.classes[e.answer])), e.probabilities[e.answer]);
  std::size_t widest = 7;
  double most = 1e-9;
  for (std::size_t w = 0; w < e.words.size(); ++w) {
    widest = std::max(widest, columns(visible(e.words[w])));
    most = std::max(most, std::abs(e.without[w].nats));
  }
  page += fmt::format("{}  {:>8}  then\n", pad_right("without", widest), "nats");
  for (std::size_t w = 0; w < e.words.size(); ++w) {
    const ExampleExplanation::Without& without = e.without[w];
    const std::string word = pad_right(visible(e.words[w]), widest);
    page += fmt::format("{}  {:>8.4f}  {}\n", std::abs(without.nats) > most / 2 ? style.bold(word) : word, without.nats,
                        one_line(e.classes[without.class_]));
  }
  return page +
         style.dim(fmt::format("nats: log p of {} less log p without the word; then: the likeliest {} without it\n",
                               one_line(e.classes[e.answer]), e.at ? "tag" : "class"));
}

Json to_json(const ExampleExplanation& e) {
  Json probabilities = Json::object(), without = Json::array();
  for (std::size_t c = 0; c < e.classes.size(); ++c) probabilities[e.classes[c]] = tidy(e.probabilities[c]);
  for (const ExampleExplanation::Without& one : e.without) {
    without.push_back({{"nats", one.nats}, {"class", e.classes[one.class_]}});
  }
  Json json = {{"task", field_text(e.kind)}, {"words", e.words}};
  if (e.at) json["at"] = *e.at;
  json.update({{"answer", e.classes[e.answer]},
               {"probability", tidy(e.probabilities[e.answer])},
               {"probabilities", probabilities},
               {"without", without}});
  return json;
}

}  // namespace sluice::tool
