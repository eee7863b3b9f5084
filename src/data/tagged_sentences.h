// Sentences with a tag for each word, and the files that hold them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sluice/data.h"

namespace sluice {

struct TaggedSentences {
  std::string name = {};                     // in messages: the file
  std::vector<std::size_t> starts{0};        // sentence s has the words [starts[s], starts[s + 1])
  std::vector<std::string> words = {};       // in the order of the file
  std::vector<std::uint32_t> tags = {};      // one a word; empty: they were not asked for
  std::vector<std::string> classes = {};     // what the numbers in tags stand for
  std::vector<std::string> lines = {};       // of the whole file, without their ends
  std::vector<std::size_t> word_lines = {};  // in which of the lines each word stands
  std::size_t column = 0;                    // of a line, counted from 0: where its tag belongs
  char separator = '\t';                     // of the columns

  std::size_t size() const { return starts.size() - 1; }
};

struct TagOptions {
  // Which column is the tag: in CoNLL-U one of lemma, upos, xpos, feats, head, deprel, deps, misc; in a file of columns
  // its number, from 2. Empty: upos, or the last one.
  std::string column = {};
  std::vector<std::string> classes = {};  // of training, where another file was trained on; empty: the file says them
  bool tags = true;                       // false: only the words are wanted, and the column may be empty
};

// CoNLL-U (universaldependencies.org/format.html): ten columns separated by tabs, a blank line after each sentence. The
// lines of words written together (1-2), of empty nodes (1.1) and of comments are kept, but are no words. Throws Error
// (bad_file) with the line: another number of columns, words that are not numbered from 1, no tag where tags are
// wanted, a tag that training did not have; Error (usage): a column of another name.
TaggedSentences read_conllu(const TextSource& source, const TagOptions& options = {});

// A word and its tag a line, separated by a tab, or by blanks where the first line has no tab, and a blank line between
// sentences. There may be other columns; the word is the first. Without wanted tags one column will do. Throws as
// read_conllu().
TaggedSentences read_tagged(const TextSource& source, const TagOptions& options = {});

// The file again, with these tags (one a word, by their numbers in `classes`) in its column. Lines end in LF.
std::string with_tags(const TaggedSentences& sentences, std::span<const std::uint32_t> tags,
                      const std::vector<std::string>& classes);

}  // namespace sluice
