// Networks of parts drawn at random, on sequences of different lengths: against a composition of the reference's layers
// in double and its central differences, and bit for bit against each sequence alone.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <numbers>

#include "kernels/samples.h"
#include "model/layout.h"
#include "model/network.h"
#include "model/network_samples.h"

namespace sluice::parts_test {
namespace {

using reference::Numbers;

struct Drawn {
  Config config;
  std::size_t vocabulary = 0;
  std::vector<std::uint32_t> lengths;  // the longest first
  std::vector<Token> tokens;           // [N], packed
  std::vector<Token> words;            // [N], packed, where words are spelt
  Spellings spellings;
  std::vector<float> x;        // [N, I], packed
  std::vector<Token> classes;  // of each row of targets
  std::vector<float> numbers;  // [rows, O]

  std::size_t batch() const { return lengths.size(); }
  std::size_t steps() const { return lengths.front(); }
  bool whole() const { return config.head.at != "steps"; }
  bool of_classes() const { return config.head.loss == "softmax"; }

  // Row of step t of sequence b.
  std::size_t row(std::size_t t, std::size_t b) const {
    std::size_t before = 0;
    for (std::size_t s = 0; s < t; ++s) before += active(s);
    return before + b;
  }
  std::size_t active(std::size_t t) const {
    return static_cast<std::size_t>(std::ranges::count_if(lengths, [t](std::uint32_t length) { return length > t; }));
  }
  std::size_t rows() const { return row(steps(), 0); }

  Window window() const {
    Window w;
    w.inputs = config.inputs > 0 ? Rows(x) : Rows(tokens);
    w.words = words;
    w.spellings = &spellings;
    w.targets = of_classes() ? Rows(classes) : Rows(numbers);
    w.steps = steps();
    w.batch = batch();
    w.lengths = lengths;
    w.begins = true;
    return w;
  }
};

template <class T>
T one_of(Random& random, std::initializer_list<T> all) {
  return *(all.begin() + random.below(all.size()));
}

LayerConfig draw_layer(Random& random, bool recurrent) {
  LayerConfig layer;
  layer.units = 1 + random.below(20);
  if (!recurrent) {
    layer.kind = "dense";
    layer.activation = one_of<std::string>(random, {"none", "tanh", "sigmoid", "elu"});
    return layer;
  }
  const std::vector<test::CellName> cells = test::every_cell();
  const test::CellName& cell = cells[random.below(cells.size())];
  layer.cell = cell.cell;
  layer.activation = cell.activation == "relu" ? "tanh" : cell.activation;  // a kink has no slope to compare
  layer.direction = one_of<std::string>(random, {"forward", "backward", "both", "sum"});
  layer.initial_state = one_of<std::string>(random, {"zero", "learned"});
  return layer;
}

void draw_spelling(Random& random, Drawn& d) {
  SpellingConfig& spelling = d.config.spelling;
  spelling.characters = 1 + random.below(5);
  spelling.embedding = 1 + random.below(20);
  spelling.units = 1 + random.below(20);
  spelling.cell = cells()[random.below(cells().size())].name;
  const std::size_t words = 1 + random.below(8);
  const std::size_t longest = 1 + random.below(3) * random.below(6);  // often all alike
  for (std::size_t w = 0; w < words; ++w) {
    const std::size_t length = 1 + random.below(longest);
    for (std::size_t i = 0; i < length; ++i) {
      d.spellings.characters.push_back(static_cast<std::uint32_t>(random.below(spelling.characters)));
    }
    d.spellings.starts.push_back(d.spellings.characters.size());
  }
}

void draw_targets(Random& random, Drawn& d) {
  const std::size_t rows = d.whole() ? d.batch() : d.rows();
  for (std::size_t i = 0; i < rows; ++i) {
    const bool ignored = i > 0 && random.below(5) == 0;
    d.classes.push_back(ignored ? kIgnoredLabel : static_cast<Token>(random.below(d.config.outputs)));
    for (std::size_t o = 0; o < d.config.outputs; ++o) {
      const bool label = d.config.head.loss == "multilabel", count = d.config.head.loss == "poisson";
      d.numbers.push_back(static_cast<float>(label   ? static_cast<double>(random.below(2))
                                             : count ? static_cast<double>(random.below(9))
                                                     : 2 * random.uniform() - 1));
      if (!label && (i > 0 || o > 0) && random.below(5) == 0) d.numbers.back() = std::nanf("");
    }
  }
}

Drawn draw(std::uint64_t seed) {
  Random random(seed);
  Drawn d;
  const std::size_t layers = 1 + random.below(3);
  const std::size_t recurrent = random.below(layers);
  for (std::size_t l = 0; l < layers; ++l) {
    d.config.stack.push_back(draw_layer(random, l == recurrent || random.below(3) > 0));
  }
  if (random.below(2) == 0) {
    d.config.inputs = 1 + random.below(9);
  } else {
    d.vocabulary = 2 + random.below(6);
    d.config.embedding = 1 + random.below(9);
    if (random.below(2) == 0) draw_spelling(random, d);
  }
  d.config.outputs = 1 + random.below(5);
  HeadConfig& head = d.config.head;
  head.loss = one_of<std::string>(
      random, {"softmax", "squared", "absolute", "huber", "quantiles", "normal", "poisson", "multilabel"});
  head.at = one_of<std::string>(random, {"steps", "last", "mean", "max"});
  if (head.at == "last" && d.config.stack.back().direction == "sum") head.at = "mean";
  if (head.loss == "quantiles") head.quantiles = {0.1, 0.5, 0.9};
  if (head.loss == "huber") head.huber_delta = 0.5;
  if (head.loss == "softmax" && random.below(2) == 0) head.label_smoothing = 0.1;
  if (head.loss == "softmax" && random.below(2) == 0) {
    for (std::size_t o = 0; o < d.config.outputs; ++o) head.class_weights.push_back(0.5 + random.uniform());
  }

  if (d.config.inputs > 0 && random.below(2) == 0) {
    for (std::size_t i = 0; i < d.config.inputs; ++i) {
      d.config.scaling.mean.push_back(2 * random.uniform() - 1);
      d.config.scaling.deviation.push_back(0.3 + random.uniform());
    }
  }
  const bool numbers = head.loss != "softmax" && head.loss != "multilabel" && head.loss != "poisson";
  if (d.config.inputs > 0 && numbers && (head.at == "steps" || head.at == "last") && random.below(2) == 0) {
    for (std::size_t o = 0; o < d.config.outputs; ++o) {
      head.residual.push_back(static_cast<double>(random.below(d.config.inputs)));
    }
  }

  const std::size_t batch = 1 + random.below(6);
  const std::size_t kind = random.below(3);  // drawn evenly; all alike; all but one of length 1
  for (std::size_t b = 0; b < batch; ++b) {
    const std::size_t alike = 7, one = b == 0 ? 9 : 1;
    d.lengths.push_back(static_cast<std::uint32_t>(kind == 0 ? 1 + random.below(12) : kind == 1 ? alike : one));
  }
  std::ranges::sort(d.lengths, std::greater<>());
  for (std::size_t r = 0; r < d.rows(); ++r) {
    d.tokens.push_back(static_cast<Token>(random.below(std::max<std::size_t>(1, d.vocabulary))));
    d.words.push_back(static_cast<Token>(random.below(std::max<std::size_t>(1, d.spellings.size()))));
    for (std::size_t i = 0; i < d.config.inputs; ++i) d.x.push_back(static_cast<float>(2 * random.uniform() - 1));
  }
  draw_targets(random, d);
  return d;
}

// ---- The reference: one sequence at a time, in double. ----

class Composed {
 public:
  Composed(const Drawn& drawn, const Network& network)
      : drawn_(drawn), layers_(layers_of(network.config())), shapes_(network.parameters().shapes()) {
    for (std::size_t i = 0; i < shapes_.size(); ++i) {
      const std::span<const float> values = network.parameters()[i];
      tensors.emplace_back(values.begin(), values.end());
    }
  }

  // The mean loss of what counts.
  double loss() const {
    double sum = 0, weights = 0;
    for (std::size_t b = 0; b < drawn_.batch(); ++b) {
      const std::vector<Numbers> rows = head_rows(b);
      for (std::size_t t = 0; t < rows.size(); ++t) {
        const std::size_t target = drawn_.whole() ? b : drawn_.row(t, b);
        const double weight = weight_of(target);
        if (weight == 0) continue;
        Numbers y = outputs(rows[t]);
        add_residual(drawn_.row(drawn_.whole() ? drawn_.lengths[b] - 1 : t, b), y);
        sum += (drawn_.of_classes() ? weight : 1) * row_loss(y, target);
        weights += weight;
      }
    }
    return sum / weights;
  }

  std::vector<Numbers> tensors;  // as in the list of shapes

 private:
  const Numbers& named(const std::string& name) const {
    for (std::size_t i = 0; i < shapes_.size(); ++i) {
      if (shapes_[i].name == name) return tensors[i];
    }
    throw std::runtime_error(name);
  }

  std::vector<Numbers> inputs(std::size_t b) const {
    std::vector<Numbers> rows;
    for (std::size_t t = 0; t < drawn_.lengths[b]; ++t) {
      const std::size_t r = drawn_.row(t, b);
      const std::size_t width = drawn_.config.inputs > 0 ? drawn_.config.inputs : drawn_.config.embedding;
      if (drawn_.config.inputs > 0) {
        rows.emplace_back(drawn_.x.begin() + std::ptrdiff_t(r * width),
                          drawn_.x.begin() + std::ptrdiff_t((r + 1) * width));
        const ScalingConfig& scaling = drawn_.config.scaling;
        for (std::size_t i = 0; i < scaling.mean.size(); ++i) {
          rows.back()[i] = (rows.back()[i] - scaling.mean[i]) / scaling.deviation[i];
        }
      } else {
        const double* e = &named("embedding.weight")[drawn_.tokens[r] * width];
        rows.emplace_back(e, e + width);
        if (drawn_.config.spelling.characters > 0) spell(drawn_.words[r], rows.back());
      }
    }
    return rows;
  }

  // Adds what stands for a word: what each direction ends with.
  void spell(std::size_t word, Numbers& row) const {
    const SpellingConfig& spelling = drawn_.config.spelling;
    const Numbers& table = named("characters.weight");
    std::vector<Numbers> characters;
    for (const std::uint32_t character : drawn_.spellings.of(word)) {
      const double* e = &table[character * spelling.embedding];
      characters.emplace_back(e, e + spelling.embedding);
    }
    const LayerConfig layer = spelling_layer(spelling);
    const Numbers ahead = recur(layer, "spelling", "_l0", false, characters).back();
    const Numbers back = recur(layer, "spelling", "_l0_reverse", true, characters).front();
    row.insert(row.end(), ahead.begin(), ahead.end());
    row.insert(row.end(), back.begin(), back.end());
  }

  std::vector<Numbers> recur(const LayerConfig& config, std::size_t place, bool reverse,
                             std::vector<Numbers> rows) const {
    return recur(config, "rnn", "_l" + std::to_string(place) + (reverse ? "_reverse" : ""), reverse, std::move(rows));
  }

  std::vector<Numbers> recur(const LayerConfig& config, const std::string& prefix, const std::string& suffix,
                             bool reverse, std::vector<Numbers> rows) const {
    const bool own = reference::rows_of(config.cell, config.activation).own_bias;
    const reference::Layer layer = {config.cell,
                                    config.activation,
                                    rows[0].size(),
                                    config.units,
                                    named(prefix + ".weight_ih" + suffix),
                                    named(prefix + ".weight_hh" + suffix),
                                    named(prefix + ".bias" + suffix),
                                    own ? named(prefix + ".bias_hn" + suffix) : Numbers()};
    if (reverse) std::ranges::reverse(rows);
    Numbers x;
    for (const Numbers& row : rows) x.insert(x.end(), row.begin(), row.end());
    const std::size_t states = reference::rows_of(config.cell, config.activation).states;
    Numbers initial(states * config.units, 0.0);
    if (config.initial_state == "learned") initial = named(prefix + ".initial" + suffix);
    const reference::LayerRun run = reference::forward(layer, rows.size(), 1, std::move(x), std::move(initial));
    std::vector<Numbers> out;
    for (std::size_t t = 1; t <= rows.size(); ++t) {
      const double* h = &run.states[t * states * config.units];
      out.emplace_back(h, h + config.units);
    }
    if (reverse) std::ranges::reverse(out);
    return out;
  }

  static double activated(const std::string& f, double x) {
    if (f == "tanh") return std::tanh(x);
    if (f == "sigmoid") return 1 / (1 + std::exp(-x));
    if (f == "elu") return x > 0 ? x : std::exp(x) - 1;
    return x;
  }

  static Numbers affine(const Numbers& w, const Numbers& b, const Numbers& x) {
    Numbers y = b;
    for (std::size_t o = 0; o < y.size(); ++o) {
      for (std::size_t i = 0; i < x.size(); ++i) y[o] += w[o * x.size() + i] * x[i];
    }
    return y;
  }

  std::vector<Numbers> apply(std::size_t place, const std::vector<Numbers>& rows) const {
    const LayerConfig& config = layers_[place];
    if (config.kind == "dense") {
      std::vector<Numbers> out;
      const std::string suffix = "_l" + std::to_string(place);
      for (const Numbers& row : rows) {
        out.push_back(affine(named("dense.weight" + suffix), named("dense.bias" + suffix), row));
        for (double& y : out.back()) y = activated(config.activation, y);
      }
      return out;
    }
    if (config.direction == "forward" || config.direction == "backward") {
      return recur(config, place, config.direction == "backward", rows);
    }
    std::vector<Numbers> ahead = recur(config, place, false, rows);
    const std::vector<Numbers> back = recur(config, place, true, rows);
    for (std::size_t t = 0; t < rows.size(); ++t) {
      for (std::size_t u = 0; u < config.units; ++u) {
        if (config.direction == "both") ahead[t].push_back(back[t][u]);
        if (config.direction == "sum") ahead[t][u] += back[t][u];
      }
    }
    return ahead;
  }

  // What the head reads of a sequence.
  std::vector<Numbers> head_rows(std::size_t b) const {
    std::vector<Numbers> rows = inputs(b);
    for (std::size_t l = 0; l < layers_.size(); ++l) rows = apply(l, rows);
    const std::string& at = drawn_.config.head.at;
    if (at == "steps") return rows;
    Numbers one = rows.back();
    const LayerConfig& top = layers_.back();
    const std::size_t turned = top.kind == "dense" || top.direction == "forward" ? one.size()
                               : top.direction == "both"                         ? top.units
                                                                                 : 0;
    for (std::size_t u = 0; u < one.size(); ++u) {
      if (at == "last" && u >= turned) one[u] = rows.front()[u];
      if (at == "last") continue;
      one[u] = at == "mean" ? 0 : rows[0][u];
      for (const Numbers& row : rows) {
        one[u] = at == "mean" ? one[u] + row[u] / static_cast<double>(rows.size()) : std::max(one[u], row[u]);
      }
    }
    return {one};
  }

  Numbers outputs(const Numbers& row) const { return affine(named("head.weight"), named("head.bias"), row); }

  void add_residual(std::size_t row, Numbers& y) const {
    const std::vector<double>& residual = drawn_.config.head.residual;
    const std::size_t each = y.size() / drawn_.config.outputs;
    for (std::size_t o = 0; o < residual.size(); ++o) {
      const float x = drawn_.x[row * drawn_.config.inputs + static_cast<std::size_t>(residual[o])];
      for (std::size_t k = 0; k < (drawn_.config.head.loss == "normal" ? 1 : each); ++k) {
        y[o * each + k] += static_cast<double>(x);
      }
    }
  }

  double weight_of(std::size_t target) const {
    if (!drawn_.of_classes()) {  // the share of the numbers that are there
      const std::size_t O = drawn_.config.outputs;
      double there = 0;
      for (std::size_t o = 0; o < O; ++o) there += std::isnan(drawn_.numbers[target * O + o]) ? 0 : 1;
      return there / static_cast<double>(O);
    }
    const Token c = drawn_.classes[target];
    if (c == kIgnoredLabel) return 0;
    return drawn_.config.head.class_weights.empty() ? 1 : drawn_.config.head.class_weights[c];
  }

  double row_loss(const Numbers& y, std::size_t target) const {
    const HeadConfig& head = drawn_.config.head;
    const std::size_t O = drawn_.config.outputs;
    const auto wanted = [&](std::size_t o) { return static_cast<double>(drawn_.numbers[target * O + o]); };
    const double n = static_cast<double>(O);
    double loss = 0;
    if (head.loss == "softmax") {
      double sum = 0;
      for (const double a : y) sum += std::exp(a);
      for (std::size_t o = 0; o < O; ++o) {
        const double q = (o == drawn_.classes[target] ? 1 - head.label_smoothing : 0) + head.label_smoothing / n;
        loss -= q * (y[o] - std::log(sum));
      }
      return loss;
    }
    for (std::size_t o = 0; o < O; ++o) {
      if (std::isnan(wanted(o))) continue;
      if (head.loss == "quantiles") {
        for (std::size_t k = 0; k < head.quantiles.size(); ++k) {
          const double e = wanted(o) - y[o * head.quantiles.size() + k], q = head.quantiles[k];
          loss += std::max(q * e, (q - 1) * e) / (n * static_cast<double>(head.quantiles.size()));
        }
      } else if (head.loss == "normal") {
        const double s = y[2 * o + 1], e = (wanted(o) - y[2 * o]) / std::exp(s);
        loss += (s + e * e / 2 + std::log(2 * std::numbers::pi) / 2) / n;
      } else if (head.loss == "poisson") {
        double factorial = 1;
        for (int k = 2; k <= static_cast<int>(wanted(o)); ++k) factorial *= k;
        loss -= std::log(std::pow(std::exp(y[o]), wanted(o)) * std::exp(-std::exp(y[o])) / factorial) / n;
      } else if (head.loss == "multilabel") {
        loss += std::log1p(std::exp(y[o])) - wanted(o) * y[o];
      } else {
        const double e = std::abs(y[o] - wanted(o));
        const double huber = e <= head.huber_delta ? e * e / 2 : head.huber_delta * (e - head.huber_delta / 2);
        loss += (head.loss == "squared" ? e * e : head.loss == "absolute" ? e : huber) / n;
      }
    }
    return loss;
  }

  const Drawn& drawn_;
  std::vector<LayerConfig> layers_;
  std::vector<Shape> shapes_;
};

Network network_of(const Drawn& d, std::uint64_t seed) {
  Network network(d.config, d.vocabulary, seed);
  Random random(seed + 1);
  for (std::size_t i = 0; i < network.parameters().shapes().size(); ++i) {
    for (float& v : network.parameters()[i]) v = static_cast<float>(1.2 * random.uniform() - 0.6);
  }
  Team alone(1);
  network.pack(alone);
  return network;
}

struct Pass {
  double loss = 0;
  Gradients gradients;
  State state;
};

Pass train(const Network& network, const Drawn& d, std::size_t threads) {
  Team team(threads);
  Workspace workspace;
  Pass out{0, Gradients(network.parameters()), network.initial_state(d.batch())};
  for (std::size_t i = 0; i < out.gradients.shapes().size(); ++i) std::ranges::fill(out.gradients[i], 77.f);
  out.loss = network.train(d.window(), {}, out.state, out.gradients, workspace, team);
  return out;
}

TEST(Parts, LossAndGradientsAreTheReferences) {
  EXPECT_TRUE(rc::check("loss and gradients", [](std::uint64_t seed) {
    const Drawn d = draw(seed);
    const Network network = network_of(d, seed);
    const Pass found = train(network, d, 2);
    Composed reference(d, network);
    const double loss = reference.loss();
    if (std::abs(found.loss - loss) > 1e-5 * std::max(1.0, std::abs(loss))) {
      RC_LOG() << ("loss: expected " + std::to_string(loss) + ", found " + std::to_string(found.loss) + " (" +
                   d.config.head.loss + " at " + d.config.head.at + ")");
      RC_FAIL("differs from the reference");
    }

    Random random(seed);
    constexpr double kStep = 1e-5;
    for (std::size_t i = 0; i < reference.tensors.size(); ++i) {
      for (int sample = 0; sample < 4; ++sample) {
        const std::size_t at = random.below(reference.tensors[i].size());
        const double kept = reference.tensors[i][at];
        double sides[2];
        for (int side = 0; side < 2; ++side) {
          reference.tensors[i][at] = kept + (side == 0 ? -kStep : kStep);
          sides[side] = reference.loss();
        }
        reference.tensors[i][at] = kept;
        const double slope = (sides[1] - sides[0]) / (2 * kStep);
        // Where |e| or a maximum turns between the two sides, there is no slope to compare.
        const double middle = std::abs(sides[0] + sides[1] - 2 * loss);
        if (middle > 1e-8) continue;
        const double got = static_cast<double>(found.gradients[i][at]);
        if (std::abs(got - slope) > 2e-4 * std::max(1.0, std::abs(slope))) {
          RC_LOG() << (network.parameters().shapes()[i].name + "[" + std::to_string(at) + "]: expected " +
                       std::to_string(slope) + ", found " + std::to_string(got) + " (" + d.config.head.loss + " at " +
                       d.config.head.at + ")");
          RC_FAIL("differs from the reference");
        }
      }
    }
  }));
}

TEST(Parts, HaveTheSameBitsOnAnyNumberOfThreads) {
  EXPECT_TRUE(rc::check("threads", [](std::uint64_t seed) {
    const Drawn d = draw(seed);
    const Network network = network_of(d, seed);
    const Pass one = train(network, d, 1), three = train(network, d, 3);
    RC_ASSERT(std::memcmp(&one.loss, &three.loss, sizeof one.loss) == 0);
    RC_ASSERT(test::same_bits(one.gradients.all(), three.gradients.all()));
    RC_ASSERT(test::same_bits(one.state.values(), three.state.values()));
  }));
}

TEST(Parts, GiveASequenceInABatchTheBitsItHasAlone) {
  for (const Format format : {Format::f32, Format::bf16, Format::int8}) {
    EXPECT_TRUE(rc::check("alone", [format](std::uint64_t seed) {
      const Drawn d = draw(seed);
      Network network = network_of(d, seed);
      Team team(2), alone(1);
      network.set_format(format, alone);
      Workspace workspace, other;
      State state = network.initial_state(d.batch());
      const std::size_t width = network.outputs();
      std::vector<float> together((d.whole() ? d.batch() : d.rows()) * width);
      network.predict(d.window(), state, together, workspace, team);
      for (std::size_t b = 0; b < d.batch(); ++b) {
        std::vector<Token> tokens, words;
        std::vector<float> x;
        for (std::size_t t = 0; t < d.lengths[b]; ++t) {
          const std::size_t r = d.row(t, b), i = d.config.inputs;
          tokens.push_back(d.tokens[r]);
          words.push_back(d.words[r]);
          x.insert(x.end(), d.x.begin() + std::ptrdiff_t(r * i), d.x.begin() + std::ptrdiff_t((r + 1) * i));
        }
        Window window;
        window.inputs = d.config.inputs > 0 ? Rows(x) : Rows(tokens);
        window.words = words;
        window.spellings = &d.spellings;
        window.steps = d.lengths[b];
        window.batch = 1;
        State own = network.initial_state(1);
        std::vector<float> y((d.whole() ? 1 : d.lengths[b]) * width);
        network.predict(window, own, y, other, alone);
        for (std::size_t t = 0; t < y.size() / width; ++t) {
          const std::size_t row = d.whole() ? b : d.row(t, b);
          RC_ASSERT(test::same_bits(std::span<const float>(y).subspan(t * width, width),
                                    std::span<const float>(together).subspan(row * width, width)));
        }
        for (std::size_t l = 0; l < own.layers(); ++l) {
          const std::size_t hidden = own.shape(l).hidden;
          for (std::size_t s = 0; s < own.shape(l).states; ++s) {
            RC_ASSERT(
                test::same_bits(own.of(l, s), std::span<const float>(state.of(l, s)).subspan(b * hidden, hidden)));
          }
        }
      }
    }));
  }
}

// Layers that are all alike are said in few words, but not where these have no word for what they are.
TEST(Parts, AStackOfEqualLayersKeepsWhatTheyAre) {
  LayerConfig layer;
  layer.units = 5;
  for (const std::size_t layers : {1u, 2u}) {
    Config config = {.inputs = 2, .outputs = 1, .stack = std::vector<LayerConfig>(layers, layer)};
    EXPECT_TRUE(Network(config, 0).config().stack.empty());
    for (LayerConfig& each : config.stack) each.initial_state = "learned";
    EXPECT_EQ(Network(config, 0).config().stack, config.stack);
    EXPECT_TRUE(Network(config, 0).learns_initial_state());
  }
}

TEST(Parts, LengthsThatDoNotFitAreRefused) {
  Drawn d = draw(3);
  const Network network = network_of(d, 3);
  Team alone(1);
  Workspace workspace;
  State state = network.initial_state(d.batch());
  for (const std::vector<std::uint32_t>& wrong : {std::vector<std::uint32_t>{}, {1, 2}, {0}}) {
    Window window = d.window();
    std::vector<std::uint32_t> lengths(wrong);
    if (lengths.empty()) lengths.assign(d.batch() + 1, static_cast<std::uint32_t>(d.steps()));
    window.lengths = lengths;
    std::vector<float> y(1000);
    EXPECT_THROW(network.predict(window, state, y, workspace, alone), Error);
  }
}

}  // namespace
}  // namespace sluice::parts_test
