// Networks of parts whose weights are neither small nor alike.
#pragma once

#include <cmath>
#include <string>
#include <utility>

#include "formats/foreign/evaluate.h"
#include "formats/foreign/network.h"

namespace sluice::foreign::test {

class Random {
 public:
  Numbers numbers(std::size_t count) {
    Numbers made(count);
    for (std::size_t i = 0; i < count; ++i) made.set(i, next() - 0.5);
    return made;
  }
  double next() {
    seed_ = seed_ * 1664525 + 1013904223;
    return static_cast<double>(seed_ >> 16) / 65536;
  }

 private:
  unsigned seed_ = 7;
};

inline Recurrent recurrent(Random& random, Cell cell, std::size_t inputs, std::size_t hidden,
                           std::size_t directions = 1) {
  Recurrent part;
  part.cell = cell;
  part.inputs = inputs;
  part.hidden = hidden;
  const std::size_t rows = gates_of(cell) * hidden;
  for (std::size_t d = 0; d < directions; ++d) {
    Direction direction;
    direction.backward = d == 1;
    direction.input = random.numbers(rows * inputs);
    direction.recurrent = random.numbers(rows * hidden);
    direction.input_bias = random.numbers(rows);
    direction.recurrent_bias = random.numbers(rows);
    part.directions.push_back(std::move(direction));
  }
  return part;
}

inline Dense dense(Random& random, std::size_t inputs, std::size_t outputs) {
  return {inputs, outputs, random.numbers(inputs * outputs), random.numbers(outputs)};
}

// Numbers for every input: waves, tokens that repeat, lengths from 1 to T.
inline Feed feed_of(const Network& network, std::size_t steps, std::size_t batch) {
  Feed feed = {steps, batch, {}};
  for (const Port& port : network.inputs) {
    const Value& value = network.values[port.value];
    const std::size_t size = value.kind == Kind::sequence  ? steps * batch * value.features
                             : value.kind == Kind::vector  ? batch * value.features
                             : value.kind == Kind::lengths ? batch
                                                           : steps * batch;
    std::vector<double> numbers(size);
    for (std::size_t i = 0; i < size; ++i) {
      numbers[i] = value.kind == Kind::tokens    ? static_cast<double>(i % 3)
                   : value.kind == Kind::lengths ? static_cast<double>(steps - i % steps)
                                                 : std::sin(0.7 * static_cast<double>(i));
    }
    feed.inputs[port.value] = std::move(numbers);
  }
  return feed;
}

}  // namespace sluice::foreign::test
