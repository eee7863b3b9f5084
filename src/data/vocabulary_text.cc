// Texts to tokens and back; see sluice/data.h.
#include <string>

#include "base/failure.h"
#include "data/utf8.h"
#include "data/words.h"
#include "sluice/data.h"
#include "sluice/error.h"

namespace sluice {
namespace {

// What a token looks like in a text.
std::string_view written(const Vocabulary& vocabulary, Token id) {
  const std::string_view token = vocabulary.token(id);
  if (vocabulary.text().level == Level::character && id == Vocabulary::unknown) return kReplacement;
  if (vocabulary.text().level == Level::pretokenized && token == Vocabulary::end_of_line) return kNewline;
  return token;
}

bool needs_space_at_spaces(std::string_view text, std::string_view token) {
  return !text.empty() && text.back() != '\n' && text.back() != ' ' && token != kNewline;
}

}  // namespace

std::vector<Token> Vocabulary::encode(std::string_view text, std::vector<std::string>* pieces) const try {
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
} catch (...) {
  rethrow_as_error("encode");
}

std::string Vocabulary::decode(std::span<const Token> tokens) const try {
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
} catch (...) {
  rethrow_as_error("decode");
}

std::string Vocabulary::decode_next(std::string_view text_so_far, Token token) const try {
  const std::string_view shown = written(*this, token);
  const bool apart = text_.level == Level::word           ? needs_space(text_so_far, shown)
                     : text_.level == Level::pretokenized ? needs_space_at_spaces(text_so_far, shown)
                                                          : false;
  std::string part = apart ? " " : "";
  return part.append(shown);
} catch (...) {
  rethrow_as_error("decode_next");
}

}  // namespace sluice
