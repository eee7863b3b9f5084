#include "unit_corpus.h"

#include <algorithm>

#include "data/encoding.h"
#include "example_text.h"
#include "options.h"
#include "tasks/examples.h"
#include "text_sources.h"

namespace sluice::tool {
namespace {

// All of a text's files; each ends its last line.
std::string read_all(const TextFiles& files, bool lossy) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  std::string text;
  for (const TextSource& source : files.sources) {
    const std::size_t begin = text.size();
    const TextSource::Read read = source.open();
    for (std::size_t filled = begin;;) {
      text.resize(filled + kPiece);
      const std::size_t got = read(text.data() + filled, kPiece);
      text.resize(filled += got);
      if (got == 0) break;
    }
    refuse_other_encoding(std::string_view(text).substr(begin, kPiece), source.name, lossy);
    if (files.sources.size() > 1 && text.size() > begin && text.back() != '\n') text += '\n';
  }
  return text;
}

// Sentences with tags as a running text, a line each: the classes are the tags, and blanks and line ends have none.
UnitCorpus tagged_text(const Model& model, const TaggedSentences& sentences) {
  const Vocabulary& vocabulary = model.vocabulary();
  UnitCorpus corpus;
  corpus.sequences.labels_per_step = true;
  corpus.sequences.classes = sentences.classes;
  const auto add = [&](const std::string& text, std::uint32_t label) {
    std::vector<std::string> pieces;
    const std::vector<Token> tokens = vocabulary.encode(text, &pieces);
    for (std::size_t i = 0; i < tokens.size(); ++i) corpus.add(tokens[i], pieces[i], label);
  };
  for (std::size_t s = 0; s < sentences.size(); ++s) {
    for (std::size_t w = sentences.starts[s]; w < sentences.starts[s + 1]; ++w) {
      if (w > sentences.starts[s] && vocabulary.text().level == Level::character) add(" ", kIgnoredLabel);
      add(sentences.words[w], sentences.tags[w]);
    }
    add("\n", kIgnoredLabel);
  }
  corpus.end_sequence();
  return corpus;
}

// Examples as a network reads them, one sequence each.
UnitCorpus apart(const Model& model, const Task& task, Examples examples) {
  const std::vector<std::string>& texts = examples.texts.texts;
  encode_for(model, task, examples);
  UnitCorpus corpus;
  corpus.apart = true;
  Sequences& read = examples.sequences;
  const bool labels = !read.labels.empty();
  for (std::size_t s = 0; s < read.size(); ++s) {
    std::vector<std::string> pieces;
    if (task.kind == TaskKind::classify) model.vocabulary().encode(texts[s], &pieces);
    for (std::size_t i = 0, at = read.starts[s]; at < read.starts[s + 1]; ++i, ++at) {
      const std::string& piece = task.kind == TaskKind::tag ? examples.tagged.words[at]
                                 : i < pieces.size()        ? pieces[i]
                                                            : "";
      const std::uint32_t label = !labels ? 0 : task.kind == TaskKind::tag ? read.labels[at] : read.labels[s];
      corpus.add(read.tokens[at], piece, labels ? std::optional(label) : std::nullopt);
    }
    corpus.end_sequence();
  }
  corpus.sequences.labels_per_step = labels;
  if (labels) corpus.sequences.classes = examples.classes;
  corpus.sequences.words = std::move(read.words);
  corpus.sequences.spellings = std::move(read.spellings);
  return corpus;
}

}  // namespace

UnitCorpus read_units_files(const Model& model, const Task& task, const std::vector<std::string>& files) {
  const bool lossy = model.vocabulary().text().lossy;
  UnitCorpus corpus;
  if (task.kind != TaskKind::language) {
    expect(files.size() == 1, "FILE", "one file or folder", std::to_string(files.size()));
    corpus = apart(model, task,
                   read_examples(task, files[0], open_examples,
                                 {.lossy = lossy, .inputs = model.config().inputs, .as_trained = true}));
    corpus.name = files[0];
    return corpus;
  }
  TextFiles all = text_files(files);
  if (files.size() == 1 && all.plain) {
    const DataKind kind = kind_of_file(files[0], all);
    if (kind.form == DataForm::conllu || kind.form == DataForm::tagged) {
      const TextSource source = one_file(files[0], all);
      corpus = tagged_text(model, kind.form == DataForm::conllu ? read_conllu(source) : read_tagged(source));
      corpus.name = all.name;
      return corpus;
    }
  }
  return read_unit_corpus(model, read_all(all, lossy), all.name);
}

UnitCorpus read_units_text(const Model& model, const Task& task, const std::string& text) {
  if (task.kind == TaskKind::language) return read_unit_corpus(model, text, "text");
  ExampleText read = read_example_text(model, task, text);
  read.examples.sequences.labels.clear();
  UnitCorpus corpus;
  corpus.apart = true;
  for (std::size_t i = 0; i < read.words.size(); ++i) corpus.add(read.examples.sequences.tokens[i], read.words[i]);
  corpus.end_sequence();
  corpus.sequences.words = std::move(read.examples.sequences.words);
  corpus.sequences.spellings = std::move(read.examples.sequences.spellings);
  return corpus;
}

std::pair<std::size_t, std::size_t> read_span(std::string_view flag, const std::string& text) {
  const std::vector<std::string> ends = split(text, '-');
  expect(ends.size() == 1 || ends.size() == 2, flag, "FIRST-LAST, numbered from 0", text);
  std::uint64_t first = 0, last = 0;
  read_value(flag, ends.front(), first);
  read_value(flag, ends.back(), last);
  return {first, last};
}

Unit read_unit(const std::string& text) {
  const std::vector<std::string> parts = split(text, ':');
  expect(parts.size() <= 2, "--unit", "a unit's number, or LAYER:UNIT", text);
  std::uint64_t layer = 0, unit = 0;
  if (parts.size() == 2) read_value("--unit", parts.front(), layer);
  read_value("--unit", parts.back(), unit);
  return {layer, unit};
}

}  // namespace sluice::tool
