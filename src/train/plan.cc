#include "train/plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <span>

#include "base/threads.h"
#include "kernels/kernels.h"
#include "model/config.h"
#include "model/layout.h"
#include "model/model_access.h"
#include "model/network.h"
#include "train/optimizer.h"
#include "train/options.h"
#include "train/stopwatch.h"
#include "train/windows.h"

namespace sluice {
namespace {

// The rules. A row is for texts from so many tokens on.
struct Row {
  double tokens;
  std::size_t hidden, batch, steps;
  double rate, validation;
  double updates;  // where no time is given: for some five minutes for 1 MB on two cores, less for less
};
constexpr Row kCharacters[] = {
    // tokens, hidden, batch, steps, rate, validation, updates
    {0, 192, 4, 32, 3e-3, 0.1, 2000},        {20e3, 256, 8, 64, 4e-3, 0.1, 4000},
    {75e3, 256, 16, 64, 3e-3, 0.1, 4500},    {300e3, 384, 16, 100, 3e-3, 0.05, 6000},
    {800e3, 512, 32, 100, 2e-3, 0.05, 6000}, {5e6, 512, 32, 100, 2e-3, 0.02, 12000},
    {50e6, 768, 64, 100, 2e-3, 0.01, 12000},
};
constexpr Row kWords[] = {
    {0, 96, 4, 35, 3e-3, 0.1, 1500},       {20e3, 128, 8, 35, 3e-3, 0.1, 3000},
    {100e3, 192, 16, 35, 3e-3, 0.1, 4500}, {500e3, 256, 32, 35, 2e-3, 0.05, 6000},
    {3e6, 512, 32, 35, 2e-3, 0.02, 12000}, {50e6, 768, 64, 35, 2e-3, 0.01, 24000},
};
// The more often the text is read, the more keeps the network from learning it by heart: from so many passes on.
struct Passes {
  double passes, dropout, weight_dropout, weight_decay;
};
constexpr Passes kCharacterPasses[] = {{0, 0, 0, 0.01}, {3, 0.1, 0, 0.05}, {8, 0.3, 0.2, 0.1}, {25, 0.5, 0.3, 0.2}};
constexpr Passes kWordPasses[] = {{0, 0.2, 0, 0.01}, {3, 0.3, 0, 0.01}, {8, 0.5, 0.2, 0.05}, {30, 0.6, 0.3, 0.1}};
// A network is no larger than what as many tokens as this for each of its parameters can be trained in the time that is
// given.
constexpr double kTokensForAParameter = 8;
constexpr std::array<std::size_t, 8> kSizes = {96, 128, 192, 256, 384, 512, 768, 1024};
constexpr double kWarmupShare = 0.02, kMostWarmup = 500;
constexpr double kAverageShare = 0.03;  // of the updates, over which weights are averaged
constexpr double kMostAverage = 0.999;
constexpr double kTokensOfAStream = 1000;  // of the text that is validated on, at least
constexpr double kMostStreams = 32;
constexpr double kLeastUpdates = 200, kMostUpdates = 1e6;

template <class T, class Member>
const T& row_for(std::span<const T> rows, double value, Member from) {
  const auto after = std::ranges::find_if(rows, [&](const T& row) { return value < row.*from; });
  return after == rows.begin() ? rows.front() : *std::prev(after);
}

std::uint64_t parameters_of(const Config& config, std::size_t vocabulary) {
  std::uint64_t all = 0;
  for (const Shape& shape : tensors_of(config, vocabulary)) all += shape.size();
  return all;
}

// Weights that a row of a window is multiplied by. What the first layer makes of a token it makes once a window.
double weights_of_row(const Config& config, std::size_t vocabulary, double rows) {
  double all = 0;
  for (const Shape& shape : tensors_of(config, vocabulary)) {
    if (shape.role == TensorRole::embedding && !config.tied) continue;
    const bool once = shape.role == TensorRole::input && shape.layer == 0;
    all += static_cast<double>(shape.size()) * (once ? std::min(1., static_cast<double>(vocabulary) / rows) : 1);
  }
  return all;
}

// Rounded to two digits, as a person would.
std::uint64_t round_number(double x) {
  const double unit = std::pow(10, std::max(0., std::floor(std::log10(std::max(1., x))) - 1));
  return static_cast<std::uint64_t>(std::max(1., std::round(x / unit) * unit));
}

}  // namespace

double work_of_update(const Config& config, std::size_t vocabulary, const TrainOptions& options) {
  const double rows = static_cast<double>(options.batch) * static_cast<double>(options.steps);
  return 3 * rows * weights_of_row(config, vocabulary, rows);
}

Plan plan_for(const TextKind& text, const Choices& given, double seconds, double speed) {
  const bool characters = text.level == Level::character;
  const auto tokens = static_cast<double>(text.tokens);
  const Row& row =
      row_for(characters ? std::span<const Row>(kCharacters) : std::span<const Row>(kWords), tokens, &Row::tokens);
  Plan plan;
  Config& config = plan.config;
  TrainOptions& o = plan.train;
  config.cell = "gru";
  config.layers = 1;
  config.hidden = row.hidden;
  config.tied = !characters;
  o.optimizer = Optimizer::adamw;
  o.schedule = Schedule::trapezoid;
  o.batch = row.batch;
  o.steps = row.steps;
  o.learning_rate = row.rate;
  o.validation_split = text.validation_tokens > 0 ? 0 : row.validation;
  o.calibrate_temperature = characters;

  // With what was given, how long it is.
  Plan drawn = plan;
  given.apply(drawn.config, drawn.train);
  const bool clock = drawn.train.minutes > 0;
  if (clock && !given.has("precision") && dot_instructions().bf16) o.precision = Precision::bf16;
  // What is given costs as much in all as what stands in the table.
  const double planned = row.updates * work_of_update(config, text.vocabulary, o);
  const double work = speed > 0 ? seconds * speed : planned;
  if (clock && !given.has("hidden")) {
    for (const std::size_t size : kSizes) {
      if (size > row.hidden) break;
      config.hidden = size;
      drawn = plan;
      given.apply(drawn.config, drawn.train);
      const double work_of_token = work_of_update(drawn.config, text.vocabulary, drawn.train) /
                                   static_cast<double>(drawn.train.batch * drawn.train.steps);
      const auto weights = static_cast<double>(parameters_of(drawn.config, text.vocabulary));
      if (size > kSizes.front() && work < kTokensForAParameter * weights * work_of_token) {
        config.hidden = *std::prev(std::ranges::find(kSizes, size));
        break;
      }
    }
    drawn = plan;
    given.apply(drawn.config, drawn.train);
  }
  const double validated = text.validation_tokens > 0 ? 0 : tokens * drawn.train.validation_split;
  const double trained = std::max(1., tokens - validated);
  const double rows = static_cast<double>(drawn.train.batch) * static_cast<double>(drawn.train.steps);
  const double each = work_of_update(drawn.config, text.vocabulary, drawn.train);
  double updates = std::clamp(work / each, kLeastUpdates, kMostUpdates);
  if (drawn.train.updates > 0) {
    updates = static_cast<double>(drawn.train.updates);
  } else if (given.has("epochs")) {
    updates = std::max(1., std::round(static_cast<double>(drawn.train.epochs) * trained / rows));
  } else if (!clock) {
    updates = static_cast<double>(o.updates = round_number(updates));
  }
  const double times = updates * rows / trained;
  const Passes& passes =
      row_for(characters ? std::span<const Passes>(kCharacterPasses) : std::span<const Passes>(kWordPasses), times,
              &Passes::passes);
  config.dropout = passes.dropout;
  config.weight_dropout = passes.weight_dropout;
  o.weight_decay = passes.weight_decay;
  o.warmup = static_cast<std::uint64_t>(std::min(kMostWarmup, kWarmupShare * updates));
  o.ema_decay = std::round(1e4 * std::clamp(1 - 1 / (kAverageShare * updates), 0., kMostAverage)) / 1e4;
  const double held_out = validated > 0 ? validated : static_cast<double>(text.validation_tokens);
  o.validation_streams = static_cast<std::uint64_t>(std::clamp(held_out / kTokensOfAStream, 1., kMostStreams));
  given.apply(config, o);
  return plan_of(std::move(config), std::move(o), text, updates);
}

Plan plan_of(Config config, TrainOptions o, const TextKind& text, double updates) {
  Plan plan;
  const double validated = text.validation_tokens > 0 ? 0 : static_cast<double>(text.tokens) * o.validation_split;
  const double trained = std::max(1., static_cast<double>(text.tokens) - validated);
  const double rows = static_cast<double>(o.batch) * static_cast<double>(o.steps);
  if (updates == 0) {
    updates =
        o.updates > 0 ? static_cast<double>(o.updates) : std::ceil(trained / rows) * static_cast<double>(o.epochs);
  }
  plan.updates = static_cast<std::uint64_t>(updates);
  plan.passes = updates * rows / trained;
  plan.parameters = parameters_of(config, text.vocabulary);
  plan.work = updates * work_of_update(config, text.vocabulary, o);
  const double moments = o.optimizer == Optimizer::sgd ? 1 : 2, averages = o.ema_decay > 0 ? 2 : 0;
  // Weights, packed ones, gradients, the best ones, and those of the last good point; and a window's tape, of about
  // five numbers a unit.
  const double floats = static_cast<double>(plan.parameters) * (5 + 2 * moments + averages);
  double units = 0;
  for (const LayerConfig& layer : layers_of(config)) units += 5 * static_cast<double>(layer.units);
  plan.bytes = static_cast<std::uint64_t>(4 * (floats + rows * units));
  plan.config = std::move(config);
  plan.train = std::move(o);
  return plan;
}

Plan plan_for(const Corpus& corpus, const TextKind& text, const Choices& given, double seconds_left) {
  constexpr double kTrainingShare = 0.9;  // of the time; the rest is for what comes before and after
  constexpr double kMeasured = 0.02, kMostSeconds = 1;
  const double seconds = kTrainingShare * std::max(0., seconds_left);
  const Plan plan = plan_for(text, given, seconds);
  if (plan.train.minutes == 0) return plan;
  const double measured = std::min(kMostSeconds, kMeasured * seconds);
  return plan_for(text, given, seconds, measured_speed(corpus, plan.config, plan.train, measured));
}

std::set<std::string> decided_by_text() {
  std::set<std::string> names;
  for (const Level level : {Level::word, Level::character}) {
    std::map<std::string, std::string> first;
    for (const std::size_t tokens : {std::size_t{10000}, std::size_t{1000000}, std::size_t{100000000}}) {
      const Plan plan = plan_for({level, tokens, 100}, {});
      const auto look = [&](const char* name, const auto& value) {
        const auto [found, is_new] = first.try_emplace(name, field_text(value));
        if (!is_new && found->second != field_text(value)) names.insert(name);
      };
      visit_config(plan.config, [&](const char* name, const auto& value, const char*) { look(name, value); });
      visit_training(plan.train, [&](const Field& field, const auto& value, Effect) { look(field.name, value); });
    }
  }
  return names;
}

double measured_speed(const Corpus& corpus, const Config& config, const TrainOptions& options, double seconds) {
  constexpr std::uint64_t kFirst = 2;  // updates, in which memory is taken
  const FlushDenormals flush;
  Team team(options.threads);
  Model model(config, corpus.vocabulary(), options.seed);
  Network& network = network_of(model);
  network.set_format(options.precision == Precision::bf16 ? Format::bf16 : Format::f32, team);
  StreamWindows windows(Batches(corpus.tokens(), options.batch, options.steps, corpus.name()));
  std::vector<Parameters> moments = fresh_moments(options, network.parameters());
  Gradients gradients(network.parameters());
  Workspace workspace;
  State state = network.initial_state(windows.batch());
  double rows = 0, passed = 0;
  Stopwatch clock;
  for (std::uint64_t update = 0; update <= kFirst || passed < seconds; ++update) {
    if (update == kFirst) {
      clock = Stopwatch();
      rows = 0;
    }
    const Window window = windows.fill(update % windows.count(), 0);
    network.train(window, {options.seed, update}, windows.before(state, network), gradients, workspace, team);
    const double norm = global_norm(gradients, team);
    apply_update(options, update, 0, norm > 1 ? 1 / norm : 1, gradients, moments, network.parameters(), team);
    network.pack(team);
    rows += static_cast<double>(window.steps * window.batch);
    if (update >= kFirst) passed = clock.seconds();
  }
  network.set_format(Format::f32, team);
  const double each = static_cast<double>(options.batch) * static_cast<double>(options.steps);
  return rows / each * work_of_update(config, corpus.vocabulary().size(), options) / passed;
}

}  // namespace sluice
