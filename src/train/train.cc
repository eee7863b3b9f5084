// The doors of training.
#include "sluice/train.h"

#include <sstream>

#include "train/evaluate.h"
#include "train/options.h"
#include "train/trainer.h"

namespace sluice {
namespace {

TrainResult run(Model& model, const Corpus& training, const Corpus* validation, const TrainOptions& options,
                const TrainCallback& callback) {
  check_options(options, validation != nullptr);
  check_vocabulary(model, training);
  if (validation != nullptr) check_vocabulary(model, *validation);
  const FlushDenormals flush;
  return Trainer(model, training, validation, options, callback).run();
}

}  // namespace

TrainResult train(Model& model, const Corpus& corpus, const TrainOptions& options, const TrainCallback& report) {
  check_options(options, options.validation_split > 0);
  const std::size_t tokens = corpus.tokens().size();
  const auto held_out = static_cast<std::size_t>(static_cast<double>(tokens) * options.validation_split);
  if (options.validation_split == 0) return run(model, corpus, nullptr, options, report);
  if (held_out < 2) {
    std::ostringstream text;
    text << corpus.name() << ": expected a text of which a share of " << options.validation_split
         << " is at least 2 tokens to validate on, found " << tokens << " tokens in all";
    throw Error(Status::bad_file, text.str());
  }
  const Corpus training = corpus.slice(0, tokens - held_out), validation = corpus.slice(tokens - held_out, tokens);
  return run(model, training, &validation, options, report);
}

TrainResult train(Model& model, const Corpus& corpus, const Corpus& validation, const TrainOptions& options,
                  const TrainCallback& report) {
  return run(model, corpus, &validation, options, report);
}

}  // namespace sluice
