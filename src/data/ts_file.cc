// The `.ts` files of sktime and aeon; see sequences.h.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "base/failure.h"
#include "base/shown.h"
#include "data/cells.h"
#include "data/classes.h"
#include "data/sequences.h"
#include "sluice/error.h"

namespace sluice {
namespace {

std::string lowercase_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

// What the lines before @data say. Tags that are not known here change nothing in how the data is read.
struct TsHeader {
  bool univariate = false, equal_length = false;
  std::size_t dimensions = 0, length = 0;  // 0: not said
  bool labels = false, targets = false;
  std::vector<std::string> classes;  // in the order of the file
};

class TsReader {
 public:
  TsReader(const TextSource& source, const SequenceOptions& options) : lines_(source), options_(options) {
    all_.name = source.name;
  }

  Sequences read() {
    read_header();
    ClassNames names(options_.classes.empty() ? header_.classes : options_.classes);
    while (next()) read_sequence(names);
    if (all_.size() == 0) refuse_at(lines_.name(), "a sequence a line after @data", "none");
    if (header_.labels) all_.classes = names.finish(all_.labels);
    return std::move(all_);
  }

 private:
  // The next line that is neither blank nor a comment.
  bool next() {
    while (lines_.next(line_)) {
      text_ = trimmed(line_);
      if (!text_.empty() && !text_.starts_with('#')) return true;
    }
    return false;
  }

  void read_header() {
    while (next()) {
      std::size_t end = std::min(text_.find_first_of(" \t"), text_.size());
      const std::string tag = lowercase_ascii(text_.substr(0, end));
      const std::string_view value = trimmed(text_.substr(end));
      if (!tag.starts_with('@')) lines_.refuse("a line that begins with # or @, before @data", shown(text_));
      if (tag == "@data") return;
      read_tag(tag, value);
    }
    refuse_at(lines_.name(), "@data in a .ts file", lines_.number() == 0 ? "an empty file" : "none");
  }

  void read_tag(const std::string& tag, std::string_view value) {
    if (tag == "@timestamps" && truth(tag, value))
      lines_.refuse("@timeStamps false", "time stamps, which are not supported");
    if (tag == "@univariate") header_.univariate = truth(tag, value);
    if (tag == "@equallength") header_.equal_length = truth(tag, value);
    if (tag == "@targetlabel") header_.targets = truth(tag, value);
    if (tag == "@dimensions" || tag == "@dimension") header_.dimensions = count(tag, value);
    if (tag == "@serieslength") header_.length = count(tag, value);
    if (tag == "@classlabel") {
      std::vector<std::string_view> words;
      split(value, ' ', words);
      header_.labels = truth(tag, words.front());
      for (std::size_t i = 1; i < words.size(); ++i) {
        if (!words[i].empty()) header_.classes.emplace_back(words[i]);
      }
      if (!header_.labels) header_.classes.clear();
    }
  }

  bool truth(const std::string& tag, std::string_view value) const {
    const std::string word = lowercase_ascii(value);
    if (word != "true" && word != "false") lines_.refuse("true or false after " + tag, shown(value));
    return word == "true";
  }

  std::size_t count(const std::string& tag, std::string_view value) const {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size() || number == 0) {
      lines_.refuse("a whole number of at least 1 after " + tag, shown(value));
    }
    return number;
  }

  void read_sequence(ClassNames& names) {
    split(text_, ':', dimensions_);
    if (header_.labels || header_.targets) {
      if (dimensions_.size() < 2) lines_.refuse("a class at the end, after ':'", "no ':'");
      const std::string_view label = trimmed(dimensions_.back());
      dimensions_.pop_back();
      if (header_.labels) {
        all_.labels.push_back(names.number(label, lines_));
      } else {
        all_.outputs = 1;
        all_.targets.push_back(read_cell(label, Missing::refuse, [&] { return lines_.place() + ", at its end"; }));
      }
    }
    check_dimensions();
    for (std::size_t d = 0; d < dimensions_.size(); ++d) read_dimension(d);
    all_.starts.push_back(all_.steps() + length_);
  }

  void check_dimensions() {
    if (all_.inputs == 0) all_.inputs = expected_inputs();
    if (dimensions_.size() == all_.inputs) return;
    lines_.refuse(std::to_string(all_.inputs) + (all_.inputs == 1 ? " dimension" : " dimensions") + " separated by ':'",
                  std::to_string(dimensions_.size()));
  }

  // As the training file says, or the header, or else the first sequence.
  std::size_t expected_inputs() const {
    const std::size_t said = header_.dimensions > 0 ? header_.dimensions : header_.univariate ? 1 : 0;
    if (options_.inputs > 0 && said > 0 && said != options_.inputs) {
      lines_.refuse(std::to_string(options_.inputs) + " dimensions, as in training", std::to_string(said));
    }
    return options_.inputs > 0 ? options_.inputs : said > 0 ? said : dimensions_.size();
  }

  void read_dimension(std::size_t d) {
    split(dimensions_[d], ',', cells_);
    const std::string which = "dimension " + std::to_string(d + 1);
    if (cells_.size() == 1 && trimmed(cells_.front()).empty()) lines_.refuse("numbers in " + which, "none");
    if (d == 0) {
      length_ = cells_.size();
      if (header_.equal_length && header_.length > 0 && length_ != header_.length) {
        lines_.refuse(std::to_string(header_.length) + " steps, as @seriesLength says", std::to_string(length_));
      }
      all_.values.resize((all_.steps() + length_) * all_.inputs);
    }
    if (cells_.size() != length_) {
      lines_.refuse(std::to_string(length_) + " steps in " + which + ", as in dimension 1",
                    std::to_string(cells_.size()));
    }
    float* const to = all_.values.data() + all_.steps() * all_.inputs + d;
    for (std::size_t t = 0; t < length_; ++t) {
      to[t * all_.inputs] = read_cell(cells_[t], options_.missing, [&] {
        return lines_.place() + ", " + which + ", step " + std::to_string(t + 1);
      });
    }
  }

  LineReader lines_;
  const SequenceOptions& options_;
  TsHeader header_;
  Sequences all_;
  std::string line_;
  std::string_view text_;  // the line without blanks at its ends
  std::vector<std::string_view> dimensions_, cells_;
  std::size_t length_ = 0;  // of the sequence at hand
};

}  // namespace

Sequences read_ts(const TextSource& source, const SequenceOptions& options) try {
  return TsReader(source, options).read();
} catch (...) {
  rethrow_as_error("sequences");
}

}  // namespace sluice
