// The one list of training options: flag, help, range, the note in a model file and what --resume compares follow from
// it.
#pragma once

#include <array>
#include <string_view>

#include "base/fields.h"
#include "model/config.h"
#include "sluice/train.h"

namespace sluice {

// Names of what is chosen, in the order of the enum.
constexpr std::array<std::string_view, 4> choices(Optimizer) { return {"sgd", "rmsprop", "adam", "adamw"}; }
constexpr std::array<std::string_view, 3> choices(Schedule) { return {"constant", "cosine", "plateau"}; }

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

// Calls f(field, member, effect) for each training option. The default of a new one trains as was trained without it:
// a checkpoint that does not name an option is taken to have its default.
template <class Options, class F>
void visit_training(Options&& o, F&& f) {
  constexpr double million = 1e6;
  const bool sgd = o.optimizer == Optimizer::sgd, rmsprop = o.optimizer == Optimizer::rmsprop;
  const bool cosine = o.schedule == Schedule::cosine, plateau = o.schedule == Schedule::plateau;
  const auto run_if = [](bool holds, Effect otherwise = Effect::none) { return holds ? Effect::run : otherwise; };
  using enum Effect;

  f({"epochs", "times the text is read", bounds::within(1, million)}, o.epochs, run_if(cosine, outcome));
  f({"batch", "streams of text read side by side", bounds::within(1, million)}, o.batch, run);
  f({"steps", "tokens a window of truncated back-propagation", bounds::within(1, million)}, o.steps, run);
  f({"optimizer", ""}, o.optimizer, run);
  f({"learning-rate", "the size of a step of the optimizer; --lr for short", bounds::above(0), "lr"}, o.learning_rate,
    run);
  f({"momentum", "of sgd", bounds::from_to_below(0, 1)}, o.momentum, run_if(sgd));
  f({"beta1", "of adam and adamw", bounds::from_to_below(0, 1)}, o.beta1, run_if(!sgd && !rmsprop));
  f({"beta2", "of rmsprop, adam and adamw", bounds::from_to_below(0, 1)}, o.beta2, run_if(!sgd));
  f({"epsilon", "of rmsprop, adam and adamw", bounds::above(0)}, o.epsilon, run_if(!sgd));
  f({"precision", "with bf16, products of rounded numbers, about twice as fast where the processor can",
     bounds::up_to(Precision::bf16)},
    o.precision, run);
  f({"weight-decay", "adamw: decoupled; others: added to the gradient", bounds::at_least(0)}, o.weight_decay, run);
  f({"clip-norm", "greatest global norm of the gradient; 0: any", bounds::at_least(0), "clip"}, o.clip_norm, run);
  f({"ema-decay", "decay of the exponential moving average of the weights, which is kept in their place; 0: none",
     bounds::from_to_below(0, 1), "average"},
    o.ema_decay, run);
  f({"calibrate-temperature", "scale the output so that the loss on the validation text is lowest; not if tied",
     Bounds(), "calibrate"},
    o.calibrate_temperature, outcome);
  f({"state-reset", "share of windows that begin with an empty state instead of the carried one", bounds::within(0, 1),
     "reset"},
    o.state_reset, run);
  f({"reset-at",
     "begin with an empty state wherever this token (or text) stands, so that texts in one file stay apart; \\n is a "
     "line end"},
    o.reset_at, run);
  f({"frequency-bias", "begin the output layer's bias at how frequent each token is: small texts learn sooner"},
    o.frequency_bias, run);
  f({"schedule", "what the learning rate does after the warm-up"}, o.schedule, run);
  f({"warmup", "updates of linear warm-up"}, o.warmup, run);
  f({"final-rate", "share of the learning rate at which cosine ends", bounds::within(0, 1)}, o.final_rate,
    run_if(cosine));
  f({"plateau-factor", "the rate times this when validation does not improve (plateau)", bounds::between(0, 1)},
    o.plateau_factor, run_if(plateau));
  f({"plateau-patience", "epochs without improvement before that"}, o.plateau_patience, run_if(plateau));
  f({"validation-split", "last share of the text, kept for validation", bounds::from_to_below(0, 1)},
    o.validation_split, data);
  f({"patience", "stop after so many validations without improvement; 0: never"}, o.patience, outcome);
  f({"max-seconds", "end within this time, validation and saving included, best model kept; 0: no limit",
     bounds::at_least(0)},
    o.max_seconds, outcome);
  f({"seed", "of the weights and of dropout"}, o.seed, run);
  f({"threads", "how many to use; 0: as many as the machine has", bounds::within(0, 1024)}, o.threads, execution);
  f({"checkpoint", "kept here while training"}, o.checkpoint, execution);
  f({"checkpoint-seconds",
     "least time between two checkpoints; the end of an epoch has one sooner, where writing takes little of the time",
     bounds::at_least(0)},
    o.checkpoint_seconds, execution);
  f({"resume", "go on from the checkpoint of a run that was stopped"}, o.resume, execution);
}

// Throws Error (usage) naming the first option out of range, what was expected and what was found.
void check_options(const TrainOptions& options, bool validates);
void check_threads(std::size_t threads);

}  // namespace sluice
