// The one list of training options. TrainOptions (sluice/train.h) has a member of each; flags, help, checks of ranges,
// the notes in a model file, what --resume compares and Python's keywords follow from it too (src/train/options.h).
//
//   SLUICE_TRAIN_OPTION(type, member, default, what it is, the values that it takes, what another value changes,
//                       another name that files and flags had or may have)
//
// The flag has the member's name, with dashes for underscores. Whoever includes this defines the macro before. The
// default of a new option trains as was trained without it: a checkpoint that does not name an option is taken to have
// its default.
#ifdef SLUICE_TRAIN_OPTION

SLUICE_TRAIN_OPTION(std::size_t, epochs, 10, "times the text is read, where updates is 0", within(1, million),
                    o.updates > 0 ? none : run_if(cosine || trapezoid, outcome));
// The run may end in the middle of an epoch. When it validates follows too, so that another number is another run.
SLUICE_TRAIN_OPTION(std::uint64_t, updates, 0, "updates in all, and of the schedule; 0: epochs say how many", any, run);
// Where cosine and trapezoid have reached final_rate the rate stays there, and before that it is what it is: so this
// ends a run early or late, and the schedule is the same.
SLUICE_TRAIN_OPTION(std::uint64_t, stop_after, 0,
                    "end after so many updates instead of where the schedule ends; 0: there", any, outcome);
// train() measures how fast it is and decides by the clock when trapezoid's cool-down begins and how many updates it
// has: TrainResult::options says what was done. updates, stop_after and validate_every follow from the time.
SLUICE_TRAIN_OPTION(double, minutes, 0,
                    "make the run for so much time, everything included, the schedule's end too; 0: no clock",
                    at_least(0), outcome);
// B, parallel streams of the text or series.
SLUICE_TRAIN_OPTION(std::size_t, batch, 32, "streams of text read side by side", within(1, million), run);
// T.
SLUICE_TRAIN_OPTION(std::size_t, steps, 64, "tokens a window of truncated back-propagation", within(1, million), run);
SLUICE_TRAIN_OPTION(Optimizer, optimizer, Optimizer::adam, "", any, run);
SLUICE_TRAIN_OPTION(double, learning_rate, 2e-3, "the size of a step of the optimizer; --lr for short", above(0), run,
                    "lr");
SLUICE_TRAIN_OPTION(double, momentum, 0, "of sgd", from_to_below(0, 1), run_if(sgd));
SLUICE_TRAIN_OPTION(bool, nesterov, false, "of sgd: the gradient counts in the momentum's step too", any, run);
SLUICE_TRAIN_OPTION(double, beta1, 0.9, "of adam and adamw", from_to_below(0, 1), run_if(!sgd && !rmsprop));
SLUICE_TRAIN_OPTION(double, beta2, 0.999, "of rmsprop, adam and adamw", from_to_below(0, 1), run_if(!sgd));
SLUICE_TRAIN_OPTION(double, epsilon, 1e-8, "of rmsprop, adam and adamw", above(0), run_if(!sgd));
// bf16: weights and what they multiply rounded to bf16, sums, states, gradients and the weights that are updated in
// float32; validation and the model are float32 as ever.
SLUICE_TRAIN_OPTION(Precision, precision, Precision::f32,
                    "with bf16, products of rounded numbers, about twice as fast where the processor can",
                    up_to(Precision::bf16), run);
// Decoupled: Loshchilov & Hutter 2019. Added to the gradient: L2.
SLUICE_TRAIN_OPTION(double, weight_decay, 0, "adamw: decoupled; others: added to the gradient", at_least(0), run);
SLUICE_TRAIN_OPTION(double, clip_norm, 1, "greatest global norm of the gradient; 0: any", at_least(0), run, "clip");
// d of the average w' = d w' + (1 - d) w, which is validated and kept (Polyak & Juditsky 1992); d is at most
// (1 + t) / (10 + t) at update t, so that the first weights are soon forgotten.
SLUICE_TRAIN_OPTION(double, ema_decay, 0,
                    "decay of the exponential moving average of the weights, which is kept in their place; 0: none",
                    from_to_below(0, 1), run, "average");
// In the end scale the output layer so that the loss on the validation text is the lowest (temperature scaling: Guo et
// al. 2017, section 4.2); not with tied weights or numbers.
SLUICE_TRAIN_OPTION(bool, calibrate_temperature, false,
                    "scale the output so that the loss on the validation text is lowest; not if tied", any, outcome,
                    "calibrate");
// So the model learns to begin from an empty state (Melis, Dyer & Blunsom 2018).
SLUICE_TRAIN_OPTION(double, state_reset, 0,
                    "share of windows that begin with an empty state instead of the carried one", within(0, 1), run,
                    "reset");
// Where this stands, a token of the text or several in a row, one sequence ends and another begins, so that separate
// texts can be one: the state is emptied before the mark is read, which is the first input of what follows and the last
// target of what was before, and no gradient goes past it. Validation and evaluate() follow the same rule. Empty: one
// text. Not with numbers.
SLUICE_TRAIN_OPTION(std::string, reset_at, {},
                    "begin with an empty state wherever this token (or text) stands, so that texts in one file stay "
                    "apart; \\n is a line end",
                    any, run);
// The bias of the output layer, where it is still 0, begins at the logarithm of each token's share of the training
// text, so that no update is spent on learning which tokens are frequent; not with numbers.
SLUICE_TRAIN_OPTION(bool, frequency_bias, false,
                    "begin the output layer's bias at how frequent each token is: small texts learn sooner", any, run);
SLUICE_TRAIN_OPTION(Schedule, schedule, Schedule::cosine, "what the learning rate does after the warm-up", any, run);
SLUICE_TRAIN_OPTION(std::uint64_t, warmup, 0, "updates of linear warm-up", any, run);
SLUICE_TRAIN_OPTION(std::uint64_t, cooldown, 0,
                    "last updates, over which trapezoid falls to final-rate; 0: a fifth of all", any,
                    run_if(trapezoid));
SLUICE_TRAIN_OPTION(double, final_rate, 0.05, "share of the learning rate at which cosine and trapezoid end",
                    within(0, 1), run_if(cosine || trapezoid));
SLUICE_TRAIN_OPTION(double, plateau_factor, 0.25, "the rate times this when validation does not improve (plateau)",
                    between(0, 1), run_if(plateau));
SLUICE_TRAIN_OPTION(std::size_t, plateau_patience, 0, "epochs without improvement before that", any, run_if(plateau));
SLUICE_TRAIN_OPTION(double, validation_split, 0.1, "last share of the text, kept for validation", from_to_below(0, 1),
                    data);
// Where updates decide, a validation between is on the first windows of all streams, as many as take a twentieth of the
// time; in the end the best weights read the whole text once.
SLUICE_TRAIN_OPTION(std::uint64_t, validate_every, 0,
                    "updates between two validations; 0: a sixteenth of updates, or an epoch where epochs say how many",
                    any, run);
// Few streams waste less of a short text on getting to know where they are. Given, each begins by reading what stands
// before its part, of the training text too, and those tokens do not count.
SLUICE_TRAIN_OPTION(std::uint64_t, validation_streams, 0,
                    "streams that validation reads a text as, each warmed up by what stands before it; 0: as many as "
                    "in training, from an empty state",
                    within(0, million), run);
SLUICE_TRAIN_OPTION(std::size_t, patience, 0, "stop after so many validations without improvement; 0: never", any,
                    outcome);
// train() ends within this time, with the best model. Validation, calibration, checkpoints and as much as saving the
// model takes are part of it: where the validation text is too long for that, a part of it stands for all.
SLUICE_TRAIN_OPTION(double, max_seconds, 0,
                    "end within this time, validation and saving included, best model kept; 0: no limit", at_least(0),
                    outcome);
// Of dropout; the command and the package for Python make the first weights from it too.
SLUICE_TRAIN_OPTION(std::uint64_t, seed, 1, "of the weights and of dropout", any, run);
SLUICE_TRAIN_OPTION(std::size_t, threads, 0, "how many to use; 0: as many as the machine has", within(0, 1024),
                    execution);
// Empty: none.
SLUICE_TRAIN_OPTION(std::string, checkpoint, {}, "kept here while training", any, execution);
SLUICE_TRAIN_OPTION(double, checkpoint_seconds, 60,
                    "least time between two checkpoints; the end of an epoch has one sooner, where writing takes "
                    "little of the time",
                    at_least(0), execution);
SLUICE_TRAIN_OPTION(bool, resume, false, "go on from the checkpoint of a run that was stopped", any, execution);

#undef SLUICE_TRAIN_OPTION
#endif
