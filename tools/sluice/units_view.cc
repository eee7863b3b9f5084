#include "units_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "explain/facts.h"
#include "options.h"

namespace sluice::tool {
namespace {

bool of_characters(const UnitFinder& finder) { return finder.model().vocabulary().text().level == Level::character; }

std::string name_of(const UnitFinder& finder, const Unit& unit) {
  return finder.layers().size() > 1 ? fmt::format("{}:{}", unit.layer, unit.unit) : fmt::format("{}", unit.unit);
}

// The correlation with a feature, the strongest one where none is named; r is 0 where there is none.
Correlation correlation_of(const UnitFinder& finder, const UnitFacts& facts, const std::string& feature) {
  for (const Correlation& one : facts.correlations) {
    if (feature.empty() || finder.features()[one.feature].name == feature) return one;
  }
  return {};
}

// The corpus from `begin` on, each piece drawn by draw(place, text).
template <class Draw>
std::string pieces(const UnitFinder& finder, std::size_t begin, std::size_t end, Draw&& draw) {
  std::string line;
  for (std::size_t p = begin; p < end; ++p) {
    const std::string shown = visible(finder.corpus().written(p));
    line += draw(p, of_characters(finder) && shown == "\u2423" ? " " : shown);
    if (!of_characters(finder) && p + 1 < end) line += " ";
  }
  return line;
}

// A place with what stands around it; the place itself in brackets where there is no colour.
std::string snippet(const Style& style, const UnitFinder& finder, const UnitFacts& facts, std::size_t at) {
  const std::pair<std::size_t, std::size_t> shown = around(finder, at, at);
  const std::vector<double> values = finder.values(facts.unit, shown.first, shown.second - 1);
  const double most = std::max({std::abs(facts.least), std::abs(facts.greatest), 1e-9});
  constexpr Rgb middle{120, 124, 130};
  return pieces(finder, shown.first, shown.second, [&](std::size_t p, const std::string& text) {
    if (style.depth == Depth::none) return p == at ? "[" + text + "]" : text;
    const double value = values[p - shown.first] / most;
    const std::string painted =
        style.block(text, mix(middle, value < 0 ? colours::amber : colours::blue, std::min(1.0, std::abs(value))));
    return p == at ? style.bold("[") + painted + style.bold("]") : painted;
  });
}

std::string range(const Style& style, const UnitFinder& finder, std::size_t first, std::size_t last) {
  const auto [begin, end] = around(finder, first, last);
  return pieces(finder, begin, end, [&](std::size_t p, const std::string& text) {
    const std::string inner = p >= first && p <= last ? style.bold(text) : style.dim(text);
    return (p == first ? "[" : "") + inner + (p == last ? "]" : "");
  });
}

}  // namespace

std::vector<Unit> strongest_units(const UnitFinder& finder, const std::string& feature,
                                  std::optional<std::size_t> layer, std::size_t count) {
  std::vector<std::string> names;
  for (const UnitFeature& one : finder.features()) names.push_back(one.name);
  expect(feature.empty() || std::ranges::find(names, feature) != names.end(), "--with",
         fmt::format("one of {}", fmt::join(names, ", ")), feature);
  expect(!layer || *layer < finder.layers().size(), "--layer", fmt::format("0 to {}", finder.layers().size() - 1),
         std::to_string(layer.value_or(0)));
  std::vector<const UnitFacts*> order;
  for (const UnitFacts& facts : finder.units()) {
    if (!layer || facts.unit.layer == *layer) order.push_back(&facts);
  }
  std::ranges::stable_sort(order, [&](const UnitFacts* a, const UnitFacts* b) {
    return std::abs(correlation_of(finder, *a, feature).r) > std::abs(correlation_of(finder, *b, feature).r);
  });
  std::vector<Unit> units;
  for (std::size_t i = 0; i < std::min(count, order.size()); ++i) units.push_back(order[i]->unit);
  return units;
}

std::string draw_units(const Style& style, const UnitFinder& finder, const std::vector<Unit>& units,
                       const std::string& feature) {
  std::size_t widest = 4, meaning = 7;
  for (const Unit& unit : units) {
    widest = std::max(widest, name_of(finder, unit).size());
    const Correlation one = correlation_of(finder, finder.facts(unit), feature);
    if (one.r != 0) meaning = std::max(meaning, columns(one_line(finder.features()[one.feature].meaning)));
  }
  meaning = std::min<std::size_t>(meaning, 40);
  std::string page =
      style.dim(fmt::format("{}  {:>6}  {}  where\n", pad_left("unit", widest), "r", pad_right("follows", meaning)));
  const std::size_t used = widest + meaning + 12, room = style.width > used + 24 ? style.width - used : 24;
  for (const Unit& unit : units) {
    const UnitFacts& facts = finder.facts(unit);
    const Correlation one = correlation_of(finder, facts, feature);
    const std::string follows = one.r == 0 ? "nothing" : one_line(finder.features()[one.feature].meaning);
    std::string place;
    // Where it is highest, or lowest where it follows by falling.
    if (const std::vector<UnitPlace> extremes = finder.extremes(unit, one.r < 0, 1); !extremes.empty()) {
      const std::size_t at = extremes.front().at, begin = around(finder, at, at).first;
      const std::string before =
          pieces(finder, begin, at + 1, [](std::size_t, const std::string& text) { return text; });
      std::size_t cut = 0;
      while (columns(before.substr(cut)) > room - 1) cut += static_cast<std::size_t>(before.size() > cut);
      while (cut < before.size() && (static_cast<unsigned char>(before[cut]) & 0xc0) == 0x80) ++cut;
      place = before.substr(cut);
    }
    page += fmt::format("{}  {:>+6.3f}  {}  {}\n", style.bold(pad_left(name_of(finder, unit), widest)), one.r,
                        pad_right(shortened(follows, meaning), meaning), place);
  }
  return page;
}

std::string draw_unit(const Style& style, const UnitFinder& finder, const Unit& unit, std::size_t places) {
  const UnitFacts& facts = finder.facts(unit);
  std::string page = fmt::format("{}  {}\n", style.bold("unit " + name_of(finder, unit)),
                                 style.dim(fmt::format("mean {:+.3f}, standard deviation {:.3f}, {:+.3f} to {:+.3f}",
                                                       facts.mean, facts.deviation, facts.least, facts.greatest)));
  for (std::size_t i = 0; i < std::min<std::size_t>(facts.correlations.size(), 6); ++i) {
    const Correlation& one = facts.correlations[i];
    page += fmt::format("  {:>+6.3f}  {}\n", one.r, one_line(finder.features()[one.feature].meaning));
  }
  for (const bool lowest : {false, true}) {
    page += style.colour(lowest ? "lowest" : "highest", colours::amber) + "\n";
    for (const UnitPlace& place : finder.extremes(unit, lowest, places)) {
      page += fmt::format("  {}  {:>+6.3f}  {}\n", style.dim(fmt::format("@{:<8}", place.at)), place.value,
                          snippet(style, finder, facts, place.at));
    }
  }
  return page;
}

std::string draw_like(const Style& style, const UnitFinder& finder, const UnitCorpus& text, const Like& like) {
  std::string span;
  for (std::size_t p = like.question.first; p <= like.question.last; ++p) {
    span += visible(text.written(p));
    if (!of_characters(finder) && p < like.question.last) span += " ";
  }
  std::string units;
  for (const LikeUnit& one : like.units) units += (units.empty() ? "" : ", ") + name_of(finder, one.unit);
  std::string page =
      fmt::format("{}  {}\n", style.bold(shortened(span, 60)),
                  style.dim(fmt::format("{} unit{} on there and neither before nor behind, at {:g} "
                                        "standard deviations from the mean",
                                        like.units.size(), like.units.size() == 1 ? "" : "s", like.threshold)));
  if (like.units.empty()) return page + "  A shorter span, or a lower --threshold, may have some.\n";
  for (const std::string& line : wrapped("units " + units, style.width - 3)) page += "  " + style.dim(line) + "\n";
  for (const LikePlace& place : like.places) {
    page += fmt::format("  {}  {:>2} shared  {}\n", style.dim(fmt::format("@{:<8}", place.first)), place.shared.size(),
                        range(style, finder, place.first, place.last));
  }
  if (like.places.empty()) page += "  No place shares a quarter of them.\n";
  return page;
}

}  // namespace sluice::tool
