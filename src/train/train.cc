// The entry points of training.
#include "sluice/train.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/sentence.h"
#include "train/evaluate.h"
#include "train/options.h"
#include "train/trainer.h"

namespace sluice {
namespace {

// What a text and a series give training, under one name each.
std::size_t size_of(const Corpus& corpus) { return corpus.tokens().size(); }
std::size_t size_of(const Series& series) { return series.steps(); }

Batches streams_of(const Corpus& corpus, const TrainOptions& o) {
  return {corpus.tokens(), o.batch, o.steps, corpus.name()};
}
Batches streams_of(const Series& series, const TrainOptions& o) { return {series, o.batch, o.steps}; }

Batches parts_of(const Corpus& corpus, const TrainOptions& o) {
  return Batches::parts(corpus.tokens(), o.batch, o.steps, corpus.name());
}
Batches parts_of(const Series& series, const TrainOptions& o) { return Batches::parts(series, o.batch, o.steps); }

// The fewest tokens or steps that can be validated on, and what to call them.
std::size_t least_of(const Corpus&) { return 2; }
std::size_t least_of(const Series&) { return 1; }
const char* kind_of(const Corpus&) { return "text"; }
const char* kind_of(const Series&) { return "series"; }
const char* unit_of(const Corpus&) { return "tokens"; }
const char* unit_of(const Series&) { return "steps"; }

void check_frequency_bias(const Corpus&) {}
void check_frequency_bias(const Series&) {
  throw Error(Status::usage, "frequency-bias: expected false for numbers, found true");
}

void set_frequency_bias(Model&, const Series&) {}
void set_frequency_bias(Model& model, const Corpus& corpus) {
  Parameters& parameters = model.network().parameters();
  const auto& shapes = parameters.shapes();
  const auto shape = std::find_if(shapes.begin(), shapes.end(), [](const Shape& s) { return s.name == "head.bias"; });
  const std::span<float> bias = parameters[static_cast<std::size_t>(shape - shapes.begin())];
  if (std::any_of(bias.begin(), bias.end(), [](float b) { return b != 0; })) return;  // it has learned already
  std::vector<double> counts(bias.size(), 0.5);  // half a time each, so that none is impossible
  for (const Token token : corpus.tokens()) ++counts[token];
  const double all = static_cast<double>(corpus.tokens().size()) + 0.5 * static_cast<double>(counts.size());
  for (std::size_t v = 0; v < bias.size(); ++v) bias[v] = static_cast<float>(std::log(counts[v] / all));
}

template <class Material>
TrainResult run(Model& model, const Material& training, const Material* validation, const TrainOptions& options,
                const TrainCallback& callback) try {
  check_options(options, validation != nullptr);
  if (options.calibrate_temperature && (model.config().tied || !model.reads_text())) {
    throw Error(Status::usage, "calibrate-temperature: expected false for tied weights and for numbers, found true");
  }
  if (options.frequency_bias) check_frequency_bias(training);
  check_fits(model, training);
  if (validation != nullptr) check_fits(model, *validation);
  const FlushDenormals flush;
  std::optional<Batches> held_out;
  if (validation != nullptr) held_out = parts_of(*validation, options);
  Fingerprint print;
  if (!options.checkpoint.empty()) print = fingerprint(options, model.config(), training, validation);
  // Weights that fine_tune() gave are not those that the seed gives.
  if (const auto origin = model.notes().find("origin"); origin != model.notes().end()) print["origin"] = origin->second;
  if (options.frequency_bias) set_frequency_bias(model, training);  // a checkpoint has weights of its own
  return Trainer(model, streams_of(training, options), std::move(held_out), std::move(print), options, callback).run();
} catch (...) {
  rethrow_as_error("train");
}

// With what is validated on given beside what is trained on.
template <class Material>
TrainResult run_unsplit(Model& model, const Material& training, const Material& validation, TrainOptions options,
                        const TrainCallback& callback) {
  options.validation_split = 0;  // ignored, so that a checkpoint does not depend on it
  return run(model, training, &validation, options, callback);
}

template <class Material>
TrainResult split_and_run(Model& model, const Material& material, const TrainOptions& options,
                          const TrainCallback& callback) try {
  check_options(options, options.validation_split > 0);
  if (options.validation_split == 0) {
    return run(model, material, static_cast<const Material*>(nullptr), options, callback);
  }
  const std::size_t size = size_of(material), least = least_of(material);
  const auto held_out = static_cast<std::size_t>(static_cast<double>(size) * options.validation_split);
  if (held_out < least) {
    Sentence text;
    text << material.name() << ": expected a " << kind_of(material) << " of which a share of "
         << options.validation_split << " is at least " << least << ' ' << unit_of(material)
         << " to validate on, found " << size << ' ' << unit_of(material) << " in all";
    throw Error(Status::bad_file, text.str());
  }
  const Material training = material.slice(0, size - held_out), validation = material.slice(size - held_out, size);
  return run(model, training, &validation, options, callback);
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

}  // namespace sluice
