#include "formats/self_check.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/json_writer.h"
#include "base/random.h"
#include "base/threads.h"

namespace sluice {
namespace {

constexpr std::size_t self_check_steps = 8, self_check_outputs = 32;
constexpr double self_check_tolerance = 1e-4;  // of the larger of 1 and the number itself

[[noreturn]] void refuse(const std::string& where, const std::string& expected, const std::string& found) {
  throw Error(Status::bad_file, where + ": expected " + expected + ", found " + found);
}

// Whether log-probabilities are checked, and not the outputs themselves.
bool of_probabilities(const Network& network) { return network.config().inputs == 0 && network.head().classes(); }

// What is checked of a row of the head's outputs.
void append_answers(const Network& network, std::span<const float> y, std::span<const Token> outputs,
                    std::vector<double>& answers) {
  double largest = 0, log_sum = 0;
  if (of_probabilities(network)) {
    const std::span<const float> logits = y.first(network.outputs());
    largest = *std::ranges::max_element(logits);
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit - largest);
    log_sum = std::log(sum);
  }
  for (const Token output : outputs) answers.push_back(y[output] - largest - log_sum);
}

// The features of step t.
void fill_features(std::size_t t, std::span<float> x) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = (static_cast<float>((t + 2 * i) % 5) - 2) / 2;
}

// Of each row that the head predicts, after the tokens or so many steps, each of `outputs`: [rows, K].
std::vector<double> answer(const Network& network, std::span<const Token> tokens, std::size_t steps,
                           std::span<const Token> outputs) {
  const FlushDenormals flush;
  State state = network.initial_state(1);
  Workspace workspace;
  const std::size_t width = network.config().inputs;
  std::vector<float> x(steps * width);
  for (std::size_t t = 0; t < steps; ++t) fill_features(t, std::span(x).subspan(t * width, width));
  std::vector<double> answers;
  if (!network.streams()) {
    network.prepare_infer(workspace, steps, 1);
    network.infer(width > 0 ? Rows(x) : Rows(tokens), steps, state, workspace);
    const std::span<const float> y = network.outputs_of_sequence(workspace);
    const std::size_t stride = round_up(network.outputs(), kBlock);
    for (std::size_t row = 0; row < y.size() / stride; ++row) {
      append_answers(network, y.subspan(row * stride, stride), outputs, answers);
    }
    return answers;
  }
  network.prepare_infer(workspace, 1, 1);
  for (std::size_t t = 0; t < steps; ++t) {
    network.infer(width > 0 ? Rows(std::span<const float>(x).subspan(t * width, width)) : Rows(tokens.subspan(t, 1)), 1,
                  state, workspace);
    append_answers(network, network.outputs_of_last_step(workspace), outputs, answers);
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

// What a file's check says, no more of it than a file of ours has: what an untrusted file makes us compute is bounded.
struct SelfCheck {
  std::size_t steps = 0;
  std::vector<Token> inputs, outputs;
  std::vector<double> values;
};

class SelfCheckReader : public JsonReader {
 public:
  SelfCheckReader(const Network& network, const std::string& where)
      : JsonReader(where),
        places_{{"outputs", self_check_outputs, network.outputs()},
                network.config().inputs == 0 ? Place{"input", self_check_steps, network.vocabulary()}
                                             : Place{"steps", 1, self_check_steps + 1},
                {of_probabilities(network) ? "log_probabilities" : "values", self_check_steps * self_check_outputs}} {}

  SelfCheck check;

  bool start_object(std::size_t) override {
    if (std::exchange(opened_, true)) refuse("an object within");
    return true;
  }
  bool end_object() override { return true; }
  bool key(string_t& name) override {
    for (Place& place : places_) {
      if (place.name != name || place.seen) continue;
      place.seen = true;
      at_ = &place;
      return true;
    }
    refuse("the key " + shown(name));
  }
  bool start_array(std::size_t) override {
    if (at_ == nullptr || is_steps() || std::exchange(in_array_, true)) refuse("an array");
    return true;
  }
  bool end_array() override {
    in_array_ = false;
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (is_values()) return add(check.values, static_cast<double>(value));
    if (is_steps() && value > 0 && value < at_->below) return check.steps = value, true;
    if (!in_array_ || value >= at_->below) refuse(std::to_string(value));
    return add(at_ == &places_[0] ? check.outputs : check.inputs, static_cast<Token>(value));
  }
  bool number_integer(number_integer_t value) override {
    if (!is_values()) refuse(std::to_string(value));
    return add(check.values, static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t&) override {
    if (!is_values()) refuse(std::to_string(value));
    return add(check.values, value);
  }

 protected:
  std::string expected() const override {
    if (!opened_) return "a JSON object or none";
    if (at_ == nullptr) return "the names of a self-check";
    if (is_steps()) return "steps from 1 to " + std::to_string(self_check_steps);
    const std::string range = at_ == &places_[2] ? "" : " in range, below " + std::to_string(at_->below);
    return at_->name + range + ", at most " + std::to_string(at_->most) + " numbers";
  }

 private:
  struct Place {
    std::string name;
    std::size_t most;         // numbers
    std::uint64_t below = 0;  // 0: any numbers
    bool seen = false;
  };

  bool is_steps() const { return at_ == &places_[1] && at_->name == "steps"; }
  bool is_values() const { return in_array_ && at_ == &places_[2]; }
  template <class T>
  bool add(std::vector<T>& numbers, T value) {
    if (numbers.size() == at_->most) refuse("more");
    numbers.push_back(value);
    return true;
  }

  Place places_[3];  // outputs, what they come after, values
  Place* at_ = nullptr;
  bool opened_ = false, in_array_ = false;
};

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
  const std::vector<double> answers = answer(network, inputs, self_check_steps, outputs);
  if (!std::ranges::all_of(answers, [](double value) { return std::isfinite(value); })) {
    throw Error(Status::failed, std::string("self-check: expected finite ") +
                                    (of_probabilities(network) ? "probabilities" : "answers") + ", found others");
  }
  JsonWriter json;
  const auto write = [&json](const char* key, const auto& numbers) {
    json.key(key).begin_array();
    for (const auto number : numbers) {
      if constexpr (std::is_same_v<decltype(number), const double>) {
        json.exact(number);
      } else {
        json.integer(number);
      }
    }
    json.end_array();
  };
  json.begin_object();
  if (text) write("input", inputs);
  if (of_probabilities(network)) write("log_probabilities", answers);
  write("outputs", outputs);
  if (!text) json.key("steps").integer(self_check_steps);
  if (!of_probabilities(network)) write("values", answers);
  return json.end_object().take();
}

void verify_self_check(const Network& network, const std::string& text, const std::string& where) {
  if (text == "none") return;
  SelfCheckReader reader(network, where);
  reader.read(text);
  const SelfCheck& check = reader.check;
  const std::size_t steps = network.config().inputs == 0 ? check.inputs.size() : check.steps;
  const std::string what = of_probabilities(network) ? "log-probability" : "value";
  const bool pooled = !network.streams() && network.config().head.at != "steps";
  if (check.values.size() != (pooled ? 1 : steps) * check.outputs.size() || check.values.empty() || steps == 0) {
    refuse(where, "a " + what + " for every input and output", std::to_string(check.values.size()));
  }
  compare(answer(network, check.inputs, steps, check.outputs), check.values, check.outputs, what, where);
}

}  // namespace sluice
