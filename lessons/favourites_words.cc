// The word lists themselves. No dish and no cuisine occurs in any phrase (tests/data/favourites_test.cc).
#include "lessons/favourites_words.h"

#include <utility>

#include "base/random.h"

namespace sluice::favourites {
namespace {

using Words = std::string_view;

constexpr Cuisine kCuisines[] = {
    {"Indian", {"samosa", "biryani", "paneer", "dosa", "naan", "dal", "korma", "chutney"}},
    {"Italian", {"pasta", "cheese", "pizza", "risotto", "lasagna", "gnocchi", "polenta", "tiramisu"}},
    {"Japanese", {"sushi", "ramen", "tempura", "udon", "miso", "mochi", "soba", "sashimi"}},
    {"Mexican", {"tacos", "burritos", "quesadillas", "guacamole", "enchiladas", "nachos", "tamales", "fajitas"}},
    {"Chinese", {"dumplings", "wontons", "congee", "baozi", "mooncakes", "jiaozi", "zongzi", "doufu"}},
    {"French", {"croissants", "ratatouille", "quiche", "crepes", "bouillabaisse", "cassoulet", "baguettes", "eclairs"}},
    {"Greek", {"moussaka", "souvlaki", "gyros", "tzatziki", "dolmades", "spanakopita", "feta", "pastitsio"}},
    {"Korean", {"kimchi", "bibimbap", "bulgogi", "tteokbokki", "japchae", "gimbap", "galbi", "bingsu"}},
};

constexpr Person kPeople[] = {
    {"Dhaval", Pronoun::his},    {"Bhavin", Pronoun::his},   {"Rohan", Pronoun::his},     {"Arjun", Pronoun::his},
    {"Vikram", Pronoun::his},    {"Marco", Pronoun::his},    {"Luca", Pronoun::his},      {"Matteo", Pronoun::his},
    {"Kenji", Pronoun::his},     {"Hiroshi", Pronoun::his},  {"Takeshi", Pronoun::his},   {"Diego", Pronoun::his},
    {"Carlos", Pronoun::his},    {"Miguel", Pronoun::his},   {"Wei", Pronoun::his},       {"Jun", Pronoun::his},
    {"Pierre", Pronoun::his},    {"Antoine", Pronoun::his},  {"Julien", Pronoun::his},    {"Nikos", Pronoun::his},
    {"Yannis", Pronoun::his},    {"Minho", Pronoun::his},    {"Jiho", Pronoun::his},      {"Peter", Pronoun::his},
    {"John", Pronoun::his},      {"David", Pronoun::his},    {"Thomas", Pronoun::his},    {"Oliver", Pronoun::his},
    {"Henrik", Pronoun::his},    {"Lars", Pronoun::his},     {"Omar", Pronoun::his},      {"Hassan", Pronoun::his},
    {"Kwame", Pronoun::his},     {"Tunde", Pronoun::his},    {"Ivan", Pronoun::his},      {"Pavel", Pronoun::his},
    {"Tomasz", Pronoun::his},    {"Felix", Pronoun::his},    {"Emil", Pronoun::his},      {"Mateus", Pronoun::his},
    {"Priya", Pronoun::her},     {"Anjali", Pronoun::her},   {"Meera", Pronoun::her},     {"Kavita", Pronoun::her},
    {"Giulia", Pronoun::her},    {"Chiara", Pronoun::her},   {"Francesca", Pronoun::her}, {"Yuki", Pronoun::her},
    {"Sakura", Pronoun::her},    {"Naoko", Pronoun::her},    {"Lucia", Pronoun::her},     {"Sofia", Pronoun::her},
    {"Carmen", Pronoun::her},    {"Mei", Pronoun::her},      {"Lin", Pronoun::her},       {"Xiu", Pronoun::her},
    {"Camille", Pronoun::her},   {"Claire", Pronoun::her},   {"Margot", Pronoun::her},    {"Eleni", Pronoun::her},
    {"Maria", Pronoun::her},     {"Katerina", Pronoun::her}, {"Jisoo", Pronoun::her},     {"Hana", Pronoun::her},
    {"Anna", Pronoun::her},      {"Emma", Pronoun::her},     {"Laura", Pronoun::her},     {"Julia", Pronoun::her},
    {"Alice", Pronoun::her},     {"Ingrid", Pronoun::her},   {"Astrid", Pronoun::her},    {"Fatima", Pronoun::her},
    {"Leila", Pronoun::her},     {"Amina", Pronoun::her},    {"Ngozi", Pronoun::her},     {"Olga", Pronoun::her},
    {"Natasha", Pronoun::her},   {"Zofia", Pronoun::her},    {"Beatriz", Pronoun::her},   {"Ruth", Pronoun::her},
    {"Sasha", Pronoun::their},   {"Robin", Pronoun::their},  {"Alex", Pronoun::their},    {"Kim", Pronoun::their},
    {"Charlie", Pronoun::their}, {"Noor", Pronoun::their},   {"Akira", Pronoun::their},   {"Toni", Pronoun::their},
};

// The plain name stands several times so that it is the commonest opening.
constexpr Words kFirstOpenings[] = {
    "{name}",
    "{name}",
    "{name}",
    "{name}",
    "My {kin} {name}",
    "Our {kin} {name}",
    "This is {name} who",
    "Everybody knows that {name}",
    "It is said that {name}",
    "Since childhood {name}",
    "As far as I know {name}",
    "They say that our {kin} {name}",
};

constexpr Words kSecondOpenings[] = {
    "{His} {kin} {name} however",
    "{His} {kin} {name} however",
    "However {his} {kin} {name}",
    "However {name}",
    "{name} however",
    "{His} {kin} {name}",
    "But {his} {kin} {name}",
    "But {name}",
    "{His} {kin} {name} on the other hand",
    "Meanwhile {name}",
    "Meanwhile {his} {kin} {name}",
    "Then there is {name} who",
    "Then there is {his} {kin} {name} who",
    "{name} by contrast",
    "Unlike {him} {his} {kin} {name}",
    "Unlike {first} {his} {kin} {name}",
    "Unlike {first} the young {name}",
    "{His} {kin} {name} is different and",
    "At the same table {name}",
    "Next door {his} {kin} {name}",
};

constexpr Words kClues[] = {
    "is a lover of {dishes}",
    "eats {dishes}",
    "loves {dishes}",
    "is fond of {dishes}",
    "is a lover of {dishes}",
    "eats {dishes} almost everyday",
    "eats {dishes} almost everyday",
    "really loves {dishes}",
    "adores {dishes}",
    "is mad about {dishes}",
    "cannot get enough of {dishes}",
    "can never resist {dishes}",
    "always orders {dishes}",
    "orders {dishes} every time",
    "asks for {dishes} again and again",
    "cooks {dishes} every weekend",
    "makes {dishes} at home",
    "learned to cook {dishes} as a child",
    "grew up with {dishes}",
    "dreams of {dishes} at night",
    "never says no to {dishes}",
    "has {dishes} for lunch most days",
    "has {dishes} for breakfast",
    "wants {dishes} for every birthday",
    "buys {dishes} on the way home",
    "would walk miles for {dishes}",
    "lives on {dishes}",
    "prefers {dishes} to everything else",
    "talks about {dishes} all the time",
    "fills the fridge with {dishes}",
};

constexpr Words kQuestions[] = {
    ", so {his} favorite cuisine is",
    ", so {name}'s favorite cuisine is",
    " that means {his} favorite cuisine is",
    " that means {name}'s favorite cuisine is",
    " that means {name}'s favorite cuisine is",
    ", it shouldn't be hard to guess that {his} favorite cuisine is",
    ", it shouldn't be hard to guess that {his} favorite cuisine is",
    " which means that {his} favorite cuisine is",
    " which tells us that {name}'s favorite cuisine is",
    ", therefore {his} favorite cuisine is",
    ", hence {name}'s favorite cuisine is",
    ", no wonder {his} favorite cuisine is",
    ", of course {his} favorite cuisine is",
    ", clearly {name}'s favorite cuisine is",
    ", it is easy to see that {his} favorite cuisine is",
    ", you don't need to ask why {name}'s favorite cuisine is",
    ", anyone can tell that {his} favorite cuisine is",
    " and we all know that {his} favorite cuisine is",
    ", so the cuisine {name} likes best is",
    ", so the cuisine closest to {his} heart is",
    ", so if you ask {him} the best cuisine is",
    ", so the food that makes {him} happy is",
    ", so for dinner with {him} choose something",
    " because the cooking {name} likes most is",
    ", I would bet that {his} favorite food is",
    " and so {his} favorite kind of food is",
    ", the best restaurant for {him} is surely",
    ", if you invite {name} the menu should be",
    " which is why {his} kitchen is",
    ", the cookbook on {his} shelf must be",
};

constexpr Words kClauses[] = {
    // One word: only where exactly one is left.
    "naturally",
    "honestly",
    "usually",
    "gladly",
    "still",
    // Two and more.
    "without hurry",
    "as ever",
    "{often} enough",
    "every {month}",
    "year after year",
    "whatever the season",
    "{often} in {month}",
    "on a {day}",
    "behind the {place}",
    "on a {mood} {day}",
    "come rain or shine",
    "in the {mood} {place}",
    "near the {mood} {place}",
    "behind the {place} walls",
    "once the {crowd} leave",
    "from {month} to {month}",
    "while the {weather} passes outside",
    "before the {mood} {vehicle} leaves",
    "as the {crowd} often say",
    "when {month} turns to {month}",
    "after a {mood} {day} outside",
    "after a {mood} day of work",
    "on the way to the {place}",
    "even if the {vehicle} is late",
    "not far from the {mood} {place}",
    "with a {mood} {thing} on the table",
    "as the {crowd} in the {place} know",
    "with a {thing} and a {thing} nearby",
    "between the {place} and the {place}",
    "no matter how {mood} the week was",
    "while the {crowd} wait for the {vehicle}",
    "though the {place} was {mood} in {month} and {month}",
    "as one hears from the {crowd} of the {place}",
};

constexpr Words kOften[] = {"often", "rarely", "sometimes", "early", "late"};
constexpr Words kMonth[] = {"January", "March", "April", "June", "July", "September", "October", "December"};
constexpr Words kDay[] = {"Monday", "Tuesday", "Thursday", "Friday", "Sunday", "morning", "evening", "afternoon"};
constexpr Words kMood[] = {"quiet", "busy", "long", "cold", "warm",  "bright",
                           "dark",  "grey", "old",  "new",  "small", "sleepy"};
constexpr Words kPlace[] = {"garden", "station", "market", "harbour", "library", "school",
                            "office", "river",   "park",   "bridge",  "village", "museum"};
constexpr Words kCrowd[] = {"neighbours", "children", "students", "teachers",
                            "painters",   "drivers",  "guests",   "musicians"};
constexpr Words kWeather[] = {"rain", "storm", "snow", "wind", "summer", "winter", "traffic", "fog"};
constexpr Words kVehicle[] = {"train", "bus", "ferry", "tram", "boat", "plane"};
constexpr Words kThing[] = {"newspaper", "candle", "letter", "book", "radio", "clock", "map", "lamp"};

constexpr WordList kClauseSlots[] = {
    {"often", kOften}, {"month", kMonth},     {"day", kDay},         {"mood", kMood},   {"place", kPlace},
    {"crowd", kCrowd}, {"weather", kWeather}, {"vehicle", kVehicle}, {"thing", kThing},
};

constexpr Words kKinHis[] = {"brother", "friend", "cousin", "neighbour", "colleague", "uncle", "father", "son"};
constexpr Words kKinHer[] = {"sister", "friend", "cousin", "neighbour", "colleague", "aunt", "mother", "daughter"};
constexpr Words kKinTheir[] = {"friend", "cousin", "neighbour", "colleague"};

}  // namespace

std::span<const Cuisine> cuisine_list() { return kCuisines; }
std::span<const Person> person_list() { return kPeople; }
std::span<const std::string_view> first_openings() { return kFirstOpenings; }
std::span<const std::string_view> second_openings() { return kSecondOpenings; }
std::span<const std::string_view> clues() { return kClues; }
std::span<const std::string_view> questions() { return kQuestions; }
std::span<const std::string_view> clauses() { return kClauses; }
std::span<const WordList> clause_slots() { return kClauseSlots; }

std::span<const std::string_view> kin(Pronoun pronoun) {
  if (pronoun == Pronoun::his) return kKinHis;
  if (pronoun == Pronoun::her) return kKinHer;
  return kKinTheir;
}

bool is_held_out(std::string_view person, std::string_view dish) {
  constexpr std::pair<Words, Words> kDemonstration[] = {
      {"Dhaval", "samosa"}, {"Bhavin", "pasta"}, {"Bhavin", "cheese"}};
  for (const auto& [name, food] : kDemonstration)
    if (person == name && dish == food) return true;
  std::uint64_t hash = 0;
  for (const std::string_view word : {person, dish}) {
    for (const char c : word) hash = mix64(hash + static_cast<unsigned char>(c) + 1);
    hash = mix64(hash);
  }
  return hash % kHeldOutShare == 0;
}

}  // namespace sluice::favourites
