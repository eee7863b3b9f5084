// Short stories that a network can only complete if it remembers: somebody eats certain dishes, words follow, and the
// question is which cuisine that person likes best; then another person with another taste appears.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::favourites {

// The two texts of the demonstration and what a network that remembers answers. No (person, dish) pair of them occurs
// in a training story.
inline constexpr std::string_view first_text =
    "Dhaval eats samosa almost everyday, it shouldn't be hard to guess that his favorite cuisine is";
inline constexpr std::string_view second_text =
    "Dhaval eats samosa almost everyday, it shouldn't be hard to guess that his favorite cuisine is Indian. His "
    "brother "
    "Bhavin however is a lover of pasta and cheese that means Bhavin's favorite cuisine is";
inline constexpr std::string_view first_answer = "Indian", second_answer = "Italian";

enum class Part {
  training,  // pairs of person and dish that training may see
  held_out,  // pairs it never sees
};

struct Question {
  std::size_t prompt_bytes;  // the story's text up to here asks
  std::string answer;        // and this word is the answer
  std::size_t distance;      // words between the last clue and the answer
};

struct Story {
  std::string text;
  std::vector<Question> questions;                         // one for each person of the story, in order
  std::vector<std::pair<std::string, std::string>> pairs;  // (person, dish) it states
};

// One story of two people. Between each clue and its answer stand about `distance` words more than the shortest
// phrasing has (never fewer than `distance` words in all). The same arguments give the same story on every machine.
Story story(std::uint64_t seed, std::uint64_t number, std::size_t distance, Part part);

// The text of the training curriculum: stories whose distance grows from 0 to `longest`, about `words` words long.
std::string training_text(std::uint64_t seed, std::size_t words, std::size_t longest);

// Every word any story can hold, so that a vocabulary can be built that knows them all.
std::string all_words();

std::vector<std::string> cuisines();
std::vector<std::string> people();
std::vector<std::string> dishes(std::string_view cuisine);

}  // namespace sluice::favourites
