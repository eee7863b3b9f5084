// Baselines, and what they reach on published data.
#include "data/baselines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random.h"
#include "data/forecast_baselines.h"
#include "data/missing.h"
#include "data/notes.h"
#include "data/reader.h"
#include "data/sources.h"
#include "data/table.h"

namespace sluice::baselines_test {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

Sequences sequences(std::vector<std::vector<float>> values, std::vector<std::uint32_t> labels, std::size_t inputs = 1) {
  Sequences all;
  all.inputs = inputs;
  all.labels = std::move(labels);
  for (const auto& sequence : values) {
    all.values.insert(all.values.end(), sequence.begin(), sequence.end());
    all.starts.push_back(all.values.size() / inputs);
  }
  return all;
}

// Texts of letters, which are tokens, each with its class.
Sequences texts(const std::vector<std::pair<std::string, std::uint32_t>>& all) {
  Sequences made;
  made.classes = {"x", "y", "z"};
  for (const auto& [text, label] : all) {
    for (const char c : text) made.tokens.push_back(static_cast<Token>(c));
    made.starts.push_back(made.tokens.size());
    made.labels.push_back(label);
  }
  return made;
}

// The same from the strings themselves: "^ab$" and all that stands in it.
std::uint32_t bayes_of(const std::vector<std::pair<std::string, std::uint32_t>>& train, const std::string& text,
                       std::size_t order) {
  const auto ngrams = [&](const std::string& one) {
    const std::string whole = "^" + one + "$";
    std::vector<std::string> all;
    for (std::size_t n = 1; n <= order; ++n) {
      for (std::size_t i = 0; i + n <= whole.size(); ++i) all.push_back(whole.substr(i, n));
    }
    return all;
  };
  std::map<std::string, std::map<std::uint32_t, double>> counts;
  std::map<std::uint32_t, double> sums, prior;
  for (const auto& [one, label] : train) {
    ++prior[label];
    for (const std::string& ngram : ngrams(one)) {
      ++counts[ngram][label];
      ++sums[label];
    }
  }
  double best = -1e300;
  std::uint32_t found = 0;
  for (const auto& [label, number] : prior) {
    double score = std::log(number);
    for (const std::string& ngram : ngrams(text)) {
      if (!counts.contains(ngram)) continue;
      score += std::log((counts[ngram][label] + 0.1) / (sums[label] + 0.1 * static_cast<double>(counts.size())));
    }
    if (score > best + 1e-9) {
      best = score;
      found = label;
    }
  }
  return found;
}

TEST(BaselinesTest, NaiveBayesIsWhatItsFormulaSays) {
  Random random(3);
  const auto text = [&] {
    std::string one;
    for (std::size_t i = 1 + random.below(6); i > 0; --i) one += static_cast<char>('a' + random.below(3));
    return one;
  };
  std::vector<std::pair<std::string, std::uint32_t>> train = {{"abc", 0}, {"bca", 1}, {"cab", 2}};
  for (int i = 0; i < 40; ++i) train.emplace_back(text(), static_cast<std::uint32_t>(random.below(3)));
  for (const std::size_t order : {1, 2, 5}) {
    for (int i = 0; i < 60; ++i) {
      const std::string one = i < 58 ? text() : i == 58 ? "d" : "adcb";  // with a letter that is new
      EXPECT_EQ(naive_bayes(texts(train), texts({{one, 0}}), order)[0], bayes_of(train, one, order)) << one << order;
    }
  }
  EXPECT_EQ(naive_bayes_ngrams(texts({{"ab", 0}, {"c", 1}}), 5), 35u);
  // Where a text begins and ends says something as well.
  EXPECT_THAT(naive_bayes(texts({{"ab", 0}, {"ba", 1}}), texts({{"bd", 1}, {"db", 0}, {"ba", 1}}), 2),
              ElementsAre(1u, 0u, 1u));
}

TEST(BaselinesTest, MajorityAndAccuracy) {
  EXPECT_EQ(majority_class(std::vector<std::uint32_t>{2, 0, 2, 1, 1}, 3), 1u);  // of as many, the first
  EXPECT_EQ(accuracy(std::vector<std::uint32_t>{0, 1, 2, 2}, std::vector<std::uint32_t>{0, 1, 1, 2}), 0.75);
}

TEST(BaselinesTest, NearestByEuclid) {
  const Sequences train = sequences({{0, 0, 5}, {0, 5, 0}, {0, 5, 0}}, {2, 1, 0});
  EXPECT_THAT(nearest_neighbour(train, sequences({{0, 1, 5}, {0, 4, 1}, {5, 0, 0}}, {}), Distance::euclidean),
              ElementsAre(2, 1, 2));
}

// The least cost of a way through both sequences, by trying all of them.
double cheapest(std::span<const float> a, std::span<const float> b, std::size_t width) {
  double here = 0;
  for (std::size_t i = 0; i < width; ++i) here += std::pow(static_cast<double>(a[i]) - b[i], 2);
  const auto rest = [&](std::span<const float> x) { return x.subspan(width); };
  const bool last_a = a.size() == width, last_b = b.size() == width;
  if (last_a && last_b) return here;
  double best = HUGE_VAL;
  if (!last_a) best = std::min(best, cheapest(rest(a), b, width));
  if (!last_b) best = std::min(best, cheapest(a, rest(b), width));
  if (!last_a && !last_b) best = std::min(best, cheapest(rest(a), rest(b), width));
  return here + best;
}

TEST(BaselinesTest, NearestByTimeWarping) {
  Random random(1);
  const auto some = [&](std::size_t count) {
    Sequences all = sequences({}, {}, 2);
    for (std::size_t s = 0; s < count; ++s) {
      const std::size_t length = 1 + random.below(6);
      for (std::size_t i = 0; i < 2 * length; ++i) all.values.push_back(static_cast<float>(random.normal()));
      all.starts.push_back(all.steps() + length);
      all.labels.push_back(static_cast<std::uint32_t>(s));
    }
    return all;
  };
  const Sequences train = some(20), test = some(40);
  const auto labels = nearest_neighbour(train, test, Distance::warped, 1);
  EXPECT_EQ(nearest_neighbour(train, test, Distance::warped, 3), labels);
  for (std::size_t t = 0; t < test.size(); ++t) {
    std::size_t nearest = 0;
    for (std::size_t s = 1; s < train.size(); ++s) {
      const auto cost = [&](std::size_t of) { return cheapest(test.values_of(t), train.values_of(of), 2); };
      if (cost(s) < cost(nearest)) nearest = s;
    }
    EXPECT_EQ(labels[t], nearest) << t;
  }
  EXPECT_EQ(nearest_neighbour_work(train, test, Distance::warped), static_cast<double>(train.steps() * test.steps()));
  EXPECT_EQ(fitting_distance(train, test), Distance::warped);
  EXPECT_EQ(fitting_distance(select(train, std::vector<std::size_t>{0, 0}), select(train, std::vector<std::size_t>{0})),
            Distance::euclidean);
}

TEST(BaselinesTest, MostFrequentTags) {
  const auto read = [](const std::string& text, std::vector<std::string> classes) {
    TagOptions options;
    options.classes = std::move(classes);
    return read_tagged(test::source_of(text), options);
  };
  const TaggedSentences train =
      read("run\tNOUN\nrun\tVERB\nrun\tVERB\nto\tPROPN\nto\tNOUN\na\tDET\na\tDET\n\ndog\tNOUN\nÉire\tPROPN\n", {});
  const TaggedSentences test = read("run\tNOUN\nunknown\tVERB\nÖl\tNOUN\na\tNOUN\nto\tNOUN\n", train.classes);
  EXPECT_THAT(train.classes, ElementsAre("DET", "NOUN", "PROPN", "VERB"));
  EXPECT_THAT(most_frequent_tags(train, test), ElementsAre(3, 1, 2, 0, 2));
}

TEST(BaselinesTest, MarginalOfEachNumber) {
  Sequences train, test;
  train.outputs = test.outputs = 2;
  train.targets = {1, 0, 1, 0};
  test.targets = {1, 0, 0, 0};
  // Frequencies (2 + 1) / (2 + 2) and (0 + 1) / (2 + 2).
  const double expected = (-std::log(0.75) - std::log(0.75) - std::log(0.25) - std::log(0.75)) / 2;
  EXPECT_NEAR(marginal_loss(train, test), expected, 1e-12);
}

TEST(ForecastBaselines, LastValueAndSeason) {
  const std::vector<double> past{1, 2, 3, 4, 5};
  std::vector<double> to(4);
  last_value()->predict(past, to);
  EXPECT_THAT(to, ElementsAre(5, 5, 5, 5));
  last_value(3)->predict(past, to);
  EXPECT_THAT(to, ElementsAre(3, 4, 5, 3));
}

TEST(ForecastBaselines, ErrorsOfAllForecastsInARange) {
  const std::vector<double> values{0, 1, 3, 6, 10};
  std::vector<double> truth = values;
  // From rows 2 and 3, two steps each: 3 and 6 after 1, 6 and 10 after 3.
  ForecastErrors errors = forecast_errors(*last_value(), values, truth, {2, 5, 2, 1});
  EXPECT_EQ(errors.forecasts, 2u);
  EXPECT_DOUBLE_EQ(errors.mean_squared, (4 + 25 + 9 + 49) / 4.0);
  EXPECT_DOUBLE_EQ(errors.mean_absolute, (2 + 5 + 3 + 7) / 4.0);
  truth[4] = NAN;
  EXPECT_DOUBLE_EQ(forecast_errors(*last_value(), values, truth, {2, 5, 2, 1}).mean_squared, (4 + 25 + 9) / 3.0);
  EXPECT_EQ(forecast_errors(*last_value(3), values, truth, {0, 5, 1, 1}).forecasts, 2u);
  EXPECT_EQ(forecast_errors(*last_value(), values, truth, {1, 5, 1, 3}).forecasts, 2u);
  EXPECT_EQ(forecast_errors(*last_value(), values, truth, {4, 5, 2, 1}).forecasts, 0u);
}

// A series that two weights and a constant continue exactly.
TEST(ForecastBaselines, RidgeFindsTheRecurrence) {
  std::vector<double> values{1, 0.5};
  for (std::size_t t = 2; t < 200; ++t) values.push_back(1.6 * values[t - 1] - 0.9 * values[t - 2] + 0.1);
  std::vector<std::span<const double>> train{values}, none;
  const auto ridge = ridge_autoregression(train, train, {2, 3});
  std::vector<double> to(3);
  ridge->predict(std::span<const double>(values).first(100), to);
  // The least penalty is not none.
  EXPECT_THAT(to,
              ElementsAre(DoubleNear(values[100], 0.01), DoubleNear(values[101], 0.01), DoubleNear(values[102], 0.01)));
  EXPECT_EQ(ridge_autoregression(none, none, {2, 3}), nullptr);
  EXPECT_EQ(ridge_autoregression(std::vector{std::span<const double>(values).first(4)}, none, {2, 3}), nullptr);
}

// The weights solve the equations of least squares, put up window by window.
TEST(ForecastBaselines, RidgeIsLeastSquaresOverAllWindows) {
  Random random(7);
  constexpr std::size_t kBack = 5, kHorizon = 4, kInputs = kBack + 1;
  std::vector<std::vector<double>> parts(3);
  const std::vector<std::size_t> lengths{40, 9, 8};
  for (std::size_t p = 0; p < 3; ++p) {
    for (std::size_t t = 0; t < lengths[p]; ++t) parts[p].push_back(random.normal() + 0.5);
  }
  const std::vector<std::span<const double>> train(parts.begin(), parts.end());
  const auto ridge = ridge_autoregression(train, {}, {kBack, kHorizon});  // a penalty of 1
  // Its weights, read off its predictions.
  std::vector<std::vector<double>> weights(kInputs, std::vector<double>(kHorizon));
  std::vector<double> past(kBack);
  ridge->predict(past, weights[0]);
  for (std::size_t i = 1; i < kInputs; ++i) {
    std::ranges::fill(past, 0.0);
    past[kBack - i] = 1;
    ridge->predict(past, weights[i]);
    for (std::size_t h = 0; h < kHorizon; ++h) weights[i][h] -= weights[0][h];
  }
  // At the least of squares plus penalty, the residuals times each input are the penalty times its weight.
  for (std::size_t h = 0; h < kHorizon; ++h) {
    std::vector<double> slope(kInputs);
    for (const auto& part : parts) {
      for (std::size_t t = kBack; t + kHorizon <= part.size(); ++t) {
        double residual = part[t + h] - weights[0][h];
        for (std::size_t i = 1; i < kInputs; ++i) residual -= weights[i][h] * part[t - i];
        slope[0] += residual;
        for (std::size_t i = 1; i < kInputs; ++i) slope[i] += residual * part[t - i];
      }
    }
    EXPECT_NEAR(slope[0], 0, 1e-9);
    for (std::size_t i = 1; i < kInputs; ++i) EXPECT_NEAR(slope[i], weights[i][h], 1e-9) << i << ' ' << h;
  }
}

// A forecast does not change with what comes after it.
TEST(ForecastBaselines, NothingIsTakenFromLater) {
  Random random(3);
  std::vector<double> values(300);
  for (double& value : values) value = random.normal();
  const std::vector<std::span<const double>> train{std::span<const double>(values).first(200)};
  const auto ridge = ridge_autoregression(train, {}, {10, 5});
  std::vector<double> before(5), after(5);
  ridge->predict(std::span<const double>(values).first(250), before);
  for (std::size_t t = 250; t < 300; ++t) values[t] = 100;
  ridge_autoregression(train, {}, {10, 5})->predict(std::span<const double>(values).first(250), after);
  EXPECT_EQ(before, after);
  values[249] += 1;
  ridge->predict(std::span<const double>(values).first(250), after);
  EXPECT_NE(before, after);
}

// Prints a number that documents may cite, and compares it with the published one.
void say(const std::string& what, double value, double published, double within) {
  std::printf("[ baseline ] %s: %.4f\n", what.c_str(), value);
  EXPECT_NEAR(value, published, within) << what;
}

// 1-nearest-neighbour with time warping: the archive's own numbers.
TEST(PublishedBaselines, Classification) {
  const std::string folder = "timeseries/classification/";
  SLUICE_NEEDS_DATA(folder);
  struct Expected {
    std::string name;
    double warped, euclidean, majority;
  };
  for (const Expected& expected : {Expected{"GunPoint", 0.907, 0.913, 0.493},
                                   {"ItalyPowerDemand", 0.950, 0.955, 0.499},
                                   {"JapaneseVowels", 0.949, 0, 0.084}}) {
    const std::string path = test::data_folder() + "/" + folder + expected.name;
    const Sequences train = read_ts(file_source(path + "_TRAIN.ts"));
    SequenceOptions options;
    options.classes = train.classes;
    const Sequences test = read_ts(file_source(path + "_TEST.ts"), options);
    const auto share = [&](Distance distance) {
      return accuracy(nearest_neighbour(train, test, distance), test.labels);
    };
    say(expected.name + ", accuracy of the nearest neighbour, warped", share(Distance::warped), expected.warped, 5e-4);
    if (fitting_distance(train, test) == Distance::euclidean) {
      say(expected.name + ", accuracy of the nearest neighbour, Euclid's", share(Distance::euclidean),
          expected.euclidean, 5e-4);
    }
    const std::vector<std::uint32_t> most(test.size(), majority_class(train.labels, train.classes.size()));
    say(expected.name + ", accuracy of the most frequent class", accuracy(most, test.labels), expected.majority, 5e-4);
  }
}

TEST(PublishedBaselines, Tags) {
  SLUICE_NEEDS_DATA("ud-ewt");
  const std::string folder = test::data_folder() + "/ud-ewt/";
  const TaggedSentences train = read_tagged(file_source(folder + "en_ewt.train.tsv"));
  TagOptions options;
  options.classes = train.classes;
  const TaggedSentences other = read_tagged(file_source(folder + "en_ewt.test.tsv"), options);
  const double share = accuracy(most_frequent_tags(train, other), other.tags);
  say("UD-EWT, accuracy of the most frequent tag", share, 0.8806, 5e-5);
}

// Of all frames, and of those after the first of each piece, which alone a network predicts.
TEST(PublishedBaselines, Notes) {
  SLUICE_NEEDS_DATA("music");
  for (const auto& [name, all, next] :
       {std::tuple<std::string, double, double>{"JSB_Chorales", 11.06, 11.09}, {"Nottingham", 10.25, 10.26}}) {
    const std::string path = test::data_folder() + "/music/" + name;
    Sequences train = read_notes(file_source(path + ".train.txt"));
    Sequences test = read_notes(file_source(path + ".test.txt"));
    say(name + ", nats a frame of the notes' frequencies, without first frames",
        marginal_loss(predict_next_step(train), predict_next_step(test)), next, 5e-3);
    for (Sequences* frames : {&train, &test}) {
      frames->outputs = frames->inputs;
      frames->targets = frames->values;
    }
    say(name + ", nats a frame of the notes' frequencies", marginal_loss(train, test), all, 5e-3);
  }
}

TEST(PublishedBaselines, Forecasts) {
  const std::string file = "timeseries/forecast/ETTh1.csv";
  SLUICE_NEEDS_DATA(file);
  TableOptions options;
  options.numbers = {"OT"};
  Table table = read_table(file_source(test::data_folder() + "/" + file), options);
  std::vector<double>& values = table.numbers[0];
  constexpr std::size_t kMonth = 30 * 24, kTrain = 12 * kMonth, kValidation = 16 * kMonth, kTest = 20 * kMonth;
  constexpr std::size_t kBack = 168;
  ScalingConfig scaling;
  add_column(scaling, std::span<const double>(values).first(kTrain));
  for (double& value : values) value = to_scale(scaling, value, 0);
  const std::span<const double> all = values;
  const std::vector<std::span<const double>> train{all.first(kTrain)},
      validation{all.subspan(kTrain - kBack, kValidation - kTrain + kBack)};
  struct Expected {
    std::size_t horizon;
    double last_value, last_day, ridge;
  };
  for (const Expected& expected :
       {Expected{24, 0.0343, 0.0458, 0.0274}, {96, 0.0693, 0.0715, 0.0591}, {168, 0.0872, 0.0871, 0.0741}}) {
    const ForecastRange range{kValidation, kTest, expected.horizon, 1};
    const auto judge = [&](const std::string& what, const ForecastBaseline& baseline, double published) {
      const std::string title = "ETTh1 OT, horizon " + std::to_string(expected.horizon) + ", squared error of " + what;
      say(title, forecast_errors(baseline, all, all, range).mean_squared, published, 5e-5);
    };
    judge("the last value", *last_value(), expected.last_value);
    judge("the last day", *last_value(24), expected.last_day);
    judge("ridge", *ridge_autoregression(train, validation, {kBack, expected.horizon}), expected.ridge);
  }
}

}  // namespace
}  // namespace sluice::baselines_test
