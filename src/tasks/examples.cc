// Files of examples; see examples.h.
#include "tasks/examples.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <unordered_map>

#include "base/failure.h"
#include "data/baselines.h"
#include "data/data_kind.h"
#include "data/lines.h"
#include "data/notes.h"
#include "data/sequences.h"
#include "sluice/error.h"

namespace sluice {
namespace {

// The last characters of a word, its capitals and digits made alike.
std::string folded_tail(std::string_view word, std::size_t characters) {
  std::size_t at = word.size();
  for (std::size_t i = 0; i < characters && at > 0; ++i) {
    --at;
    while (at > 0 && (static_cast<unsigned char>(word[at]) & 0xc0) == 0x80) --at;
  }
  std::string tail(word.substr(at));
  for (char& c : tail) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c >= '0' && c <= '9') c = '0';
  }
  return tail;
}

Vocabulary word_vocabulary(const TaggedSentences& sentences, const TextOptions& text, const VocabularyOptions& options,
                           bool with_shapes) {
  const std::uint64_t least = options.min_count > 0 ? options.min_count : 2;
  std::map<std::string, std::uint64_t> words, shapes;
  for (const std::string& word : sentences.words) ++words[word];
  for (const auto& [word, count] : words) {
    if (count >= least || !with_shapes) continue;
    for (const std::string& shape : word_shapes(word)) shapes[shape] += count;
  }
  std::vector<std::pair<std::uint64_t, std::string>> kept;
  for (const auto* counts : {&words, &shapes}) {
    for (const auto& [name, count] : *counts) {
      if (count >= least && name != Vocabulary::unknown_text) kept.emplace_back(count, name);
    }
  }
  std::ranges::stable_sort(kept, [](const auto& a, const auto& b) { return a.first > b.first; });
  if (options.max_vocabulary > 0 && kept.size() >= options.max_vocabulary) kept.resize(options.max_vocabulary - 1);
  std::vector<std::string> tokens = {std::string(Vocabulary::unknown_text)};
  for (auto& [count, name] : kept) tokens.push_back(std::move(name));
  TextOptions split = text;
  split.level = Level::pretokenized;
  return Vocabulary(split, std::move(tokens));
}

bool is_folder(const std::string& path) {
  std::error_code unknown;
  return path != "-" && std::filesystem::is_directory(path, unknown);
}

LabelledTexts read_texts(const Task& task, const std::string& path, const OpenFile& open, const ReadOptions& options) {
  const LabelledTextOptions how = {.classes = task.classes, .lossy = options.lossy};
  const bool of_folder = task.texts == TextForm::folders || task.texts == TextForm::files;
  if (of_folder && (options.labels || is_folder(path))) return read_labelled_folder(path, task.texts, open, how);
  if (task.texts == TextForm::folders) return read_one_text(open(path), options.lossy);
  return read_labelled_lines(open(path), options.labels ? task.texts : TextForm::plain, how);
}

std::string_view what_has(DataForm form) {
  switch (form) {
    case DataForm::ts:
      return "a .ts file";
    case DataForm::sequence_lines:
      return "a sequence of numbers a line";
    case DataForm::labelled:
      return "texts";
    case DataForm::conllu:
      return "the ten columns of CoNLL-U";
    case DataForm::tagged:
      return "a word and its tag a line";
    case DataForm::notes:
      return "frames of notes";
    case DataForm::table:
      return "a table";
    case DataForm::text:
      break;
  }
  return "a text";
}

// Forms that nothing else is taken for: to be read as another, such a file would be refused at some line, or worse,
// not.
void expect_form(const Task& task, const std::string& path, const OpenFile& open) {
  std::error_code unknown;
  if (path == "-" || !std::filesystem::is_regular_file(path, unknown)) return;
  const DataKind kind = find_data_kind(path, open);
  if (kind.form == task.form || (kind.form != DataForm::ts && kind.form != DataForm::conllu)) return;
  refuse_at(path, std::string(what_has(task.form)) + ", as in training", std::string(what_has(kind.form)));
}

}  // namespace

std::size_t Examples::size() const {
  return !texts.texts.empty() ? texts.texts.size() : tagged.size() > 0 ? tagged.size() : sequences.size();
}

Examples read_examples(const Task& task, const std::string& path, const OpenFile& open,
                       const ReadOptions& options) try {
  const auto& [labels, lossy, inputs, as_trained] = options;
  Examples all;
  if (as_trained) expect_form(task, path, open);
  switch (task.form) {
    case DataForm::ts:
      all.sequences = read_ts(open(path), {.classes = task.classes, .inputs = inputs});
      break;
    case DataForm::sequence_lines:
      all.sequences = read_sequence_lines(open(path), find_label_column(labels ? task.label : "none"),
                                          {.classes = task.classes, .inputs = inputs});
      break;
    case DataForm::labelled:
      all.texts = read_texts(task, path, open, options);
      all.classes = all.texts.classes;
      return all;
    case DataForm::conllu:
      all.tagged = read_conllu(open(path), {.column = task.column, .classes = task.classes, .tags = labels});
      all.classes = all.tagged.classes;
      return all;
    case DataForm::tagged:
      all.tagged = read_tagged(open(path), {.column = task.column, .classes = task.classes, .tags = labels});
      all.classes = all.tagged.classes;
      return all;
    case DataForm::notes:
      all.sequences = read_notes(open(path));
      if (labels) all.sequences = predict_next_step(all.sequences);
      break;
    case DataForm::text:
    case DataForm::table:
      throw Error(Status::usage, path + ": expected a file of examples, found none");
  }
  all.classes = all.sequences.classes;
  return all;
} catch (...) {
  rethrow_as_error(path.c_str());
}

Vocabulary make_vocabulary(const Examples& examples, const TextOptions& text, const VocabularyOptions& options,
                           bool shapes) {
  if (examples.tagged.size() > 0) return word_vocabulary(examples.tagged, text, options, shapes);
  std::string joined;
  for (const std::string& one : examples.texts.texts) joined += one + '\n';
  return Corpus::from_text(joined, text, options, examples.texts.name).vocabulary();
}

void encode(const Vocabulary& vocabulary, Examples& examples, const Alphabet* alphabet) {
  Sequences& out = examples.sequences;
  out = Sequences();
  out.classes = examples.classes;
  if (examples.tagged.size() > 0) {
    const TaggedSentences& tagged = examples.tagged;
    out.name = tagged.name;
    out.starts = tagged.starts;
    out.labels = tagged.tags;
    out.labels_per_step = true;
    struct Known {
      Token token;
      std::uint32_t number;  // of the distinct words
    };
    std::unordered_map<std::string_view, Known> known;
    for (const std::string& word : tagged.words) {
      const auto [at, fresh] = known.try_emplace(word);
      if (fresh) {
        at->second = {find_word(vocabulary, word), static_cast<std::uint32_t>(known.size() - 1)};
        if (alphabet != nullptr) alphabet->spell(word, out.spellings);
      }
      out.tokens.push_back(at->second.token);
      if (alphabet != nullptr) out.words.push_back(at->second.number);
    }
    return;
  }
  out.name = examples.texts.name;
  out.labels = examples.texts.labels;
  for (const std::string& text : examples.texts.texts) {
    const std::vector<Token> tokens = vocabulary.encode(text);
    out.tokens.insert(out.tokens.end(), tokens.begin(), tokens.end());
    if (tokens.empty()) out.tokens.push_back(Vocabulary::unknown);
    out.starts.push_back(out.tokens.size());
  }
}

void encode_for(const Model& model, const Task& task, Examples& examples) {
  if (!model.reads_text()) return;
  if (model.config().spelling.characters == 0) return encode(model.vocabulary(), examples);
  const Alphabet alphabet(task.alphabet);
  encode(model.vocabulary(), examples, &alphabet);
}

void count_frequencies(const Examples& training, Task& task) {
  const Sequences& all = training.sequences;
  const bool notes = task.kind == TaskKind::music;
  task.frequencies = notes ? count_targets(all) : count_classes(all.labels, task.classes.size());
  task.counted = notes ? all.targets.size() / all.outputs : all.labels.size();
}

std::vector<std::string> word_shapes(std::string_view word) {
  bool digit = false, hyphen = false, upper = false, lower = false;
  for (const char c : word) {
    digit = digit || (c >= '0' && c <= '9');
    hyphen = hyphen || c == '-';
    upper = upper || (c >= 'A' && c <= 'Z');
    lower = lower || (c >= 'a' && c <= 'z');
  }
  const bool first = !word.empty() && word[0] >= 'A' && word[0] <= 'Z';
  std::string shape = "<unk";
  if (first) shape += lower ? "-Capital" : "-CAPITALS";
  if (!first && upper) shape += "-capital-within";
  if (digit) shape += lower || upper ? "-digit" : "-number";
  if (hyphen) shape += "-hyphen";
  if (!digit && !lower && !upper) shape += "-other";
  std::vector<std::string> all;
  for (const std::size_t characters : {3, 2, 1}) {
    std::string named = shape + ":" + folded_tail(word, characters) + ">";
    if (all.empty() || all.back() != named) all.push_back(std::move(named));
  }
  all.push_back(shape + ">");
  return all;
}

Token find_word(const Vocabulary& vocabulary, std::string_view word) {
  if (const auto token = vocabulary.find(word)) return *token;
  for (const std::string& shape : word_shapes(word)) {
    if (const auto token = vocabulary.find(shape)) return *token;
  }
  return Vocabulary::unknown;
}

}  // namespace sluice
