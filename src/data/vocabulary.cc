// Tokens by number and by text, and texts made of them; see sluice/data.h.
#include <algorithm>
#include <string>

#include "data/utf8.h"
#include "data/words.h"
#include "sluice/data.h"
#include "sluice/error.h"

namespace sluice {
namespace {

constexpr std::string_view kLevelNames[] = {"word", "char", "pretokenized"};

// What a token looks like in a text.
std::string_view written(const Vocabulary& vocabulary, Token id) {
  if (id >= vocabulary.size()) {
    throw Error(Status::usage, "token: expected a number below " + std::to_string(vocabulary.size()) + ", found " +
                                   std::to_string(id));
  }
  const std::string_view token = vocabulary.tokens()[id];
  if (vocabulary.text().level == Level::character && id == Vocabulary::unknown) return kReplacement;
  if (vocabulary.text().level == Level::pretokenized && token == Vocabulary::end_of_line) return kNewline;
  return token;
}

bool needs_space_at_spaces(std::string_view text, std::string_view token) {
  return !text.empty() && text.back() != '\n' && text.back() != ' ' && token != kNewline;
}

}  // namespace

std::string_view name(Level level) { return kLevelNames[static_cast<std::size_t>(level)]; }

Level find_level(std::string_view name) {
  const auto* found = std::find(std::begin(kLevelNames), std::end(kLevelNames), name);
  if (found == std::end(kLevelNames)) {
    throw Error(Status::usage, "level: expected word, char or pretokenized, found \"" + std::string(name) + "\"");
  }
  return static_cast<Level>(found - std::begin(kLevelNames));
}

Vocabulary::Vocabulary(TextOptions text, std::vector<std::string> tokens) : text_(text), tokens_(std::move(tokens)) {
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
}

Vocabulary::Vocabulary(const Vocabulary& other) : text_(other.text_), tokens_(other.tokens_) {
  index_.reserve(tokens_.size());
  for (Token id = 0; id < tokens_.size(); ++id) index_.emplace(tokens_[id], id);
}

Vocabulary& Vocabulary::operator=(const Vocabulary& other) {
  if (this != &other) *this = Vocabulary(other);
  return *this;
}

std::optional<Token> Vocabulary::find(std::string_view token) const {
  const auto found = index_.find(token);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

std::vector<Token> Vocabulary::encode(std::string_view text, std::vector<std::string>* pieces) const {
  std::string clean, lowered;
  TextCleaner("text", text_.lossy).clean(text, true, clean);
  Splitter splitter(text_.level);
  splitter.start(clean, true);
  std::vector<Token> result;
  for (std::string_view token; splitter.next(token);) {
    result.push_back(find(text_.lowercase ? lowercase(token, lowered) : token).value_or(unknown));
    if (pieces != nullptr) pieces->emplace_back(token);
  }
  return result;
}

std::string Vocabulary::decode(std::span<const Token> tokens) const {
  std::string text;
  OpenQuotes quotes;
  const auto append = [&](std::string_view part) {
    text += part;
    if (text_.level == Level::word) quotes.read(part);
  };
  for (const Token id : tokens) {
    const std::string_view token = written(*this, id);
    const bool apart = text_.level == Level::word           ? needs_space(text, token, quotes)
                       : text_.level == Level::pretokenized ? needs_space_at_spaces(text, token)
                                                            : false;
    if (apart) append(" ");
    append(token);
  }
  return text;
}

std::string Vocabulary::decode_next(std::string_view text_so_far, Token token) const {
  const std::string_view shown = written(*this, token);
  const bool apart = text_.level == Level::word           ? needs_space(text_so_far, shown)
                     : text_.level == Level::pretokenized ? needs_space_at_spaces(text_so_far, shown)
                                                          : false;
  std::string part = apart ? " " : "";
  return part.append(shown);
}

}  // namespace sluice
