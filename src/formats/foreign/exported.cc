#include "formats/foreign/exported.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <string_view>

#include "base/json_writer.h"
#include "formats/foreign/export.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

template <class Number>
std::string shortest(Number value) {
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  return std::string(text, end);
}

}  // namespace

void expect_writable(const Stack& stack, const std::string& name, const Format& format) {
  const auto refuse = [&](const std::string& expected, const std::string& found) {
    throw Error(Status::usage, "export to " + name + ": expected " + expected + ", found " + found + ", which " +
                                   std::string(format.others) + " can say");
  };
  if (stack.tokens > 0 && !format.tokens) refuse("a model on numbers", "one of tokens");
  for (const StackLayer& layer : stack.layers) {
    if (layer.config.kind == "dense") {
      if (!format.dense) refuse("recurrent layers alone", "a dense layer");
      continue;
    }
    const Cell cell = layer.recurrent.cell;
    if ((cell == Cell::rnn && !format.rnn) || (gates_of(cell) == 3 && !format.gru)) {
      refuse(format.gru ? "lstm or gru-reset-after" : "lstm", name_of(cell));
    }
    if (cell == Cell::gru_reset_before && !format.reset_before) {
      refuse("a gru that resets after the product, the only one of this format", "one that resets before it");
    }
    if (layer.config.initial_state == "learned" && !format.initial_states) {
      throw Error(Status::usage, "export to " + name +
                                     ": expected layers that begin at zeros, found a learned initial state" +
                                     ", which c can say, and nam of an LSTM on one signal");
    }
    if (layer.config.direction != "forward" && !format.directions) {
      refuse("layers that read forward", "direction " + layer.config.direction);
    }
  }
  const HeadConfig& head = stack.head_config;
  if (head.at != "steps" && !format.pooling) refuse("a head on every step", "one on " + head.at);
  const bool classes = head.loss == "softmax" || head.loss == "multilabel";
  if (classes && !format.probabilities) refuse("numbers", "a head of " + head.loss);
  // Heads whose predictions are the outputs themselves.
  constexpr std::array<std::string_view, 4> numbers = {"squared", "absolute", "huber", "quantiles"};
  if (!classes && std::ranges::find(numbers, head.loss) == numbers.end()) {
    throw Error(Status::usage,
                "export to " + name + ": expected numbers, classes or labels, found a head of " + head.loss);
  }
}

std::string python_text(const std::string& text) {
  JsonWriter json;
  json.string(text);
  return json.take();
}

std::string number_text(double value) {
  const auto number = static_cast<float>(value);
  const std::string text = shortest(number);
  double read = 0;
  std::from_chars(text.data(), text.data() + text.size(), read);
  return static_cast<float>(read) == number ? text : shortest(value);
}

namespace {

constexpr System systems[] = {{"pytorch", export_pytorch},
                              {"onnx", export_onnx},
                              {"keras", export_keras},
                              {"rtneural", export_rtneural},
                              {"nam", export_nam}};

}  // namespace

const System* find_system(std::string_view name) {
  const System* found = std::ranges::find(systems, name, &System::name);
  return found == std::end(systems) ? nullptr : found;
}

std::string system_names() {
  std::string names;
  for (const System& system : systems) {
    names += (names.empty() ? "" : &system == std::end(systems) - 1 ? " or " : ", ") + std::string(system.name);
  }
  return names;
}

}  // namespace sluice::foreign
