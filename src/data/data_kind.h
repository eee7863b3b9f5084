// What a file of data is, by its name and its first lines.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "data/labelled_texts.h"

namespace sluice {

enum class DataForm {
  text,            // running text: a language
  ts,              // sequences with classes (sktime, aeon): read_ts
  sequence_lines,  // one sequence of numbers a line, with its class: read_sequence_lines
  table,           // a header and rows of numbers: columns over time
  labelled,        // texts with their classes: read_labelled_lines, read_labelled_folder
  conllu,          // sentences, ten columns a word
  tagged,          // sentences, a word and its tag a line
  notes,           // pieces of music, one a line
};

constexpr std::array<std::string_view, 8> choices(DataForm) {
  return {"text", "ts", "sequence_lines", "table", "labelled", "conllu", "tagged", "notes"};
}

struct DataKind {
  DataForm form = DataForm::text;
  TextForm texts = TextForm::plain;  // of labelled texts
  std::string saw = {};              // by what it was known, for people: "a header of 8 columns, separated by comma"
};

// Looks at no more than the first 64 KiB. A name's ending (.ts, .conllu, and what stands before .gz) decides where it
// is of one kind alone. A folder of folders holds labelled texts, any other folder running text. Throws Error
// (bad_file) for what cannot be opened or is no text.
DataKind find_data_kind(const std::string& path, const OpenFile& open);

// A source that can be opened twice although what it reads, such as standard input, comes once: what was read by the
// first reading, which is kept in memory, the second gets again, and then the rest.
TextSource opened_twice(const TextSource& source);

}  // namespace sluice
