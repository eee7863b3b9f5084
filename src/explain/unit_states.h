// The states of all units at every place of a corpus in a byte each, unit by unit, so that a question reads only the
// units that it is about.
#pragma once

#include <cstdint>
#include <vector>

#include "base/aligned.h"
#include "explain/unit_reading.h"

namespace sluice {

class UnitStates {
 public:
  UnitStates() = default;
  UnitStates(const std::vector<UnitLayer>& layers, std::size_t places);

  // What of a window belongs to the corpus. False: something is not finite.
  bool keep(std::size_t layer, const StateWindow& window, Team& team);

  std::size_t places() const { return places_; }
  std::size_t units() const { return limits_.size(); }
  std::size_t number(const Unit& unit) const { return firsts_[unit.layer] + unit.unit; }
  // Of a unit by its number among all: the bytes, and what one of them stands for.
  std::span<const std::int8_t> bytes(std::size_t unit) const {
    return std::span(bytes_).subspan(unit * places_, places_);
  }
  double step(std::size_t unit) const { return static_cast<double>(limits_[unit]) / greatest; }
  // The byte for a value that was not there when the corpus was read.
  std::int8_t byte_of(std::size_t unit, float value) const;

  static constexpr int greatest = 127;

 private:
  void keep_units(std::size_t layer, const StateWindow& window, std::size_t first, std::size_t last, bool& finite);
  void widen(std::size_t unit, float size);

  std::size_t places_ = 0;
  std::vector<std::size_t> firsts_;  // number of each layer's first unit
  AlignedVector<std::int8_t> bytes_;
  // The least power of two that no size so far exceeds, for which `greatest` stands; 0 where all was zero. It doubles
  // when a state is greater, and what stands is halved; so a byte is off by less than one.
  std::vector<float> limits_;
};

}  // namespace sluice
