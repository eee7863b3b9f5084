// Which words the class of a text, or the tag of a word, depends on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "example_text.h"
#include "output.h"

namespace sluice::tool {

struct ExampleQuestion {
  std::optional<std::size_t> at = {};  // tag: of this word, which is there; nothing: the last
  std::string answer = {};             // the class or tag; empty: the likeliest
};

// What becomes of the prediction without a word: without its step, or where it is the word that is tagged or the only
// one, with <unk> in its place (where words are spelt, spelt as one character that the model does not know).
struct ExampleExplanation {
  struct Without {
    double nats = 0;         // log p(answer) - log p(answer without the word)
    std::size_t class_ = 0;  // the likeliest then
  };
  TaskKind kind = TaskKind::classify;
  std::vector<std::string> words, classes;
  std::optional<std::size_t> at;
  std::size_t answer = 0;
  std::vector<float> probabilities;  // of every class, with all words
  std::vector<Without> without;      // [words]
};
// Throws Error (usage) for a class that the model does not have, and a text of so many words that it would take long.
ExampleExplanation explain_example(const Model& model, const Task& task, const ExampleText& text,
                                   const ExampleQuestion& question);

std::string draw_explanation(const Style& style, const ExampleExplanation& explanation);
Json to_json(const ExampleExplanation& explanation);

}  // namespace sluice::tool
