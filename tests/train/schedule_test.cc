#include "train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sluice::schedule_test {
namespace {

TrainOptions options(Schedule schedule) {
  TrainOptions o;
  o.schedule = schedule;
  o.learning_rate = 2;
  return o;
}

TEST(LearningRate, ConstantIsConstant) {
  const TrainOptions o = options(Schedule::constant);
  for (const std::uint64_t update : {0u, 5u, 99u}) EXPECT_EQ(learning_rate_at(o, update, 100), 2);
}

TEST(LearningRate, CosineFallsFromTheWholeToTheFinalShare) {
  TrainOptions o = options(Schedule::cosine);
  o.final_rate = 0.1;
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 0, 100), 2);
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 50, 100), 2 * (0.1 + 0.9 / 2));
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 25, 100), 2 * (0.1 + 0.9 * (1 + std::sqrt(0.5)) / 2));
  EXPECT_NEAR(learning_rate_at(o, 99, 100), 2 * 0.1, 2e-3);
  for (std::uint64_t update = 1; update < 100; ++update) {
    EXPECT_LT(learning_rate_at(o, update, 100), learning_rate_at(o, update - 1, 100));
  }
}

TEST(LearningRate, WarmUpGrowsLinearlyAndTheCosineFollowsIt) {
  TrainOptions o = options(Schedule::cosine);
  o.warmup = 20;
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 0, 100), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 9, 100), 1);
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 19, 100), 2);
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 20, 100), 2);
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 60, 100), 2 * (0.05 + 0.95 / 2));
}

TEST(LearningRate, TrapezoidIsConstantAndFallsInTheEnd) {
  TrainOptions o = options(Schedule::trapezoid);
  o.warmup = 10;
  o.cooldown = 40;
  o.final_rate = 0.1;
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 4, 100), 1);
  for (const std::uint64_t update : {10u, 30u, 60u}) EXPECT_EQ(learning_rate_at(o, update, 100), 2);
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 70, 100), 2 * (0.1 + 0.9 * (1 - 0.5)));
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 70, 100, 0.5), 0.1 + 0.9 * (1 - 0.5));
  for (const std::uint64_t update : {100u, 1000u}) EXPECT_DOUBLE_EQ(learning_rate_at(o, update, 100), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 80, 100, 1, 20), 2) << "as a clock decided";
  o.cooldown = 0;
  EXPECT_EQ(learning_rate_at(o, 80, 100), 2) << "a fifth";
  EXPECT_LT(learning_rate_at(o, 81, 100), 2);
  o.cooldown = 1000;
  EXPECT_EQ(learning_rate_at(o, 10, 100), 2) << "never before the warm-up is over";
}

TEST(LearningRate, WarmUpLongerThanTheRunIsNoTrouble) {
  TrainOptions o = options(Schedule::cosine);
  o.warmup = 20;
  EXPECT_DOUBLE_EQ(learning_rate_at(o, 9, 10), 1);
}

// lr=1, factor=0.25, patience=1, threshold=0 of torch.optim.lr_scheduler.ReduceLROnPlateau (PyTorch 1.13) gives these
// rates after these losses.
TEST(Plateau, CutsTheRateWhenPyTorchDoes) {
  const std::vector<double> losses = {5, 4, 4.5, 4.2, 4.1, 4.05, 3.9, 3.95, 3.96, 3.97, 3.98};
  const std::vector<double> rates = {1, 1, 1, 0.25, 0.25, 0.0625, 0.0625, 0.0625, 0.015625, 0.015625, 0.00390625};
  TrainOptions o = options(Schedule::plateau);
  o.plateau_patience = 1;
  Validations validations;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    enter_validation(o, losses[i], validations);
    EXPECT_EQ(validations.rate_factor, rates[i]) << "after loss " << i;
  }
  EXPECT_EQ(learning_rate_at(o, 3, 10, validations.rate_factor), 2 * 0.00390625);
}

TEST(Validations, KeepTheBestAndCountTheRest) {
  const TrainOptions o = options(Schedule::constant);
  Validations validations;
  EXPECT_TRUE(enter_validation(o, 3, validations));
  EXPECT_FALSE(enter_validation(o, 3, validations));
  EXPECT_FALSE(enter_validation(o, 4, validations));
  EXPECT_EQ(validations.without_improvement, 2u);
  EXPECT_TRUE(enter_validation(o, 2, validations));
  EXPECT_EQ(validations.without_improvement, 0u);
  EXPECT_EQ(validations.best, 2);
  EXPECT_EQ(validations.rate_factor, 1) << "only the plateau schedule cuts the rate";
}

}  // namespace
}  // namespace sluice::schedule_test
