// Classes as numbers; see classes.h.
#include "data/classes.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/shown.h"

namespace sluice {

ClassNames::ClassNames(const std::vector<std::string>& known, std::string what)
    : known_(!known.empty()), what_(std::move(what)) {
  for (const std::string& name : known) table_.add(name);
}

std::uint32_t ClassNames::number(std::string_view label, const LineReader& lines) {
  return number(label, lines.name(), lines.number());
}

std::uint32_t ClassNames::number(std::string_view label, const std::string& file, std::uint64_t line) {
  const auto place = [&] { return line == 0 ? file : file + ", line " + std::to_string(line); };
  if (label.empty()) refuse_at(place(), "a " + what_, "none");
  if (!known_) return table_.add(label);
  const Token found = table_.find(label);
  if (found != TokenTable::none) return found;
  constexpr std::size_t kListed = 8;
  std::string expected = "a " + what_ + " of the training file (";
  for (std::size_t i = 0; i < std::min(kListed, table_.size()); ++i) {
    expected += (i > 0 ? ", " : "") + std::string(table_.token(static_cast<Token>(i)));
  }
  if (table_.size() > kListed) expected += " and " + std::to_string(table_.size() - kListed) + " more";
  refuse_at(place(), expected + ")", shown(label));
}

std::vector<std::string> ClassNames::finish(std::vector<std::uint32_t>& labels) const {
  std::vector<std::uint32_t> order(table_.size()), place(table_.size());
  std::iota(order.begin(), order.end(), 0u);
  if (!known_) std::ranges::sort(order, {}, [&](std::uint32_t id) { return table_.token(id); });
  std::vector<std::string> classes;
  classes.reserve(order.size());
  for (const std::uint32_t id : order) {
    place[id] = static_cast<std::uint32_t>(classes.size());
    classes.emplace_back(table_.token(id));
  }
  for (std::uint32_t& label : labels) label = place[label];
  return classes;
}

}  // namespace sluice
