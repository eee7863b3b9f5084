// Tokens by number and by text; see sluice/data.h. Texts made of them stand in vocabulary_text.cc.
#include <algorithm>
#include <string>

#include "base/failure.h"
#include "data/utf8.h"
#include "sluice/data.h"
#include "sluice/error.h"

namespace sluice {
namespace {

constexpr std::string_view kLevelNames[] = {"word", "char", "pretokenized"};

}  // namespace

std::string_view name(Level level) { return kLevelNames[static_cast<std::size_t>(level)]; }

Level find_level(std::string_view name) {
  const auto* found = std::find(std::begin(kLevelNames), std::end(kLevelNames), name);
  if (found == std::end(kLevelNames)) {
    throw Error(Status::usage, "level: expected word, char or pretokenized, found \"" + std::string(name) + "\"");
  }
  return static_cast<Level>(found - std::begin(kLevelNames));
}

Vocabulary::Vocabulary(TextOptions text, std::vector<std::string> tokens) try
    : text_(text), tokens_(std::move(tokens)) {
  if (tokens_.empty() || tokens_[0] != unknown_text) {
    throw Error(Status::bad_file, "vocabulary: expected <unk> as token 0, found " +
                                      (tokens_.empty() ? std::string("no tokens") : "\"" + tokens_[0] + "\""));
  }
  if (tokens_.size() > UINT32_MAX) {
    throw Error(Status::bad_file,
                "vocabulary: expected fewer than 2^32 tokens, found " + std::to_string(tokens_.size()));
  }
  index_.reserve(tokens_.size());
  for (Token id = 0; id < tokens_.size(); ++id) {
    const std::string& token = tokens_[id];
    const auto refuse = [&](const std::string& expected, const std::string& found) {
      throw Error(Status::bad_file, "vocabulary: expected " + expected + ", found token " + std::to_string(id) + found);
    };
    if (token.empty()) refuse("at least one byte a token", " empty");
    if (find_invalid(token) != std::string::npos) refuse("UTF-8", " malformed");
    if (text_.level == Level::character && id != unknown && sequence_length(token[0]) != token.size()) {
      refuse("one character a token", " \"" + token + "\"");
    }
    if (!index_.emplace(token, id).second) refuse("distinct tokens", " \"" + token + "\" a second time");
  }
} catch (...) {
  rethrow_as_error("vocabulary");
}

Vocabulary::Vocabulary(const Vocabulary& other) try : text_(other.text_), tokens_(other.tokens_) {
  index_.reserve(tokens_.size());
  for (Token id = 0; id < tokens_.size(); ++id) index_.emplace(tokens_[id], id);
} catch (...) {
  rethrow_as_error("vocabulary");
}

Vocabulary& Vocabulary::operator=(const Vocabulary& other) {
  if (this != &other) *this = Vocabulary(other);
  return *this;
}

const std::string& Vocabulary::token(Token id) const try {
  if (id < tokens_.size()) return tokens_[id];
  throw Error(Status::usage,
              "token: expected a number below " + std::to_string(size()) + ", found " + std::to_string(id));
} catch (...) {
  rethrow_as_error("token");
}

std::optional<Token> Vocabulary::find(std::string_view token) const {
  const auto found = index_.find(token);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

}  // namespace sluice
