// Series: what fits, and their windows.
#include "sluice/series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "data/batches.h"
#include "errors.h"
#include "sluice/error.h"

namespace sluice::series_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<float> counted(std::size_t n) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<float>(i);
  return values;
}

template <class F>
std::string message(F&& f, Status status = Status::usage) {
  return test::error_of(status, f);
}

TEST(SeriesTest, SlicesShareTheRows) {
  const Series series(counted(12), 3, counted(8), 2, "s");
  EXPECT_EQ(series.steps(), 4u);
  const Series part = series.slice(1, 4).slice(1, 2);
  EXPECT_EQ(part.steps(), 1u);
  EXPECT_THAT(part.inputs(), ElementsAre(6, 7, 8));
  EXPECT_THAT(part.targets(), ElementsAre(4, 5));
  EXPECT_EQ(part.inputs().data(), series.inputs().data() + 6);
  EXPECT_EQ(series.slice(2, 2).steps(), 0u);
}

TEST(SeriesTest, ForecastTargetsAreLaterRows) {
  const Series series = Series::forecast(counted(10), 2, 2);
  EXPECT_EQ(series.input_width(), 2u);
  EXPECT_EQ(series.target_width(), 2u);
  EXPECT_THAT(series.inputs(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(series.targets(), ElementsAre(4, 5, 6, 7, 8, 9));
}

TEST(SeriesTest, WhatDoesNotFitIsNamed) {
  EXPECT_THAT(message([] { Series(counted(4), 0, counted(4), 1, "s"); }), StartsWith("s: expected inputs"));
  EXPECT_THAT(message([] { Series(counted(4), 3, counted(4), 1); }), HasSubstr("whole rows of 3"));
  EXPECT_THAT(message([] { Series(counted(4), 1, counted(3), 2); }), HasSubstr("targets in whole rows of 2"));
  EXPECT_THAT(message([] { Series(counted(4), 1, counted(3), 1); }), AllOf(HasSubstr("4 inputs"), HasSubstr("3")));
  std::vector<float> bad = counted(6);
  bad[5] = std::nanf("");
  EXPECT_THAT(message([&] { Series(bad, 2, counted(3), 1); }), HasSubstr("step 2, column 1"));
  bad[5] = HUGE_VALF;
  EXPECT_THAT(message([&] { Series(counted(3), 1, bad, 2); }), AllOf(HasSubstr("targets"), HasSubstr("inf")));
  const Series series(counted(4), 1, counted(4), 1);
  EXPECT_THAT(message([&] { series.slice(1, 5); }), HasSubstr("1 to 5"));
  EXPECT_THAT(message([&] { series.slice(3, 2); }), HasSubstr("3 to 2"));
  for (const std::size_t ahead : {0u, 4u, 9u}) {
    EXPECT_THAT(message([&] { Series::forecast(counted(4), 1, ahead); }), HasSubstr("from 1 to 3"));
  }
}

// Two streams of five rows each; the eleventh row is left out, and the last window is shorter.
TEST(SeriesBatches, StreamsReadEveryRowInOrder) {
  const Series series(counted(22), 2, counted(11), 1);
  const Batches batches(series, 2, 3);
  EXPECT_FALSE(batches.of_text());
  EXPECT_EQ(batches.windows(), 2u);
  EXPECT_EQ(batches.tokens(), 10u);
  std::vector<float> x, y;
  batches.window(0, x, y);
  EXPECT_THAT(y, ElementsAre(0, 5, 1, 6, 2, 7));
  EXPECT_THAT(x, ElementsAre(0, 1, 10, 11, 2, 3, 12, 13, 4, 5, 14, 15));
  batches.window(1, x, y);
  EXPECT_THAT(y, ElementsAre(3, 8, 4, 9));
}

TEST(SeriesBatches, PartsAnswerEveryRowOnce) {
  const Series series(counted(11), 1, counted(11), 1);
  for (std::size_t batch = 1; batch <= 13; ++batch) {
    const Batches batches = Batches::parts(series, batch, 2);
    EXPECT_EQ(batches.tokens(), 11u);
    std::vector<int> seen(11);
    std::vector<float> x, y;
    for (std::size_t k = 0; k < batches.windows(); ++k) {
      batches.window(k, x, y);
      EXPECT_EQ(x, y);
      for (std::size_t i = 0; i < y.size(); ++i) {
        const bool counts = batches.counted(k, i / batches.batch(), i % batches.batch());
        seen[static_cast<std::size_t>(y[i])] += counts ? 1 : 0;
      }
    }
    EXPECT_EQ(seen, std::vector<int>(11, 1)) << batch;
  }
}

TEST(SeriesBatches, TooShortIsNamed) {
  const Series series(counted(3), 1, counted(3), 1, "s");
  EXPECT_EQ(message([&] { Batches(series, 4, 5); }, Status::bad_file),
            "s: series too short for one window: 3 steps, batch 4 x steps 5 needs at least 4");
  EXPECT_EQ(message([&] { Batches::parts(series.slice(1, 1), 4, 5); }, Status::bad_file),
            "s: series too short for one window: 0 steps, batch 4 x steps 5 needs at least 1");
}

}  // namespace
}  // namespace sluice::series_test
