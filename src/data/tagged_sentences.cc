// Sentences and their tags; see tagged_sentences.h.
#include "data/tagged_sentences.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/failure.h"
#include "base/shown.h"
#include "data/cells.h"
#include "data/classes.h"
#include "data/lines.h"
#include "sluice/error.h"

namespace sluice {
namespace {

constexpr std::array<std::string_view, 10> kConllu{"id",    "form", "lemma",  "upos", "xpos",
                                                   "feats", "head", "deprel", "deps", "misc"};
constexpr std::size_t kForm = 1, kUpos = 3;

std::size_t conllu_column(const std::string& name) {
  if (name.empty()) return kUpos;
  const auto found = std::find(kConllu.begin() + kForm + 1, kConllu.end(), name);
  if (found == kConllu.end()) {
    throw Error(Status::usage,
                "column: expected lemma, upos, xpos, feats, head, deprel, deps or misc, found " + shown(name));
  }
  return static_cast<std::size_t>(found - kConllu.begin());
}

// Counted from 0; 0: the last one.
std::size_t numbered_column(const std::string& name) {
  if (name.empty()) return 0;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size() || number < 2) {
    throw Error(Status::usage, "column: expected the number of a column, from 2, found " + shown(name));
  }
  return number - 1;
}

// The columns of a line, separated by tabs, or by any number of blanks.
void columns_of(std::string_view line, char separator, std::vector<std::string_view>& columns) {
  split(line, separator, columns);
  if (separator == ' ') std::erase_if(columns, [](std::string_view column) { return column.empty(); });
}

// What both formats have in common: sentences of lines.
class SentenceReader {
 public:
  SentenceReader(const TextSource& source, const TagOptions& options)
      : reader_(source), names_(options.classes, "tag"), wanted_(options.tags) {
    all_.name = source.name;
  }
  virtual ~SentenceReader() = default;
  SentenceReader(const SentenceReader&) = delete;
  SentenceReader& operator=(const SentenceReader&) = delete;

  TaggedSentences read() {
    for (std::string line; reader_.next(line);) {
      if (trimmed(line).empty()) {
        end_sentence();
      } else {
        take(line);
      }
      all_.lines.push_back(line);
    }
    end_sentence();
    if (all_.words.empty()) {
      refuse_at(all_.name, "a word a line", reader_.number() == 0 ? "an empty file" : "no words");
    }
    if (wanted_) all_.classes = names_.finish(all_.tags);
    return std::move(all_);
  }

 protected:
  // A line that is not blank.
  virtual void take(std::string_view line) = 0;

  void add_word(std::string_view word, std::string_view tag) {
    if (word.empty()) reader_.refuse("a word", "none");
    if (wanted_) all_.tags.push_back(names_.number(tag, reader_));
    all_.words.emplace_back(word);
    all_.word_lines.push_back(all_.lines.size());
  }

  // Words of the sentence at hand.
  std::size_t words() const { return all_.words.size() - all_.starts.back(); }
  bool wanted() const { return wanted_; }

  LineReader reader_;
  TaggedSentences all_;
  std::vector<std::string_view> columns_;

 private:
  void end_sentence() {
    if (words() > 0) all_.starts.push_back(all_.words.size());
  }

  ClassNames names_;
  bool wanted_;
};

class ConlluReader : public SentenceReader {
 public:
  ConlluReader(const TextSource& source, const TagOptions& options) : SentenceReader(source, options) {
    all_.column = conllu_column(options.column);
  }

 private:
  void take(std::string_view line) override {
    if (line.starts_with('#')) return;
    split(line, '\t', columns_);
    if (columns_.size() != kConllu.size()) {
      reader_.refuse("10 columns separated by tabs", std::to_string(columns_.size()));
    }
    const std::string_view id = columns_.front();
    if (id.find_first_of("-.") != std::string_view::npos) return;
    const std::string next = std::to_string(words() + 1);
    if (id != next) reader_.refuse("the word numbered " + next + " of its sentence", shown(id));
    const std::string_view tag = columns_[all_.column];
    if (wanted() && tag == "_") {
      reader_.refuse("a tag in the column " + std::string(kConllu[all_.column]), "none (_)");
    }
    add_word(columns_[kForm], tag);
  }
};

class ColumnsReader : public SentenceReader {
 public:
  ColumnsReader(const TextSource& source, const TagOptions& options)
      : SentenceReader(source, options), asked_(numbered_column(options.column)) {}

 private:
  void take(std::string_view line) override {
    if (count_ == 0) all_.separator = line.find('\t') == std::string_view::npos ? ' ' : '\t';
    columns_of(line, all_.separator, columns_);
    if (count_ == 0) first_line();
    if (columns_.size() != count_) {
      reader_.refuse(std::to_string(count_) + (count_ == 1 ? " column" : " columns") + ", as in the lines before",
                     std::to_string(columns_.size()));
    }
    add_word(columns_.front(), all_.column < count_ ? columns_[all_.column] : "");
  }

  void first_line() {
    count_ = columns_.size();
    all_.column = asked_ > 0 ? asked_ : std::max<std::size_t>(count_ - 1, 1);
    const std::size_t least = wanted() ? all_.column + 1 : all_.column;
    if (count_ >= least) return;
    reader_.refuse("a word and its tag in " + std::to_string(least) + " columns", std::to_string(count_));
  }

  std::size_t asked_, count_ = 0;  // columns of a line
};

}  // namespace

TaggedSentences read_conllu(const TextSource& source, const TagOptions& options) try {
  return ConlluReader(source, options).read();
} catch (...) {
  rethrow_as_error("sentences");
}

TaggedSentences read_tagged(const TextSource& source, const TagOptions& options) try {
  return ColumnsReader(source, options).read();
} catch (...) {
  rethrow_as_error("sentences");
}

std::string with_tags(const TaggedSentences& sentences, std::span<const std::uint32_t> tags,
                      const std::vector<std::string>& classes) try {
  std::string text;
  std::vector<std::string_view> columns;
  std::size_t word = 0;
  for (std::size_t i = 0; i < sentences.lines.size(); ++i) {
    const std::string& line = sentences.lines[i];
    if (word == sentences.words.size() || sentences.word_lines[word] != i) {
      text += line;
    } else {
      columns_of(line, sentences.separator, columns);
      const std::string& tag = classes[tags[word++]];
      if (sentences.column < columns.size()) {  // all else stays as it is
        const std::string_view old = columns[sentences.column];
        const auto at = static_cast<std::size_t>(old.data() - line.data());
        text.append(line, 0, at).append(tag).append(line, at + old.size());
      } else {
        text += line;
        text += sentences.separator;
        text += tag;
      }
    }
    text += '\n';
  }
  return text;
} catch (...) {
  rethrow_as_error("sentences");
}

}  // namespace sluice
