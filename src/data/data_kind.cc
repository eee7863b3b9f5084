// Kinds of files; see data_kind.h.
#include "data/data_kind.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "data/cells.h"
#include "data/csv.h"
#include "data/lines.h"
#include "data/numbers.h"
#include "data/reader.h"
#include "data/times.h"
#include "sluice/error.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kStart = std::size_t{1} << 16;

// The first bytes of a file, in whole lines.
std::string start_of(const TextSource& source) {
  const TextSource::Read read = source.open();
  std::string start(kStart, '\0');
  std::size_t filled = 0;
  while (filled < kStart) {
    const std::size_t got = read(start.data() + filled, kStart - filled);
    if (got == 0) break;
    filled += got;
  }
  start.resize(filled);
  if (filled == kStart) {  // the last line may be cut, also within a character
    const std::size_t end = start.find_last_of("\r\n");
    if (end != std::string::npos) start.resize(end + 1);
  }
  return start;
}

TextSource in_memory(const std::string& name, const std::string& text) {
  return {name, [&text] { return read_from_memory(text); }};
}

bool all_of_lines(const std::vector<std::string>& lines, bool (*is)(std::string_view)) {
  return !lines.empty() && std::ranges::all_of(lines, [&](const std::string& line) { return is(line); });
}

std::size_t tabs(std::string_view line) { return static_cast<std::size_t>(std::ranges::count(line, '\t')); }

bool has_prefix(std::string_view line) { return trimmed(line).starts_with("__label__"); }

// "60 64 67 ; - ; 62"
bool is_piece(std::string_view line) {
  return line.find(';') != std::string_view::npos &&
         line.find_first_not_of("0123456789 -;") == std::string_view::npos &&
         std::ranges::all_of(line, [&](const char& c) {
           const bool follows_blank = &c == line.data() || *(&c - 1) == ' ';
           return (c != ';' && c != '-') || follows_blank;
         });
}

// A word and one column or more, the last of which may be a tag.
bool is_word_and_tag(std::string_view line) {
  if (tabs(line) == 0) return false;
  const std::string_view tag = line.substr(line.rfind('\t') + 1);
  return !tag.empty() && tag.find(' ') == std::string_view::npos;
}

// As many columns in every line; a number at the end of more than two is that of a table.
bool are_words_and_tags(const std::vector<std::string>& lines) {
  return all_of_lines(lines, is_word_and_tag) && std::ranges::all_of(lines, [&](const std::string& line) {
           const std::size_t columns = tabs(line);
           return columns == tabs(lines.front()) && (columns == 1 || !read_number(line.substr(line.rfind('\t') + 1)));
         });
}

bool is_label_and_text(std::string_view line) {
  const std::size_t tab = line.find('\t');
  return tab != std::string_view::npos && tab > 0 && !read_number(trimmed(line.substr(tab + 1))) &&
         line.find('\t', tab + 1) == std::string_view::npos;
}

bool is_conllu(std::string_view line) { return tabs(line) == 9 && line.front() >= '0' && line.front() <= '9'; }

std::size_t numbers_in(std::span<const std::string_view> cells, char separator) {
  return static_cast<std::size_t>(std::ranges::count_if(
      cells, [separator](std::string_view cell) { return read_number(cell, separator) || is_missing(cell); }));
}

// Rows of numbers, with one other cell at most: under a header they are columns, else each is a sequence.
bool find_rows(const std::string& name, const std::string& start, DataKind& kind) {
  const TextSource source = in_memory(name, start);
  CsvReader rows(source);
  std::vector<std::string_view> cells;
  try {
    if (!rows.next(cells) || cells.size() < 2) return false;
  } catch (const Error&) {
    return false;
  }
  const std::size_t columns = cells.size();
  const char separator = rows.separator();
  bool header =
      std::ranges::none_of(cells, [&](std::string_view cell) { return read_number(cell, separator).has_value(); });
  const bool named = !read_number(cells.front()) && !is_date(cells.front());
  std::size_t seen = header ? 0 : 1;
  bool same = true, numeric = header || numbers_in(cells, separator) + 1 >= columns;
  try {
    for (; seen < 50 && numeric && rows.next(cells); ++seen) {
      // A header of numbers under a name, over rows that begin with a date.
      if (seen == 1 && named && is_date(cells.front())) header = true;
      // R leaves out the name of the first column.
      same = same && (cells.size() == columns || cells.size() == columns + 1);
      // Under a header there may be columns of text beside those of numbers.
      const std::size_t numbers = numbers_in(cells, separator);
      numeric = header ? numbers > 0 : numbers + 1 >= cells.size() && cells.size() > 1;
    }
  } catch (const Error&) {
    return false;
  }
  if (!numeric || seen == 0 || (header && !same)) return false;
  kind.form = header ? DataForm::table : DataForm::sequence_lines;
  const std::string separated = "separated by " + std::string(separator_name(rows.separator()));
  kind.saw = header ? "a header of " + std::to_string(columns) + " columns, " + separated
                    : "rows of numbers without a header, " + separated;
  return true;
}

DataKind kind_of_folder(const std::string& folder) {
  std::size_t folders = 0, files = 0;
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    if (at->path().filename().string().starts_with('.')) continue;
    std::error_code gone;
    ++(at->is_directory(gone) ? folders : files);
  }
  if (failed) refuse_at(folder, "a folder", "that it cannot be read (" + failed.message() + ")");
  if (folders < 2 || files > folders) return {DataForm::text, TextForm::plain, "a folder of texts"};
  std::string saw = "a folder with " + std::to_string(folders) + " folders, one a class";
  if (files > 0) saw += " (" + std::to_string(files) + (files == 1 ? " file" : " files") + " beside them left out)";
  return {DataForm::labelled, TextForm::folders, saw};
}

DataKind kind_of_text(const std::string& name, const std::string& start) {
  std::vector<std::string> lines;  // that are neither blank nor comments
  bool blank_between = false, blank = false, tagged_ts = false;
  const TextSource source = in_memory(name, start);
  LineReader reader(source, true);
  for (std::string line; lines.size() < 200 && reader.next(line);) {
    const std::string_view text = trimmed(line);
    if (text.empty()) {
      blank = !lines.empty();
      continue;
    }
    if (lines.empty() && (text.starts_with("@problemName") || text.starts_with("@data"))) tagged_ts = true;
    if (lines.empty() && text.starts_with('#')) continue;
    blank_between = blank_between || std::exchange(blank, false);
    lines.push_back(line);
  }
  if (tagged_ts) return {DataForm::ts, TextForm::plain, "the @ lines of a .ts file"};
  if (std::ranges::count_if(lines, is_conllu) > 0 &&
      std::ranges::all_of(lines, [](const std::string& line) { return line.starts_with('#') || tabs(line) == 9; })) {
    return {DataForm::conllu, TextForm::plain, "the ten columns of CoNLL-U"};
  }
  if (all_of_lines(lines, has_prefix)) return {DataForm::labelled, TextForm::prefix, "__label__ before each line"};
  if (all_of_lines(lines, is_piece)) return {DataForm::notes, TextForm::plain, "frames of notes between semicolons"};
  if (blank_between && are_words_and_tags(lines)) {
    const std::size_t columns = 1 + tabs(lines.front());
    return {DataForm::tagged, TextForm::plain,
            (columns == 2 ? "a word, a tab and a tag a line"
                          : "a word in the first of " + std::to_string(columns) + " columns a line") +
                std::string(", with blank lines between sentences")};
  }
  DataKind kind;
  if (find_rows(name, start, kind)) return kind;
  if (all_of_lines(lines, is_label_and_text)) {
    return {DataForm::labelled, TextForm::tab, "a class, a tab and a text a line"};
  }
  return {DataForm::text, TextForm::plain, "running text"};
}

}  // namespace

DataKind find_data_kind(const std::string& path, const OpenFile& open) try {
  std::error_code unknown;
  if (path != "-" && fs::is_directory(path, unknown)) return kind_of_folder(path);
  std::string_view name = path;
  if (name.ends_with(".gz")) name.remove_suffix(3);
  if (name.ends_with(".ts")) return {DataForm::ts, TextForm::plain, "its name's ending, .ts"};
  if (name.ends_with(".conllu")) return {DataForm::conllu, TextForm::plain, "its name's ending, .conllu"};
  const TextSource source = open(path);
  return kind_of_text(source.name, start_of(source));
} catch (...) {
  rethrow_as_error("kinds of files");
}

TextSource opened_twice(const TextSource& source) {
  struct Shared {
    TextSource::Read read = {};  // once it is open
    std::string kept = {};       // what the first reading took
  };
  const auto shared = std::make_shared<Shared>();
  const auto open_it = [source, shared]() -> TextSource::Read {
    if (!shared->read) {
      shared->read = source.open();
      return [shared](char* into, std::size_t most) {
        const std::size_t count = shared->read(into, most);
        shared->kept.append(into, count);
        return count;
      };
    }
    return [shared, given = std::size_t{0}](char* into, std::size_t most) mutable {
      if (given == shared->kept.size()) return shared->read(into, most);
      const std::size_t count = shared->kept.copy(into, most, given);
      given += count;
      return count;
    };
  };
  return {source.name, open_it};
}

}  // namespace sluice
