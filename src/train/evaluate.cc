#include "train/evaluate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "train/options.h"

namespace sluice {
namespace {

// Predictions scored at once: enough to fill the machine, few enough that a large vocabulary stays affordable.
constexpr std::size_t kAtOnce = 2048, kMostSteps = 256;

}  // namespace

Evaluation evaluate(const Network& network, const Batches& batches, Workspace& workspace, Team& team) {
  const std::size_t batch = batches.batch();
  State state = network.initial_state(batch);
  std::vector<Token> inputs, targets;
  std::vector<float> nats;
  std::vector<std::uint32_t> rank;
  Evaluation result;
  double sum = 0;
  std::uint64_t first = 0, first_three = 0;
  for (std::size_t k = 0; k < batches.windows(); ++k) {
    const std::size_t steps = batches.steps_of(k);
    batches.window(k, inputs, targets);
    nats.resize(steps * batch);
    rank.resize(steps * batch);
    network.score({inputs, targets, steps, batch}, state, nats, rank, workspace, team);
    for (std::size_t i = 0; i < nats.size(); ++i) {
      if (!batches.counted(k, i / batch, i % batch)) continue;
      ++result.tokens;
      result.unknown += targets[i] == Vocabulary::unknown;
      sum += static_cast<double>(nats[i]);
      first += rank[i] < 1;
      first_three += rank[i] < 3;
    }
  }
  const double tokens = static_cast<double>(result.tokens);
  result.nats_per_token = sum / tokens;
  result.perplexity = std::exp(result.nats_per_token);
  result.bits_per_token = result.nats_per_token / std::numbers::ln2;
  result.recall_at_1 = static_cast<double>(first) / tokens;
  result.recall_at_3 = static_cast<double>(first_three) / tokens;
  return result;
}

void check_vocabulary(const Model& model, const Corpus& corpus) {
  const Vocabulary &expected = model.vocabulary(), &found = corpus.vocabulary();
  if (expected.tokens() == found.tokens()) return;
  throw Error(Status::usage, corpus.name() + ": expected a text numbered with the model's vocabulary (" +
                                 std::to_string(expected.size()) + " tokens), found another one (" +
                                 std::to_string(found.size()) + " tokens)");
}

Evaluation evaluate(const Model& model, const Corpus& corpus, std::size_t batch, std::size_t threads) {
  check_threads(threads);
  check_vocabulary(model, corpus);
  const FlushDenormals flush;
  const std::size_t steps = std::clamp(kAtOnce / std::max<std::size_t>(batch, 1), std::size_t{1}, kMostSteps);
  const Batches batches = Batches::parts(corpus.tokens(), batch, steps, corpus.name());
  Team team(threads);
  Workspace workspace;
  return evaluate(model.network(), batches, workspace, team);
}

}  // namespace sluice
