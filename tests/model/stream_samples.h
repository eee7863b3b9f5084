// Models of both kinds with random weights, and inputs for streams on them.
#pragma once

#include <string>
#include <vector>

#include "model/model_access.h"
#include "model/network_samples.h"
#include "sluice/stream.h"

namespace sluice::test {

struct ModelSize {
  std::size_t layers = 1, hidden = 8;
  std::size_t in = 4, out = 5;  // E and V, or I and O
};

inline Vocabulary numbered_vocabulary(std::size_t size) {
  std::vector<std::string> tokens = {std::string(Vocabulary::unknown_text)};
  while (tokens.size() < size) tokens.push_back(std::to_string(tokens.size()));
  return Vocabulary({}, std::move(tokens));
}

inline Model random_model(const CellName& cell, bool text, const ModelSize& size, std::uint64_t seed) {
  const NetworkSize n = {1, 1, size.layers, size.hidden, size.in, size.out};
  Model model =
      text ? Model(config_of(cell, n), numbered_vocabulary(size.out), seed) : Model(numbers_config_of(cell, n), seed);
  Random random(seed, 7);
  randomize(network_of(model), random);
  return model;
}

// What one stream reads over T steps: tokens, or x [T, I].
struct StreamInput {
  std::vector<Token> tokens;
  std::vector<float> x;
};

inline StreamInput random_input(const Model& model, std::size_t steps, Random& random) {
  StreamInput input;
  if (model.reads_text()) {
    for (std::size_t t = 0; t < steps; ++t) {
      input.tokens.push_back(static_cast<Token>(random.below(model.vocabulary().size())));
    }
  } else {
    input.x = to_float(random_numbers(random, steps * model.config().inputs, 1));
  }
  return input;
}

inline std::span<const float> row(const Model& model, const StreamInput& input, std::size_t t) {
  return std::span<const float>(input.x).subspan(t * model.config().inputs, model.config().inputs);
}

inline bool step(const Model& model, Stream& stream, const StreamInput& input, std::size_t t) {
  return model.reads_text() ? stream.step(input.tokens[t]) : stream.step(row(model, input, t));
}

inline std::span<const float> answer(const Model& model, const Stream& stream) {
  return model.reads_text() ? stream.probabilities() : stream.output();
}
inline std::span<const float> answer(const Model& model, const StreamBatch& batch, std::size_t stream) {
  return model.reads_text() ? batch.probabilities(stream) : batch.output(stream);
}

// The answer to every step, [T, V or O], one after another.
inline std::vector<float> answers(const Model& model, Stream& stream, const StreamInput& input, std::size_t first,
                                  std::size_t last) {
  std::vector<float> all;
  for (std::size_t t = first; t < last; ++t) {
    EXPECT_TRUE(step(model, stream, input, t));
    const std::span<const float> a = answer(model, stream);
    all.insert(all.end(), a.begin(), a.end());
  }
  return all;
}

}  // namespace sluice::test
