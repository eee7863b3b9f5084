// Text as tokens: how it is split, which tokens there are, and a text made of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sluice/export.h"
#include "sluice/standard.h"

namespace sluice {

using Token = std::uint32_t;

enum class Level {
  word,          // words, numbers, punctuation and line ends; spacing is restored by rule when joined
  character,     // Unicode code points, never cut
  pretokenized,  // already split by spaces; every line end becomes <eos>
};
SLUICE_API std::string_view name(Level level);       // "word", "char", "pretokenized"
SLUICE_API Level find_level(std::string_view name);  // Throws Error (usage) that lists the names

struct TextOptions {
  Level level = Level::word;
  bool lowercase = false;  // fold case by Unicode's simple lowercase mapping before splitting
  bool lossy = false;      // replace invalid UTF-8 by U+FFFD instead of refusing it
};

struct VocabularyOptions {
  std::uint64_t min_count = 0;     // rarer tokens become <unk>; 0: the level's default (2 for words, else 1)
  std::size_t max_vocabulary = 0;  // most tokens to keep, <unk> included, the most frequent first; 0: no limit
};

// The tokens a model knows. Token 0 is always <unk>. The rest stand by falling frequency, ties by bytes.
class SLUICE_API Vocabulary {
 public:
  static constexpr Token unknown = 0;
  static constexpr std::string_view unknown_text = "<unk>";
  static constexpr std::string_view end_of_line = "<eos>";  // only at Level::pretokenized

  Vocabulary() = default;
  // tokens[0] must be <unk>, all distinct. Throws Error (bad_file).
  Vocabulary(TextOptions text, std::vector<std::string> tokens);

  std::size_t size() const { return tokens_.size(); }
  const TextOptions& text() const { return text_; }
  const std::vector<std::string>& tokens() const { return tokens_; }
  const std::string& token(Token id) const;  // Throws Error (usage): there is no such token
  std::optional<Token> find(std::string_view token) const;

  // Splits and looks up; what is not known becomes <unk>. Throws Error (bad_file) on invalid UTF-8, naming the
  // offset, unless text().lossy. The text of each token, as written, is appended to *pieces when given.
  std::vector<Token> encode(std::string_view text, std::vector<std::string>* pieces = nullptr) const;
  // Joins tokens to readable text with the spacing restored.
  std::string decode(std::span<const Token> tokens) const;
  // What `token` adds to a text that ends in `previous` (leading space included where one belongs).
  std::string decode_next(std::string_view text_so_far, Token token) const;

 private:
  TextOptions text_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string_view, Token> index_;  // views into tokens_, so copying rebuilds it

 public:
  Vocabulary(const Vocabulary& other);
  Vocabulary(Vocabulary&&) noexcept = default;
  Vocabulary& operator=(const Vocabulary& other);
  Vocabulary& operator=(Vocabulary&&) noexcept = default;
};

// Where the bytes of a text come from.
struct TextSource {
  // Fills at most `most` bytes and says how many; 0 at the end.
  using Read = std::function<std::size_t(char* into, std::size_t most)>;
  std::string name = {};            // in messages
  std::function<Read()> open = {};  // called when its turn comes
};

// A text as token numbers, with the vocabulary they refer to. Cheap to copy: copies share the tokens.
class SLUICE_API Corpus {
 public:
  // Reads a file ("-": standard input) and learns its vocabulary. Throws Error (bad_file): missing, empty,
  // unreadable, a directory, invalid UTF-8 (offset named), UTF-16 and the like (named), a vocabulary of one.
  static Corpus read(const std::string& path, const TextOptions& text = {}, const VocabularyOptions& options = {});
  // Reads a file with a vocabulary that is already known.
  static Corpus read(const std::string& path, const Vocabulary& vocabulary);
  // Reads several sources one after another as one text: each ends its last line, and one without any text counts for
  // nothing beside others. `name` stands for all of them.
  static Corpus read(std::span<const TextSource> sources, const std::string& name, const TextOptions& text = {},
                     const VocabularyOptions& options = {});
  static Corpus read(std::span<const TextSource> sources, const std::string& name, const Vocabulary& vocabulary);
  // The same from memory; `name` stands for the file in messages.
  static Corpus from_text(std::string_view text, const TextOptions& options = {},
                          const VocabularyOptions& vocabulary = {}, const std::string& name = "text");
  static Corpus from_text(std::string_view text, const Vocabulary& vocabulary, const std::string& name = "text");
  // Tokens already numbered.
  static Corpus from_tokens(std::vector<Token> tokens, Vocabulary vocabulary, const std::string& name = "tokens");

  const Vocabulary& vocabulary() const;
  std::span<const Token> tokens() const;
  const std::string& name() const;     // the path it came from
  std::uint64_t bytes() const;         // bytes of text read
  std::uint64_t unknown() const;       // how many tokens are <unk>
  std::uint64_t memory_bytes() const;  // what the tokens take in memory
  bool mapped() const;                 // true: the tokens lie in a temporary file mapped into memory
  // The tokens [first, last) as a corpus of their own.
  Corpus slice(std::size_t first, std::size_t last) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
  std::size_t first_ = 0, last_ = 0;
  friend struct CorpusBuilder;
};

}  // namespace sluice
