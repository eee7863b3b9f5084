// Reading a text: files, pipes and memory, the vocabulary learned, what is refused, and tokens beyond memory.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "sluice/data.h"
#include "sluice/error.h"

namespace sluice::corpus_test {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

// A folder that is gone after the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-corpus-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

// An environment variable for the time of a test.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name); old != nullptr) old_ = old;
    setenv(name, value.c_str(), 1);
  }
  ~Environment() { old_ ? setenv(name_, old_->c_str(), 1) : unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

struct Refusal {
  Status status = Status::failed;
  std::string message = "no error";
};

Refusal refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return {error.status(), error.what()};
  }
  ADD_FAILURE() << "expected an Error";
  return {};
}

std::string bad_file(const std::string& path, const TextOptions& text = {}, const VocabularyOptions& options = {}) {
  const Refusal found = refusal([&] { Corpus::read(path, text, options); });
  EXPECT_EQ(found.status, Status::bad_file);
  return found.message;
}

// Many lines of few words, so that a test can count them.
std::string many_lines(std::size_t lines) {
  std::string text;
  for (std::size_t i = 0; i < lines; ++i) text += "line " + std::to_string(i % 10) + " of the caf\u00e9\n";
  return text;
}

TEST(Corpus, LearnsTokensByFallingFrequencyTiesByBytes) {
  const Corpus corpus = Corpus::from_text("b b b c c a a rare \u00e9 \u00e9");
  EXPECT_THAT(corpus.vocabulary().tokens(), ElementsAre("<unk>", "b", "a", "c", "\u00e9"));
  EXPECT_THAT(corpus.tokens(), ElementsAre(1, 1, 1, 3, 3, 2, 2, 0, 4, 4));
  EXPECT_EQ(corpus.unknown(), 1u);
  EXPECT_EQ(corpus.bytes(), 24u);
  EXPECT_EQ(corpus.name(), "text");
  EXPECT_FALSE(corpus.mapped());
  EXPECT_GE(corpus.memory_bytes(), 10 * sizeof(Token));
}

TEST(Corpus, LimitsTheVocabulary) {
  const std::string text = "b b b c c a a rare";
  EXPECT_THAT(Corpus::from_text(text).vocabulary().tokens(), ElementsAre("<unk>", "b", "a", "c"));
  EXPECT_THAT(Corpus::from_text(text, {}, {.min_count = 1}).vocabulary().tokens(),
              ElementsAre("<unk>", "b", "a", "c", "rare"));
  EXPECT_THAT(Corpus::from_text(text, {}, {.max_vocabulary = 3}).vocabulary().tokens(), ElementsAre("<unk>", "b", "a"));
  EXPECT_THAT(Corpus::from_text("bbca", {.level = Level::character}).vocabulary().tokens(),
              ElementsAre("<unk>", "b", "a", "c"));
  EXPECT_THAT(Corpus::from_text("<unk> x y <unk>\n", {.level = Level::pretokenized}).vocabulary().tokens(),
              ElementsAre("<unk>", "<eos>", "x", "y"));
  const Refusal found = refusal([&] { Corpus::from_text(text, {}, {.max_vocabulary = 2}); });
  EXPECT_EQ(found.status, Status::usage);
  EXPECT_EQ(found.message, "max-vocabulary: expected 0 (no limit) or at least 3, found 2");
}

TEST(Corpus, NumbersATextByAKnownVocabulary) {
  const Vocabulary vocabulary({.lowercase = true}, {"<unk>", "the", "cat", "."});
  const Corpus corpus = Corpus::from_text("The cat, the dog.", vocabulary, "cats");
  EXPECT_THAT(corpus.tokens(), ElementsAre(1, 2, 0, 1, 0, 3));
  EXPECT_EQ(corpus.unknown(), 2u);
  EXPECT_EQ(corpus.name(), "cats");
  EXPECT_THAT(vocabulary.encode("The cat, the dog."), ElementsAreArray(corpus.tokens()));
}

TEST(Corpus, EveryLineOfPretokenizedTextEnds) {
  const TextOptions text{.level = Level::pretokenized};
  EXPECT_EQ(Corpus::from_text("a b\nc d\n", text).tokens().size(), 6u);
  EXPECT_EQ(Corpus::from_text("a b\nc d", text).tokens().size(), 6u);
  EXPECT_EQ(Corpus::from_text("a b\r\n\r\nc d", text).tokens().size(), 7u);
}

TEST(Corpus, ASliceSharesItsTokens) {
  const Corpus whole = Corpus::from_text("a b c rare a b c x a");
  const Corpus part = whole.slice(3, 8).slice(1, 5);
  EXPECT_EQ(part.tokens().data(), whole.tokens().data() + 4);
  EXPECT_EQ(part.tokens().size(), 4u);
  EXPECT_EQ(part.unknown(), 1u);
  EXPECT_EQ(whole.unknown(), 2u);
  EXPECT_EQ(&part.vocabulary(), &whole.vocabulary());
  EXPECT_TRUE(whole.slice(9, 9).tokens().empty());
  EXPECT_EQ(refusal([&] { whole.slice(0, 10); }).status, Status::usage);
  EXPECT_EQ(refusal([&] { part.slice(0, 5); }).message, "text: expected a slice within 4 tokens, found [0, 5)");
  EXPECT_EQ(refusal([&] { part.slice(3, 2); }).status, Status::usage);
}

TEST(Corpus, TokensAlreadyNumbered) {
  const Vocabulary vocabulary({}, {"<unk>", "a", "b"});
  const Corpus corpus = Corpus::from_tokens({1, 2, 0, 1}, vocabulary, "numbers");
  EXPECT_THAT(corpus.tokens(), ElementsAre(1, 2, 0, 1));
  EXPECT_EQ(corpus.unknown(), 1u);
  const Refusal found = refusal([&] { Corpus::from_tokens({1, 3}, vocabulary, "numbers"); });
  EXPECT_EQ(found.status, Status::bad_file);
  EXPECT_EQ(found.message, "numbers: expected token numbers below 3, found 3");
}

TEST(Corpus, ReadsFilesAndPipesAlike) {
  const Folder folder;
  const std::string text = "\xef\xbb\xbf" + many_lines(60'000);  // more than one piece of reading
  const std::string path = folder.file("text", text), pipe = folder / "pipe";
  const Corpus from_text = Corpus::from_text(text), from_file = Corpus::read(path);
  EXPECT_EQ(from_file.name(), path);
  EXPECT_EQ(from_file.bytes(), text.size());
  EXPECT_EQ(from_file.tokens().size(), 360'000u);
  EXPECT_THAT(from_file.vocabulary().tokens(), ElementsAreArray(from_text.vocabulary().tokens()));
  EXPECT_TRUE(std::ranges::equal(from_file.tokens(), from_text.tokens()));

  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe, std::ios::binary) << text; });
  const Corpus from_pipe = Corpus::read(pipe);
  writer.join();
  EXPECT_TRUE(std::ranges::equal(from_pipe.tokens(), from_text.tokens()));

  const int old = dup(STDIN_FILENO), file = open(path.c_str(), O_RDONLY);
  dup2(file, STDIN_FILENO);
  const Corpus from_stdin = Corpus::read("-", from_text.vocabulary());
  dup2(old, STDIN_FILENO);
  close(old);
  close(file);
  EXPECT_EQ(from_stdin.name(), "-");
  EXPECT_TRUE(std::ranges::equal(from_stdin.tokens(), from_text.tokens()));
}

TEST(Corpus, RefusesFilesThatAreNoText) {
  const Folder folder;
  EXPECT_EQ(bad_file(folder / "none"), folder / "none" + ": expected a text file, found none of that name");
  EXPECT_EQ(bad_file(folder / "."), folder / "." + ": expected a text file, found a directory");
  EXPECT_THAT(bad_file(folder.file("file", "a") + "/b"), HasSubstr("/b: expected a text file, found "));
  EXPECT_THAT(bad_file("/proc/self/mem"),
              HasSubstr("/proc/self/mem: expected a text file, found that it cannot be read"));
  if (geteuid() != 0) {
    const std::string closed = folder.file("closed", "a b");
    chmod(closed.c_str(), 0);
    EXPECT_THAT(bad_file(closed), HasSubstr("expected a text file, found "));
  }
  for (const Level level : {Level::word, Level::character, Level::pretokenized}) {
    const std::string empty = folder.file("empty", ""), white = folder.file("white", " \n\t\r\n\u00a0\n");
    EXPECT_EQ(bad_file(empty, {.level = level}), empty + ": expected text, found an empty file");
    EXPECT_EQ(bad_file(white, {.level = level}), white + ": expected text, found only white space");
    const Vocabulary known({.level = level}, {"<unk>", "a"});
    EXPECT_EQ(refusal([&] { Corpus::read(empty, known); }).status, Status::bad_file);
  }
}

TEST(Corpus, NamesTheOffsetOfInvalidText) {
  const Folder folder;
  const std::string lines = many_lines(60'000);
  const std::string path = folder.file("text", lines +
                                                   "a\xff"
                                                   "b");
  EXPECT_EQ(bad_file(path),
            path + ": expected UTF-8, found an invalid byte (0xFF) at byte " + std::to_string(lines.size() + 1) +
                "; if it is Latin-1, convert it first: iconv -f LATIN1 -t UTF-8 FILE > NEW; or replace what is invalid "
                "with --lossy when training");
  const Corpus lossy = Corpus::read(path, {.lossy = true}, {.min_count = 1});
  EXPECT_TRUE(lossy.vocabulary().find("\ufffd").has_value());
}

std::string bad_text(const std::string& bytes) {
  return refusal([&] { Corpus::from_text(bytes, {.level = Level::character}); }).message;
}

// The text in UTF-16 (2 bytes a character) or UTF-32 (4), little- or big-endian.
std::string widened(const std::u32string& text, std::size_t bytes, bool little) {
  std::string out;
  for (const char32_t c : text) {
    for (std::size_t i = 0; i < bytes; ++i) {
      const std::size_t shift = 8 * (little ? i : bytes - 1 - i);
      out += static_cast<char>(static_cast<unsigned char>(c >> shift));
    }
  }
  return out;
}

TEST(Corpus, NamesTheEncodingThatABytesShow) {
  struct Wide {
    const char* name;
    std::size_t bytes;
    bool little;
  };
  std::u32string european, chinese;
  for (std::size_t i = 0; i < 50; ++i)
    european += U"a caf\u00e9, ", chinese += U"\u5929\u5730\u7384\u9ec4 \u5b87\u5b99\n";
  for (const auto& [name, bytes, little] :
       {Wide{"UTF-16LE", 2, true}, {"UTF-16BE", 2, false}, {"UTF-32LE", 4, true}, {"UTF-32BE", 4, false}}) {
    const std::string command = std::string("iconv -f ") + name + " -t UTF-8";
    for (const std::u32string& text : {european, chinese, U"\ufeff" + european, U"\ufeff" + chinese}) {
      EXPECT_THAT(bad_text(widened(text, bytes, little)), HasSubstr(command)) << name << ' ' << text.size();
    }
  }
  EXPECT_THAT(bad_text("\xe9t\xe9"), HasSubstr("iconv -f LATIN1 -t UTF-8"));
  EXPECT_THAT(bad_text("it\x92s"), HasSubstr("iconv -f WINDOWS-1252 -t UTF-8"));
  EXPECT_THAT(bad_text(std::string(40, '\0') + "ELF"),
              HasSubstr("found a file of another kind (93 % of its bytes are NUL)"));
}

TEST(Corpus, ANulHereAndThereIsACharacter) {
  std::string text;
  for (std::size_t i = 0; i < 50; ++i) text += "one and another one of them" + std::string(i % 5 == 0, '\0');
  EXPECT_TRUE(Corpus::from_text(text, {.level = Level::character}).vocabulary().find(std::string(1, '\0')).has_value());
}

TextSource source(const std::string& name, const std::string& text) {
  return {name, [text]() -> TextSource::Read {
            return [text, at = std::size_t{0}](char* into, std::size_t most) mutable {
              const std::size_t count = text.copy(into, std::min<std::size_t>(most, 3), at);
              at += count;
              return count;
            };
          }};
}

TEST(Corpus, ReadsSeveralSourcesAsOneText) {
  for (const Level level : {Level::word, Level::character, Level::pretokenized}) {
    const TextOptions options{.level = level};
    const Corpus whole = Corpus::from_text("a b\na c\n\nd b", options, {.min_count = 1});
    const std::vector<TextSource> sources = {source("1", ""),
                                             source("2",
                                                    "\xef\xbb\xbf"
                                                    "a b"),
                                             source("3", "a c\r\n\r\n"), source("4", ""), source("5", "d b")};
    const Corpus several = Corpus::read(sources, "all", options, {.min_count = 1});
    EXPECT_EQ(several.name(), "all");
    EXPECT_EQ(several.bytes(), 6u + 7u + 3u);
    EXPECT_THAT(several.vocabulary().tokens(), ElementsAreArray(whole.vocabulary().tokens()));
    EXPECT_THAT(several.tokens(), ElementsAreArray(whole.tokens()));
    EXPECT_THAT(Corpus::read(sources, "all", whole.vocabulary()).tokens(), ElementsAreArray(whole.tokens()));
  }
}

TEST(Corpus, NamesTheSourceThatIsNoText) {
  const auto message = [](const std::vector<TextSource>& sources) {
    return refusal([&] { Corpus::read(sources, "all"); }).message;
  };
  EXPECT_THAT(message({source("1", "a a b b"), source("2", "c \xff")}), HasSubstr("2: expected UTF-8"));
  EXPECT_EQ(message({source("1", ""), source("2", " \n")}), "all: expected text, found only white space");
  EXPECT_EQ(message({source("1", ""), source("2", "")}), "all: expected text, found an empty file");
  EXPECT_EQ(message({}), "all: expected text, found an empty file");
}

TEST(Corpus, RefusesAVocabularyOfOne) {
  const Folder folder;
  EXPECT_EQ(
      bad_file(folder.file("f", "aaaa"), {.level = Level::character}),
      folder / "f" + ": expected a vocabulary of at least two tokens besides <unk>, found a vocabulary of one (\"a\")");
  EXPECT_EQ(bad_file(folder.file("f", "a b c d\n\n")),
            folder / "f" +
                ": expected a vocabulary of at least two tokens besides <unk>, found a vocabulary of one (line ends); "
                "5 different tokens are in the text, but a token must occur 2 times to be kept: try --level char");
  EXPECT_THAT(bad_file(folder.file("f", "a b c d")), HasSubstr("besides <unk>, found none; 4 different tokens"));
}

TEST(Corpus, TokensBeyondTheBudgetLieInAMappedFile) {
  const Folder folder;
  const std::string text = many_lines(60'000);
  const Corpus in_memory = Corpus::from_text(text);
  EXPECT_FALSE(in_memory.mapped());
  EXPECT_GE(in_memory.memory_bytes(), in_memory.tokens().size_bytes());
  EXPECT_LT(in_memory.memory_bytes(), in_memory.tokens().size_bytes() + 65536);
  const Environment temporary("TMPDIR", folder / "");
  for (const char* budget : {"0", "300000", "1000000"}) {
    const Environment bytes("SLUICE_MEMORY_BUDGET", budget);
    const Corpus learned = Corpus::from_text(text), numbered = Corpus::from_text(text, in_memory.vocabulary());
    for (const Corpus& corpus : {learned, numbered}) {
      EXPECT_TRUE(corpus.mapped());
      EXPECT_EQ(corpus.memory_bytes(), 0u);
      EXPECT_EQ(corpus.unknown(), in_memory.unknown());
      EXPECT_TRUE(std::ranges::equal(corpus.tokens(), in_memory.tokens()));
    }
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder / ""));  // the files have no names
}

TEST(Corpus, SaysWhenTheTemporaryFileCannotBeWritten) {
  const Folder folder;
  const std::string text = many_lines(60'000);
  const Environment bytes("SLUICE_MEMORY_BUDGET", "0");
  {
    const Environment temporary("TMPDIR", folder / "missing");
    const Refusal found = refusal([&] { Corpus::from_text(text); });
    EXPECT_EQ(found.status, Status::failed);
    EXPECT_THAT(found.message,
                HasSubstr(folder / "missing" + ": expected room for a temporary file of tokens, found "));
  }
  // A limit on the size of files stands in for a full disk.
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit low{.rlim_cur = 500'000, .rlim_max = old.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &low);
  const Refusal found = refusal([&] { Corpus::from_text(text); });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(found.status, Status::failed);
  EXPECT_THAT(found.message, HasSubstr("found that writing it failed"));
}

TEST(Corpus, RefusesABudgetThatIsNoNumber) {
  const Environment bytes("SLUICE_MEMORY_BUDGET", "1G");
  const Refusal found = refusal([] { Corpus::from_text("a b a b"); });
  EXPECT_EQ(found.status, Status::usage);
  EXPECT_EQ(found.message, "SLUICE_MEMORY_BUDGET: expected a number of bytes, found \"1G\"");
}

TEST(Corpus, CountsWikiText2AsItsPublishersDo) {
  const std::string folder = SLUICE_SOURCE_DIR "/../shared/data/wikitext-2";
  if (!std::filesystem::exists(folder + "/train.txt")) GTEST_SKIP() << folder << " is not here";
  const Corpus train = Corpus::read(folder + "/train.txt", {.level = Level::pretokenized});
  EXPECT_EQ(train.vocabulary().size(), 33'278u);
  EXPECT_EQ(train.tokens().size(), 2'088'628u);
  EXPECT_EQ(train.vocabulary().token(1), "the");
  const Corpus valid = Corpus::read(folder + "/valid.txt", train.vocabulary());
  const Corpus test = Corpus::read(folder + "/test.txt", train.vocabulary());
  EXPECT_EQ(valid.tokens().size(), 217'646u);
  EXPECT_EQ(test.tokens().size(), 245'569u);
}

TEST(Corpus, ReadsTinyShakespeareAtEveryLevel) {
  const std::string path = SLUICE_SOURCE_DIR "/../shared/data/tinyshakespeare/input.txt";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const Corpus characters = Corpus::read(path, {.level = Level::character});
  EXPECT_EQ(characters.tokens().size(), 1'115'394u);
  EXPECT_EQ(characters.vocabulary().size(), 66u);
  const Corpus words = Corpus::read(path, {}, {.min_count = 1});
  EXPECT_EQ(words.unknown(), 0u);
  const std::vector<Token> again = words.vocabulary().encode(words.vocabulary().decode(words.tokens()));
  EXPECT_TRUE(std::ranges::equal(again, words.tokens()));
}

}  // namespace
}  // namespace sluice::corpus_test
