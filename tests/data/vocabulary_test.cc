// The vocabulary: lookup, encoding, decoding at every level.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lessons/favourites.h"
#include "sluice/data.h"
#include "sluice/error.h"

namespace sluice::vocabulary_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> kWords = {"<unk>",  "a",    "it", "n't", "the", "'s",         ".",      ",",
                                         "\"",     "'",    "(",  ")",   "\n",  "-",          "--",     "...",
                                         "\u2014", "3.14", "10", ":",   "$",   "well-known", "\u201c", "\u201d"};

std::pair<Status, std::string> refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return {error.status(), error.what()};
  }
  ADD_FAILURE() << "expected an Error";
  return {Status::failed, ""};
}

TEST(Level, NamesGoBothWays) {
  EXPECT_EQ(name(Level::word), "word");
  EXPECT_EQ(name(Level::character), "char");
  EXPECT_EQ(name(Level::pretokenized), "pretokenized");
  for (const Level level : {Level::word, Level::character, Level::pretokenized})
    EXPECT_EQ(find_level(name(level)), level);
  const auto [status, message] = refusal([] { find_level("byte"); });
  EXPECT_EQ(status, Status::usage);
  EXPECT_EQ(message, "level: expected word, char or pretokenized, found \"byte\"");
}

TEST(Vocabulary, FindsTokensByTextAlsoWhenCopiedAndMoved) {
  Vocabulary first({}, {"<unk>", "one", "a token far too long for a small string"});
  const Vocabulary copy = first;
  const Vocabulary moved = std::move(first);
  Vocabulary assigned({}, {"<unk>", "other"});
  assigned = copy;
  for (const Vocabulary* vocabulary : {&copy, &moved, &std::as_const(assigned)}) {
    EXPECT_EQ(vocabulary->find("one"), 1u);
    EXPECT_EQ(vocabulary->find("a token far too long for a small string"), 2u);
    EXPECT_EQ(vocabulary->find("<unk>"), Vocabulary::unknown);
    EXPECT_EQ(vocabulary->find("other"), std::nullopt);
  }
}

TEST(Vocabulary, RefusesWhatIsNoVocabulary) {
  const auto message = [](Level level, std::vector<std::string> tokens) {
    const auto [status, text] = refusal([&] { Vocabulary({.level = level}, std::move(tokens)); });
    EXPECT_EQ(status, Status::bad_file);
    return text;
  };
  EXPECT_EQ(message(Level::word, {}), "vocabulary: expected <unk> as token 0, found no tokens");
  EXPECT_EQ(message(Level::word, {"a"}), "vocabulary: expected <unk> as token 0, found \"a\"");
  EXPECT_EQ(message(Level::word, {"<unk>", "a", "a"}),
            "vocabulary: expected distinct tokens, found token 2 \"a\" a second time");
  EXPECT_THAT(message(Level::word, {"<unk>", ""}), HasSubstr("token 1 empty"));
  EXPECT_THAT(message(Level::word, {"<unk>", "a", "\xff"}), HasSubstr("expected UTF-8, found token 2"));
  EXPECT_THAT(message(Level::character, {"<unk>", "ab"}), HasSubstr("one character a token, found token 1 \"ab\""));
}

TEST(Vocabulary, EncodesWithPiecesAsWritten) {
  const Vocabulary vocabulary({.level = Level::word, .lowercase = true}, {"<unk>", "the", "caf\u00e9", "'s"});
  std::vector<std::string> pieces = {"kept"};
  EXPECT_THAT(vocabulary.encode("The CAF\u00c9's door", &pieces), ElementsAre(1, 2, 3, 0));
  EXPECT_THAT(pieces, ElementsAre("kept", "The", "CAF\u00c9", "'s", "door"));
  EXPECT_TRUE(vocabulary.encode("").empty());
}

TEST(Vocabulary, RefusesOrReplacesInvalidText) {
  const auto [status, message] = refusal([] { Vocabulary({}, {"<unk>", "a"}).encode("a \xc3("); });
  EXPECT_EQ(status, Status::bad_file);
  EXPECT_EQ(message, "text: expected UTF-8, found an invalid byte (0xC3) at byte 2");
  const Vocabulary lossy({.lossy = true}, {"<unk>", "a", "\ufffd"});
  EXPECT_THAT(lossy.encode("a \xc3("), ElementsAre(1, 2, 0));
}

TEST(Vocabulary, CharactersAreNeverCut) {
  const Vocabulary vocabulary({.level = Level::character}, {"<unk>", "a", "\u20ac", "\n", std::string(1, '\0')});
  const std::string text("a\u20ac\r\n\0?", 8);
  const std::vector<Token> tokens = vocabulary.encode(text);
  EXPECT_THAT(tokens, ElementsAre(1, 2, 3, 4, 0));
  EXPECT_EQ(vocabulary.decode(tokens), std::string("a\u20ac\n\0\ufffd", 9));
  EXPECT_EQ(vocabulary.decode_next("a", 2), "\u20ac");
}

TEST(Vocabulary, PretokenizedTextIsJoinedBySpacesAndLineEnds) {
  const Vocabulary vocabulary({.level = Level::pretokenized}, {"<unk>", "<eos>", "a", "'s"});
  const std::vector<Token> tokens = vocabulary.encode("a 's <unk> b\n a");
  EXPECT_THAT(tokens, ElementsAre(2, 3, 0, 0, 1, 2));  // no <eos> at the end: a prompt goes on
  EXPECT_EQ(vocabulary.decode(tokens), "a 's <unk> <unk>\na");
  EXPECT_EQ(vocabulary.decode_next("a", 3), " 's");
  EXPECT_EQ(vocabulary.decode_next("a", 1), "\n");
  EXPECT_EQ(vocabulary.decode_next("a\n", 2), "a");
}

TEST(Vocabulary, DecodesOnlyNumbersItHas) {
  const Vocabulary vocabulary({}, {"<unk>", "a"});
  EXPECT_EQ(vocabulary.decode(std::vector<Token>{1, 0, 1}), "a <unk> a");
  const auto [status, message] = refusal([&] { vocabulary.decode(std::vector<Token>{2}); });
  EXPECT_EQ(status, Status::usage);
  EXPECT_EQ(message, "token: expected a number below 2, found 2");
  EXPECT_EQ(refusal([&] { vocabulary.decode_next("a", 7); }).first, Status::usage);
}

TEST(Vocabulary, TheTextsOfTheDemonstrationSurvive) {
  for (const std::string_view text : {favourites::first_text, favourites::second_text}) {
    const Corpus corpus = Corpus::from_text(text, {}, {.min_count = 1});
    EXPECT_EQ(corpus.unknown(), 0u);
    EXPECT_EQ(corpus.vocabulary().decode(corpus.tokens()), text);
    EXPECT_THAT(corpus.vocabulary().encode(text), testing::ElementsAreArray(corpus.tokens()));
  }
}

TEST(Vocabulary, WhatIsUnknownStaysUnknownWhenItIsReadAgain) {
  const Vocabulary vocabulary({}, {"<unk>", "a", "."});
  const std::vector<Token> tokens = vocabulary.encode("a b c. a");
  EXPECT_EQ(vocabulary.decode(tokens), "a <unk> <unk>. a");
  EXPECT_EQ(vocabulary.encode("a <unk> <unk>. a"), tokens);
}

TEST(Vocabulary, EncodingWhatWasDecodedGivesTheSameTokens) {
  const Vocabulary vocabulary({}, kWords);
  EXPECT_TRUE(rc::check([&] {
    std::string text;
    for (const std::string& word : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(kWords))) {
      text += word + *rc::gen::elementOf(std::vector<std::string>{"", " ", " ", "\n"});
    }
    const std::vector<Token> tokens = vocabulary.encode(text);
    RC_ASSERT(vocabulary.encode(vocabulary.decode(tokens)) == tokens);
  }));
}

TEST(Vocabulary, HasNoTokenOfAnotherNumber) {
  const Vocabulary vocabulary({}, kWords);
  const auto size = static_cast<Token>(kWords.size());
  EXPECT_EQ(vocabulary.token(size - 1), kWords.back());
  for (const Token token : {size, ~Token{0}}) {
    const std::string below = "a number below " + std::to_string(size) + ", found " + std::to_string(token);
    const auto refused = testing::Pair(Status::usage, HasSubstr(below));
    EXPECT_THAT(refusal([&] { (void)vocabulary.token(token); }), refused);
    EXPECT_THAT(refusal([&] { (void)vocabulary.decode(std::vector{token}); }), refused);
  }
  EXPECT_THAT(refusal([] { (void)Vocabulary().token(0); }),
              testing::Pair(Status::usage, HasSubstr("below 0, found 0")));
}

TEST(Vocabulary, DecodeIsDecodeNextOverAndOver) {
  EXPECT_TRUE(rc::check([] {
    const Vocabulary vocabulary({.level = *rc::gen::element(Level::word, Level::pretokenized)}, kWords);
    const auto tokens =
        *rc::gen::container<std::vector<Token>>(rc::gen::inRange<Token>(0, static_cast<Token>(kWords.size())));
    std::string text;
    for (const Token token : tokens) text += vocabulary.decode_next(text, token);
    RC_ASSERT(text == vocabulary.decode(tokens));
  }));
}

}  // namespace
}  // namespace sluice::vocabulary_test
