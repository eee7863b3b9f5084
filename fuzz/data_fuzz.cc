// libFuzzer: any bytes as a file of data, by each of its readers. Whatever is read is well-formed, and what is written
// again reads the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "data/data_kind.h"
#include "data/labelled_texts.h"
#include "data/missing.h"
#include "data/notes.h"
#include "data/reader.h"
#include "data/sequences.h"
#include "data/table.h"
#include "data/tagged_sentences.h"
#include "sluice/error.h"

namespace {

using namespace sluice;

void demand(bool truth) {
  if (!truth) std::abort();
}

TextSource source_of(const std::string& text) {
  return {"data", [&text] { return read_from_memory(text); }};
}

void check(const Sequences& all) {
  demand(all.size() > 0 && all.values.size() == all.steps() * all.inputs);
  for (std::size_t s = 0; s < all.size(); ++s) demand(all.length(s) > 0);
  for (const std::uint32_t label : all.labels) demand(label < all.classes.size());
  demand(all.labels.empty() || all.labels.size() == all.size());
  fill_missing(all, Missing::mask);
}

void exercise_tags(const std::string& text, TaggedSentences (*read)(const TextSource&, const TagOptions&), bool tags) {
  TagOptions options;
  options.tags = tags;
  const TaggedSentences all = read(source_of(text), options);
  demand(all.starts.back() == all.words.size() && all.word_lines.size() == all.words.size());
  if (!tags) return;
  // A byte order mark that comes to stand first in a line is not read again.
  for (const std::string& line : all.lines) {
    if (line.starts_with("\xef\xbb\xbf")) return;
  }
  const std::string written = with_tags(all, all.tags, all.classes);
  const TaggedSentences again = read(source_of(written), options);
  demand(again.words == all.words && again.tags == all.tags && again.classes == all.classes);
  demand(again.starts == all.starts);
}

void exercise_table(const std::string& text, Missing missing) {
  TableOptions options;
  options.missing = missing;
  Table table = read_table(source_of(text), options);
  if (table.frequency) fill_gaps(table);
  for (const auto& column : table.numbers) demand(column.size() == table.rows);
  for (std::size_t row = 1; row < table.times.size(); ++row) {
    demand(table.times[row] > table.times[row - 1]);
    if (table.frequency) demand(later(table.times[row - 1], *table.frequency, 1) == table.times[row]);
  }
}

void exercise(std::uint8_t which, const std::string& text) {
  SequenceOptions options;
  options.missing = (which & 0x80) != 0 ? Missing::mask : Missing::refuse;
  switch (which % 12) {
    case 0:
      return check(read_ts(source_of(text), options));
    case 1:
    case 2:
    case 3:
      return check(read_sequence_lines(source_of(text), static_cast<LabelColumn>(which % 12 - 1), options));
    case 4:
    case 5:
      return exercise_tags(text, read_conllu, which % 12 == 4);
    case 6:
    case 7:
      return exercise_tags(text, read_tagged, which % 12 == 6);
    case 8: {
      const Sequences all = read_notes(source_of(text));
      check(all);
      const std::string piece = notes_text(all.values_of(0));
      const Sequences again = read_notes(source_of(piece));
      demand(notes_text(again.values_of(0)) == piece);
      return;
    }
    case 9: {
      const TextForm form = (which & 0x80) != 0 ? TextForm::tab : TextForm::prefix;
      const LabelledTexts all = read_labelled_lines(source_of(text), form);
      demand(all.labels.size() == all.texts.size());
      return;
    }
    case 10:
      find_data_kind("data", [&](const std::string&) { return source_of(text); });
      return;
    default:
      return exercise_table(text, options.missing);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    exercise(data[0], text);
  } catch (const Error&) {
    // Refused in a sentence: that is one of the two right answers.
  }
  return 0;
}
