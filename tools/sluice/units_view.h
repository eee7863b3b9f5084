// What units follow, as people read it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sluice/units.h"
#include "terminal.h"

namespace sluice::tool {

// The units that follow something most strongly, or a feature of this name: a line each.
std::string draw_units(const Style& style, const UnitFinder& finder, const std::vector<Unit>& units,
                       const std::string& feature);
// One unit: what it correlates with, and the places where it is highest and lowest.
std::string draw_unit(const Style& style, const UnitFinder& finder, const Unit& unit, std::size_t places);
std::string draw_like(const Style& style, const UnitFinder& finder, const UnitCorpus& text, const Like& like);

// Units by how strongly they follow a feature, or where it is empty whatever they follow most. Throws Error (usage):
// there is no such feature.
std::vector<Unit> strongest_units(const UnitFinder& finder, const std::string& feature,
                                  std::optional<std::size_t> layer, std::size_t count);

}  // namespace sluice::tool
