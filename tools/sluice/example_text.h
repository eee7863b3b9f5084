// A text that is classified, or a sentence whose words are tagged, for the verbs that show what a network does with it.
#pragma once

#include <string>
#include <vector>

#include "tasks/examples.h"

namespace sluice::tool {

// Whether a model reads such a text or sentence. Others than these and those of language read numbers.
bool reads_examples_of_text(const Model& model, TaskKind kind);

struct ExampleText {
  Examples examples;               // this one
  std::vector<std::string> words;  // each of its tokens as it was written
  std::vector<bool> known;         // whether the model knows it
};
// A text as it is; a sentence as words with blanks between them. Throws Error (usage) where it has no word.
ExampleText read_example_text(const Model& model, const Task& task, const std::string& text);

// What the gates of its layers did, in the order of the words, also where a layer reads them from the last to the
// first. `names`: of each layer. Throws Error (usage) where layers differ in cell or size.
GateTrace trace_example(const Model& model, const ExampleText& text, std::vector<std::string>& names);

}  // namespace sluice::tool
