#include "formats/foreign/recipe.h"

#include <algorithm>
#include <array>

#include "base/shown.h"
#include "sluice/error.h"

namespace sluice::foreign {
namespace {

struct Named {
  std::string_view name;
  Activation activation;
};
constexpr std::array<Named, 10> activations = {{{"linear", {Function::linear}},
                                                {"sigmoid", {Function::sigmoid}},
                                                {"tanh", {Function::tanh}},
                                                {"relu", {Function::relu}},
                                                {"softsign", {Function::softsign}},
                                                {"softplus", {Function::softplus}},
                                                {"softmax", {Function::softmax}},
                                                {"hard_sigmoid_keras2", {Function::hard_sigmoid, 0.2, 0.5}},
                                                {"hard_sigmoid_keras3", {Function::hard_sigmoid, 1.0 / 6, 0.5}},
                                                {"elu", {Function::elu, 1}}}};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t end = text.find(separator);
    words.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return words;
    text.remove_prefix(end + 1);
  }
}

std::string_view trimmed(std::string_view word) {
  while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
  while (!word.empty() && word.back() == ' ') word.remove_suffix(1);
  return word;
}

}  // namespace

std::vector<Step> read_recipe(std::string_view text) {
  std::vector<Step> steps;
  for (const std::string_view written : split(text, ',')) {
    const std::string_view word = trimmed(written);
    const std::size_t equals = word.find('=');
    Step step;
    if (equals != std::string_view::npos) step.activation = word.substr(equals + 1);
    const auto names = split(word.substr(0, equals), ':');
    step.name = names.front();
    step.tensors.assign(names.begin() + 1, names.end());
    const bool empty = step.name.empty() || std::ranges::find(step.tensors, "") != step.tensors.end() ||
                       (equals != std::string_view::npos && step.activation.empty());
    if (empty) {
      throw Error(Status::usage,
                  "parts: expected words such as NAME or NAME=relu separated by commas, found " + shown(text));
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

bool is_activation(std::string_view name) {
  return std::ranges::find(activations, name, &Named::name) != activations.end();
}

Activation find_activation(std::string_view name) {
  const auto found = std::ranges::find(activations, name, &Named::name);
  if (found != activations.end()) return found->activation;
  std::string names;
  for (const Named& named : activations) names += (names.empty() ? "" : ", ") + std::string(named.name);
  throw Error(Status::usage, "activation: expected one of " + names + ", found " + shown(name));
}

}  // namespace sluice::foreign
