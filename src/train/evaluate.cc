#include "train/evaluate.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/failure.h"
#include "base/shown.h"
#include "model/config.h"
#include "model/model_access.h"
#include "train/options.h"
#include "train/stopwatch.h"

namespace sluice {
namespace {

// Predictions scored at once: enough to fill the machine, few enough that a large vocabulary stays affordable.
constexpr std::size_t kAtOnce = 2048, kMostSteps = 256;

}  // namespace

Tally tally(const Network& network, Windows& windows, Workspace& workspace, Team& team, const Extent& extent) {
  const Stopwatch clock;
  const bool classes = network.head().classes();
  State state = network.initial_state(windows.batch());
  std::vector<float> loss;
  std::vector<std::uint32_t> rank;
  Tally sums;
  for (std::size_t k = 0; k < windows.count() && extent.goes_on(k, clock.seconds(), windows.uncounted()); ++k) {
    ++sums.windows;
    const Window window = windows.fill(k, 0);
    loss.resize(target_rows(window, network.targets()));
    if (classes) rank.resize(loss.size());
    network.score(window, windows.before(state, network), loss, rank, workspace, team);
    windows.after(state);
    const Targets targets = {window.targets.tokens, window.targets.numbers, window.targets.weights};
    for (std::size_t i = 0; i < loss.size(); ++i) {
      if (!windows.counted(k, i)) continue;
      ++sums.rows;
      const double weight = network.head().weight(targets, network.targets(), i);
      sums.weight += weight;
      sums.loss += weight * static_cast<double>(loss[i]);
      if (!classes) continue;
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
  expect_language(model.config(), corpus.name());
  const Vocabulary &expected = model.vocabulary(), &found = corpus.vocabulary();
  if (expected.tokens() == found.tokens()) return;
  throw Error(Status::usage, corpus.name() + ": expected a text numbered with the model's vocabulary (" +
                                 std::to_string(expected.size()) + " tokens), found another one (" +
                                 std::to_string(found.size()) + " tokens)");
}

std::vector<Token> mark_of(const Vocabulary& vocabulary, const std::string& reset_at) {
  std::vector<std::string> pieces;
  std::vector<Token> mark = vocabulary.encode(reset_at, &pieces);
  if (mark.empty() && !reset_at.empty()) {
    throw Error(Status::bad_file, "reset-at: expected tokens that the model knows, found " + shown(reset_at) +
                                      ", which is none at this level");
  }
  const auto unknown = std::ranges::find(mark, Vocabulary::unknown);
  if (unknown == mark.end()) return mark;
  const std::string& piece = pieces[static_cast<std::size_t>(unknown - mark.begin())];
  throw Error(Status::bad_file, "reset-at: expected tokens that the model knows, found " + shown(reset_at) +
                                    (mark.size() > 1 ? ", of which " + shown(piece) + " is none" : ""));
}

void check_fits(const Model& model, const Series& series) {
  expect_series(model.config(), series.name());
  const Config& c = model.config();
  if (c.inputs == series.input_width() && c.outputs == series.target_width()) {
    return check_targets(network_of(model), series.targets(), series.name());
  }
  throw Error(Status::usage, series.name() + ": expected " + what_it_reads(c) + ", as the model has them, found " +
                                 std::to_string(series.input_width()) + " in and " +
                                 std::to_string(series.target_width()) + " out");
}

namespace {

void check_batch(std::size_t batch) {
  if (batch == 0) throw Error(Status::usage, "batch: expected 1 or more, found 0");
}

std::size_t window_steps(std::size_t batch) {
  return std::clamp(kAtOnce / std::max<std::size_t>(batch, 1), std::size_t{1}, kMostSteps);
}

Tally tally(const Model& model, Batches batches, std::size_t threads) {
  const auto windows = windows_of(std::move(batches));
  const FlushDenormals flush;
  Team team(threads);
  Workspace workspace;
  Tally sums = tally(network_of(model), *windows, workspace, team);
  sums.threads = team.size();
  return sums;
}

}  // namespace

Evaluation evaluate(const Model& model, const Corpus& corpus, std::size_t batch, std::size_t threads) try {
  check_threads(threads);
  check_fits(model, corpus);
  Batches parts = Batches::parts(corpus.tokens(), batch, window_steps(batch), corpus.name());
  parts.separate(mark_of(model.vocabulary(), model.reset_at()));
  const Tally sums = tally(model, std::move(parts), threads);
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

SequenceEvaluation evaluate(const Model& model, const Sequences& sequences, std::size_t batch,
                            std::size_t threads) try {
  check_threads(threads);
  check_batch(batch);
  const Network& network = network_of(model);
  check_fits(network, sequences);
  const FlushDenormals flush;
  Team team(threads);
  Workspace workspace;
  SequenceWindows windows(sequences, network, batch);
  const Tally sums = tally(network, windows, workspace, team);
  return {sums.rows, sums.mean_loss(), static_cast<double>(sums.first) / static_cast<double>(sums.rows), team.size()};
} catch (...) {
  rethrow_as_error("evaluate");
}

std::vector<float> predict(const Model& model, const Sequences& sequences, std::size_t batch, std::size_t threads) try {
  check_threads(threads);
  check_batch(batch);
  const Network& network = network_of(model);
  check_fits(network, sequences, /*targets=*/false);
  const bool whole = network.config().head.at != "steps";
  const std::size_t width = network.outputs();
  const FlushDenormals flush;
  Team team(threads);
  Workspace workspace;
  SequenceWindows windows(sequences, network, batch, SequenceWindows::ToPredict::left);
  std::vector<float> all((whole ? sequences.size() : sequences.steps()) * width), y;
  for (std::size_t k = 0; k < windows.count(); ++k) {
    const Window window = windows.fill(k, 0);
    const std::span<const std::size_t> order = windows.sequences();
    State state = network.initial_state(window.batch);
    std::size_t rows = window.batch;
    if (!whole) rows = std::accumulate(window.lengths.begin(), window.lengths.end(), std::size_t{0});
    y.resize(rows * width);
    network.predict(window, state, y, workspace, team);
    std::size_t row = 0;
    for (std::size_t t = 0; t < (whole ? 1 : window.steps); ++t) {
      for (std::size_t b = 0; b < order.size() && window.lengths[b] > t; ++b, ++row) {
        const std::size_t place = whole ? order[b] : sequences.starts[order[b]] + t;
        std::copy_n(y.begin() + static_cast<std::ptrdiff_t>(row * width), width,
                    all.begin() + static_cast<std::ptrdiff_t>(place * width));
      }
    }
  }
  return all;
} catch (...) {
  rethrow_as_error("predict");
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
