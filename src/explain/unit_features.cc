#include "explain/unit_features.h"

#include <algorithm>
#include <string>

#include "data/utf8.h"

namespace sluice {
namespace {

constexpr std::size_t kMost = 255;

bool is_one_of(std::string_view piece, std::initializer_list<std::string_view> marks) {
  return std::ranges::find(marks, piece) != marks.end();
}

// What of a text is known when a place has been read.
class Reader {
 public:
  explicit Reader(bool characters) : characters_(characters) {}

  void begin_sequence() { *this = Reader(characters_); }

  void read(std::string_view piece) {
    const bool line_end = piece == "\n";
    if (line_end && after_line_end_) quoted_ = false;  // a blank line: nobody quotes beyond it
    after_line_end_ = line_end;
    follow_quotes(piece);
    if (is_one_of(piece, {"(", "[", "{"})) ++depth_;
    if (is_one_of(piece, {")", "]", "}"}) && depth_ > 0) --depth_;
    on_line_ = line_end ? 0 : on_line_ + 1;
    follow_sentences(piece, line_end);
    follow_words(piece);
  }

  std::size_t quoted() const { return quoted_; }
  std::size_t depth() const { return depth_; }
  std::size_t on_line() const { return on_line_; }
  std::size_t in_sentence() const { return in_sentence_; }
  std::size_t capital() const { return capital_; }
  std::size_t letters() const { return letters_; }

 private:
  void follow_quotes(std::string_view piece) {
    if (piece == "\"") {
      quoted_ = !quoted_;
    } else if (is_one_of(piece, {"\u201c", "\u00ab", "\u201e", "``"})) {
      quoted_ = true;
    } else if (is_one_of(piece, {"\u201d", "\u00bb", "''"})) {
      quoted_ = false;
    }
  }

  // A sentence ends with a full stop and the like; of characters, where a blank follows that.
  void follow_sentences(std::string_view piece, bool line_end) {
    const bool stop = is_one_of(piece, {".", "!", "?", "\u3002", "\u0964"});
    const bool blank = line_end || (!piece.empty() && is_blank(code_point(piece)));
    if (after_stop_ && (!characters_ || blank)) in_sentence_ = 0;
    in_sentence_ = after_stop_ && characters_ && blank ? 0 : in_sentence_ + 1;
    after_stop_ = stop;
  }

  void follow_words(std::string_view piece) {
    const char32_t first = piece.empty() ? U' ' : code_point(piece);
    const bool word = is_word_character(first);
    const std::string_view letter = piece.substr(0, piece.empty() ? 0 : sequence_length(piece[0]));
    capital_ = word && lowercase(letter, scratch_) != letter;
    if (!word) {
      letters_ = 0;
      return;
    }
    std::size_t count = 0;
    for (std::size_t at = 0; at < piece.size(); at += sequence_length(piece[at])) ++count;
    letters_ = characters_ ? letters_ + 1 : count;
  }

  bool characters_;
  bool quoted_ = false, capital_ = false, after_line_end_ = false, after_stop_ = false;
  std::size_t depth_ = 0, on_line_ = 0, in_sentence_ = 0, letters_ = 0;
  std::string scratch_;
};

}  // namespace

UnitFeatures unit_features(const UnitCorpus& corpus, bool characters) {
  const std::string unit = characters ? "characters" : "words";
  const std::pair<UnitFeature, std::size_t (Reader::*)() const> all[] = {
      {{"quotes", "inside quotation marks"}, &Reader::quoted},
      {{"brackets", "depth of brackets"}, &Reader::depth},
      {{"line", "position in the line, in " + unit}, &Reader::on_line},
      {{"sentence", "position in the sentence, in " + unit}, &Reader::in_sentence},
      {{"capital", characters ? "a capital letter" : "begins with a capital letter"}, &Reader::capital},
      {{"letters", characters ? "letters of the word so far" : "letters of the word"}, &Reader::letters}};
  UnitFeatures features;
  for (const auto& [feature, number] : all) {
    features.names.push_back(feature);
    features.numbers.emplace_back(corpus.size());
  }
  Reader reader(characters);
  std::size_t sequence = 0;
  for (std::size_t place = 0; place < corpus.size(); ++place) {
    while (corpus.sequences.starts[sequence] < place) ++sequence;
    if (corpus.sequences.starts[sequence] == place) reader.begin_sequence();
    reader.read(corpus.written(place));
    for (std::size_t f = 0; f < features.numbers.size(); ++f) {
      features.numbers[f][place] = static_cast<std::uint8_t>(std::min((reader.*all[f].second)(), kMost));
    }
  }
  if (!corpus.sequences.labels.empty()) features.classes = corpus.sequences.classes.size();
  for (std::size_t c = 0; c < features.classes; ++c) {
    features.names.push_back({"class:" + corpus.sequences.classes[c], "class " + corpus.sequences.classes[c]});
  }
  return features;
}

}  // namespace sluice
