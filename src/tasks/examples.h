// Files of examples as sequences that a network reads, and what is needed to give predictions back.
#pragma once

#include <string>
#include <string_view>

#include "data/labelled_texts.h"
#include "data/tagged_sentences.h"
#include "sluice/data.h"
#include "sluice/sequences.h"
#include "tasks/alphabet.h"
#include "tasks/task.h"

namespace sluice {

struct Examples {
  Sequences sequences;     // of numbers: as read. Of texts and sentences: after encode()
  LabelledTexts texts;     // classify, of texts
  TaggedSentences tagged;  // tag
  std::vector<std::string> classes;

  std::size_t size() const;  // sequences, texts or sentences
};

struct ReadOptions {
  bool labels = true;       // they are wanted
  bool lossy = false;       // of texts
  std::size_t inputs = 0;   // numbers a step that the file must have; 0: any
  bool as_trained = false;  // the file is another than the one that was trained on, and must have its form
};

// Reads a file or folder of a task. With task.classes (of training) the file may have no others; else it says them.
// Where a folder was trained on and no labels are wanted, a file may stand in its place: a text a line, or one text
// where each file was one.
// Throws Error (bad_file) as the readers of its form.
Examples read_examples(const Task& task, const std::string& path, const OpenFile& open, const ReadOptions& options);

// The tokens of texts, or the words of sentences. Of words, one that is rarer than min_count (0: 2) is spelt: it
// becomes a token of its shape and its last letters (word_shapes()), and such tokens that are as rare become shorter
// ones; without `shapes` it becomes <unk>, for a network that spells it.
Vocabulary make_vocabulary(const Examples& examples, const TextOptions& text, const VocabularyOptions& options,
                           bool shapes = true);
// Turns texts or sentences into sequences of tokens. A text without any becomes one <unk>. With an alphabet, the words
// of sentences are spelt as well.
void encode(const Vocabulary& vocabulary, Examples& examples, const Alphabet* alphabet = nullptr);

// The same for a model of the task, which has texts or sentences or nothing to encode.
void encode_for(const Model& model, const Task& task, Examples& examples);

// Counts the classes, tags or notes of what is trained on, once it is encoded: Task::frequencies.
void count_frequencies(const Examples& training, Task& task);

// Tokens that can stand for a word that is not in a vocabulary, the most exact first: whether it has capitals, digits
// or hyphens, with its last 3, 2 or 1 characters, or without; as the unknown words of Berkeley's parser (Petrov et al.
// 2006) and of others before it.
std::vector<std::string> word_shapes(std::string_view word);
Token find_word(const Vocabulary& vocabulary, std::string_view word);

}  // namespace sluice
