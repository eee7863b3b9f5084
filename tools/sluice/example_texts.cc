#include "example_texts.h"

#include <algorithm>

#include "completion.h"
#include "lessons/favourites.h"

namespace sluice::tool {
namespace {

bool knows(const Model& model, std::string_view text) {
  const std::vector<Token> tokens = model.vocabulary().encode(text);
  return std::find(tokens.begin(), tokens.end(), Vocabulary::unknown) == tokens.end();
}

// One line of it, without blanks around.
std::string first_line(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \n\r\t");
  if (first == std::string::npos) return "";
  const std::string line = text.substr(first, text.find_first_of("\n\r", first) - first);
  return line.substr(0, line.find_last_not_of(" \t") + 1);
}

std::string own_line(const Model& model) {
  const bool characters = model.vocabulary().text().level == Level::character;
  CompletionOptions options{.top = 1, .tokens = characters ? 120u : 24u, .sample = {.temperature = 0.7, .top_p = 0.9}};
  // A line may be short: the next try goes on where a longer one began.
  for (options.seed = 1; options.seed <= 4; ++options.seed) {
    std::string line;
    try {
      line = first_line(complete(model, "", options).continuation);
    } catch (const Error&) {  // it knows no line ends: after its most frequent token
      line = first_line(complete(model, model.vocabulary().token(1), options).continuation);
    }
    if (model.vocabulary().encode(line).size() >= 6) return line;
  }
  return "";
}

}  // namespace

std::vector<std::string> example_texts(const Model& model) {
  if (knows(model, favourites::second_text)) {
    return {std::string(favourites::first_text), std::string(favourites::second_text)};
  }
  if (model.vocabulary().size() < 2) return {};
  std::string line = own_line(model);
  if (line.empty()) return {};
  return {std::move(line)};
}

}  // namespace sluice::tool
