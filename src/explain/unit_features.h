// What a unit may follow: numbers of each place of a corpus, read off its text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sluice/units.h"

namespace sluice {

struct UnitFeatures {
  std::vector<UnitFeature> names;
  // Of each of the first of them, a number of every place, at most 255.
  std::vector<std::vector<std::uint8_t>> numbers;
  // The others are the corpus's classes, each 1 where a place is of it and 0 elsewhere: its number there is that in
  // sequences.labels.
  std::size_t classes = 0;
};

UnitFeatures unit_features(const UnitCorpus& corpus, bool characters);

}  // namespace sluice
