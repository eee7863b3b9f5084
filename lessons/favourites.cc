// The favourites stories: one line of text about two people, put together from the phrases of favourites_words.h.
//
//   story   = person " " person
//   person  = opening " " clue ["," clause]* ["," | ""] question " " answer "."
//
// See docs/favourites.md for the grammar in full, what is held out, and the curriculum.
#include "lessons/favourites.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/failure.h"
#include "base/random.h"
#include "lessons/favourites_words.h"

namespace sluice::favourites {
namespace {

using Phrases = std::span<const std::string_view>;

// The training text is so many courses one after another, each of them the whole curriculum. Training reads the text as
// parallel streams, each a contiguous part: with as many streams as courses, all streams are equally far at any time.
constexpr int kCourses = 32;
// The curriculum, in shares of a course: until kRich stories have no clauses, but more and more dishes and phrases;
// from there to kLong distances grow.
constexpr double kRich = 0.4, kLong = 0.8;

// How much of the language a story may use.
struct Variety {
  std::size_t dishes = kDishes;  // of a cuisine: the first so many of those that may be told
  double phrases = 1;            // of each list of phrases: the first share of it, but at least kFewest
};
constexpr std::size_t kFewest = 4;

template <class T>
const T& pick(Random& random, std::span<const T> list) {
  return list[random.below(list.size())];
}

const std::string_view& pick_first(Random& random, Phrases list, const Variety& variety) {
  const auto most = static_cast<std::size_t>(variety.phrases * static_cast<double>(list.size()));
  return pick(random, list.first(std::clamp(most, kFewest, list.size())));
}

// Replaces every {slot} of a phrase by fill(slot).
template <class F>
std::string expand(std::string_view phrase, F&& fill) {
  std::string out;
  while (!phrase.empty()) {
    const std::size_t open = std::min(phrase.find('{'), phrase.size());
    out += phrase.substr(0, open);
    phrase.remove_prefix(open);
    if (phrase.empty()) break;
    const std::size_t close = phrase.find('}');
    out += fill(phrase.substr(1, close - 1));
    phrase.remove_prefix(close + 1);
  }
  return out;
}

std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == ',';
    words += !space && !inside;
    inside = !space;
  }
  return words;
}

std::string_view his(Pronoun pronoun) {
  constexpr std::string_view kWords[] = {"his", "her", "their"};
  return kWords[static_cast<int>(pronoun)];
}

std::string_view capital_his(Pronoun pronoun) {
  constexpr std::string_view kWords[] = {"His", "Her", "Their"};
  return kWords[static_cast<int>(pronoun)];
}

std::string_view him(Pronoun pronoun) {
  constexpr std::string_view kWords[] = {"him", "her", "them"};
  return kWords[static_cast<int>(pronoun)];
}

struct Taste {
  const Person* person = nullptr;
  const Cuisine* cuisine = nullptr;
  std::vector<std::string_view> dishes;  // one to three
};

// The dishes of `cuisine` that `part` allows for a person. In training, neither may it be held out for `other`, so that
// no line of training text holds a held-out pair even by accident. `most` counts after that: whoever must not have the
// first dish of a cuisine starts with the next one, for else a small variety would tie people to cuisines.
std::vector<std::string_view> allowed(const Cuisine& cuisine, const Person& person, const Person& other, Part part,
                                      std::size_t most) {
  std::vector<std::string_view> dishes;
  for (const std::string_view dish : cuisine.dishes) {
    const bool held = is_held_out(person.name, dish);
    if (part == Part::held_out ? held : !held && !is_held_out(other.name, dish)) dishes.push_back(dish);
  }
  if (dishes.size() > most) dishes.resize(most);
  return dishes;
}

// Two people with different tastes.
std::pair<Taste, Taste> draw_tastes(Random& random, Part part, std::size_t most) {
  const auto persons = person_list();
  const auto kitchens = cuisine_list();
  while (true) {
    const std::size_t first = random.below(persons.size()), first_cuisine = random.below(kitchens.size());
    const std::size_t second = (first + 1 + random.below(persons.size() - 1)) % persons.size();
    const std::size_t second_cuisine = (first_cuisine + 1 + random.below(kitchens.size() - 1)) % kitchens.size();
    std::pair<Taste, Taste> tastes = {{&persons[first], &kitchens[first_cuisine], {}},
                                      {&persons[second], &kitchens[second_cuisine], {}}};
    const auto choose = [&](Taste& taste, const Person& other) {
      std::vector<std::string_view> dishes = allowed(*taste.cuisine, *taste.person, other, part, most);
      const std::size_t count = std::min<std::size_t>(1 + random.below(3), dishes.size());
      for (std::size_t i = 0; i < count; ++i) {
        std::swap(dishes[i], dishes[i + random.below(dishes.size() - i)]);
        taste.dishes.push_back(dishes[i]);
      }
      return count > 0;
    };
    if (choose(tastes.first, *tastes.second.person) && choose(tastes.second, *tastes.first.person)) return tastes;
  }
}

std::string list_dishes(const std::vector<std::string_view>& dishes) {
  std::string out;
  for (std::size_t i = 0; i < dishes.size(); ++i) {
    if (i > 0) out += i + 1 == dishes.size() ? " and " : ", ";
    out += dishes[i];
  }
  return out;
}

// Clauses of exactly `words` words in all, each after a comma, no two alike side by side.
std::string draw_clauses(Random& random, std::size_t words) {
  std::string out;
  std::string_view previous;
  while (words > 0) {
    const std::string_view pattern = pick(random, clauses());
    const std::size_t length = count_words(pattern);
    if (pattern == previous || length > words || (length == 1 && words > 1)) continue;
    words -= length;
    previous = pattern;
    out += ", " + expand(pattern, [&](std::string_view slot) {
             const auto lists = clause_slots();
             return pick(random, std::find_if(lists.begin(), lists.end(), [&](const WordList& list) {
                                   return list.slot == slot;
                                 })->words);
           });
  }
  return out;
}

// Appends one person's part to the story. `first` is whom the opening may refer to, or nullptr.
void append_person(Story& story, Random& random, const Taste& taste, const Person* first, std::size_t distance,
                   const Variety& variety) {
  const auto fill = [&](std::string_view slot) -> std::string {
    const Person& person = *taste.person;
    if (slot == "name") return std::string(person.name);
    if (slot == "dishes") return list_dishes(taste.dishes);
    if (slot == "kin") return std::string(pick(random, kin(person.pronoun)));
    return std::string(slot == "his" ? his(person.pronoun) : him(person.pronoun));
  };
  const auto fill_opening = [&](std::string_view slot) -> std::string {
    if (slot == "first") return std::string(first->name);
    if (slot == "His") return std::string(capital_his(first->pronoun));
    if (slot == "his") return std::string(his(first->pronoun));
    if (slot == "him") return std::string(him(first->pronoun));
    return fill(slot);
  };
  story.text +=
      expand(pick_first(random, first == nullptr ? first_openings() : second_openings(), variety), fill_opening) + " ";
  const std::string clue = expand(pick_first(random, clues(), variety), fill);
  const std::string_view last_dish = taste.dishes.back();
  const std::size_t after_clue = story.text.size() + clue.rfind(last_dish) + last_dish.size();
  story.text += clue;

  const std::string filler = draw_clauses(random, distance);
  const std::string question = expand(pick_first(random, questions(), variety), fill);
  story.text += filler;
  if (!filler.empty() && question.front() != ',') story.text += ',';
  story.text += question;

  const std::string answer(taste.cuisine->name);
  story.questions.push_back({story.text.size(), answer, count_words(std::string_view(story.text).substr(after_clue))});
  story.text += " " + answer + ".";
  for (const std::string_view dish : taste.dishes) story.pairs.emplace_back(taste.person->name, dish);
}

Story compose(std::uint64_t seed, std::uint64_t number, std::size_t distance, Part part, const Variety& variety) {
  Random random(seed, number * 2 + (part == Part::held_out));
  const auto [first, second] = draw_tastes(random, part, variety.dishes);
  Story out;
  append_person(out, random, first, nullptr, distance, variety);
  out.text += ' ';
  append_person(out, random, second, first.person, distance, variety);
  return out;
}

}  // namespace

Story story(std::uint64_t seed, std::uint64_t number, std::size_t distance, Part part) try {
  return compose(seed, number, distance, part, {});
} catch (...) {
  rethrow_as_error("favourites");
}

std::string training_text(std::uint64_t seed, std::size_t words, std::size_t longest) try {
  Random random(seed, ~std::uint64_t{0});  // a stream no story draws from
  std::string text;
  std::size_t written = 0;
  for (std::uint64_t number = 0; written < words; ++number) {
    const double course = static_cast<double>(written) / static_cast<double>(words) * kCourses;
    const double at = course - std::floor(course);
    const double rich = std::min(at / kRich, 1.0), grown = std::clamp((at - kRich) / (kLong - kRich), 0.0, 1.0);
    const Variety variety = {1 + static_cast<std::size_t>(rich * (kDishes - 1)), rich};
    const auto limit = static_cast<std::uint64_t>(grown * static_cast<double>(longest) + 0.5);
    const std::string line = compose(seed, number, random.below(limit + 1), Part::training, variety).text;
    written += count_words(line);
    text += line + '\n';
  }
  return text;
} catch (...) {
  rethrow_as_error("favourites");
}

std::string all_words() try {
  std::set<std::string> words = {",", "."};
  const auto add = [&](std::string_view phrase) {
    std::string word;
    // A space ends the last word.
    for (const char c : expand(phrase, [](std::string_view) { return ""; }) + " ") {
      if (c != ' ' && c != ',') {
        word += c;
      } else {
        if (!word.empty()) words.insert(word);
        word.clear();
      }
    }
  };
  for (const Phrases list : {first_openings(), second_openings(), clues(), questions(), clauses()})
    for (const std::string_view phrase : list) add(phrase);
  for (const WordList& list : clause_slots())
    for (const std::string_view word : list.words) add(word);
  for (const Cuisine& cuisine : cuisine_list()) {
    add(cuisine.name);
    for (const std::string_view dish : cuisine.dishes) add(dish);
  }
  for (const Person& person : person_list()) add(person.name);
  for (const Pronoun pronoun : {Pronoun::his, Pronoun::her, Pronoun::their}) {
    for (const std::string_view word : {his(pronoun), capital_his(pronoun), him(pronoun)}) add(word);
    for (const std::string_view word : kin(pronoun)) add(word);
  }
  // The possessive only splits off behind a word.
  words.erase("'s");
  std::string text = std::string(person_list().front().name) + "'s";
  for (const std::string& word : words) text += ' ' + word;
  return text + '\n';
} catch (...) {
  rethrow_as_error("favourites");
}

std::vector<std::string> cuisines() try {
  std::vector<std::string> out;
  for (const Cuisine& cuisine : cuisine_list()) out.emplace_back(cuisine.name);
  return out;
} catch (...) {
  rethrow_as_error("favourites");
}

std::vector<std::string> people() try {
  std::vector<std::string> out;
  for (const Person& person : person_list()) out.emplace_back(person.name);
  return out;
} catch (...) {
  rethrow_as_error("favourites");
}

std::vector<std::string> dishes(std::string_view cuisine) try {
  for (const Cuisine& candidate : cuisine_list())
    if (candidate.name == cuisine) return {candidate.dishes.begin(), candidate.dishes.end()};
  return {};
} catch (...) {
  rethrow_as_error("favourites");
}

}  // namespace sluice::favourites
