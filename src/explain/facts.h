// What a model is, in the words of docs/explain-json.md, and how it begins a text.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/model.h"

namespace sluice {

std::string facts_json(const Model& model, const std::string& name);
// What a token of the model is called: "word" or "character".
std::string_view unit_name(const Model& model);
// What is read before a text of these tokens, as Stream::begin does: Model::begin_tokens(), unless the text starts with
// them.
std::vector<Token> tokens_before(const Model& model, std::span<const Token> tokens);
// These as text.
std::string text_before(const Model& model, std::span<const Token> tokens);

}  // namespace sluice
