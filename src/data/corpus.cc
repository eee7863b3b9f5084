// A text as token numbers; see sluice/data.h. A text is read once: tokens are numbered in the order in which they
// first appear and renumbered when their counts are known, so that pipes need no copy and a file that changes while it
// is read cannot contradict itself.
#include <algorithm>
#include <string>

#include "base/failure.h"
#include "data/reader.h"
#include "data/token_store.h"
#include "data/token_table.h"
#include "sluice/data.h"
#include "sluice/error.h"

namespace sluice {

struct Corpus::Impl {
  Impl(std::string source, Vocabulary known, std::uint64_t budget)
      : name(std::move(source)), vocabulary(std::move(known)), store(budget) {}

  std::string name;
  Vocabulary vocabulary;
  TokenStore store;
  std::vector<Token> given;  // from_tokens: instead of the store
  std::span<const Token> tokens;
  std::uint64_t bytes = 0;
  std::uint64_t unknown = 0;
};

namespace {

struct Chosen {
  std::vector<std::string> tokens;  // of the vocabulary
  std::vector<Token> map;           // from the number in the table to the number in the vocabulary
};

// Bytes to read at a time from a text in memory: no more than it has.
std::size_t chunk_for(std::string_view text) { return std::clamp<std::size_t>(text.size(), 1, TokenReader::kChunk); }

// Keeps the tokens that are frequent enough.
Chosen choose(const TokenTable& table, const std::vector<std::uint64_t>& counts, std::uint64_t least,
              std::size_t most) {
  std::vector<Token> order;
  for (Token id = 0; id < table.size(); ++id) {
    if (counts[id] >= least && table.token(id) != Vocabulary::unknown_text) order.push_back(id);
  }
  std::sort(order.begin(), order.end(), [&](Token a, Token b) {
    return counts[a] != counts[b] ? counts[a] > counts[b] : table.token(a) < table.token(b);
  });
  if (most != 0 && order.size() > most - 1) order.resize(most - 1);
  Chosen chosen{.tokens = {std::string(Vocabulary::unknown_text)},
                .map = std::vector<Token>(table.size(), Vocabulary::unknown)};
  for (const Token id : order) {
    chosen.map[id] = static_cast<Token>(chosen.tokens.size());
    chosen.tokens.emplace_back(table.token(id));
  }
  return chosen;
}

[[noreturn]] void refuse_vocabulary(const std::string& name, const std::vector<std::string>& tokens,
                                    std::size_t distinct, std::uint64_t least, Level level) {
  std::string found = tokens.size() == 1 ? "none" : "a vocabulary of one (\"" + tokens[1] + "\")";
  if (tokens.size() > 1 && tokens[1] == kNewline) found = "a vocabulary of one (line ends)";
  if (distinct > tokens.size() - 1) {
    found += "; " + std::to_string(distinct) + " different tokens are in the text, but a token must occur " +
             std::to_string(least) + " times to be kept" + (level == Level::character ? "" : ": try --level char");
  }
  throw Error(Status::bad_file, name + ": expected a vocabulary of at least two tokens besides <unk>, found " + found);
}

}  // namespace

struct CorpusBuilder {
  // Learns the vocabulary from the text.
  static Corpus learn(TextReader reader, const std::string& name, const TextOptions& text,
                      const VocabularyOptions& options) {
    if (options.max_vocabulary == 1 || options.max_vocabulary == 2) {
      throw Error(Status::usage, "max-vocabulary: expected 0 (no limit) or at least 3, found " +
                                     std::to_string(options.max_vocabulary));
    }
    const std::uint64_t least = options.min_count != 0 ? options.min_count : text.level == Level::word ? 2 : 1;
    auto impl = std::make_shared<Corpus::Impl>(name, Vocabulary(), memory_budget());
    TokenTable table;
    std::vector<std::uint64_t> counts;
    for (std::string_view token; reader.next(token);) {
      const Token id = table.add(token);
      if (id == counts.size()) counts.push_back(0);
      ++counts[id];
      impl->store.append(id);
    }
    Chosen chosen = choose(table, counts, least, options.max_vocabulary);
    if (chosen.tokens.size() < 3) refuse_vocabulary(reader.name(), chosen.tokens, table.size(), least, text.level);
    impl->store.finish(chosen.map);
    for (Token id = 0; id < counts.size(); ++id) {
      if (chosen.map[id] == Vocabulary::unknown) impl->unknown += counts[id];
    }
    impl->vocabulary = Vocabulary(text, std::move(chosen.tokens));
    return complete(std::move(impl), reader.bytes());
  }

  // Numbers the text by a vocabulary that is known.
  static Corpus number(TextReader reader, const std::string& name, const Vocabulary& vocabulary) {
    auto impl = std::make_shared<Corpus::Impl>(name, vocabulary, memory_budget());
    TokenTable table;
    for (const std::string& token : vocabulary.tokens()) table.add(token);
    for (std::string_view token; reader.next(token);) {
      Token id = table.find(token);
      if (id == TokenTable::none) id = Vocabulary::unknown;
      impl->unknown += id == Vocabulary::unknown ? 1 : 0;
      impl->store.append(id);
    }
    impl->store.finish({});
    return complete(std::move(impl), reader.bytes());
  }

  static Corpus complete(std::shared_ptr<Corpus::Impl> impl, std::uint64_t bytes) {
    impl->tokens = impl->store.tokens();
    impl->bytes = bytes;
    return wrap(std::move(impl));
  }

  static Corpus wrap(std::shared_ptr<Corpus::Impl> impl) {
    Corpus corpus;
    corpus.last_ = impl->tokens.size();
    corpus.impl_ = std::move(impl);
    return corpus;
  }

  // What a corpus refers to; one that was only declared refers to no tokens.
  static const Corpus::Impl& of(const Corpus& corpus) {
    static const Corpus::Impl none("", Vocabulary(), 0);
    return corpus.impl_ != nullptr ? *corpus.impl_ : none;
  }

  // Runs `read` and turns a lack of memory into a sentence.
  template <class F>
  static Corpus guarded(const std::string& name, F&& read) {
    try {
      return read();
    } catch (...) {
      rethrow_as_error(name.c_str());
    }
  }
};

Corpus Corpus::read(std::span<const TextSource> sources, const std::string& name, const TextOptions& text,
                    const VocabularyOptions& options) {
  return CorpusBuilder::guarded(
      name, [&] { return CorpusBuilder::learn(TextReader(sources, name, text), name, text, options); });
}

Corpus Corpus::read(std::span<const TextSource> sources, const std::string& name, const Vocabulary& vocabulary) {
  return CorpusBuilder::guarded(
      name, [&] { return CorpusBuilder::number(TextReader(sources, name, vocabulary.text()), name, vocabulary); });
}

Corpus Corpus::read(const std::string& path, const TextOptions& text, const VocabularyOptions& options) {
  const TextSource file = file_source(path);
  return CorpusBuilder::guarded(path, [&] {
    return CorpusBuilder::learn(TextReader({&file, 1}, file.name, text), path, text, options);
  });
}

Corpus Corpus::read(const std::string& path, const Vocabulary& vocabulary) {
  const TextSource file = file_source(path);
  return CorpusBuilder::guarded(path, [&] {
    return CorpusBuilder::number(TextReader({&file, 1}, file.name, vocabulary.text()), path, vocabulary);
  });
}

Corpus Corpus::from_text(std::string_view text, const TextOptions& options, const VocabularyOptions& vocabulary,
                         const std::string& name) {
  const TextSource memory{name, [text] { return read_from_memory(text); }};
  return CorpusBuilder::guarded(name, [&] {
    return CorpusBuilder::learn(TextReader({&memory, 1}, name, options, chunk_for(text)), name, options, vocabulary);
  });
}

Corpus Corpus::from_text(std::string_view text, const Vocabulary& vocabulary, const std::string& name) {
  const TextSource memory{name, [text] { return read_from_memory(text); }};
  return CorpusBuilder::guarded(name, [&] {
    return CorpusBuilder::number(TextReader({&memory, 1}, name, vocabulary.text(), chunk_for(text)), name, vocabulary);
  });
}

Corpus Corpus::from_tokens(std::vector<Token> tokens, Vocabulary vocabulary, const std::string& name) try {
  const std::size_t size = vocabulary.size();
  for (const Token token : tokens) {
    if (token >= size) {
      throw Error(Status::bad_file,
                  name + ": expected token numbers below " + std::to_string(size) + ", found " + std::to_string(token));
    }
  }
  auto impl = std::make_shared<Impl>(name, std::move(vocabulary), 0);
  impl->given = std::move(tokens);
  impl->tokens = impl->given;
  impl->unknown = static_cast<std::uint64_t>(std::ranges::count(impl->given, Vocabulary::unknown));
  return CorpusBuilder::wrap(std::move(impl));
} catch (...) {
  rethrow_as_error("corpus");
}

const Vocabulary& Corpus::vocabulary() const { return CorpusBuilder::of(*this).vocabulary; }
const std::string& Corpus::name() const { return CorpusBuilder::of(*this).name; }
std::uint64_t Corpus::bytes() const { return CorpusBuilder::of(*this).bytes; }
bool Corpus::mapped() const { return CorpusBuilder::of(*this).store.mapped(); }

std::span<const Token> Corpus::tokens() const {
  return CorpusBuilder::of(*this).tokens.subspan(first_, last_ - first_);
}

std::uint64_t Corpus::unknown() const {
  const std::span<const Token> part = tokens();
  if (part.size() == CorpusBuilder::of(*this).tokens.size()) return CorpusBuilder::of(*this).unknown;
  return static_cast<std::uint64_t>(std::ranges::count(part, Vocabulary::unknown));
}

std::uint64_t Corpus::memory_bytes() const {
  return CorpusBuilder::of(*this).store.memory_bytes() + CorpusBuilder::of(*this).given.capacity() * sizeof(Token);
}

Corpus Corpus::slice(std::size_t first, std::size_t last) const {
  if (first > last || last > last_ - first_) {
    throw Error(Status::usage, name() + ": expected a slice within " + std::to_string(last_ - first_) +
                                   " tokens, found [" + std::to_string(first) + ", " + std::to_string(last) + ")");
  }
  Corpus part = *this;
  part.first_ = first_ + first;
  part.last_ = first_ + last;
  return part;
}

}  // namespace sluice
