// Texts and sequences, as training and prediction read them.
#include "data.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"
#include "fields.h"
#include "sluice/error.h"
#include "subjects.h"
#include "tasks/examples.h"
#include "text_sources.h"

namespace sluice::python {
namespace {

struct HowToRead {
  TextOptions text;
  VocabularyOptions vocabulary;
};

HowToRead how_to_read(const nb::dict& options) {
  HowToRead how;
  std::string level = "word";
  apply(options, "level", level);
  how.text.level = find_level(level);
  apply(options, "lowercase", how.text.lowercase);
  apply(options, "lossy", how.text.lossy);
  apply(options, "min-count", how.vocabulary.min_count);
  apply(options, "max-vocabulary", how.vocabulary.max_vocabulary);
  return how;
}

Corpus corpus_of_files(const std::vector<std::string>& files, const nb::dict& options,
                       const std::optional<Vocabulary>& vocabulary) {
  if (files.empty()) refuse_field("files", "at least one", "none");
  const HowToRead how = how_to_read(options);
  nb::gil_scoped_release release;
  const tool::TextFiles read = tool::text_files(files);
  if (vocabulary) return Corpus::read(read.sources, read.name, *vocabulary);
  return Corpus::read(read.sources, read.name, how.text, how.vocabulary);
}

Corpus corpus_of_text(const std::string& text, const nb::dict& options, const std::optional<Vocabulary>& vocabulary) {
  const HowToRead how = how_to_read(options);
  nb::gil_scoped_release release;
  if (vocabulary) return Corpus::from_text(text, *vocabulary);
  return Corpus::from_text(text, how.text, how.vocabulary);
}

// An array that belongs to it, of one number a sequence or a step.
template <class T>
void expect_rows(const Given<T>& given, const Sequences& s, const char* name, bool& per_step) {
  const std::size_t rows = given.shape.empty() ? 0 : given.shape[0];
  per_step = rows == s.steps() && (rows != s.size() || per_step);
  if (rows == s.steps() || rows == s.size()) return;
  refuse_field(name,
               std::to_string(s.size()) + " rows, one a sequence, or " + std::to_string(s.steps()) + ", one a step",
               std::to_string(rows));
}

void expect_ascending(const std::vector<std::size_t>& starts) {
  bool ascending = starts.size() > 1 && starts.front() == 0;
  for (std::size_t i = 1; i < starts.size(); ++i) ascending = ascending && starts[i] > starts[i - 1];
  if (!ascending) refuse_field("starts", "numbers that begin at 0 and ascend", "others");
}

void add_labels(nb::handle labels, bool per_step, Sequences& s) {
  if (labels.is_none()) return;
  const Given<std::uint32_t> given = integers(labels, "labels");
  s.labels_per_step = per_step;
  expect_rows(given, s, "labels", s.labels_per_step);
  s.labels.assign(given.data, given.data + given.size());
}

void add_weights(nb::handle weights, Sequences& s) {
  if (weights.is_none()) return;
  const Given<float> given = floats(weights, "weights");
  s.weights.assign(given.data, given.data + given.size());
}

// values [steps, inputs] or tokens [steps]; starts [sequences + 1].
PythonSequences make_sequences(nb::handle x, const std::vector<std::size_t>& starts, nb::handle labels,
                               nb::handle targets, nb::handle weights, bool per_step, bool tokens) {
  Sequences s;
  expect_ascending(starts);
  s.starts = starts;
  if (tokens) {
    const Given<std::uint32_t> given = integers(x, "tokens");
    if (given.size() != s.steps()) refuse_field("tokens", std::to_string(s.steps()), std::to_string(given.size()));
    s.tokens.assign(given.data, given.data + given.size());
  } else {
    const Given<float> given = floats(x, "X");
    if (given.shape.size() != 2 || given.shape[0] != s.steps()) {
      refuse_field("X", std::to_string(s.steps()) + " rows", "others");
    }
    s.inputs = given.shape[1];
    s.values.assign(given.data, given.data + given.size());
  }
  add_labels(labels, per_step, s);
  if (!targets.is_none()) {
    const Given<float> given = floats(targets, "targets");
    if (given.shape.size() != 2) refuse_field("targets", "rows of numbers", "another shape");
    s.targets_per_step = per_step;
    expect_rows(given, s, "targets", s.targets_per_step);
    s.outputs = given.shape[1];
    s.targets.assign(given.data, given.data + given.size());
  }
  add_weights(weights, s);
  return {std::make_shared<const Sequences>(std::move(s))};
}

// Sentences of a tagger, word after word: as training with the command reads them.
Examples examples_of(std::vector<std::string> words) {
  for (const std::string& word : words) {
    if (word.empty()) refuse_field("words", "words of one character or more", "an empty one");
  }
  Examples examples;
  examples.tagged.starts = {0, words.size()};
  examples.tagged.words = std::move(words);
  return examples;
}

Vocabulary words_vocabulary(std::vector<std::string> words, nb::handle min_count, bool shapes) {
  VocabularyOptions options;
  read(min_count, "min_count", options.min_count);
  const Examples examples = examples_of(std::move(words));
  nb::gil_scoped_release release;
  return make_vocabulary(examples, {}, options, shapes);
}

// With an alphabet, the words are spelt as well.
PythonSequences make_sentences(std::vector<std::string> words, const std::vector<std::size_t>& starts,
                               const Vocabulary& vocabulary, const std::optional<std::string>& alphabet,
                               nb::handle labels, nb::handle weights) {
  expect_ascending(starts);
  if (starts.back() != words.size()) {
    refuse_field("words", std::to_string(starts.back()), std::to_string(words.size()));
  }
  Examples examples = examples_of(std::move(words));
  examples.tagged.name = std::string("X");  // std::string: g++ 12 warns of an overlap that is none
  examples.tagged.starts = starts;
  {
    nb::gil_scoped_release release;
    const std::optional<Alphabet> known = alphabet ? std::optional<Alphabet>(*alphabet) : std::nullopt;
    encode(vocabulary, examples, known ? &*known : nullptr);
  }
  Sequences& s = examples.sequences;
  add_labels(labels, true, s);
  add_weights(weights, s);
  return {std::make_shared<const Sequences>(std::move(s))};
}

// The model with the note that says what its classes are called and how it spells words, as the command writes it.
Model with_tags(const Model& model, const std::vector<std::string>& classes, const std::string& alphabet) {
  Task task;
  task.kind = TaskKind::tag;
  task.form = DataForm::tagged;
  task.classes = classes;
  task.alphabet = alphabet;
  Model copy = model;
  set_task(copy, task);
  return copy;
}

std::string alphabet_of(const Model& model) { return task_of(model, "model").alphabet; }

}  // namespace

void bind_data(nb::module_& m) {
  using namespace nb::literals;
  nb::class_<Corpus>(m, "Corpus", "A text as token numbers, with their vocabulary.")
      .def_static("from_files", corpus_of_files, "files"_a, "options"_a, "vocabulary"_a.none() = nb::none())
      .def_static("from_text", corpus_of_text, "text"_a, "options"_a, "vocabulary"_a.none() = nb::none())
      .def("__len__", [](const Corpus& corpus) { return corpus.tokens().size(); })
      .def_prop_ro("name", &Corpus::name)
      .def_prop_ro("unknown", &Corpus::unknown)
      .def_prop_ro("vocabulary", [](const Corpus& corpus) { return corpus.vocabulary(); });
  nb::class_<PythonSequences>(m, "Sequences",
                              "Many sequences and what is to be predicted for them; a copy of its arrays.")
      .def(
          "__init__",
          [](PythonSequences* self, nb::handle x, const std::vector<std::size_t>& starts, nb::handle labels,
             nb::handle targets, nb::handle weights, bool per_step, bool tokens) {
            new (self) PythonSequences(make_sequences(x, starts, labels, targets, weights, per_step, tokens));
          },
          "x"_a, "starts"_a, nb::kw_only(), "labels"_a.none() = nb::none(), "targets"_a.none() = nb::none(),
          "weights"_a.none() = nb::none(), "per_step"_a = false, "tokens"_a = false)
      .def("__len__", [](const PythonSequences& s) { return s.all->size(); });
  m.def("words_vocabulary", words_vocabulary, "words"_a, "min_count"_a, "shapes"_a,
        "The tokens of a tagger. ``shapes``: rarer words become tokens of their shape and their last letters.");
  m.def(
      "characters_of", [](const std::vector<std::string>& words) { return Alphabet::of(words).text(); }, "words"_a,
      "The characters that words are spelt with.");
  m.def("sentences", make_sentences, "words"_a, "starts"_a, "vocabulary"_a, "alphabet"_a.none() = nb::none(),
        "labels"_a.none() = nb::none(), "weights"_a.none() = nb::none());
  m.def("with_tags", with_tags, "model"_a, "classes"_a, "alphabet"_a);
  m.def("alphabet_of", alphabet_of, "model"_a);
}

}  // namespace sluice::python
