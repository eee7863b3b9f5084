// What a UnitFinder holds.
#pragma once

#include <string>
#include <vector>

#include "explain/unit_features.h"
#include "explain/unit_reading.h"
#include "explain/unit_states.h"

namespace sluice {

struct UnitFinder::Impl {
  Impl(const Model& model, UnitCorpus corpus, const UnitsOptions& options);

  std::vector<UnitFacts> measure(Team& team) const;
  // A unit's number among all. Throws Error (usage) where there is none.
  std::size_t number(const Unit& unit) const;
  void expect_range(const UnitCorpus& of, std::size_t first, std::size_t last) const;

  Model model;
  UnitCorpus corpus;
  std::size_t state;
  std::vector<bool> backward;
  std::vector<UnitLayer> layers;
  UnitFeatures features;
  std::uint64_t memory = 0;
  UnitStates states;
  std::vector<UnitFacts> facts;
};

[[noreturn]] void refuse_question(const std::string& what, const std::string& expected, std::size_t found);

}  // namespace sluice
