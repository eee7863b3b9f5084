#include "complete_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/random.h"
#include "explain/facts.h"

namespace sluice::tool {
namespace {

// Watches a continuation grow for what it stops at.
class Stops {
 public:
  Stops(const Vocabulary& vocabulary, const std::vector<std::string>& stops) {
    for (const std::string& stop : stops) {
      if (const auto token = vocabulary.find(stop)) {
        tokens_.emplace_back(*token, stop);
      } else {
        texts_.push_back(stop);
      }
    }
  }

  // The stop that this token is.
  const std::string* find(Token token) const {
    const auto found = std::find_if(tokens_.begin(), tokens_.end(), [&](const auto& t) { return t.first == token; });
    return found == tokens_.end() ? nullptr : &found->second;
  }
  // The first stop in `text` from `from` on, which is cut off there.
  const std::string* cut(std::string& text, std::size_t from) const {
    const std::string* first = nullptr;
    std::size_t at = text.size();
    for (const std::string& stop : texts_) {
      const std::size_t found = text.find(stop, from);
      if (found < at) first = &stop, at = found;
    }
    text.resize(at);
    return first;
  }
  // How much of the text's end from `from` on may be the beginning of a stop.
  std::size_t open(std::string_view text, std::size_t from) const {
    std::size_t longest = 0;
    for (const std::string& stop : texts_) {
      for (std::size_t n = std::min(stop.size() - 1, text.size() - from); n > longest; --n) {
        if (text.ends_with(std::string_view(stop).substr(0, n))) longest = n;
      }
    }
    return longest;
  }

 private:
  std::vector<std::pair<Token, std::string>> tokens_;
  std::vector<std::string> texts_;
};

void note_unknown(const std::vector<Token>& tokens, const std::vector<std::string>& pieces, Completion& done) {
  std::size_t unknown = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] != Vocabulary::unknown) continue;
    ++unknown;
    if (std::find(done.unknown.begin(), done.unknown.end(), pieces[i]) == done.unknown.end()) {
      done.unknown.push_back(pieces[i]);
    }
  }
  done.all_unknown = !tokens.empty() && unknown == tokens.size();
}

void step(Stream& stream, Token token, const CompletionOptions& options) {
  if (options.go_on && !options.go_on()) throw Error(Status::failed, "complete: expected to go on, was told to stop");
  stream.step(token);
}

void continue_text(Stream& stream, const CompletionOptions& options, const std::function<void(std::string_view)>& piece,
                   Completion& done) {
  const Vocabulary& vocabulary = stream.model().vocabulary();
  const Stops stops(vocabulary, options.stop);
  const std::size_t start = done.prompt.size();
  std::string text = done.prompt;
  std::size_t given = start;  // to `piece`
  const auto give = [&](std::size_t end) {
    if (piece && end > given) piece(std::string_view(text).substr(given, end - given));
    given = std::max(given, end);
  };
  Random random(options.seed);
  const std::string* stop = nullptr;
  for (std::size_t i = 0; i < options.tokens; ++i) {
    const Token token = stream.sample(options.sample, random.uniform());
    stop = stops.find(token);
    if (stop != nullptr) break;
    text += vocabulary.decode_next(text, token);
    stop = stops.cut(text, given);  // a stop begins where nothing was given yet: see open()
    if (stop != nullptr) break;
    give(text.size() - stops.open(text, given));
    if (i + 1 < options.tokens) step(stream, token, options);
  }
  give(text.size());
  if (stop != nullptr) done.stopped_by = *stop;
  done.continuation = text.substr(start);
}

}  // namespace

Completion complete(const Model& model, std::string_view prompt, const CompletionOptions& options,
                    const std::function<void(std::string_view)>& piece) {
  const Vocabulary& vocabulary = model.vocabulary();
  Completion done;
  done.prompt = prompt;
  std::vector<std::string> pieces;
  const std::vector<Token> tokens = vocabulary.encode(prompt, &pieces);
  note_unknown(tokens, pieces, done);
  if (tokens.empty() && model.begin_tokens().empty()) {
    throw Error(Status::usage,
                fmt::format("TEXT: expected at least one {}, found an empty text (and this model knows no line ends to "
                            "start from)",
                            unit_name(model)));
  }
  Stream stream(model);
  if (!tokens_before(model, tokens).empty()) stream.begin();
  for (const Token token : tokens) step(stream, token, options);
  for (const auto& [token, probability] : stream.top(options.top)) {
    done.candidates.push_back({vocabulary.token(token), probability});
  }
  continue_text(stream, options, piece, done);
  return done;
}

}  // namespace sluice::tool
