// Forecasts: what a window may look at, what its outputs mean, and that all of it is kept with the model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <sstream>

#include "base/fields.h"
#include "data/missing.h"
#include "data/reader.h"
#include "errors.h"
#include "model/model_access.h"
#include "model/network.h"
#include "sluice/forecast.h"
#include "tasks/changed_note.h"
#include "tasks/forecast.h"

namespace sluice::forecast_test {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TextSource source_of(const std::string& text, const std::string& name = "table.csv") {
  return {name, [text] { return read_from_memory(text); }};
}

std::string two_digits(std::size_t number) { return (number < 10 ? "0" : "") + std::to_string(number); }

std::string hour(std::size_t t) { return "2024-01-" + two_digits(1 + t / 24) + " " + two_digits(t % 24) + ":00"; }

// Two columns that repeat themselves every day, with some noise; `changed` says what differs from row `from` on.
std::string days(std::size_t rows, std::size_t from = ~std::size_t{0}, double changed = 0) {
  std::string text = "date,load,wind\n";
  for (std::size_t t = 0; t < rows; ++t) {
    const double noise = static_cast<double>(t * 7919 % 101) / 101;
    const double more = t >= from ? changed : 0;
    text += hour(t) + "," + std::to_string(10 * std::sin(0.2618 * static_cast<double>(t)) + noise + more) + "," +
            std::to_string(3 * noise + more) + "\n";
  }
  return text;
}

ForecastOptions of_days() {
  ForecastOptions options;
  options.horizon = 6;
  options.lookback = 48;
  options.validation_split = 0.1;
  return options;
}

void quick(ForecastDefaults& d) {
  d.config.hidden = 8;
  d.train.epochs = 2;
  d.train.threads = 1;
}

ForecastTask read(const std::string& text, const ForecastOptions& options, std::vector<ForecastSeries>& series) {
  ForecastTask task;
  task.missing = find_missing(options.missing);
  task.targets = options.targets;
  task.future = options.future;
  task.id = options.id;
  const Table table = read_forecast_table(source_of(text), task);
  fit_forecast(table, options, task);
  series = series_of(task, table);
  return task;
}

TEST(Forecast, AWindowLooksAtTheLookbackAloneAndAtAllOfIt) {
  ForecastOptions options = of_days();
  for (const char* missing : {"refuse", "mask"}) {
    options.missing = missing;
    std::vector<ForecastSeries> before, after;
    const ForecastTask task = read(days(240), options, before);
    const ForecastOrigin origin = {0, 1, 100};
    const auto window = [&](const std::vector<ForecastSeries>& series) {
      return windows_of(task, series, std::vector{origin}, false).values;
    };
    read(days(240, 100, 50), options, after);
    // Scaled as the first table, whose training part the change must not touch.
    const auto with = [&](std::size_t from) {
      ForecastTask same = task;
      const Table table = read_forecast_table(source_of(days(240, from, 50)), same);
      return window(series_of(task, table));
    };
    EXPECT_EQ(with(100), window(before)) << missing;  // the first row that is predicted, and all behind it
    EXPECT_NE(with(99), window(before)) << missing;   // the last observed one
    EXPECT_NE(with(52), window(before)) << missing;
    EXPECT_EQ(window(before).size(), task.steps() * task.inputs());
  }
}

TEST(Forecast, OutputsGoBackToTheScaleOfTheColumn) {
  for (const ForecastBase base : {ForecastBase::last, ForecastBase::mean, ForecastBase::seasonal}) {
    std::vector<ForecastSeries> series;
    ForecastTask task = read(days(240), of_days(), series);
    std::ranges::fill(task.bases, base);
    const std::vector<ForecastOrigin> origins = {{0, 0, 120}, {0, 1, 77}};
    const Sequences windows = windows_of(task, series, origins, true);
    for (std::size_t o = 0; o < origins.size(); ++o) {
      std::vector<float> targets(windows.targets.begin() + static_cast<std::ptrdiff_t>(o * task.horizon),
                                 windows.targets.begin() + static_cast<std::ptrdiff_t>((o + 1) * task.horizon));
      to_values(task, series, origins[o], targets);
      for (std::size_t h = 0; h < task.horizon; ++h) {
        const float truth = series[0].truth[(origins[o].at + h) * task.targets.size() + origins[o].target];
        EXPECT_NEAR(targets[h], truth, 1e-5) << field_text(base);
      }
    }
  }
}

TEST(Forecast, ScalingAndBasesAreThoseOfTheTrainingPart) {
  std::vector<ForecastSeries> series;
  const ForecastTask task = read(days(240), of_days(), series);
  const ForecastTask changed = read(days(240, 168, 1000), of_days(), series);  // seven tenths are trained on
  EXPECT_EQ(task.scaling, changed.scaling);
  EXPECT_EQ(task.bases, changed.bases);
  EXPECT_NE(task.scaling, read(days(240, 167, 1000), of_days(), series).scaling);
}

TEST(Forecast, OriginsLieWithinTheirPart) {
  std::vector<ForecastSeries> series;
  const ForecastTask task = read(days(240), of_days(), series);
  const auto training = origins_of(task, series, {std::nullopt, task.trained}, 10000);
  const auto rest = origins_of(task, series, {task.seen, std::nullopt}, 10000);
  EXPECT_EQ(training.size(), 2 * (168 - 48 - 6 + 1));
  EXPECT_EQ(training.front().at, 48);
  EXPECT_EQ(training.back().at, 168 - 6);
  EXPECT_EQ(rest.front().at, 192);
  EXPECT_EQ(rest.back().at, 240 - 6);
  EXPECT_LE(origins_of(task, series, {std::nullopt, task.trained}, 20).size(), 22);
  EXPECT_EQ(origins_of(task, series, {std::nullopt, task.trained}, 20).back().at, 168 - 6);
}

TEST(Forecaster, AFileKeepsWhatItPredicts) {
  Forecaster forecaster(source_of(days(240)), of_days(), quick);
  forecaster.train();
  const auto first = forecaster.predict(source_of(days(200)));
  ASSERT_EQ(first.size(), 1);
  EXPECT_THAT(first[0].times, ElementsAre("2024-01-09 08:00", "2024-01-09 09:00", "2024-01-09 10:00",
                                          "2024-01-09 11:00", "2024-01-09 12:00", "2024-01-09 13:00"));
  EXPECT_EQ(first[0].values.size(), 2 * 6 * 3);
  const Forecaster again(forecaster.model(), "model");
  EXPECT_EQ(again.predict(source_of(days(200)))[0].values, first[0].values);
  // Rows before the lookback do not matter, nor do those that come later.
  const std::string text = days(200);
  const std::string tail = "date,load,wind\n" + text.substr(text.find(hour(152)));
  EXPECT_EQ(again.predict(source_of(tail))[0].values, first[0].values);
  EXPECT_GT(again.evaluate(source_of(days(240))).forecasts, 0);
}

TEST(Forecaster, ASeriesDoesNotDependOnItsNeighbours) {
  const auto table = [](std::vector<std::pair<std::string, double>> all) {
    std::string text = "shop,day,sold\n";
    for (std::size_t t = 0; t < 28; ++t) {
      for (const auto& [name, level] : all) {
        text += name + ",2024-02-" + two_digits(t + 1) + "," +
                std::to_string(level * (1 + 0.1 * static_cast<double>(t % 7))) + "\n";
      }
    }
    return text;
  };
  ForecastOptions options;
  options.id = "shop";
  options.horizon = 3;
  options.lookback = 7;
  const Forecaster forecaster(source_of(table({{"a", 10}, {"b", 2000}})), options, quick);
  const auto both = forecaster.predict(source_of(table({{"a", 10}, {"b", 2000}})));
  const auto other = forecaster.predict(source_of(table({{"c", 5}, {"b", 2000}})));
  ASSERT_EQ(both.size(), 2);
  EXPECT_EQ(both[1].series, "b");
  EXPECT_EQ(both[1].values, other[1].values);
  EXPECT_NE(both[0].values, other[0].values);
}

TEST(Forecaster, WhatIsKnownInAdvanceCounts) {
  std::string past = "t,price,sold\n", future = "t,price\n", dear = "t,price\n", late = "t,price\n";
  for (int t = 0; t < 80; ++t) {
    past += std::to_string(t) + "," + std::to_string(t % 3) + "," + std::to_string(10 - 3 * (t % 3)) + "\n";
  }
  for (int t = 80; t < 84; ++t) {
    future += std::to_string(t) + "," + std::to_string(t % 3) + "\n";
    dear += std::to_string(t) + ",9\n";
    if (t < 82) late += std::to_string(t) + ",1\n";
  }
  ForecastOptions options;
  options.time = "t";
  options.targets = {"sold"};
  options.future = {"price"};
  options.horizon = 4;
  options.lookback = 12;
  const Forecaster forecaster(source_of(past), options, quick);
  const TextSource known = source_of(future), other = source_of(dear, "dear.csv"),
                   short_one = source_of(late, "late.csv");
  const auto values = forecaster.predict(source_of(past), {.future = &known})[0].values;
  EXPECT_NE(values, forecaster.predict(source_of(past), {.future = &other})[0].values);
  EXPECT_THAT(error_of(Status::bad_file, [&] { forecaster.predict(source_of(past), {.future = &short_one}); }),
              HasSubstr("late.csv: expected a row for each of the 4 times after 79, found none for 82, 83"));
  EXPECT_THAT(error_of(Status::bad_file, [&] { forecaster.predict(source_of(past)); }),
              HasSubstr("(future) beside it, found none"));
}

// Rows in several calls, each of which begins where the one before ended.
TEST(Forecaster, GoingOnFromAStateIsReadingTheWhole) {
  const auto cut = [](const std::string& text, std::size_t first, std::size_t last) {  // rows
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at) + 1;
      lines.push_back(text.substr(at, end - at));
      at = end;
    }
    std::string part = lines[0];
    for (std::size_t row = first; row < last; ++row) part += lines[1 + row];
    return part;
  };
  for (const char* missing : {"refuse", "fill", "mask"}) {
    for (const bool timed : {true, false}) {
      std::string text = days(240);
      if (!timed) {
        for (std::size_t t = 0; t < 240; ++t) text.erase(text.find(hour(t)), hour(t).size() + 1);
        text.erase(0, std::string("date,").size());
      }
      std::string holes = text;
      if (missing != std::string("refuse")) {  // the last number of one column lies far before the window
        const std::string full = text;
        holes = cut(full, 0, 100);
        for (std::size_t row = 100; row < 230; ++row) {
          const std::string line = cut(full, row, row + 1).substr(cut(full, 0, 0).size());
          holes += line.substr(0, line.rfind(',')) + ",NA\n";
        }
      }
      ForecastOptions options = of_days();
      options.missing = missing;
      const Forecaster forecaster(source_of(text), options, quick);
      const std::size_t rows = missing == std::string("refuse") ? 240 : 230;
      std::string whole_state, state;
      const auto whole = forecaster.predict(source_of(holes), {.state_out = &whole_state});
      std::vector<Forecast> parts;
      std::size_t done = 0;
      for (const std::size_t until : {std::size_t{150}, std::size_t{151}, std::size_t{220}, rows}) {
        parts = forecaster.predict(source_of(cut(holes, done, until)), {.state_in = state, .state_out = &state});
        done = until;
      }
      EXPECT_EQ(parts[0].values, whole[0].values) << missing << timed;
      EXPECT_EQ(parts[0].times, whole[0].times) << missing << timed;
      EXPECT_EQ(state, whole_state) << missing << timed;
    }
  }
}

// A state is of the model that wrote it, and says so; what does not say it is taken as the table that it is.
TEST(Forecaster, AStateOfAnotherModelIsRefused) {
  const Forecaster one(source_of(days(240)), of_days(), quick);
  const Forecaster other(source_of(days(240)), of_days(), [](ForecastDefaults& d) {
    quick(d);
    d.train.seed = 2;
  });
  std::string state;
  const auto whole = one.predict(source_of(days(200)), {.state_out = &state});
  const std::string header = "date,load,wind\n";
  const std::string row = days(201).substr(days(201).find(hour(200)));
  EXPECT_THAT(error_of(Status::bad_file,
                       [&] { other.predict(source_of(header + row), {.state_in = state, .state_name = "rows.csv"}); }),
              HasSubstr("rows.csv: expected a state of this model"));
  // Nothing new: what follows the state.
  EXPECT_EQ(one.predict(source_of(header), {.state_in = state})[0].values, whole[0].values);
  // One that names the fingerprint from before it covered the scaling of features.
  const auto name_of = [](std::uint64_t print) {
    std::ostringstream text;
    text << "(model " << std::hex << print << ")";
    return text.str();
  };
  std::string former = state;
  const std::string own = name_of(one.model().fingerprint());
  former.replace(former.find(own), own.size(), name_of(network_of(one.model()).former_fingerprint()));
  EXPECT_EQ(one.predict(source_of(header), {.state_in = former})[0].values, whole[0].values);
  EXPECT_THROW(other.predict(source_of(header + row), {.state_in = former}), Error);
  std::string old;  // without the last column
  for (std::size_t at = 0; at < state.size(); at = state.find('\n', at) + 1) {
    const std::string line = state.substr(at, state.find('\n', at) - at);
    old += line.substr(0, line.rfind(',')) + "\n";
  }
  EXPECT_EQ(one.predict(source_of(header + row), {.state_in = old})[0].values,
            one.predict(source_of(header + row), {.state_in = state})[0].values);
  EXPECT_FALSE(other.predict(source_of(header + row), {.state_in = old}).empty());
}

TEST(Forecaster, DetectsARowThatIsUnlikeTheOthers) {
  ForecastOptions options = of_days();
  options.horizon = 0;
  options.detect = true;
  Forecaster forecaster(source_of(days(240)), options, [](ForecastDefaults& d) {
    d.config.hidden = 16;
    d.train.threads = 1;
  });
  EXPECT_EQ(forecaster.horizon(), 1);
  forecaster.train();
  // A single row is wrong, in one column.
  std::string text = days(240);
  const std::size_t at = text.find(hour(200)) + hour(200).size() + 1;
  text.replace(at, text.find(',', at) - at, "35");
  const Forecaster saved(forecaster.model(), "model");
  std::vector<Detection> all;
  saved.detect(source_of(text), [&](const Detection& row) {
    all.push_back(row);
    return true;
  });
  ASSERT_EQ(all.size(), 240);
  double usual = 0;
  for (std::size_t row = 0; row < 240; ++row) {
    if (row < 48) {
      EXPECT_TRUE(std::isnan(all[row].score)) << row;
    } else if (row < 200) {
      usual += all[row].score / (200 - 48);
    }
  }
  EXPECT_LT(usual, 2.5);
  EXPECT_GT(all[200].score, 5 * usual);
  EXPECT_EQ(all[200].column, 0);
  EXPECT_EQ(all[200].time, hour(200));
  // It streams: nothing that comes later counts, and whoever listens can stop it.
  std::size_t count = 0;
  saved.detect(source_of(days(240, 150, 50)), [&](const Detection& row) {
    EXPECT_EQ(std::isnan(row.score), std::isnan(all[count].score));
    if (!std::isnan(row.score)) {
      EXPECT_EQ(row.scores, all[count].scores);
    }
    return ++count < 150;
  });
  EXPECT_EQ(count, 150);
  options.detect = false;
  EXPECT_THAT(error_of(Status::usage,
                       [&] {
                         Forecaster(source_of(days(240)), options, quick).detect(source_of(text), [](const Detection&) {
                           return true;
                         });
                       }),
              HasSubstr("trained to detect"));
}

TEST(Forecaster, TimesThatAreMissingAreSaidOrFilled) {
  std::string text = days(240);
  const std::size_t at = text.find(hour(30));
  text.erase(at, text.find(hour(31)) - at);
  ForecastOptions options = of_days();
  EXPECT_THAT(error_of(Status::bad_file, [&] { Forecaster(source_of(text), options, quick); }),
              HasSubstr("1 missing, the first after 2024-01-02 05:00"));
  for (const char* missing : {"fill", "mask"}) {
    options.missing = missing;
    Forecaster forecaster(source_of(text), options, quick);
    forecaster.train();
    const std::vector<double> values = forecaster.predict(source_of(text))[0].values;
    EXPECT_TRUE(std::ranges::all_of(values, [](double v) { return std::isfinite(v); })) << missing;
  }
}

TEST(Forecaster, WhatDoesNotFitIsNamed) {
  const auto refused = [](const ForecastOptions& options, const std::string& text = days(100)) {
    return error_of(Status::usage, [&] { Forecaster(source_of(text), options, quick); });
  };
  ForecastOptions options = of_days();
  options.targets = {"load", "load"};
  EXPECT_THAT(refused(options), HasSubstr("\"load\" again"));
  options = of_days();
  options.past = {"wind"};
  EXPECT_THAT(refused(options), HasSubstr("target"));
  options = of_days();
  options.missing = "skip";
  EXPECT_THAT(refused(options), HasSubstr("refuse, mask or fill"));
  options = of_days();
  options.test_split = 1;
  EXPECT_THAT(refused(options), HasSubstr("test-split"));
  options = of_days();
  options.horizon = 1000000;
  EXPECT_THAT(refused(options), HasSubstr("horizon"));
  options = of_days();
  EXPECT_THAT(error_of(Status::bad_file, [&] { Forecaster(source_of(days(60)), options, quick); }),
              HasSubstr("54 rows or more to train on (lookback 48, horizon 6), found 42"));
  const Forecaster forecaster(source_of(days(240)), options, quick);
  const auto file = [&](const std::string& text) {
    return error_of(Status::bad_file, [&] { forecaster.predict(source_of(text, "other.csv")); });
  };
  EXPECT_THAT(file(days(20)), HasSubstr("other.csv: expected 48 rows or more before a forecast, found 20"));
  const ForecastInput fewer = {.fewer_rows = true};
  EXPECT_THAT(error_of(Status::bad_file, [&] { forecaster.predict(source_of(days(20), "other.csv"), fewer); }),
              HasSubstr("other.csv: expected 24 rows or more before a forecast, found 20"));
  EXPECT_EQ(forecaster.predict(source_of(days(40)), fewer).at(0).past_times.size(), 24u);
  EXPECT_EQ(forecaster.predict(source_of(days(60)), fewer).at(0).values,
            forecaster.predict(source_of(days(60))).at(0).values);
  EXPECT_THAT(file("date,load\n2024-01-01,1\n2024-01-02,2\n"), HasSubstr("expected a column \"wind\""));
  EXPECT_THAT(file("date,load,wind\n2024-01-01,1,2\n2024-01-02,2,3\n"),
              HasSubstr("line 3: expected the time 1 hour after 2024-01-01, as in training, found 2024-01-02"));
}

TEST(ForecastNote, AnythingElseIsRefused) {
  const Forecaster forecaster(source_of(days(240)), of_days(), quick);
  const auto refused = [&](const std::string& from, const std::string& to) {
    const Model model = test::changed_note(forecaster.model(), "forecast", from, to);
    return error_of(Status::bad_file, [&] { Forecaster(model, "file"); });
  };
  EXPECT_THAT(refused("\"horizon\":6", "\"horizon\":7"), HasSubstr("file: note \"forecast\""));
  EXPECT_THAT(refused("\"lookback\":48", "\"lookback\":-1"), HasSubstr("lookback from 1"));
  EXPECT_THAT(refused("\"segment\":24", "\"segment\":7"), HasSubstr("whole segments"));
  EXPECT_THAT(refused("\"span\":24", "\"span\":480"), HasSubstr("whole segments"));
  EXPECT_THAT(refused("[\"load\",\"wind\"]", "[\"load\"]"), HasSubstr("a base for each target"));
  EXPECT_THAT(refused("\"deviation\":[", "\"deviation\":[0,"), HasSubstr("a scale for each column"));
  EXPECT_THAT(refused("\"microseconds\"", "\"fortnights\""), HasSubstr("as unit, found \"fortnights\""));
  EXPECT_THAT(refused("\"bases\"", "\"basis\""), HasSubstr("bases"));
  Model other({.inputs = 1, .outputs = 1});
  EXPECT_THAT(error_of(Status::bad_file, [&] { Forecaster(other, "file"); }), HasSubstr("a model that forecasts"));
}

}  // namespace
}  // namespace sluice::forecast_test
