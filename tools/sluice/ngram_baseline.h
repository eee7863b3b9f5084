// What an n-gram model of the training text (src/data/ngram.h) reaches on the text that a network is validated or
// evaluated on: below that, a network has learned something that counting does not give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "output.h"
#include "remarks.h"
#include "sluice/sluice.h"

namespace sluice::tool {

struct NGramBaseline {
  std::size_t order = 0;
  std::uint64_t training_tokens = 0;  // of the text that was trained on
  std::uint64_t counted = 0;          // of them, the last: all, where the text is not very long
  std::vector<float> nats;            // of each token of the text that is predicted, but the first
  std::string text;                   // which text that is: a checksum of its tokens

  double nats_per_token() const;
  // The mean over the tokens that training validated with, where it had time for so many of them only: those with which
  // each of the streams begins.
  double nats_per_token(std::uint64_t validated, const TrainOptions& options) const;
};

NGramBaseline ngram_baseline(const Corpus& training, const Corpus& predicted);

// A text as train() divides it.
struct TextSplit {
  Corpus training, validation;
};
// `validation` is a text of its own, or nullptr. Nothing where there is nothing to validate on.
std::optional<TextSplit> split_of(const Corpus& corpus, const Corpus* validation, const TrainOptions& options);

// For a training with these options. Nothing where it would take too much of --max-seconds, or of the memory, which is
// said.
std::optional<NGramBaseline> ngram_baseline(Console& console, const TextSplit& split, const TrainOptions& options);

// What became of a run beside it: the sentence that says so, and the objects for the model's notes and for --json.
struct NGramComparison {
  std::string line;
  bool better = false;  // than the model
  Json note, object;
};
NGramComparison compare_with(const NGramBaseline& baseline, const Run& run);

// What is known of it when a model is evaluated on `text`: from the text that it was trained on, where that is given;
// from the model's notes, where they speak of this very text; or from the one of the candidates that was trained on.
struct KnownNGram {
  std::size_t order = 0;
  std::uint64_t tokens = 0;  // of the training text that were counted
  double nats_per_token = 0;
  std::string training;  // the file, where it was read
};
std::optional<KnownNGram> known_ngram(const Model& model, const std::string& training,
                                      const std::vector<std::string>& candidates, const Corpus& text);

}  // namespace sluice::tool
