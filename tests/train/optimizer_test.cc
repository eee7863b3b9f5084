// Whole updates: against torch.optim, clipping, and equal bits for any number of threads.
#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/random.h"

namespace sluice::optimizer_test {
namespace {

Parameters parameters(std::size_t size, std::uint64_t seed) {
  Parameters p({{"a", size, 1}, {"b", 7, 3}});
  Random random(seed);
  for (std::size_t i = 0; i < 2; ++i) {
    for (float& value : p[i]) value = static_cast<float>(random.normal());
  }
  return p;
}

struct Case {
  const char* name;
  TrainOptions options;
  std::vector<double> expected;
};

TrainOptions with_nesterov(TrainOptions o) {
  o.nesterov = true;
  return o;
}

TrainOptions options(Optimizer optimizer, double rate, double beta2, double decay) {
  TrainOptions o;
  o.optimizer = optimizer;
  o.learning_rate = rate;
  o.momentum = optimizer == Optimizer::sgd ? 0.9 : 0;
  o.beta2 = beta2;
  o.weight_decay = decay;
  return o;
}

// The numbers come from PyTorch 1.13 in double precision:
//   w = torch.tensor([0.5, -1.25, 2.0, 0.0], dtype=torch.float64, requires_grad=True); o = OPTIMIZER
//   for t in range(6):
//       g = [0.1 * (t + 1), -0.4 + 0.15 * t, 0.7 - 0.3 * t, 0.001 * (t - 2)]
//       w.grad = torch.tensor(g, dtype=torch.float64); o.step()
// with OPTIMIZER one of torch.optim.SGD([w], lr=.1, momentum=.9, weight_decay=.01),
// RMSprop([w], lr=.01, alpha=.9, weight_decay=.01), Adam([w], lr=.01, betas=(.9, .99), weight_decay=.01),
// AdamW([w], lr=.01, betas=(.9, .99), weight_decay=.1). Those of Nesterov's momentum are from the algorithm that the
// documentation of torch.optim.SGD prints, in double, which gives the numbers of plain momentum too.
TEST(Optimizer, DoesWhatPyTorchDoes) {
  const Case cases[] = {
      {"sgd",
       options(Optimizer::sgd, 0.1, 0, 0.01),
       {-0.00311160298757, -0.991768558713, 1.67012374691, 0.000388781302742}},
      {"sgd with Nesterov's momentum",
       with_nesterov(options(Optimizer::sgd, 0.1, 0, 0.01)),
       {-0.164355798266, -0.996714191094, 1.72365829124, 4.40727089735e-05}},
      {"rmsprop",
       options(Optimizer::rmsprop, 0.01, 0.9, 0.01),
       {0.34713957778, -1.22829958308, 1.99401170282, -0.0278698633299}},
      {"adam",
       options(Optimizer::adam, 0.01, 0.99, 0.01),
       {0.441797158263, -1.21185877496, 1.96791126931, 0.0197233276072}},
      {"adamw",
       options(Optimizer::adamw, 0.01, 0.99, 0.1),
       {0.439060758347, -1.20580842143, 1.95735251727, 0.023489299425}},
  };
  Team team(1);
  for (const auto& [name, o, expected] : cases) {
    SCOPED_TRACE(name);
    Parameters w({{"w", 4, 1}});
    const float start[] = {0.5f, -1.25f, 2.f, 0.f};
    std::copy_n(start, 4, w[0].begin());
    Parameters gradient = w.zeros_like();
    std::vector<Parameters> moments = fresh_moments(o, w);
    for (int t = 0; t < 6; ++t) {
      const double g[] = {0.1 * (t + 1), -0.4 + 0.15 * t, 0.7 - 0.3 * t, 0.001 * (t - 2)};
      for (std::size_t i = 0; i < 4; ++i) gradient[0][i] = static_cast<float>(g[i]);
      apply_update(o, static_cast<std::uint64_t>(t), o.learning_rate, 1, gradient, moments, w, team);
    }
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(static_cast<double>(w[0][i]), expected[i], 1e-6) << "weight " << i;
  }
}

TEST(Optimizer, HasTheSameBitsForAnyNumberOfThreads) {
  for (const Optimizer optimizer : {Optimizer::sgd, Optimizer::rmsprop, Optimizer::adam, Optimizer::adamw}) {
    const TrainOptions o = options(optimizer, 0.01, 0.99, 0.1);
    std::vector<Parameters> results;
    double norm = 0;
    for (const std::size_t threads : {1u, 2u, 3u, 4u}) {
      Team team(threads);
      Parameters w = parameters(30000, 1);
      const Parameters gradient = parameters(30000, 2);
      std::vector<Parameters> moments = fresh_moments(o, w);
      const double here = global_norm(gradient, team);
      if (threads == 1) norm = here;
      EXPECT_EQ(norm, here);
      for (std::uint64_t t = 0; t < 3; ++t) {
        apply_update(o, t, 0.01, clip_factor(1, here), gradient, moments, w, team);
      }
      results.push_back(w);
      EXPECT_EQ(std::memcmp(w.all().data(), results[0].all().data(), w.all().size_bytes()), 0) << threads;
    }
  }
}

TEST(GlobalNorm, IsThatOfAllNumbers) {
  Team team(2);
  const Parameters p = parameters(20000, 3);
  double sum = 0;
  for (const float value : p.all()) sum += static_cast<double>(value) * static_cast<double>(value);
  EXPECT_NEAR(global_norm(p, team), std::sqrt(sum), 1e-10 * std::sqrt(sum));
}

TEST(ClipFactor, BringsTheNormDownAndNeverUp) {
  EXPECT_EQ(clip_factor(0, 1e9), 1);
  EXPECT_EQ(clip_factor(1, 0.5), 1);
  EXPECT_NEAR(clip_factor(1, 4) * 4, 1, 1e-6);
  EXPECT_NEAR(clip_factor(0.25, 4) * 4, 0.25, 1e-6);
}

TEST(Optimizer, LeavesThePaddingZero) {
  const TrainOptions o = options(Optimizer::adamw, 0.01, 0.99, 0.1);
  Team team(1);
  Parameters w = parameters(33, 1);
  const Parameters gradient = parameters(33, 2);
  std::vector<Parameters> moments = fresh_moments(o, w);
  apply_update(o, 0, 0.01, 1, gradient, moments, w, team);
  for (std::size_t i = 33; i < w.shapes()[1].offset; ++i) EXPECT_EQ(w.all()[i], 0.f);
}

}  // namespace
}  // namespace sluice::optimizer_test
