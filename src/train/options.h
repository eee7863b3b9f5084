// What follows from the list of training options (sluice/train_options.h): flag, help, range, the note in a model file
// and what --resume compares.
#pragma once

#include <array>
#include <string_view>

#include "base/fields.h"
#include "model/config.h"
#include "sluice/train.h"

namespace sluice {

// Names of what is chosen, in the order of the enum.
constexpr std::array<std::string_view, 4> choices(Optimizer) { return {"sgd", "rmsprop", "adam", "adamw"}; }
constexpr std::array<std::string_view, 4> choices(Schedule) { return {"constant", "cosine", "plateau", "trapezoid"}; }

constexpr std::array<std::string_view, 6> choices(Report::Kind) {
  return {"update", "validation", "recovery", "checkpoint", "done", "warning"};
}

// What another value of an option changes.
enum class Effect {
  run,        // the weights on the way: another run, which cannot go on from this one's checkpoint
  data,       // what is trained on: another run as well, as the fingerprint of the text says too
  none,       // nothing, given the other options
  outcome,    // only where the run ends and what is made of its weights then
  execution,  // only how and where the same work is done; no note in the model file
};

// A member's name as a flag's: "learning-rate".
template <std::size_t N>
struct FlagName {
  constexpr explicit FlagName(const char (&member)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = member[i] == '_' ? '-' : member[i];
  }
  char text[N];
};

// Calls f(field, member, effect) for each training option, in the order of the list.
template <class Options, class F>
void visit_training(Options&& o, F&& f) {
  using namespace bounds;
  using enum Effect;
  constexpr Bounds any;
  constexpr double million = 1e6;
  const bool sgd = o.optimizer == Optimizer::sgd, rmsprop = o.optimizer == Optimizer::rmsprop;
  const bool cosine = o.schedule == Schedule::cosine, plateau = o.schedule == Schedule::plateau;
  const bool trapezoid = o.schedule == Schedule::trapezoid;
  const auto run_if = [](bool holds, Effect otherwise = Effect::none) { return holds ? Effect::run : otherwise; };

#define SLUICE_TRAIN_OPTION(type, member, value, help, range, effect, ...)         \
  {                                                                                \
    static constexpr FlagName name(#member);                                       \
    f(Field{name.text, help, range __VA_OPT__(, ) __VA_ARGS__}, o.member, effect); \
  }                                                                                \
  static_assert(true)
#include "sluice/train_options.h"
}

// Throws Error (usage) naming the first option out of range, what was expected and what was found.
void check_options(const TrainOptions& options, bool validates);
void check_threads(std::size_t threads);

}  // namespace sluice
