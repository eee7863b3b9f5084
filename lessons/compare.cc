// Cells side by side: hidden sizes that match, the runs, and recall by distance on a text.
#include "lessons/compare.h"

#include <algorithm>
#include <bit>
#include <chrono>

#include "base/failure.h"
#include "base/random.h"
#include "base/threads.h"
#include "data/batches.h"
#include "lessons/compare_runs.h"
#include "model/layout.h"
#include "model/model_access.h"
#include "sluice/stream.h"
#include "train/evaluate.h"
#include "train/options.h"
#include "train/stopwatch.h"

namespace sluice {
namespace {

std::size_t distance_of(std::size_t a, std::size_t b) { return a > b ? a - b : b - a; }

// A field that the cell has no use for is there for others that it is compared with.
Config with_cell(Config config, const std::string& cell) {
  config.cell = cell;
  reset_unused_fields(config);
  return config;
}

// A field that none of the cells has a use for is refused.
void check_fields(const CompareOptions& options) {
  LayerConfig layer = shorthand_layer(options.config);
  for_each_layer_field([&](const char* name, auto field, const char*) {
    const bool used = std::ranges::any_of(options.cells, [&](const std::string& cell) {
      layer.cell = cell;
      return uses_field(layer, name);
    });
    if (used) layer.*field = LayerConfig().*field;
  });
  layer.cell = options.cells.front();
  check_unused_fields(layer, "");
}

void check_compare(const CompareOptions& options) {
  if (options.cells.empty()) throw Error(Status::usage, "compare: expected at least one cell, found none");
  if (options.seeds.empty()) throw Error(Status::usage, "compare: expected at least one seed, found none");
  for (const std::string& cell : options.cells) find_cell(cell);
  if (!options.config.stack.empty()) expect_plain(options.config, "compare");
  check_fields(options);
  if (!options.train.checkpoint.empty() || options.train.resume) {
    throw Error(Status::usage, "compare: expected no checkpoint, for one file cannot serve several runs, found '" +
                                   options.train.checkpoint + "'");
  }
  check_options(options.train, options.train.validation_split > 0);
}

// Scores a text in parts read side by side and files each prediction under how far back its token last stood. Only what
// the model has read counts: the part itself, from its beginning or the last mark (TrainOptions::reset_at).
class RecallByDistance {
 public:
  RecallByDistance(std::size_t batch, std::size_t vocabulary)
      : vocabulary_(vocabulary), seen_(batch * vocabulary), begin_(batch, 1) {}

  // From `position` on a part is another text.
  void begin(std::size_t part, std::uint32_t position) { begin_[part] = position; }
  // The token at `position` of a part; positions count from 1.
  void read(std::size_t part, Token token, std::uint32_t position) { seen_[part * vocabulary_ + token] = position; }

  void predict(std::size_t part, Token target, std::uint32_t position, bool hit) {
    const std::uint32_t last = seen_[part * vocabulary_ + target];
    if (last < begin_[part]) return;
    // Bucket k holds distances from 2^(k-1) + 1 to 2^k.
    const auto bucket = static_cast<std::size_t>(std::bit_width(position - last - 1));
    if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
    ++buckets_[bucket].n;
    buckets_[bucket].hits += hit;
  }

  std::vector<Recall> result() const {
    std::vector<Recall> out;
    for (std::size_t k = 0; k < buckets_.size(); ++k) {
      if (buckets_[k].n == 0) continue;
      const double share = static_cast<double>(buckets_[k].hits) / static_cast<double>(buckets_[k].n);
      out.push_back({std::size_t{1} << k, share, buckets_[k].n});
    }
    return out;
  }

 private:
  struct Bucket {
    std::uint64_t n = 0, hits = 0;
  };
  std::size_t vocabulary_;
  std::vector<std::uint32_t> seen_;   // [part, token] where the token last stood; 0: nowhere yet
  std::vector<std::uint32_t> begin_;  // [part] where the text began that is being read
  std::vector<Bucket> buckets_;
};

void measure_text(const Model& model, const Corpus& text, std::size_t threads, CellResult& result) {
  constexpr std::size_t kPart = 2048, kParts = 32, kSteps = 64;
  const std::size_t parts = std::clamp(text.tokens().size() / kPart, std::size_t{1}, kParts);
  Batches cut = Batches::parts(text.tokens(), parts, kSteps, text.name());
  cut.separate(mark_of(model.vocabulary(), model.reset_at()));
  const FlushDenormals flush;
  Team team(threads);
  Workspace workspace;
  const auto windows = windows_of(std::move(cut));
  const Batches& batches = windows->batches();
  State state = model.initial_state(batches.batch());
  RecallByDistance recall(batches.batch(), model.vocabulary().size());
  std::vector<float> nats;
  std::vector<std::uint32_t> rank;
  std::vector<std::size_t> rows;  // of the window, in the order of the text
  double sum = 0;
  for (std::size_t k = 0; k < batches.windows(); ++k) {
    const Window window = windows->fill(k, 0);
    rows.resize(window.targets.tokens.size());
    for (std::size_t row = 0; row < rows.size(); ++row) rows[windows->entry(row)] = row;
    nats.resize(rows.size());
    rank.resize(rows.size());
    network_of(model).score(window, windows->before(state, network_of(model)), nats, rank, workspace, team);
    windows->after(state);
    for (std::size_t entry = 0; entry < rows.size(); ++entry) {
      const std::size_t row = rows[entry], step = entry / batches.batch(), part = entry % batches.batch();
      if (!batches.counted(k, step, part)) continue;
      const auto position = static_cast<std::uint32_t>(k * kSteps + step + 1);
      if (batches.begins(k, step, part)) recall.begin(part, position);
      recall.read(part, window.inputs.tokens[row], position);
      recall.predict(part, window.targets.tokens[row], position + 1, rank[row] == 0);
      sum += static_cast<double>(nats[row]);
    }
  }
  result.nats_per_token = sum / static_cast<double>(batches.tokens());
  result.recall_by_distance = recall.result();
}

}  // namespace

std::size_t match_hidden(Config config, const std::string& cell, std::size_t vocabulary, std::size_t parameters) try {
  config = with_cell(std::move(config), cell);
  const auto count = [&](std::size_t hidden) {
    Config sized = config;
    sized.hidden = hidden;
    if (sized.tied) sized.embedding = hidden;
    return parameter_count(sized, vocabulary);
  };
  // The count grows with the hidden size: find the first that is not below, then compare it with the one before.
  std::size_t high = 1;
  while (count(high) < parameters) high *= 2;
  std::size_t low = high / 2;
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (count(middle) < parameters ? low : high) = middle;
  }
  return low > 0 && distance_of(count(low), parameters) < distance_of(count(high), parameters) ? low : high;
} catch (...) {
  rethrow_as_error("match_hidden");
}

double step_microseconds(const Model& model) try {
  constexpr std::size_t kWarm = 100, kSteps = 1001;
  using Clock = std::chrono::steady_clock;
  Stream stream(model);
  Random random(1);
  std::vector<double> microseconds;
  for (std::size_t i = 0; i < kWarm + kSteps; ++i) {
    const auto token = static_cast<Token>(random.below(model.vocabulary().size()));
    const Clock::time_point start = Clock::now();
    stream.step(token);
    const std::chrono::duration<double, std::micro> taken = Clock::now() - start;
    if (i >= kWarm) microseconds.push_back(taken.count());
  }
  const auto median = microseconds.begin() + kSteps / 2;
  std::nth_element(microseconds.begin(), median, microseconds.end());
  return *median;
} catch (...) {
  rethrow_as_error("step_microseconds");
}

std::vector<CompareRun> compare_runs(const CompareOptions& given, const CorpusForSeed& corpus, const Measure& measure,
                                     const CompareCallback& report, const MeasureThen& then) {
  CompareOptions options = given;
  // A stack of equal layers becomes the shorthand, in which the cell is changed.
  if (!options.config.stack.empty()) options.config = checked(options.config);
  check_compare(options);
  std::vector<CompareRun> runs;
  CompareProgress progress;
  progress.runs = options.cells.size() * options.seeds.size();
  for (const std::uint64_t seed : options.seeds) {
    const Corpus text = corpus(seed);
    const std::size_t vocabulary = text.vocabulary().size();
    const std::size_t parameters = parameter_count(with_cell(options.config, "gru"), vocabulary);
    for (const std::string& cell : options.cells) {
      Config config = with_cell(options.config, cell);
      config.hidden = options.match == Match::hidden ? options.config.hidden
                                                     : match_hidden(options.config, cell, vocabulary, parameters);
      if (config.tied) config.embedding = config.hidden;
      Model model(config, text.vocabulary(), seed);
      TrainOptions train_options = options.train;
      train_options.seed = seed;
      progress.cell = cell;
      progress.hidden = config.hidden;
      progress.seed = seed;
      ++progress.run;
      CellResult result;
      double measuring = 0;  // seconds
      const TrainResult trained = train(model, text, train_options, [&](const Report& now) {
        progress.report = now;
        const std::size_t done = result.recall_while_training.size();
        if (now.kind == Report::Kind::update && done < then.times &&
            now.update * (then.times + 1) >= now.updates * (done + 1)) {
          const Stopwatch clock;
          const Model copy = model;
          result.recall_while_training.push_back({now.update, now.updates, now.tokens, then.recall(copy, seed)});
          measuring += clock.seconds();
        }
        return !report || report(progress);
      });
      if (trained.stopped) return runs;
      result.cell = cell;
      result.seed = seed;
      result.hidden = config.hidden;
      result.parameters = model.parameter_count();
      result.seconds = trained.seconds - measuring;
      const auto tokens = static_cast<double>(trained.tokens);
      result.tokens_per_second =
          measuring > 0 ? tokens / (tokens / trained.tokens_per_second - measuring) : trained.tokens_per_second;
      result.step_microseconds = step_microseconds(model);
      measure(model, result);
      runs.push_back({std::move(result), std::move(model)});
    }
  }
  return runs;
}

std::vector<CompareRun> compare(const Corpus& corpus, const CompareOptions& options,
                                const CompareCallback& report) try {
  const std::size_t tokens = corpus.tokens().size(), held_out = tokens / 10;
  if (held_out < 2) {
    throw Error(Status::bad_file,
                corpus.name() + ": expected a text of at least 20 tokens, found " + std::to_string(tokens));
  }
  const Corpus training = corpus.slice(0, tokens - held_out), test = corpus.slice(tokens - held_out, tokens);
  return compare_runs(
      options, [&](std::uint64_t) { return training; },
      [&](const Model& model, CellResult& result) { measure_text(model, test, options.train.threads, result); },
      report);
} catch (...) {
  rethrow_as_error("compare");
}

}  // namespace sluice
