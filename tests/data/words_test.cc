// Splitting into words and joining with the spacing restored.
#include "data/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <utility>
#include <vector>

#include "data/reader.h"
#include "data/utf8.h"
#include "lessons/favourites.h"

namespace sluice::words_test {
namespace {

using testing::ElementsAre;
using Tokens = std::vector<std::string>;

Tokens split(const std::string& text, Level level = Level::word) {
  Splitter splitter(level);
  splitter.start(text, true);
  Tokens tokens;
  for (std::string_view token; splitter.next(token);) tokens.emplace_back(token);
  return tokens;
}

std::string join(const Tokens& tokens) {
  std::string text;
  OpenQuotes quotes;
  for (const std::string& token : tokens) {
    if (needs_space(text, token, quotes)) {
      text += ' ';
      quotes.read(" ");
    }
    text += token;
    quotes.read(token);
  }
  return text;
}

// Text out of the pieces that the rules speak of, in orders nobody would think of.
rc::Gen<std::string> awkward_text() {
  static const std::vector<std::string> parts = {"a",          "word",       "s",          "S",
                                                 "Bhavin",     "3",          "14",         "10",
                                                 "'",          "'s",         "\u2019",     "\u2019s",
                                                 "\"",         "\u201c",     "\u201d",     "\u201e",
                                                 "-",          "--",         "---",        "\u2010",
                                                 "\u2013",     "\u2014",     ".",          "..",
                                                 "...",        "....",       "\u2026",     ",",
                                                 ";",          ":",          "!",          "?",
                                                 "%",          "(",          ")",          "[",
                                                 "]",          "$",          "\u20ac",     "#",
                                                 "/",          "_",          "&",          "*",
                                                 " ",          " ",          " ",          " ",
                                                 "\t",         "\n",         "\n\n",       "\n \n\n\n",
                                                 "\r",         "\u00a0",     "\u2028",     "\u0301",
                                                 "\u200d",     "\U0001f44d", "\U0001f3fd", "\U0001f1ee",
                                                 "\U0001f1f3", "\ufe0f",     "\u0600",     "\u0d4e",
                                                 "\u4e2d",     "\u3002",     "\u0967",     std::string(1, '\0'),
                                                 "\x01",       "\u00ab",     "\u00bb",     "\u00bf",
                                                 "\ufffd",     "<unk>",      "<"};
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(parts)),
                      [](const std::vector<std::string>& chosen) {
                        std::string text;
                        for (const std::string& part : chosen) text += part;
                        return text;
                      });
}

TEST(Words, KeepsApostrophesHyphensAndNumbersInside) {
  EXPECT_THAT(split("it shouldn't be well-known, 3.14 or 1,000."),
              ElementsAre("it", "shouldn't", "be", "well-known", ",", "3.14", "or", "1,000", "."));
  EXPECT_THAT(split("can\u2019t re\u2010do a-b-c rock'n'roll"),
              ElementsAre("can\u2019t", "re\u2010do", "a-b-c", "rock'n'roll"));
  EXPECT_THAT(split("-5 x- 'tis dogs' 3. 5, a.b a,b .5"),
              ElementsAre("-", "5", "x", "-", "'", "tis", "dogs", "'", "3", ".", "5", ",", "a", ".", "b", "a", ",", "b",
                          ".", "5"));
}

TEST(Words, NumbersAreWordsInAnyDigits) {
  EXPECT_THAT(split("\u0967.\u096b x\u0967.y \u00bd."),
              ElementsAre("\u0967.\u096b", "x\u0967", ".", "y", "\u00bd", "."));
}

TEST(Words, APossessiveIsATokenOfItsOwn) {
  EXPECT_THAT(split("Bhavin's favorite"), ElementsAre("Bhavin", "'s", "favorite"));
  EXPECT_THAT(split("Bhavin\u2019s. BHAVIN'S"), ElementsAre("Bhavin", "\u2019s", ".", "BHAVIN", "'S"));
  EXPECT_THAT(split("mother's-day 's s' a's's"), ElementsAre("mother's-day", "'", "s", "s", "'", "a's", "'s"));
  EXPECT_THAT(split("let's! <unk>'s <unk>'sx"), ElementsAre("let", "'s", "!", "<unk>", "'s", "<unk>", "'", "sx"));
}

TEST(Words, EverySignIsATokenWithWhatBelongsToIt) {
  EXPECT_THAT(split("(a)[b]{c}!?"), ElementsAre("(", "a", ")", "[", "b", "]", "{", "c", "}", "!", "?"));
  EXPECT_THAT(split("wait.... no---yes--"), ElementsAre("wait", "...", ".", "no", "--", "-", "yes", "--"));
  EXPECT_THAT(split("\U0001f44d\U0001f3fd\U0001f1ee\U0001f1f3\u2764\ufe0fok"),
              ElementsAre("\U0001f44d\U0001f3fd", "\U0001f1ee\U0001f1f3", "\u2764\ufe0f", "ok"));
  EXPECT_THAT(split(std::string("a\0b", 3)), ElementsAre("a", std::string(1, '\0'), "b"));
}

TEST(Words, OtherScriptsAreWords) {
  EXPECT_THAT(split("\u0939\u093f\u0928\u094d\u0926\u0940 \u0440\u0443\u0441\u0441\u043a\u0438\u0439 na\u0131\u0308ve"),
              ElementsAre("\u0939\u093f\u0928\u094d\u0926\u0940", "\u0440\u0443\u0441\u0441\u043a\u0438\u0439",
                          "na\u0131\u0308ve"));
}

TEST(Words, AtMostOneBlankLineInARow) {
  EXPECT_THAT(split("\n\n\n\na\n \n\t\n\nb\n"), ElementsAre("\n", "\n", "a", "\n", "\n", "b", "\n"));
  EXPECT_THAT(split("a\rb\u2028c\u0085"
                    "d"),
              ElementsAre("a", "\n", "b", "\n", "c", "\n", "d"));
}

TEST(Words, CutsWhatIsLongerThanTheLongestToken) {
  const Tokens tokens = split(std::string(kLongestToken * 2 + 5, 'x') + " y");
  ASSERT_EQ(tokens.size(), 4u);
  EXPECT_EQ(tokens[0].size(), kLongestToken);
  EXPECT_EQ(tokens[2].size(), 5u);
  std::string marks = "!";
  for (int i = 0; i < 2000; ++i) marks += "\u0301";
  for (const std::string& token : split(marks)) EXPECT_LE(token.size(), kLongestToken);
  for (const std::string& token : split(marks, Level::pretokenized)) {
    EXPECT_LE(token.size(), kLongestToken);
    EXPECT_EQ(find_invalid(token), std::string::npos);
  }
}

TEST(Words, OtherLevels) {
  EXPECT_THAT(split("a\u20ac\n b", Level::character), ElementsAre("a", "\u20ac", "\n", " ", "b"));
  EXPECT_THAT(split(" = A = \n \n<unk> it's\n", Level::pretokenized),
              ElementsAre("=", "A", "=", "<eos>", "<eos>", "<unk>", "it's", "<eos>"));
}

TEST(Joining, RestoresTheSpacing) {
  for (const std::string& text : {
           std::string(favourites::first_text),
           std::string(favourites::second_text),
           std::string("Bhavin's favorite cuisine is Italian, isn't it? Yes; 100%!"),
           std::string("He said: \"Come in.\" \"Why?\" she asked (twice) [sic]."),
           std::string("\"To be, or not to be\" \u2014 no: to be\u2014or not--that..."),
           std::string("\u201cQuoted,\u201d he said, \u2018inside\u2019 \u00abhere\u00bb \u201eund hier\u201c."),
           std::string("A 'word' and \"another 'one' inside\", at 10:30, for $5 or \u20ac3, and/or #7."),
           std::string("'I don't know,' he said, 'nor does Bhavin's brother.'"),
           std::string("One line\nand \"another\nline\"\n\n\"A paragraph left open\n\n\"and the next one\""),
           std::string("Wait... what? well-known 3.14 \u00bfqu\u00e9? \u00a1no!"),
       }) {
    if (text.find(" \u2014 ") == std::string::npos) {
      EXPECT_EQ(join(split(text)), text);
    } else {
      EXPECT_NE(join(split(text)), text);  // an em dash is joined without spaces, whichever way it was written
    }
  }
}

TEST(Joining, KeepsApartWhatSplittingWouldTakeForOne) {
  for (const Tokens& tokens :
       {Tokens{".", ".", "."}, Tokens{"...", "."}, Tokens{".", "..."}, Tokens{"-", "-", "-"}, Tokens{"--", "-", "--"},
        Tokens{"(", "\u0301"}, Tokens{"\u0600", "\u0d4e", "\u2019", "s"}, Tokens{"\u0600", "\U0001f3fd"},
        Tokens{"\u0600", "\u201d"}, Tokens{"\U0001f1ee", "\U0001f1f3"}, Tokens{"a", "'", "s"}, Tokens{"3", ".", "14"},
        Tokens{"1", ",", "000"}}) {
    EXPECT_EQ(split(join(tokens)), tokens) << join(tokens);
  }
}

TEST(Joining, SplittingTheJoinedTextGivesTheSameTokens) {
  EXPECT_TRUE(rc::check([] {
    const Tokens tokens = split(*awkward_text());
    RC_LOG() << join(tokens) << "\n";
    RC_ASSERT(split(join(tokens)) == tokens);
  }));
}

TEST(Joining, WhatATokenAddsFollowsFromTheTextAlone) {
  EXPECT_TRUE(rc::check([] {
    const Tokens tokens = split(*awkward_text());
    std::string text;
    for (const std::string& token : tokens) {
      if (needs_space(text, token)) text += ' ';
      text += token;
    }
    RC_ASSERT(text == join(tokens));
  }));
}

TEST(Joining, GoesOnFromATextThatSomebodyTyped) {
  EXPECT_TRUE(needs_space("He said", "that"));
  EXPECT_FALSE(needs_space("He said ", "that"));
  EXPECT_FALSE(needs_space("He said \"", "that"));
  EXPECT_TRUE(needs_space("He said \"that\"", "and"));
  EXPECT_FALSE(needs_space("He said \"that", "\""));
  EXPECT_TRUE(needs_space("the dogs'", "tails"));
  EXPECT_FALSE(needs_space("the 'dogs", "'"));
  EXPECT_TRUE(needs_space("a broken \xe2\x82", "\""));
  EXPECT_FALSE(needs_space("", "word"));
  EXPECT_FALSE(needs_space("line\n", "word"));
  EXPECT_FALSE(needs_space("line", "\n"));
}

TEST(Reading, GivesTheSameTokensForAnyChunks) {
  for (const Level level : {Level::word, Level::character, Level::pretokenized}) {
    EXPECT_TRUE(rc::check([level] {
      const std::string text = "visible " + *awkward_text() + *rc::gen::elementOf(std::vector<std::string>{"", "\r\n"});
      const auto tokens_of = [&](std::size_t chunk) {
        TokenReader reader(read_from_memory(text), "text", {.level = level}, chunk);
        Tokens tokens;
        for (std::string_view token; reader.next(token);) tokens.emplace_back(token);
        RC_ASSERT(reader.bytes() == text.size());
        return tokens;
      };
      const Tokens whole = tokens_of(text.size() + 1);
      RC_ASSERT(tokens_of(1) == whole);
      RC_ASSERT(tokens_of(*rc::gen::inRange<std::size_t>(2, 40)) == whole);
      if (level == Level::pretokenized) RC_ASSERT(whole.back() == "<eos>");
    }));
  }
}

}  // namespace
}  // namespace sluice::words_test
