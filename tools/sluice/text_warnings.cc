// What speaks against training on a text as it was read; see text_files.h.
#include <fmt/format.h>

#include <algorithm>

#include "data/encoding.h"
#include "data/utf8.h"
#include "options.h"
#include "text_files.h"

namespace sluice::tool {
namespace {

// Above this share of unknown tokens a model of words mostly learns to predict <unk>. English has a quarter of such
// words in a text of a page, and far fewer in a longer one.
constexpr double kMostUnknown = 0.25;

// Of the bytes, that --lossy replaces: a text in Latin-1 has more, one with a damaged place here and there less.
constexpr double kManyReplaced = 0.01;

bool is_number(std::string_view field) {
  while (!field.empty() && (field.front() == ' ' || field.front() == '"')) field.remove_prefix(1);
  while (!field.empty() && (field.back() == ' ' || field.back() == '"')) field.remove_suffix(1);
  const bool digit = field.find_first_of("0123456789") != std::string_view::npos;
  return digit && field.find_first_not_of("0123456789+-.,:/eETZ%") == std::string_view::npos;
}

// Whether most lines are numbers (or dates) between commas, semicolons, tabs or bars, or one number each.
bool looks_like_numbers(std::string_view start) {
  constexpr std::size_t kFewest = 8, kMost = 400;  // lines
  std::size_t lines = 0, numeric = 0;
  while (!start.empty() && lines < kMost) {
    const std::size_t end = std::min(start.find_first_of("\r\n"), start.size());
    const std::string line(start.substr(0, end));
    start.remove_prefix(std::min(end + 1, start.size()));
    if (line.empty()) continue;
    ++lines;
    std::size_t most = 0;
    for (const char separator : {'\t', ';', '|', ','}) {
      const std::vector<std::string> fields = split(line, separator);
      const auto numbers = static_cast<std::size_t>(std::count_if(fields.begin(), fields.end(), is_number));
      if (numbers * 2 >= fields.size()) most = std::max(most, numbers);
    }
    numeric += most > 0;
  }
  return lines >= kFewest && numeric * 10 >= lines * 8;
}

// Scripts that put no space between words, by their blocks in Unicode: Thai, Lao, Tibetan, Burmese, Khmer, kana, Han.
bool is_written_without_spaces(char32_t value) {
  const auto within = [value](char32_t first, char32_t last) { return value >= first && value <= last; };
  return within(0x0e00, 0x0fff) || within(0x1000, 0x109f) || within(0x1780, 0x17ff) || within(0x3040, 0x30ff) ||
         within(0x3400, 0x9fff) || within(0xf900, 0xfaff) || within(0x20000, 0x3ffff);
}

bool is_without_spaces(const Vocabulary& vocabulary) {
  const auto here = std::count_if(vocabulary.tokens().begin() + 1, vocabulary.tokens().end(),
                                  [](const std::string& t) { return is_written_without_spaces(code_point(t)); });
  return static_cast<double>(here) > 0.3 * static_cast<double>(vocabulary.size());
}

}  // namespace

std::optional<std::string> replaced_warning(const TextFiles& files) {
  const double share = invalid_share(*files.start);
  if (share < kManyReplaced) return std::nullopt;
  return fmt::format(
      "{}: {} of its bytes are not UTF-8, and are read as U+FFFD: it looks like a text in another "
      "encoding, such as Windows-1252; convert it first: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW",
      files.name, percent(share));
}

std::vector<std::string> text_warnings(const TextFiles& files, const Corpus& corpus) {
  std::vector<std::string> warnings;
  if (corpus.vocabulary().text().lossy) {
    if (auto warning = replaced_warning(files)) warnings.push_back(std::move(*warning));
  }
  if (looks_like_numbers(*files.start)) {
    warnings.push_back(fmt::format(
        "{}: looks like a table of numbers, and is read as text: --task forecast learns a table whose first line names "
        "its columns, --task classify one whose rows end in a class",
        corpus.name()));
  }
  const Level level = corpus.vocabulary().text().level;
  if (level == Level::character || corpus.tokens().empty()) return warnings;
  const double share = static_cast<double>(corpus.unknown()) / static_cast<double>(corpus.tokens().size());
  if (share > kMostUnknown) {
    warnings.push_back(fmt::format(
        "{}: {} of the tokens are unknown at level {} (too rare to be kept; the vocabulary has {}), and a model "
        "that predicts <unk> predicts nothing: try --level char, a longer text, or another --min-count",
        corpus.name(), percent(share), name(level), corpus.vocabulary().size()));
  } else if (level == Level::word && is_without_spaces(corpus.vocabulary())) {
    warnings.push_back(
        fmt::format("{}: much of it is in a script without spaces between words, so that whole sentences are tokens: "
                    "try --level char",
                    corpus.name()));
  }
  return warnings;
}

}  // namespace sluice::tool
