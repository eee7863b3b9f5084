// What a forecast and the score of a row may depend on, on networks and tables drawn at random: nothing that comes
// after it, nothing of its neighbours, but the last that was observed. sequence_leakage_test.cc has the other tasks.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "base/random.h"
#include "data/sources.h"
#include "sluice/forecast.h"
#include "tasks/forecast.h"

namespace sluice::forecast_leakage_test {
namespace {

using test::source_of;

// A table of one or several series, and the options of a forecast of it.
struct DrawnTable {
  ForecastOptions options;
  bool several = false, dated = false, counted = false;
  std::size_t series = 1, rows = 0;                   // of each series
  std::vector<std::string> names;                     // of the columns of numbers
  std::vector<std::vector<std::vector<double>>> all;  // [series][row][column]; NaN: missing
  std::vector<std::string> kinds;                     // [series]

  std::string time(std::size_t row) const {
    if (!dated) return std::to_string(7 + 3 * row);
    char text[32];
    std::snprintf(text, sizeof text, "2024-%02zu-%02zu %02zu:00", 1 + row / 24 / 28, 1 + row / 24 % 28, row % 24);
    return text;
  }
  bool has(const std::string& name) const { return std::ranges::find(names, name) != names.end(); }
  std::size_t column(const std::string& name) const {
    return static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
  }
  // Rows of some series, or of all, as a file. `only`: a column that alone is wanted.
  std::string text(std::size_t first, std::size_t last, const std::set<std::size_t>& which = {},
                   const std::string& only = "") const {
    std::string out = several ? "shop," : "";
    out += counted ? "" : "t,";
    for (const std::string& name : names) out += only.empty() || name == only ? name + "," : "";
    out += only.empty() && !options.fixed.empty() ? "kind,end\n" : "end\n";
    for (std::size_t row = first; row < last; ++row) {
      for (std::size_t s = 0; s < series; ++s) {
        if (!which.empty() && !which.contains(s)) continue;
        out += several ? "shop " + std::to_string(s) + "," : "";
        out += counted ? "" : time(row) + ",";
        for (std::size_t c = 0; c < names.size(); ++c) {
          if (!only.empty() && names[c] != only) continue;
          const double value = all[s][row][c];
          out += (std::isnan(value) ? "NA" : test::number_text(value)) + ",";
        }
        out += only.empty() && !options.fixed.empty() ? kinds[s] + ",.\n" : ".\n";
      }
    }
    return out;
  }
};

DrawnTable draw_table(std::uint64_t seed, bool detect) {
  Random random(seed);
  DrawnTable d;
  const auto coin = [&] { return random.below(2) == 1; };
  d.several = coin();
  d.series = d.several ? 3 : 1;
  d.names = {"a", "b"};
  d.options.targets = {"a", "b"};
  if (coin()) {
    d.names.emplace_back("p");
    d.options.past = {"p"};
  }
  if (!detect && coin()) {
    d.names.emplace_back("f");
    d.options.future = {"f"};
  }
  if (coin()) d.options.fixed = {"kind"};
  if (d.several) d.options.id = "shop";
  d.counted = !d.several && d.options.future.empty() && coin();
  d.dated = !d.counted && coin();
  if (!d.counted) d.options.time = "t";
  constexpr const char* kMissing[] = {"refuse", "fill", "mask"};
  d.options.missing = kMissing[random.below(3)];
  d.options.season = 1 + random.below(4);
  d.options.lookback = d.options.season * (2 + random.below(3)) + 4 * d.options.season;
  d.options.horizon = detect ? 0 : 1 + random.below(5);
  d.options.detect = detect;
  if (coin()) d.options.quantiles = {0.5};
  d.rows = 4 * (d.options.lookback + 6) + random.below(20);
  for (std::size_t s = 0; s < d.series; ++s) {
    d.kinds.push_back(s == 0 ? "small" : "large");
    auto& rows = d.all.emplace_back();
    for (std::size_t row = 0; row < d.rows; ++row) {
      auto& numbers = rows.emplace_back();
      for (std::size_t c = 0; c < d.names.size(); ++c) {
        const bool missing = d.options.missing != "refuse" && row > 0 && random.below(10) == 0;
        numbers.push_back(missing ? std::numeric_limits<double>::quiet_NaN()
                                  : random.normal() + std::sin(0.5 * double(row)));
      }
    }
  }
  return d;
}

void small(ForecastDefaults& d) {
  d.config.hidden = 6;
  d.train.threads = 1;
  d.train.seed = 5;
}

Forecaster forecaster_of(const DrawnTable& d) { return Forecaster(source_of(d.text(0, d.rows)), d.options, small); }

// What follows row `at`, given the rows before it alone, of some series or all.
std::map<std::string, std::vector<double>> predicted(const Forecaster& forecaster, const DrawnTable& d, std::size_t at,
                                                     const std::set<std::size_t>& which = {}) {
  std::optional<TextSource> future;
  ForecastInput input;
  if (!d.options.future.empty()) {
    input.future = &future.emplace(source_of(d.text(at, at + forecaster.horizon(), which, "f"), "future"));
  }
  std::map<std::string, std::vector<double>> all;
  for (const Forecast& one : forecaster.predict(source_of(d.text(0, at, which)), input, 1)) {
    all[one.series] = one.values;
  }
  return all;
}

// Every number from row `first` on is another one, but for those that are known in advance.
DrawnTable changed_from(DrawnTable d, std::size_t first, std::uint64_t seed) {
  Random random(seed, 1);
  for (auto& rows : d.all) {
    for (std::size_t row = first; row < d.rows; ++row) {
      for (std::size_t c = 0; c < d.names.size(); ++c) {
        if (d.names[c] != "f") rows[row][c] = 30 * random.normal();
      }
    }
  }
  return d;
}

std::size_t a_cut(const DrawnTable& d, const Forecaster& forecaster, std::uint64_t seed) {
  return forecaster.lookback() + Random(seed, 2).below(d.rows - forecaster.lookback() - forecaster.horizon());
}

// The forecast from a row in the midst of a table, whatever comes behind that row, is the one of a table that ends
// there.
TEST(Leakage, WhatComesAfterTheCutIsNotInAForecast) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    const DrawnTable d = draw_table(seed, false);
    const Forecaster forecaster = forecaster_of(d);
    const std::size_t at = a_cut(d, forecaster, seed);
    const ForecastTask task = *forecast_of(forecaster.model(), "model");
    const auto within = [&](const DrawnTable& table) {
      ForecastTask same = task;
      const std::vector<ForecastSeries> series =
          series_of(task, read_forecast_table(source_of(table.text(0, table.rows)), same));
      std::vector<ForecastOrigin> origins;
      for (std::size_t s = 0; s < series.size(); ++s) {
        for (std::size_t t = 0; t < 2; ++t) origins.push_back({s, t, at});
      }
      std::map<std::string, std::vector<double>> all;
      for (const Forecast& one : forecasts_from(task, forecaster.model(), series, origins, task.time_form, 1)) {
        all[one.series] = one.values;
      }
      return all;
    };
    const auto alone = predicted(forecaster, d, at);
    RC_ASSERT(alone.size() == d.series);
    RC_ASSERT(within(d) == alone);
    RC_ASSERT(within(changed_from(d, at, seed)) == alone);
    RC_ASSERT(within(changed_from(d, at - 1, seed)) != alone);
  }));
}

// What a model knows of its columns is of the rows that it is trained on.
TEST(Leakage, WhatIsHeldOutIsInNoScale) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    const DrawnTable d = draw_table(seed, false);
    const Forecaster forecaster = forecaster_of(d);
    const ForecastTask task = *forecast_of(forecaster.model(), "model");
    std::size_t trained = 0;
    while (trained < d.rows && (d.counted ? Time(trained) : 0) <= task.trained) {
      if (!d.counted && d.time(trained) == time_text(task.trained, task.time_form)) break;
      ++trained;
    }
    const std::size_t behind = d.counted ? trained : trained + 1;
    RC_ASSERT(behind < d.rows);
    DrawnTable changed = changed_from(d, behind, seed);
    for (auto& rows : changed.all) {
      for (std::size_t row = behind; row < d.rows; ++row) rows[row].back() *= 50;  // the future's column too
    }
    const Forecaster other = forecaster_of(changed);
    RC_ASSERT(other.model().notes().at("forecast") == forecaster.model().notes().at("forecast"));
    changed = changed_from(d, behind - 1, seed);
    RC_ASSERT(forecaster_of(changed).model().notes().at("forecast") != forecaster.model().notes().at("forecast"));
  }));
}

TEST(Leakage, WhatWasObservedLastIsInAForecast) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    const DrawnTable d = draw_table(seed, false);
    const Forecaster forecaster = forecaster_of(d);
    const std::size_t at = a_cut(d, forecaster, seed), s = Random(seed, 3).below(d.series);
    const std::string name = d.several ? "shop " + std::to_string(s) : "";
    const std::vector<double> before = predicted(forecaster, d, at).at(name);
    const auto differs = [&](const DrawnTable& other) { return predicted(forecaster, other, at).at(name) != before; };
    for (std::size_t c = 0; c < d.names.size(); ++c) {
      DrawnTable other = d;
      // Of what is known in advance the last is the horizon's.
      const std::size_t last = d.names[c] == "f" ? at + forecaster.horizon() - 1 : at - 1;
      double& value = other.all[s][last][c];
      value = std::isnan(value) ? 1.5 : value + 1;
      if (!differs(other)) RC_FAIL(d.names[c]);
    }
    if (d.several && !d.options.fixed.empty()) {
      DrawnTable other = d;
      other.kinds[s] = other.kinds[s] == "small" ? "large" : "small";
      RC_ASSERT(differs(other));
    }
  }));
}

TEST(Leakage, ASeriesIsForecastWithoutItsNeighbours) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    DrawnTable d = draw_table(seed, false);
    while (!d.several) d = draw_table(++seed, false);
    const Forecaster forecaster = forecaster_of(d);
    const std::size_t at = a_cut(d, forecaster, seed), s = Random(seed, 3).below(d.series);
    const auto together = predicted(forecaster, d, at);
    const std::string name = "shop " + std::to_string(s);
    RC_ASSERT(predicted(forecaster, d, at, {s}) ==
              (std::map<std::string, std::vector<double>>{{name, together.at(name)}}));
    DrawnTable other = changed_from(d, 0, seed);
    other.all[s] = d.all[s];
    RC_ASSERT(predicted(forecaster, other, at).at(name) == together.at(name));
  }));
}

// Rows in two calls or three, the later of which go on from the state of the one before.
TEST(Leakage, GoingOnFromAStateIsReadingTheWhole) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    const DrawnTable d = draw_table(seed, false);
    const Forecaster forecaster = forecaster_of(d);
    Random random(seed, 4);
    std::vector<std::size_t> cuts = {a_cut(d, forecaster, seed)};
    for (std::size_t more = 1 + random.below(2); more > 0 && cuts.back() + 1 + forecaster.horizon() < d.rows; --more) {
      cuts.push_back(cuts.back() + 1 + random.below(d.rows - forecaster.horizon() - cuts.back() - 1));
    }
    std::string state, whole_state;
    std::vector<Forecast> parts, whole;
    std::size_t done = 0;
    for (const std::size_t until : cuts) {
      const TextSource future = source_of(d.text(until, until + forecaster.horizon(), {}, "f"), "future");
      const TextSource* ahead = d.options.future.empty() ? nullptr : &future;
      parts = forecaster.predict(source_of(d.text(done, until)),
                                 {.future = ahead, .state_in = state, .state_out = &state}, 1);
      whole = forecaster.predict(source_of(d.text(0, until)), {.future = ahead, .state_out = &whole_state}, 1);
      done = until;
    }
    RC_ASSERT(parts.size() == whole.size());
    for (std::size_t s = 0; s < whole.size(); ++s) {
      RC_ASSERT(parts[s].values == whole[s].values);
      RC_ASSERT(parts[s].times == whole[s].times);
    }
    RC_ASSERT(state == whole_state);
  }));
}

// The scores of every row, by series; what is missing is -1, so that they can be compared.
std::map<std::string, std::vector<std::vector<double>>> scores_of(const Forecaster& forecaster, const std::string& text,
                                                                  const ForecastInput& input = {}) {
  std::map<std::string, std::vector<std::vector<double>>> all;
  forecaster.detect(
      source_of(text),
      [&](const Detection& row) {
        auto& scores = all[row.series].emplace_back(row.scores);
        for (double& score : scores) score = std::isnan(score) ? -1 : score;
        return true;
      },
      input);
  return all;
}

TEST(Leakage, ARowIsScoredByWhatCameBeforeItAndItself) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    const DrawnTable d = draw_table(seed, true);
    const Forecaster forecaster = forecaster_of(d);
    const std::size_t at = a_cut(d, forecaster, seed), s = Random(seed, 3).below(d.series);
    const std::string name = d.several ? "shop " + std::to_string(s) : "";
    const auto all = scores_of(forecaster, d.text(0, d.rows)).at(name);
    RC_ASSERT(all.size() == d.rows);
    const auto first = [](const std::vector<std::vector<double>>& scores, std::size_t rows) {
      return std::vector(scores.begin(), scores.begin() + std::ptrdiff_t(rows));
    };
    // What comes later, in whatever series.
    RC_ASSERT(first(scores_of(forecaster, changed_from(d, at, seed).text(0, d.rows)).at(name), at) == first(all, at));
    // The row itself, and the one after it.
    DrawnTable other = d;
    for (std::size_t t = 0; t < 2; ++t) other.all[s][at][t] = std::isnan(d.all[s][at][t]) ? 1.5 : d.all[s][at][t] + 1;
    const auto changed = scores_of(forecaster, other.text(0, d.rows)).at(name);
    RC_ASSERT(first(changed, at) == first(all, at));
    RC_ASSERT(changed[at] != all[at]);
    other.all[s][at + 1] = {2.5, 2.5, 2.5};
    DrawnTable same = d;
    same.all[s][at + 1] = other.all[s][at + 1];
    if (at + 1 < d.rows) {
      RC_ASSERT(scores_of(forecaster, other.text(0, at + 2)).at(name)[at + 1] !=
                scores_of(forecaster, same.text(0, at + 2)).at(name)[at + 1]);
    }
    // Neighbours, and a state between two calls.
    RC_ASSERT(scores_of(forecaster, d.text(0, d.rows, {s})).at(name) == all);
    std::string state;
    auto parts = scores_of(forecaster, d.text(0, at), {.state_out = &state})[name];
    const auto rest = scores_of(forecaster, d.text(at, d.rows), {.state_in = state}).at(name);
    parts.insert(parts.end(), rest.begin(), rest.end());
    RC_ASSERT(parts == all);
  }));
}

}  // namespace
}  // namespace sluice::forecast_leakage_test
