// The words of the favourites stories: cuisines and dishes, people, and the phrases a story is put together from.
//
// A phrase may hold slots in braces: {name} {his} {him} of the person it is about, {dishes} the clue, {kin} what the
// person is to somebody; in the opening of the second person {first} {His} {his} {him} speak of the first one. In a
// clause {scene} and the like stand for one word of a list. A slot is always exactly one word, {dishes} excepted, so
// the length of a clause is known from its pattern.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::favourites {

inline constexpr std::size_t kDishes = 8;

struct Cuisine {
  std::string_view name;
  std::array<std::string_view, kDishes> dishes;
};

enum class Pronoun { his, her, their };

struct Person {
  std::string_view name;
  Pronoun pronoun;
};

// One slot of a clause and the words that may fill it.
struct WordList {
  std::string_view slot;
  std::span<const std::string_view> words;
};

std::span<const Cuisine> cuisine_list();
std::span<const Person> person_list();

std::span<const std::string_view> first_openings();   // up to the clue, first person
std::span<const std::string_view> second_openings();  // the same, second person
std::span<const std::string_view> clues();            // hold {dishes}
// Between clause and answer. One that starts with a comma is set off by it even where no clause stands before.
std::span<const std::string_view> questions();
std::span<const std::string_view> clauses();  // neutral words between clue and question
std::span<const WordList> clause_slots();
// What somebody can be to somebody else, {kin}.
std::span<const std::string_view> kin(Pronoun pronoun);

// Whether training never sees this person with this dish: a hash of the two words puts one pair in kHeldOutShare there,
// and the three pairs of the demonstration always.
inline constexpr std::uint64_t kHeldOutShare = 5;
bool is_held_out(std::string_view person, std::string_view dish);

}  // namespace sluice::favourites
