// What the gates did over a text, as a page and as JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "output.h"
#include "sluice/sluice.h"
#include "tasks/task.h"
#include "terminal.h"

namespace sluice::tool {

struct GatesOfText {
  const CellInfo* cell = nullptr;
  std::vector<std::string> words;           // each token as it was written
  std::vector<bool> known;                  // whether the model knows it
  std::optional<std::string> begins_after;  // what was read before the text and is no word of it (Stream::begin)
  GateTrace trace;
  std::vector<std::string> layers = {};  // what each is called; empty: by its number
  std::string shape = {};                // of the layers in words, where not all of them read forward
};

// Throws Error (usage) for a text without tokens.
GatesOfText read_gates(const Model& model, const std::string& text);

// The same of a text that is classified, or of a sentence whose words are tagged, where layers may read backward.
GatesOfText read_gates(const Model& model, const Task& task, const std::string& text);

// Each once, in order.
std::vector<std::string> unknown_words(const GatesOfText& gates);

// Mean over the units under each word; for programs one line a token.
std::string draw_gates(const Style& style, const GatesOfText& gates);
// Every unit: a line a token, a character a unit.
std::string draw_units(const Style& style, const GatesOfText& gates);
Json to_json(const GatesOfText& gates);
// The means that draw_gates shows.
Json means_json(const GatesOfText& gates);

}  // namespace sluice::tool
