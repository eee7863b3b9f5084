// A model's answer to a text: the likeliest next tokens, and a continuation drawn from them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/model.h"
#include "sluice/stream.h"

namespace sluice::tool {

struct Candidate {
  std::string token;
  float probability = 0;
};

struct Completion {
  std::string prompt;
  std::vector<std::string> unknown;  // words of the prompt the model does not know, each once, in order
  bool all_unknown = false;          // the prompt has no word that it knows
  std::vector<Candidate> candidates;
  std::string continuation;
  std::optional<std::string> stopped_by;  // of CompletionOptions::stop
};

struct CompletionOptions {
  std::size_t top = 5;     // candidates
  std::size_t tokens = 0;  // of continuation
  SampleOptions sample;
  std::uint64_t seed = 1;
  // The continuation ends before the first of these: a token of the model's, or else any text.
  std::vector<std::string> stop = {};
  std::function<bool()> go_on = {};  // asked after every token; false ends the work by Error (failed)
};

// The prompt begins as a text does (Stream::begin), unless it starts with a line end itself. `piece` is called with
// each piece of the continuation as soon as it is certain. Throws Error (usage) for an empty prompt where the model
// knows no line end to begin from.
Completion complete(const Model& model, std::string_view prompt, const CompletionOptions& options,
                    const std::function<void(std::string_view)>& piece = {});

}  // namespace sluice::tool
