#include "mistakes.h"

#include <fmt/format.h>

#include <algorithm>

#include "help.h"
#include "terminal.h"

namespace sluice::tool {
namespace {

// How many letters to insert, remove, change, or exchange with their neighbour, to get from one word to the other
// (optimal string alignment).
std::size_t edits(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> table((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return table[i * width + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        at(i, j) = i + j;
        continue;
      }
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] != b[j - 1])});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return table.back();
}

// Names of the options of a verb as they are typed: "--output", "-o".
std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> all;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group() == kHidden) continue;  // a former name is no advice
    const std::vector<std::string> names = names_of(*option);
    all.insert(all.end(), names.begin(), names.end());
  }
  return all;
}

std::vector<std::string> verb_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : verbs_of(app)) names.push_back(verb->get_name());
  return names;
}

// What was typed that nothing takes.
std::string unknown(const std::string& typed, const CLI::App& app, const CLI::App* verb) {
  if (!typed.starts_with("-")) {
    if (verb != nullptr) return fmt::format("unknown argument '{}'", printable(typed));
    return fmt::format("unknown verb '{}'{}", printable(typed), did_you_mean(typed, verb_names(app)));
  }
  const std::vector<std::string> names = option_names(verb == nullptr ? app : *verb);
  return fmt::format("unknown option '{}'{}", printable(typed), did_you_mean(typed.substr(0, typed.find('=')), names));
}

}  // namespace

std::string did_you_mean(std::string_view typed, const std::vector<std::string>& names) {
  constexpr std::size_t kShortest = 3;  // of what is taken for the beginning of a longer name
  const std::size_t letters = typed.size() - std::min(typed.size(), typed.find_first_not_of('-'));
  const std::size_t dashes = typed.size() - letters;
  const std::string* nearest = nullptr;
  std::size_t least = letters <= 2 ? 0 : letters <= 4 ? 1 : letters <= 8 ? 2 : 3;
  for (const std::string& name : names) {
    if (name.size() <= dashes + 1) continue;  // "-o" is near everything
    const std::size_t distance = edits(typed, name);
    if (distance < least || (distance == least && nearest == nullptr && least > 0)) {
      nearest = &name;
      least = distance;
    }
  }
  // A longer or shorter form of the same word: --temperature for --temp, --pre for --pretokenized.
  if (nearest == nullptr) {
    for (const std::string& name : names) {
      if (std::min(name.size(), typed.size()) < dashes + kShortest) continue;
      if (typed.starts_with(name) || name.starts_with(typed)) {
        if (nearest == nullptr || name.size() > nearest->size()) nearest = &name;
      }
    }
  }
  return nearest == nullptr ? "" : fmt::format("; did you mean '{}'?", *nearest);
}

std::string sentence(const CLI::ParseError& error, const CLI::App& app) {
  std::string message = error.what();
  const auto verbs = app.get_subcommands();
  const CLI::App* verb = verbs.empty() ? nullptr : verbs.front();
  const std::vector<std::string> rest = verb == nullptr ? app.remaining() : verb->remaining();
  const std::string first = rest.empty() ? "" : rest.front();
  // What is required is looked for first, but may be there under a mistyped name.
  const bool mistyped = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && first.starts_with("-");
  if (mistyped || dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) message = unknown(first, app, verb);
  // CLI11's words for an option given twice, and for one that lacks its value, in ours.
  const std::size_t colon = message.find(": ");
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr && colon != std::string::npos) {
    const bool repeated = message.find("At Most", colon) != std::string::npos;
    message.replace(colon + 2, std::string::npos,
                    repeated ? "expected once, found several times" : "expected a value after it, found none");
  }
  std::replace(message.begin(), message.end(), '\n', ' ');
  return fmt::format("{} (see sluice {}--help)", message, verb == nullptr ? "" : verb->get_name() + " ");
}

}  // namespace sluice::tool
