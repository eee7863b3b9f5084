// The entry points of training.
#include "sluice/train.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/random.h"
#include "base/sentence.h"
#include "base/shown.h"
#include "model/model_access.h"
#include "train/evaluate.h"
#include "train/options.h"
#include "train/trainer.h"

namespace sluice {
namespace {

// What a text and a series give training, under one name each.
std::size_t size_of(const Corpus& corpus) { return corpus.tokens().size(); }
std::size_t size_of(const Series& series) { return series.steps(); }
std::size_t size_of(const Sequences& sequences) { return sequences.size(); }

std::string name_of(const Corpus& corpus) { return corpus.name(); }
std::string name_of(const Series& series) { return series.name(); }
std::string name_of(const Sequences& sequences) { return sequences.name; }

std::unique_ptr<Windows> text_windows(Batches batches, const Corpus& corpus, const TrainOptions& o) {
  batches.separate(mark_of(corpus.vocabulary(), o.reset_at));
  return windows_of(std::move(batches));
}

std::unique_ptr<Windows> training_windows(const Network&, const Corpus& corpus, const TrainOptions& o) {
  return text_windows({corpus.tokens(), o.batch, o.steps, corpus.name()}, corpus, o);
}
std::unique_ptr<Windows> training_windows(const Network&, const Series& series, const TrainOptions& o) {
  return std::make_unique<StreamWindows>(Batches(series, o.batch, o.steps));
}
std::unique_ptr<Windows> training_windows(const Network& network, const Sequences& sequences, const TrainOptions& o) {
  return std::make_unique<SequenceWindows>(sequences, network, o.batch, o.seed);
}

// `context`: so many tokens before those of the text are what stands before it, for both are slices of one.
std::unique_ptr<Windows> validation_windows(const Network&, const Corpus& corpus, std::size_t context,
                                            const TrainOptions& o) {
  const std::span<const Token> tokens = corpus.tokens();
  return text_windows(validation_batches({tokens.data() - context, tokens.size() + context}, context, o, corpus.name()),
                      corpus, o);
}
std::unique_ptr<Windows> validation_windows(const Network&, const Series& series, std::size_t, const TrainOptions& o) {
  return std::make_unique<StreamWindows>(Batches::parts(series, o.batch, o.steps));
}
std::unique_ptr<Windows> validation_windows(const Network& network, const Sequences& sequences, std::size_t,
                                            const TrainOptions& o) {
  return std::make_unique<SequenceWindows>(sequences, network, o.batch);
}

// The fewest tokens or steps that can be validated on, and what to call them.
std::size_t least_of(const Corpus&) { return 2; }
std::size_t least_of(const Series&) { return 1; }
std::size_t least_of(const Sequences&) { return 1; }
const char* kind_of(const Corpus&) { return "text"; }
const char* kind_of(const Series&) { return "series"; }
const char* kind_of(const Sequences&) { return "set of sequences"; }
const char* unit_of(const Corpus&) { return "tokens"; }
const char* unit_of(const Series&) { return "steps"; }
const char* unit_of(const Sequences&) { return "sequences"; }

std::span<const Token> classes_of(const Corpus& corpus) { return corpus.tokens(); }
std::span<const Token> classes_of(const Series&) { return {}; }
std::span<const Token> classes_of(const Sequences& sequences) { return sequences.labels; }

void check_fits(const Model& model, const Sequences& sequences) { sluice::check_fits(network_of(model), sequences); }
using sluice::check_fits;

// What there is one kind of alone: options that do not suit the other kinds are refused.
void check_suits(const Model& model, const TrainOptions& options) {
  const bool classes = network_of(model).head().classes();
  if (options.frequency_bias && !classes) {
    throw Error(Status::usage, "frequency-bias: expected false for numbers, found true");
  }
  if (options.calibrate_temperature && (model.config().tied || !classes)) {
    throw Error(Status::usage, "calibrate-temperature: expected false for tied weights and for numbers, found true");
  }
}
// Before sequences are split: what they say of themselves may be wrong.
void check_before_split(const Model&, const Corpus&) {}
void check_before_split(const Model&, const Series&) {}
void check_before_split(const Model& model, const Sequences& sequences) { check_fits(model, sequences); }

void check_kind(const Corpus& corpus, const TrainOptions& options) {
  const std::vector<Token> mark = mark_of(corpus.vocabulary(), options.reset_at);
  const std::span<const Token> tokens = corpus.tokens();
  if (std::search(tokens.begin(), tokens.end(), mark.begin(), mark.end()) != tokens.end()) return;  // or it is empty
  throw Error(Status::bad_file, corpus.name() + ": expected a text in which the mark of reset-at, " +
                                    shown(options.reset_at) + ", stands, found none of it");
}
void refuse_for_texts(const TrainOptions& options, const char* kind) {
  if (options.validation_streams > 0) {
    throw Error(Status::usage, "validation-streams: expected 0 for " + std::string(kind) + ", found " +
                                   field_text(options.validation_streams));
  }
  if (options.reset_at.empty()) return;
  throw Error(Status::usage, "reset-at: expected none for " + std::string(kind) + ", found " + shown(options.reset_at));
}
void check_kind(const Series&, const TrainOptions& options) { refuse_for_texts(options, "numbers"); }
void check_kind(const Sequences&, const TrainOptions& options) {
  refuse_for_texts(options, "sequences, which all stand apart");
  if (options.state_reset == 0) return;
  throw Error(Status::usage, "state-reset: expected 0 for sequences, which all begin from an empty state, found " +
                                 field_text(options.state_reset));
}

// Draws the split of sequences at random: a file often has them sorted by class.
Corpus part_of(const Corpus& corpus, std::size_t first, std::size_t last, std::uint64_t) {
  return corpus.slice(first, last);
}
Series part_of(const Series& series, std::size_t first, std::size_t last, std::uint64_t) {
  return series.slice(first, last);
}
Sequences part_of(const Sequences& sequences, std::size_t first, std::size_t last, std::uint64_t seed) {
  constexpr std::uint64_t kSplitStream = (std::uint64_t{1} << 40) - 1;
  std::vector<std::size_t> order(sequences.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(seed, kSplitStream);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  const std::span<std::size_t> part = std::span(order).subspan(first, last - first);
  std::ranges::sort(part);
  return select(sequences, part);
}

void set_frequency_bias(Model& model, std::span<const Token> classes) {
  Parameters& parameters = network_of(model).parameters();
  const auto& shapes = parameters.shapes();
  const auto shape = std::find_if(shapes.begin(), shapes.end(), [](const Shape& s) { return s.name == "head.bias"; });
  const std::span<float> bias = parameters[static_cast<std::size_t>(shape - shapes.begin())];
  if (std::any_of(bias.begin(), bias.end(), [](float b) { return b != 0; })) return;  // it has learned already
  std::vector<double> counts(bias.size(), 0.5);  // half a time each, so that none is impossible
  double all = 0.5 * static_cast<double>(counts.size());
  for (const Token token : classes) {
    if (token == kIgnoredLabel) continue;
    ++counts[token];
    ++all;
  }
  for (std::size_t v = 0; v < bias.size(); ++v) bias[v] = static_cast<float>(std::log(counts[v] / all));
}

template <class Material>
TrainResult run(Model& model, const Material& training, const Material* validation, std::size_t context,
                const TrainOptions& options, const TrainCallback& callback, const Stopwatch& clock) try {
  check_options(options, validation != nullptr);
  check_suits(model, options);
  check_fits(model, training);
  check_kind(training, options);
  if (validation != nullptr) check_fits(model, *validation);
  const FlushDenormals flush;
  const Network& network = network_of(std::as_const(model));
  std::unique_ptr<Windows> held_out;
  if (validation != nullptr) held_out = validation_windows(network, *validation, context, options);
  Fingerprint print;
  if (!options.checkpoint.empty()) print = fingerprint(options, model.config(), training, validation);
  // Weights that fine_tune() gave are not those that the seed gives.
  if (const auto origin = model.notes().find("origin"); origin != model.notes().end()) print["origin"] = origin->second;
  if (options.frequency_bias) set_frequency_bias(model, classes_of(training));  // a checkpoint has weights of its own
  std::unique_ptr<Windows> windows = training_windows(network, training, options);
  TrainOptions now = options;
  if (options.max_seconds > 0) now.max_seconds = std::max(1e-9, options.max_seconds - clock.seconds());
  if (options.minutes > 0) now.minutes = std::max(1e-9, options.minutes - clock.seconds() / 60);
  const TrainResult result =
      Trainer(model, std::move(windows), std::move(held_out), std::move(print), now, callback).run();
  model.set_reset_at(options.reset_at, mark_of(model.vocabulary(), options.reset_at));
  return result;
} catch (...) {
  rethrow_as_error("train");
}

// With what is validated on given beside what is trained on.
template <class Material>
TrainResult run_unsplit(Model& model, const Material& training, const Material& validation, TrainOptions options,
                        const TrainCallback& callback) {
  const Stopwatch clock;
  options.validation_split = 0;  // ignored, so that a checkpoint does not depend on it
  return run(model, training, &validation, 0, options, callback, clock);
}

template <class Material>
TrainResult split_and_run(Model& model, const Material& material, const TrainOptions& options,
                          const TrainCallback& callback) try {
  const Stopwatch clock;
  check_options(options, options.validation_split > 0);
  if (options.validation_split == 0) {
    return run(model, material, static_cast<const Material*>(nullptr), 0, options, callback, clock);
  }
  check_before_split(model, material);
  const std::size_t size = size_of(material), least = least_of(material);
  const auto held_out = static_cast<std::size_t>(static_cast<double>(size) * options.validation_split);
  if (held_out < least) {
    Sentence text;
    text << name_of(material) << ": expected a " << kind_of(material) << " of which a share of "
         << options.validation_split << " is at least " << least << ' ' << unit_of(material)
         << " to validate on, found " << size << ' ' << unit_of(material) << " in all";
    throw Error(Status::bad_file, text.str());
  }
  const Material training = part_of(material, 0, size - held_out, options.seed);
  const Material validation = part_of(material, size - held_out, size, options.seed);
  return run(model, training, &validation, std::min(kWarmUp, size - held_out), options, callback, clock);
} catch (...) {
  rethrow_as_error("train");
}

}  // namespace

TrainResult train(Model& model, const Corpus& corpus, const TrainOptions& options, const TrainCallback& report) {
  return split_and_run(model, corpus, options, report);
}

TrainResult train(Model& model, const Corpus& corpus, const Corpus& validation, const TrainOptions& options,
                  const TrainCallback& report) {
  return run_unsplit(model, corpus, validation, options, report);
}

TrainResult train(Model& model, const Series& series, const TrainOptions& options, const TrainCallback& report) {
  return split_and_run(model, series, options, report);
}

TrainResult train(Model& model, const Series& series, const Series& validation, const TrainOptions& options,
                  const TrainCallback& report) {
  return run_unsplit(model, series, validation, options, report);
}

TrainResult train(Model& model, const Sequences& sequences, const TrainOptions& options, const TrainCallback& report) {
  return split_and_run(model, sequences, options, report);
}

TrainResult train(Model& model, const Sequences& sequences, const Sequences& validation, const TrainOptions& options,
                  const TrainCallback& report) {
  return run_unsplit(model, sequences, validation, options, report);
}

}  // namespace sluice
