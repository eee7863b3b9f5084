#include "formats/model_check.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/threads.h"

namespace sluice {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& expected, const std::string& found) {
  throw Error(Status::bad_file, where + ": expected " + expected + ", found " + found);
}

// Numbers one after another.
class NumberReader {
 public:
  NumberReader(std::string_view text, const std::string& where)
      : at_(text.data()), end_(text.data() + text.size()), where_(where) {}
  bool at_end() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n')) ++at_;
    return at_ == end_;
  }
  double next() {
    double value = 0;
    const auto [end, error] =
        at_end() ? std::from_chars_result{at_, std::errc::invalid_argument} : std::from_chars(at_, end_, value);
    if (error != std::errc() || !std::isfinite(value)) refuse(where_, "finite numbers of a check", "another text");
    at_ = end;
    return value;
  }
  // A whole number from `least` up to but not including `below`.
  std::size_t whole(std::size_t least, std::size_t below) {
    const double value = next();
    if (!(value >= static_cast<double>(least) && value < static_cast<double>(below))) {
      refuse(where_, "a number from " + std::to_string(least) + " up to " + std::to_string(below),
             std::to_string(value));
    }
    return static_cast<std::size_t>(value);
  }

 private:
  const char *at_, *end_;
  const std::string& where_;
};

bool takes_fingerprint(const Network& network, NumberReader& numbers) {
  constexpr std::size_t below = std::size_t{1} << 32;
  const std::uint64_t upper = numbers.whole(0, below), lower = numbers.whole(0, below);
  const std::uint64_t named = upper << 32 | lower;
  return named == network.fingerprint() || named == network.former_fingerprint();
}

// One sequence: reads what went in and compares what comes out.
void verify_sequence(const Network& network, NumberReader& numbers, std::size_t& steps_left, const std::string& where) {
  const std::size_t steps = numbers.whole(1, steps_left + 1), width = network.config().inputs;
  steps_left -= steps;
  std::vector<std::size_t> outputs(numbers.whole(1, most_check_outputs + 1));
  const double tolerance = numbers.next();
  for (std::size_t& output : outputs) output = numbers.whole(0, network.outputs());
  std::vector<Token> tokens;
  std::vector<float> x;
  for (std::size_t i = 0; i < steps * std::max<std::size_t>(width, 1); ++i) {
    if (width > 0) {
      x.push_back(static_cast<float>(numbers.next()));
    } else {
      tokens.push_back(static_cast<Token>(numbers.whole(0, network.vocabulary())));
    }
  }
  const FlushDenormals flush;
  State state = network.initial_state(1);
  Workspace workspace;
  const std::size_t stride = round_up(network.outputs(), kBlock);
  const auto compare = [&](std::span<float> y) {
    network.head().predict(y.data(), stride, network.targets(), y.data());
    for (const std::size_t output : outputs) {
      const double expected = numbers.next(), found = static_cast<double>(y[output]);
      if (std::abs(found - expected) <= tolerance) continue;
      refuse(where,
             std::to_string(expected) + " of output " + std::to_string(output) + ", as the model's source has it",
             std::to_string(found));
    }
  };
  const auto rows = [&](std::size_t first, std::size_t count) {
    return width > 0 ? Rows(std::span<const float>(x).subspan(first * width, count * width))
                     : Rows(std::span<const Token>(tokens).subspan(first, count));
  };
  if (!network.streams()) {
    network.prepare_infer(workspace, steps, 1);
    network.infer(rows(0, steps), steps, state, workspace);
    const std::span<float> y = network.outputs_of_sequence(workspace);
    for (std::size_t at = 0; at < y.size(); at += stride) compare(y.subspan(at, stride));
    return;
  }
  const bool each = network.config().head.at == "steps";
  network.prepare_infer(workspace, 1, 1);
  for (std::size_t t = 0; t < steps; ++t) {
    network.infer(rows(t, 1), 1, state, workspace);
    if (each || t + 1 == steps) compare(network.outputs_of_last_step(workspace));
  }
}

}  // namespace

std::size_t most_check_steps(const Network& network) {
  constexpr std::size_t products = std::size_t{1} << 26;
  return std::clamp<std::size_t>(products / network.parameters().count(), 8, 4096);
}

bool is_check_of(const Network& network, std::string_view text) {
  NumberReader numbers(text, check_note);
  return takes_fingerprint(network, numbers);
}

void verify_check(const Network& network, std::string_view text, const std::string& where) {
  if (text.size() > most_check_bytes) refuse(where, "at most " + std::to_string(most_check_bytes) + " bytes", "more");
  NumberReader numbers(text, where);
  if (!takes_fingerprint(network, numbers)) refuse(where, "the check of these weights", "one of others");
  std::size_t steps_left = most_check_steps(network);
  while (!numbers.at_end()) verify_sequence(network, numbers, steps_left, where);
}

}  // namespace sluice
