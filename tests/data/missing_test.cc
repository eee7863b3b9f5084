// Missing numbers and scales.
#include "data/missing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace sluice::missing_test {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

// One column; sequences of 3 and 2 steps.
Sequences two_sequences() {
  Sequences all;
  all.inputs = 1;
  all.starts = {0, 3, 5};
  all.values = {5, kNone, kNone, kNone, 7};
  return all;
}

TEST(MissingTest, FilledWithTheLastValueOfTheSequence) {
  EXPECT_THAT(fill_missing(two_sequences(), Missing::fill).values, ElementsAre(5, 5, 5, 0, 7));
}

TEST(MissingTest, AMaskSaysWhatIsThereAndHowLongAgo) {
  const Sequences masked = fill_missing(two_sequences(), Missing::mask);
  EXPECT_EQ(masked.inputs, 3u);
  const float one = std::log(2.0f), two = std::log(3.0f);
  EXPECT_THAT(masked.values, ElementsAre(5, 1, 0, 5, 0, FloatNear(one, 1e-6f), 5, 0, FloatNear(two, 1e-6f), 0, 0,
                                         FloatNear(one, 1e-6f), 7, 1, 0));
  MissingFiller filler(Missing::mask, 2);
  std::vector<float> to(filler.inputs());
  filler.step(std::vector<float>{kNone, 2}, to.data());
  EXPECT_THAT(to, ElementsAre(0, 2, 0, 1, FloatNear(one, 1e-6f), 0));
}

// What comes later changes nothing.
TEST(MissingTest, NothingIsTakenFromLaterSteps) {
  Sequences all = two_sequences();
  const Sequences before = fill_missing(all, Missing::mask);
  all.values[4] = -100;
  const Sequences after = fill_missing(all, Missing::mask);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(before.values[i], after.values[i]) << i;
  EXPECT_NE(before.values[12], after.values[12]);
}

TEST(ScalingTest, MeansAndDeviationsOfWhatIsThere) {
  Sequences all;
  all.inputs = 3;
  all.starts = {0, 2, 4};
  all.values = {1, 7, kNone, 3, 7, kNone, 1, 7, kNone, 3, kNone, kNone};
  const ScalingConfig scaling = find_scaling(all);
  EXPECT_THAT(scaling.mean, ElementsAre(2, 7, 0));
  EXPECT_THAT(scaling.deviation, ElementsAre(1, 1, 1));
  apply_scaling(scaling, all);
  EXPECT_EQ(all.values[0], -1);
  EXPECT_EQ(all.values[1], 0);
  EXPECT_TRUE(std::isnan(all.values[2]));
}

TEST(ScalingTest, LargeNumbersKeepTheirDifferences) {
  ScalingConfig scaling;
  add_column(scaling, std::vector<double>{1e12 - 1, 1e12 + 1, 1e12 - 1, 1e12 + 1});
  EXPECT_NEAR(scaling.mean[0], 1e12, 1e-3);
  EXPECT_NEAR(scaling.deviation[0], 1, 1e-3);
  EXPECT_NEAR(from_scale(scaling, to_scale(scaling, 1e12 + 3, 0), 0), 1e12 + 3, 1e-3);
  add_column(scaling, std::vector<double>(7, 0.1));
  EXPECT_EQ(scaling.deviation[1], 1);
}

}  // namespace
}  // namespace sluice::missing_test
