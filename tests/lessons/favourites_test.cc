// The favourites stories: what they are made of, what is held out, and the curriculum.
#include "lessons/favourites.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "lessons/favourites_words.h"
#include "sluice/data.h"

namespace sluice::favourites::favourites_test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// Words as a reader sees them: between spaces, without the punctuation around them and a final 's.
std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    while (!word.empty() && (word.back() == ',' || word.back() == '.')) word.pop_back();
    if (word.ends_with("'s")) word.resize(word.size() - 2);
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

std::set<std::string> dish_set() {
  std::set<std::string> all;
  for (const std::string& cuisine : cuisines())
    for (const std::string& dish : dishes(cuisine)) all.insert(dish);
  return all;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(FavouritesWords, CuisinesDishesAndPeopleAreEnoughAndAllDifferent) {
  EXPECT_GE(cuisines().size(), 8u);
  EXPECT_GE(people().size(), 80u);
  std::set<std::string> all;
  std::size_t count = 0;
  const auto add = [&](const std::vector<std::string>& words) {
    all.insert(words.begin(), words.end());
    count += words.size();
    for (const std::string& word : words) EXPECT_EQ(words_of(word).size(), 1u) << word;
  };
  add(cuisines());
  add(people());
  for (const std::string& cuisine : cuisines()) {
    EXPECT_GE(dishes(cuisine).size(), 8u);
    add(dishes(cuisine));
  }
  EXPECT_EQ(all.size(), count);
  EXPECT_THAT(dishes("Indian"), Contains("samosa"));
  EXPECT_THAT(dishes("Italian"), Contains("pasta"));
  EXPECT_THAT(dishes("Italian"), Contains("cheese"));
  EXPECT_THAT(people(), Contains("Dhaval"));
  EXPECT_THAT(people(), Contains("Bhavin"));
  EXPECT_TRUE(dishes("Martian").empty());
}

TEST(FavouritesWords, NoPhraseGivesAnAnswerOrACluesAway) {
  std::set<std::string> telling = dish_set();
  for (const std::string& cuisine : cuisines()) telling.insert(cuisine);
  for (const std::string& person : people()) telling.insert(person);
  const auto check = [&](std::span<const std::string_view> phrases) {
    for (const std::string_view phrase : phrases)
      for (const std::string& word : words_of(std::string(phrase))) EXPECT_FALSE(telling.contains(word)) << word;
  };
  check(first_openings());
  check(second_openings());
  check(clues());
  check(questions());
  check(clauses());
  for (const WordList& list : clause_slots()) check(list.words);
  for (const Pronoun pronoun : {Pronoun::his, Pronoun::her, Pronoun::their}) check(kin(pronoun));
}

TEST(FavouritesStory, IsTheSameOnEveryMachine) {
  EXPECT_EQ(story(1, 2, 6, Part::training).text,
            "Charlie adores tteokbokki, not far from the old river, that means Charlie's favorite cuisine is Korean. "
            "Unlike Charlie their daughter Hana would walk miles for mochi, as ever, on a busy Monday, which tells us "
            "that Hana's favorite cuisine is Japanese.");
}

TEST(FavouritesStory, HoldsTwoPeopleOfDifferentTasteAndItsAnswers) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed, std::uint16_t number, bool held_out) {
    const std::size_t distance = *rc::gen::inRange<std::size_t>(0, 90);
    const Story s = story(seed, number, distance, held_out ? Part::held_out : Part::training);
    RC_ASSERT(s.questions.size() == 2u);
    RC_ASSERT(s.questions[0].answer != s.questions[1].answer);
    RC_ASSERT(s.pairs.front().first != s.pairs.back().first);
    RC_ASSERT(s.text.find('\n') == std::string::npos);
    std::size_t pair = 0;
    for (const Question& q : s.questions) {
      RC_ASSERT(s.text.compare(q.prompt_bytes, q.answer.size() + 2, " " + q.answer + ".") == 0);
      const std::string person = s.pairs[pair].first;
      const std::vector<std::string> taste = dishes(q.answer);
      for (; pair < s.pairs.size() && s.pairs[pair].first == person; ++pair) {
        RC_ASSERT(std::find(taste.begin(), taste.end(), s.pairs[pair].second) != taste.end());
      }
    }
    RC_ASSERT(pair == s.pairs.size());
    RC_ASSERT(s.text.size() == s.questions[1].prompt_bytes + s.questions[1].answer.size() + 2);
  }));
}

TEST(FavouritesStory, CountsTheWordsBetweenClueAndAnswer) {
  const std::set<std::string> food = dish_set();
  EXPECT_TRUE(rc::check([&](std::uint64_t seed, bool held_out) {
    const std::size_t distance = *rc::gen::inRange<std::size_t>(0, 90);
    const Story s = story(seed, 0, distance, held_out ? Part::held_out : Part::training);
    for (const Question& q : s.questions) {
      const std::vector<std::string> before = words_of(s.text.substr(0, q.prompt_bytes));
      std::size_t since_dish = 0;
      while (!food.contains(before[before.size() - 1 - since_dish])) ++since_dish;
      RC_ASSERT(q.distance == since_dish);
      RC_ASSERT(since_dish >= distance + 5);
      RC_ASSERT(since_dish <= distance + 15);
    }
  }));
}

TEST(FavouritesStory, ComesInTheWordsOfTheDemonstration) {
  const std::string text = training_text(3, 200'000, 4);
  EXPECT_THAT(text, HasSubstr(" almost everyday, it shouldn't be hard to guess that his favorite cuisine is "));
  EXPECT_THAT(text, HasSubstr(" that means Bhavin's favorite cuisine is "));
  const std::regex second(
      "His brother \\w+ however is a lover of \\w+ and \\w+ that means \\w+'s favorite cuisine is ");
  EXPECT_TRUE(std::regex_search(text, second));
  EXPECT_THAT(text, HasSubstr("However "));
}

TEST(FavouritesParts, AFifthOfThePairsIsHeldOutAndTheDemonstrationAlways) {
  EXPECT_TRUE(is_held_out("Dhaval", "samosa"));
  EXPECT_TRUE(is_held_out("Bhavin", "pasta"));
  EXPECT_TRUE(is_held_out("Bhavin", "cheese"));
  std::size_t held = 0, all = 0;
  for (const std::string& person : people()) {
    for (const std::string& dish : dish_set()) {
      held += is_held_out(person, dish);
      ++all;
    }
  }
  EXPECT_NEAR(static_cast<double>(held) / static_cast<double>(all), 0.2, 0.02);
}

TEST(FavouritesParts, StoriesKeepToTheirPart) {
  for (std::uint64_t number = 0; number < 5000; ++number) {
    for (const auto& [person, dish] : story(7, number, 0, Part::held_out).pairs) {
      ASSERT_TRUE(is_held_out(person, dish)) << person << ' ' << dish;
    }
    for (const auto& [person, dish] : story(7, number, 0, Part::training).pairs) {
      ASSERT_FALSE(is_held_out(person, dish)) << person << ' ' << dish;
    }
  }
}

// By searching the text, without trusting what a story says about itself: no line holds both words of a held-out pair,
// whoever of its two people the dish belongs to.
TEST(FavouritesParts, NoTrainingTextHoldsAHeldOutPairOrADemonstration) {
  const std::set<std::string> food = dish_set();
  const std::vector<std::string> names = people();
  const std::set<std::string> known(names.begin(), names.end());
  std::map<std::string, std::set<std::string>> company;  // with whom a dish, and with what a person was seen
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    const std::string text = training_text(seed, 400'000, 20);
    EXPECT_THAT(text, Not(HasSubstr(std::string(first_text))));
    EXPECT_THAT(text, Not(HasSubstr(std::string(second_text))));
    for (const std::string& line : lines_of(text)) {
      std::set<std::string> line_people, line_dishes;
      for (const std::string& word : words_of(line)) {
        if (known.contains(word)) line_people.insert(word);
        if (food.contains(word)) line_dishes.insert(word);
      }
      ASSERT_EQ(line_people.size(), 2u) << line;
      ASSERT_GE(line_dishes.size(), 2u) << line;
      for (const std::string& person : line_people) {
        for (const std::string& dish : line_dishes) {
          ASSERT_FALSE(is_held_out(person, dish)) << line;
          company[person].insert(dish);
          company[dish].insert(person);
        }
      }
    }
  }
  for (const std::string& person : names) EXPECT_GT(company[person].size(), 30u) << person;
  for (const std::string& dish : food) EXPECT_GT(company[dish].size(), 40u) << dish;
}

TEST(FavouritesTraining, IsAsLongAsAskedAndEndsWithALine) {
  const std::string text = training_text(1, 100'000, 20);
  const std::size_t words = words_of(text).size();
  EXPECT_GE(words, 100'000u);
  EXPECT_LT(words, 100'200u);
  EXPECT_EQ(text.back(), '\n');
  EXPECT_NE(training_text(2, 1000, 20), training_text(1, 1000, 20));
}

// Each of the 32 parts that 32 parallel streams read.
TEST(FavouritesTraining, GrowsFromShortAndPoorToLongAndRichInEveryCourse) {
  constexpr std::size_t kCourses = 32, kWords = 640'000;
  const std::set<std::string> food = dish_set();
  struct Course {
    std::size_t longest_early = 0, longest_late = 0, shortest_late = 1000;
    std::set<std::string> first_dishes, last_dishes;
  };
  std::vector<Course> courses(kCourses + 1);
  std::size_t written = 0;
  for (const std::string& line : lines_of(training_text(1, kWords, 20))) {
    const std::vector<std::string> words = words_of(line);
    const double at = static_cast<double>(written) / kWords * kCourses;
    Course& course = courses[static_cast<std::size_t>(at)];
    const double share = at - std::floor(at);
    if (share < 0.35) course.longest_early = std::max(course.longest_early, words.size());
    if (share > 0.85) {
      course.longest_late = std::max(course.longest_late, words.size());
      course.shortest_late = std::min(course.shortest_late, words.size());
    }
    for (const std::string& word : words) {
      if (food.contains(word) && share < 0.05) course.first_dishes.insert(word);
      if (food.contains(word) && share > 0.5) course.last_dishes.insert(word);
    }
    written += words.size();
  }
  courses.pop_back();
  for (const Course& course : courses) {
    EXPECT_LE(course.longest_early, 52u);
    EXPECT_GT(course.longest_late, 70u);
    EXPECT_LT(course.shortest_late, 45u);  // short ones stay in
    EXPECT_GE(course.first_dishes.size(), 8u);
    EXPECT_LE(course.first_dishes.size(), 32u);
    EXPECT_EQ(course.last_dishes.size(), food.size());
  }
}

TEST(FavouritesVocabulary, KnowsEveryWordOfEveryText) {
  const Vocabulary vocabulary =
      Corpus::from_text(all_words(), TextOptions{}, VocabularyOptions{.min_count = 1}).vocabulary();
  const auto unknown = [&](const std::string& text) {
    std::vector<std::string> pieces, out;
    const std::vector<Token> tokens = vocabulary.encode(text, &pieces);
    for (std::size_t i = 0; i < tokens.size(); ++i)
      if (tokens[i] == Vocabulary::unknown) out.push_back(pieces[i]);
    return out;
  };
  EXPECT_THAT(unknown(training_text(1, 300'000, 30)), testing::IsEmpty());
  EXPECT_THAT(unknown(std::string(first_text)), testing::IsEmpty());
  EXPECT_THAT(unknown(std::string(second_text)), testing::IsEmpty());
  EXPECT_THAT(unknown("marzipan"), testing::ElementsAre("marzipan"));
  // And none that no story holds.
  std::set<std::string> used;
  const std::string text = training_text(1, 300'000, 30);
  std::vector<std::string> pieces;
  vocabulary.encode(text, &pieces);
  used.insert(pieces.begin(), pieces.end());
  for (std::size_t id = 1; id < vocabulary.size(); ++id)
    EXPECT_TRUE(used.contains(vocabulary.token(static_cast<Token>(id)))) << vocabulary.token(static_cast<Token>(id));
}

}  // namespace
}  // namespace sluice::favourites::favourites_test
