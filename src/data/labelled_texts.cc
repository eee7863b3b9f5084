// Texts and their classes; see labelled_texts.h.
#include "data/labelled_texts.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <type_traits>

#include "base/failure.h"
#include "base/fnv.h"
#include "base/random.h"
#include "base/shown.h"
#include "data/classes.h"
#include "data/lines.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "__label__";

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

// What stands in a folder, or below it, by name in the order of bytes.
template <class Iterator, class Wanted>
std::vector<fs::path> listed(const std::string& folder, Wanted&& wanted) {
  std::vector<fs::path> paths;
  std::error_code failed;
  for (Iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    if (is_hidden(at->path())) {
      if constexpr (std::is_same_v<Iterator, fs::recursive_directory_iterator>) at.disable_recursion_pending();
      continue;
    }
    if (wanted(*at)) paths.push_back(at->path());
  }
  if (failed) refuse_at(folder, "a folder", "that it cannot be read (" + failed.message() + ")");
  std::ranges::sort(paths);
  return paths;
}

bool is_file(const fs::directory_entry& entry) {
  std::error_code gone;
  return entry.is_regular_file(gone);
}

bool is_folder(const fs::directory_entry& entry) {
  std::error_code gone;
  return entry.is_directory(gone);
}

// A whole file as clean text.
std::string text_of(const TextSource& source, bool lossy) {
  std::string text;
  LineReader lines(source, lossy);
  for (std::string line; lines.next(line);) {
    if (lines.number() > 1) text += '\n';
    text += line;
  }
  return text;
}

struct Labelled {
  std::string_view label, text;
};

// The parts of a line that is not blank.
Labelled parts_of(std::string_view line, TextForm form, const LineReader& lines) {
  if (form == TextForm::plain) return {{}, line};
  if (form == TextForm::tab) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) lines.refuse("a class, a tab and a text", "no tab");
    return {trimmed(line.substr(0, tab)), trimmed(line.substr(tab + 1))};
  }
  line = trimmed(line);
  if (!line.starts_with(kPrefix)) lines.refuse("__label__ and a class before the text", shown(line));
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view text = trimmed(line.substr(end));
  if (text.starts_with(kPrefix)) lines.refuse("one class a text", "several");
  return {line.substr(kPrefix.size(), end - kPrefix.size()), text};
}

}  // namespace

LabelledTexts read_labelled_lines(const TextSource& source, TextForm form, const LabelledTextOptions& options) try {
  LabelledTexts all;
  all.name = source.name;
  ClassNames names(options.classes);
  LineReader lines(source, options.lossy);
  for (std::string line; lines.next(line);) {
    if (trimmed(line).empty()) continue;
    const auto [label, text] = parts_of(line, form, lines);
    if (form != TextForm::plain) all.labels.push_back(names.number(label, lines));
    if (text.empty()) lines.refuse("a text behind the class", "none");
    all.texts.emplace_back(text);
  }
  if (all.texts.empty()) refuse_at(source.name, "one text a line", lines.number() == 0 ? "an empty file" : "none");
  if (form != TextForm::plain) all.classes = names.finish(all.labels);
  return all;
} catch (...) {
  rethrow_as_error("texts");
}

LabelledTexts read_one_text(const TextSource& source, bool lossy) try {
  LabelledTexts one;
  one.name = source.name;
  one.texts.push_back(text_of(source, lossy));
  return one;
} catch (...) {
  rethrow_as_error("texts");
}

LabelledTexts read_labelled_folder(const std::string& folder, TextForm form, const OpenFile& open,
                                   const LabelledTextOptions& options) try {
  LabelledTexts all;
  all.name = folder;
  ClassNames names(options.classes);
  const auto read_file = [&](const fs::path& path, std::string_view label) {
    const TextSource source = open(path.string());
    const std::uint32_t number = names.number(label, source.name, 0);
    if (form == TextForm::folders) {
      all.texts.push_back(text_of(source, options.lossy));
    } else {
      LineReader lines(source, options.lossy);
      for (std::string line; lines.next(line);) {
        if (!trimmed(line).empty()) all.texts.emplace_back(trimmed(line));
      }
    }
    all.labels.resize(all.texts.size(), number);
  };
  if (form == TextForm::folders) {
    for (const fs::path& sub : listed<fs::directory_iterator>(folder, is_folder)) {
      const auto files = listed<fs::recursive_directory_iterator>(sub.string(), is_file);
      for (const fs::path& file : files) read_file(file, sub.filename().string());
    }
  } else {
    for (const fs::path& file : listed<fs::directory_iterator>(folder, is_file)) {
      fs::path label = file.filename();
      if (label.extension() == ".gz") label = label.stem();
      read_file(file, label.stem().string());
    }
  }
  if (all.texts.empty()) {
    refuse_at(folder, form == TextForm::folders ? "a folder a class with texts in it" : "a file a class", "none");
  }
  all.classes = names.finish(all.labels);
  return all;
} catch (...) {
  rethrow_as_error("texts");
}

bool is_held_out(std::string_view text, double share) {
  const std::uint64_t sum = fnv1a(std::span<const char>(text));
  return static_cast<double>(mix64(sum)) * 0x1p-64 < share;
}

}  // namespace sluice
