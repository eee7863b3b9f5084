#include "formats/self_check.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "base/threads.h"

namespace sluice {
namespace {

constexpr std::size_t self_check_steps = 8, self_check_outputs = 32;
constexpr std::size_t most_steps = 256;                        // of a file's check on numbers
constexpr std::size_t most_self_check = std::size_t{1} << 16;  // bytes of JSON; a real one has some 6000
constexpr double self_check_tolerance = 1e-4;                  // of the larger of 1 and the number itself

[[noreturn]] void refuse(const std::string& where, const std::string& expected, const std::string& found) {
  throw Error(Status::bad_file, where + ": expected " + expected + ", found " + found);
}

// log p of each of `outputs` after each of `inputs`, [T, K].
std::vector<double> answer(const Network& network, std::span<const Token> inputs, std::span<const Token> outputs) {
  const FlushDenormals flush;
  State state = network.initial_state(1);
  Workspace workspace;
  network.prepare_infer(workspace, 1, 1);
  std::vector<double> answers;
  for (std::size_t t = 0; t < inputs.size(); ++t) {
    network.infer(inputs.subspan(t, 1), 1, state, workspace);
    const std::span<const float> logits = network.outputs_of_last_step(workspace).first(network.outputs());
    const double largest = *std::ranges::max_element(logits);
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit - largest);
    for (const Token output : outputs) answers.push_back(logits[output] - largest - std::log(sum));
  }
  return answers;
}

// Each of `outputs` after each of the steps, [T, K].
std::vector<double> answer(const Network& network, std::size_t steps, std::span<const Token> outputs) {
  const FlushDenormals flush;
  State state = network.initial_state(1);
  Workspace workspace;
  network.prepare_infer(workspace, 1, 1);
  std::vector<float> x(network.config().inputs);
  std::vector<double> answers;
  for (std::size_t t = 0; t < steps; ++t) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = (static_cast<float>((t + 2 * i) % 5) - 2) / 2;
    network.infer(x, 1, state, workspace);
    const std::span<const float> y = network.outputs_of_last_step(workspace);
    for (const Token output : outputs) answers.push_back(static_cast<double>(y[output]));
  }
  return answers;
}

// At most self_check_outputs of the network's outputs, evenly spread.
std::vector<Token> some_outputs(const Network& network) {
  const std::size_t count = std::min(network.outputs(), self_check_outputs);
  std::vector<Token> outputs;
  for (std::size_t i = 0; i < count; ++i) outputs.push_back(static_cast<Token>(i * network.outputs() / count));
  return outputs;
}

// An array of numbers in [0, below) (`below` 0: any numbers).
template <class T>
std::vector<T> numbers(const nlohmann::json& object, const char* key, double below, const std::string& where) {
  const auto array = object.find(key);
  if (array == object.end() || !array->is_array()) refuse(where, std::string("an array ") + key, "none");
  std::vector<T> values;
  for (const nlohmann::json& value : *array) {
    const bool fits = below == 0 ? value.is_number() : value.is_number_unsigned() && value.get<double>() < below;
    if (!fits) refuse(where, std::string(key) + " in range", shown(value.dump()));
    values.push_back(value.get<T>());
  }
  return values;
}

std::size_t read_steps(const nlohmann::json& object, const std::string& where) {
  const auto steps = object.find("steps");
  if (steps == object.end() || !steps->is_number_unsigned() || *steps == 0u || *steps > most_steps) {
    refuse(where, "steps from 1 to " + std::to_string(most_steps),
           steps == object.end() ? "none" : shown(steps->dump()));
  }
  return steps->get<std::size_t>();
}

void compare(const std::vector<double>& answers, const std::vector<double>& expected, std::span<const Token> outputs,
             const std::string& what, const std::string& where) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::abs(answers[i] - expected[i]) <= self_check_tolerance * std::max(1.0, std::abs(expected[i]))) continue;
    refuse(where,
           "the " + what + " " + std::to_string(expected[i]) + " for " + (what == "value" ? "output " : "token ") +
               std::to_string(outputs[i % outputs.size()]) + " after step " + std::to_string(i / outputs.size() + 1),
           std::to_string(answers[i]) + " (the weights are not those the file was written with)");
  }
}

}  // namespace

std::string make_self_check(const Network& network) {
  const bool text = network.config().inputs == 0;
  const std::vector<Token> outputs = some_outputs(network);
  Random random(1);
  std::vector<Token> inputs;
  for (std::size_t i = 0; text && i < self_check_steps; ++i) {
    inputs.push_back(static_cast<Token>(random.below(network.vocabulary())));
  }
  const std::vector<double> answers =
      text ? answer(network, inputs, outputs) : answer(network, self_check_steps, outputs);
  if (!std::ranges::all_of(answers, [](double value) { return std::isfinite(value); })) {
    throw Error(Status::failed,
                std::string("self-check: expected finite ") + (text ? "probabilities" : "answers") + ", found others");
  }
  if (!text) return nlohmann::json{{"steps", self_check_steps}, {"outputs", outputs}, {"values", answers}}.dump();
  return nlohmann::json{{"input", inputs}, {"outputs", outputs}, {"log_probabilities", answers}}.dump();
}

void verify_self_check(const Network& network, const std::string& text, const std::string& where) {
  if (text == "none") return;
  if (text.size() > most_self_check) {
    refuse(where, "at most " + std::to_string(most_self_check) + " bytes", std::to_string(text.size()));
  }
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) refuse(where, "a JSON object or none", shown(text));
  const auto outputs = numbers<Token>(object, "outputs", static_cast<double>(network.outputs()), where);
  const bool reads_text = network.config().inputs == 0;
  std::vector<Token> inputs;
  if (reads_text) inputs = numbers<Token>(object, "input", static_cast<double>(network.vocabulary()), where);
  const std::size_t steps = reads_text ? inputs.size() : read_steps(object, where);
  const std::string what = reads_text ? "log-probability" : "value";
  const auto expected = numbers<double>(object, reads_text ? "log_probabilities" : "values", 0, where);
  if (expected.size() != steps * outputs.size() || expected.empty()) {
    refuse(where, "a " + what + " for every input and output", std::to_string(expected.size()));
  }
  compare(reads_text ? answer(network, inputs, outputs) : answer(network, steps, outputs), expected, outputs, what,
          where);
}

}  // namespace sluice
