// What a model is, in the words of docs/explain-json.md, and how it begins a text.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sluice/model.h"

namespace sluice {

std::string facts_json(const Model& model, const std::string& name);
// What a token of the model is called: "word" or "character".
std::string_view unit_name(const Model& model);
// What is read before a text of these tokens, as Stream::begin does: Model::begin_token(), unless the text starts with
// it.
std::optional<Token> token_before(const Model& model, std::span<const Token> tokens);

}  // namespace sluice
