#include "train/evaluate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/failure.h"
#include "model/config.h"
#include "train/options.h"
#include "train/stopwatch.h"

namespace sluice {
namespace {

// Predictions scored at once: enough to fill the machine, few enough that a large vocabulary stays affordable.
constexpr std::size_t kAtOnce = 2048, kMostSteps = 256;

}  // namespace

Window FilledWindow::fill(const Batches& batches, std::size_t k) {
  if (!batches.of_text()) {
    batches.window(k, x_, y_);
    return {x_, y_, batches.steps_of(k), batches.batch()};
  }
  batches.window(k, inputs_, targets_);
  return {inputs_, targets_, batches.steps_of(k), batches.batch()};
}

Tally tally(const Network& network, const Batches& batches, Workspace& workspace, Team& team, const Extent& extent) {
  const Stopwatch clock;
  const std::size_t batch = batches.batch();
  State state = network.initial_state(batch);
  FilledWindow filled;
  std::vector<float> loss;
  std::vector<std::uint32_t> rank;
  Tally sums;
  for (std::size_t k = 0; k < batches.windows() && extent.goes_on(k, clock.seconds()); ++k) {
    ++sums.windows;
    const Window window = filled.fill(batches, k);
    loss.resize(window.steps * batch);
    if (batches.of_text()) rank.resize(loss.size());
    network.score(window, state, loss, rank, workspace, team);
    for (std::size_t i = 0; i < loss.size(); ++i) {
      if (!batches.counted(k, i / batch, i % batch)) continue;
      ++sums.rows;
      sums.loss += static_cast<double>(loss[i]);
      if (!batches.of_text()) continue;
      sums.first += rank[i] < 1;
      sums.first_three += rank[i] < 3;
      if (window.targets.tokens[i] != Vocabulary::unknown) continue;
      ++sums.unknown;
      sums.unknown_loss += static_cast<double>(loss[i]);
      sums.unknown_first += rank[i] < 1;
      sums.unknown_first_three += rank[i] < 3;
    }
  }
  return sums;
}

void check_fits(const Model& model, const Corpus& corpus) {
  expect_text(model.config(), corpus.name());
  const Vocabulary &expected = model.vocabulary(), &found = corpus.vocabulary();
  if (expected.tokens() == found.tokens()) return;
  throw Error(Status::usage, corpus.name() + ": expected a text numbered with the model's vocabulary (" +
                                 std::to_string(expected.size()) + " tokens), found another one (" +
                                 std::to_string(found.size()) + " tokens)");
}

void check_fits(const Model& model, const Series& series) {
  expect_numbers(model.config(), series.name());
  const Config& c = model.config();
  if (c.inputs == series.input_width() && c.outputs == series.target_width()) return;
  throw Error(Status::usage, series.name() + ": expected " + what_it_reads(c) + ", as the model has them, found " +
                                 std::to_string(series.input_width()) + " in and " +
                                 std::to_string(series.target_width()) + " out");
}

namespace {

std::size_t window_steps(std::size_t batch) {
  return std::clamp(kAtOnce / std::max<std::size_t>(batch, 1), std::size_t{1}, kMostSteps);
}

Tally tally(const Model& model, const Batches& batches, std::size_t threads) {
  const FlushDenormals flush;
  Team team(threads);
  Workspace workspace;
  Tally sums = tally(model.network(), batches, workspace, team);
  sums.threads = team.size();
  return sums;
}

}  // namespace

Evaluation evaluate(const Model& model, const Corpus& corpus, std::size_t batch, std::size_t threads) try {
  check_threads(threads);
  check_fits(model, corpus);
  const Tally sums = tally(model, Batches::parts(corpus.tokens(), batch, window_steps(batch), corpus.name()), threads);
  const double tokens = static_cast<double>(sums.rows);
  Evaluation result;
  result.tokens = sums.rows;
  result.unknown = sums.unknown;
  result.threads = sums.threads;
  result.nats_per_token = sums.mean_loss();
  result.perplexity = std::exp(result.nats_per_token);
  result.bits_per_token = result.nats_per_token / std::numbers::ln2;
  result.recall_at_1 = static_cast<double>(sums.first) / tokens;
  result.recall_at_3 = static_cast<double>(sums.first_three) / tokens;
  if (sums.rows == sums.unknown) return result;
  const double known = static_cast<double>(sums.rows - sums.unknown);
  result.known_nats_per_token = (sums.loss - sums.unknown_loss) / known;
  result.known_perplexity = std::exp(result.known_nats_per_token);
  result.known_recall_at_1 = static_cast<double>(sums.first - sums.unknown_first) / known;
  result.known_recall_at_3 = static_cast<double>(sums.first_three - sums.unknown_first_three) / known;
  return result;
} catch (...) {
  rethrow_as_error("evaluate");
}

SeriesEvaluation evaluate(const Model& model, const Series& series, std::size_t batch, std::size_t threads) try {
  check_threads(threads);
  check_fits(model, series);
  const Tally sums = tally(model, Batches::parts(series, batch, window_steps(batch)), threads);
  return {sums.rows, sums.mean_loss(), sums.threads};
} catch (...) {
  rethrow_as_error("evaluate");
}

}  // namespace sluice
