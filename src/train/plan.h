// What a language model and its training are made of where nobody says: rules from the length and the kind of the text
// and, with minutes, from the speed of this machine. docs/learning.md has the runs behind them. All numbers that they
// go by stand in the tables at the top of plan.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "sluice/data.h"
#include "sluice/model.h"
#include "sluice/train.h"

namespace sluice {

struct TextKind {
  Level level = Level::character;
  std::size_t tokens = 0, vocabulary = 0;  // tokens: those to validate on among them
  std::size_t validation_tokens = 0;       // of a text of its own to validate on; 0: there is none
};

// What somebody chose, which is kept. Names as flags have them.
struct Choices {
  std::function<void(Config&, TrainOptions&)> apply = [](Config&, TrainOptions&) {};
  std::function<bool(std::string_view)> has = [](std::string_view) { return false; };
};

struct Plan {
  Config config;
  TrainOptions train;
  std::uint64_t parameters = 0, bytes = 0;  // bytes: weights, gradients, moments and what a window leaves, about
  std::uint64_t updates = 0;
  double passes = 0;  // over the text, of its training
  double work = 0;    // multiply-adds of all updates
};

// The plan is a function of its arguments alone. With TrainOptions::minutes among what was given it is one for
// `seconds` at `speed` (multiply-adds a second, measured_speed(); 0: not known yet); updates, cooldown and
// validate_every follow from the clock then, and products of bf16 are chosen where the processor has instructions for
// them. Nothing is checked.
Plan plan_for(const TextKind& text, const Choices& given, double seconds = 0, double speed = 0);

// A plan of these options, with what follows from them; neither is changed or checked. updates: 0: as the options say.
Plan plan_of(Config config, TrainOptions options, const TextKind& text, double updates = 0);

// Multiply-adds a second of this machine at updates of such a network on such a text, measured for about so long. The
// weights of nothing are changed.
double measured_speed(const Corpus& corpus, const Config& config, const TrainOptions& options, double seconds);

// The plan for what is left of the time, if a clock is asked for: with the speed that is measured first.
Plan plan_for(const Corpus& corpus, const TextKind& text, const Choices& given, double seconds_left);

// The fields of the network and of its training that the length of the text decides, by their names.
std::set<std::string> decided_by_text();

// Multiply-adds that an update takes: forward, the gradients of weights and those of inputs.
double work_of_update(const Config& config, std::size_t vocabulary, const TrainOptions& options);

}  // namespace sluice
