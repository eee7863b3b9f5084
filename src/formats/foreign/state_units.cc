// Which inputs and outputs of a foreign network are the memory of its recurrent parts.
#include <algorithm>
#include <optional>

#include "formats/foreign/network.h"

namespace sluice::foreign {
namespace {

using Units = std::vector<std::optional<StateUnit>>;

// What each feature of every value is the last state of.
std::vector<Units> trace_outputs(const Network& network) {
  std::vector<Units> units(network.values.size());
  for (std::size_t p = 0; p < network.parts.size(); ++p) {
    const Part& part = network.parts[p];
    if (std::holds_alternative<Recurrent>(part.work)) {
      for (std::size_t state = 1; state < part.outputs.size(); ++state) {
        Units& made = units[part.outputs[state]];
        made.resize(network.values[part.outputs[state]].features);
        for (std::size_t i = 0; i < made.size(); ++i) made[i] = StateUnit{p, state == 2, i};
      }
    } else if (const auto* select = std::get_if<Select>(&part.work)) {
      const Units& from = units[part.inputs.front()];
      if (from.empty()) continue;
      Units& made = units[part.outputs.front()];
      for (const std::size_t feature : select->features) made.push_back(from[feature]);
    } else if (const auto* combine = std::get_if<Combine>(&part.work);
               combine != nullptr && combine->how == Combination::concatenate) {
      Units made;
      for (const ValueId id : part.inputs) {
        Units from = units[id];
        from.resize(network.values[id].features);
        made.insert(made.end(), from.begin(), from.end());
      }
      units[part.outputs.front()] = std::move(made);
    }
  }
  return units;
}

// What each feature of a value is used as the initial state of; nothing where it is used for anything else.
Units trace_input(const Network& network, ValueId wanted) {
  // For every value, which feature of the wanted one each of its features is.
  std::vector<std::vector<std::size_t>> from(network.values.size());
  const std::size_t features = network.values[wanted].features;
  for (std::size_t i = 0; i < features; ++i) from[wanted].push_back(i);
  Units units(features);
  std::vector<bool> spoiled(features);
  for (std::size_t p = 0; p < network.parts.size(); ++p) {
    const Part& part = network.parts[p];
    for (std::size_t i = 0; i < part.inputs.size(); ++i) {
      if (part.inputs[i] == no_value || from[part.inputs[i]].empty()) continue;
      const std::vector<std::size_t>& read = from[part.inputs[i]];
      const auto* select = std::get_if<Select>(&part.work);
      if (select != nullptr) {
        for (const std::size_t feature : select->features) from[part.outputs.front()].push_back(read[feature]);
        continue;
      }
      const bool initial = std::holds_alternative<Recurrent>(part.work) && i >= 2;
      for (std::size_t k = 0; k < read.size(); ++k) {
        spoiled[read[k]] = spoiled[read[k]] || !initial || units[read[k]].has_value();
        if (initial) units[read[k]] = StateUnit{p, i == 3, k};
      }
    }
  }
  for (std::size_t i = 0; i < features; ++i) {
    if (spoiled[i]) units[i].reset();
  }
  return units;
}

std::vector<StateUnit> whole(const Units& units) {
  std::vector<StateUnit> all;
  for (const std::optional<StateUnit>& unit : units) {
    if (!unit) return {};
    all.push_back(*unit);
  }
  return all;
}

}  // namespace

std::vector<StateUnit> initial_units(const Network& network, const Port& port) {
  if (network.values[port.value].kind != Kind::vector) return {};
  return whole(trace_input(network, port.value));
}

std::vector<StateUnit> last_units(const Network& network, const Port& port) {
  return whole(trace_outputs(network)[port.value]);
}

}  // namespace sluice::foreign
