// Small trainings for the tests of the training loop.
#pragma once

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "model/model_access.h"
#include "sluice/train.h"

namespace sluice::test {

// Letters of which each depends on the one three places before, with a little noise: something to remember.
inline Corpus letters(std::size_t length, std::uint64_t seed = 1, double noise = 0.1) {
  const Vocabulary vocabulary({.level = Level::character}, {"<unk>", "a", "b", "c", "d", "e"});
  Random random(seed);
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < length; ++i) {
    const bool free = i < 3 || random.uniform() < noise;
    tokens.push_back(static_cast<Token>(free ? 1 + random.below(5) : 1 + tokens[i - 3] % 5));
  }
  return Corpus::from_tokens(std::move(tokens), vocabulary, "letters");
}

inline Model small_model(const Config& config = {.cell = "gru", .hidden = 10}, std::uint64_t seed = 1) {
  return {config, letters(3).vocabulary(), seed};
}

// 500 letters, a tenth of them to validate on: 22 windows an epoch, the last one shorter.
inline TrainOptions small_options() {
  TrainOptions options;
  options.epochs = 3;
  options.batch = 3;
  options.steps = 7;
  options.learning_rate = 0.02;
  options.threads = 1;
  return options;
}

inline bool same_weights(const Model& a, const Model& b) {
  const std::span<const float> x = network_of(a).parameters().all(), y = network_of(b).parameters().all();
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size_bytes()) == 0;
}

inline std::span<float> tensor(Model& model, std::string_view name) {
  Parameters& parameters = network_of(model).parameters();
  return parameters.all().subspan(parameters.find(name)->offset, parameters.find(name)->size());
}

inline std::vector<Report> of_kind(const std::vector<Report>& reports, Report::Kind kind) {
  std::vector<Report> found;
  std::ranges::copy_if(reports, std::back_inserter(found), [&](const Report& r) { return r.kind == kind; });
  return found;
}

struct Training {
  Model model;
  TrainResult result;
  std::vector<Report> reports;
};

inline Training run(Model model, const Corpus& corpus, const TrainOptions& options) {
  std::vector<Report> reports;
  const TrainResult result = train(model, corpus, options, [&](const Report& r) {
    reports.push_back(r);
    return true;
  });
  return {std::move(model), result, std::move(reports)};
}

}  // namespace sluice::test
