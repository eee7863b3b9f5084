// Softmax with cross-entropy, ranks, sums of rows and dropout masks against plain double.
#include "kernels/pointwise.h"

#include <gtest/gtest.h>

#include "kernels/samples.h"

namespace sluice::pointwise_test {
namespace {

// Logits of V tokens as a row of the kernels: padded with kNoLogit.
std::vector<float> padded_row(const std::vector<float>& logits) {
  std::vector<float> row = logits;
  row.resize(round_up(row.size(), kBlock), kNoLogit);
  return row;
}

std::vector<double> softmax_in_double(const std::vector<float>& logits) {
  const double most = static_cast<double>(*std::ranges::max_element(logits));
  std::vector<double> p;
  double sum = 0;
  for (const float x : logits) {
    p.push_back(std::exp(static_cast<double>(x) - most));
    sum += p.back();
  }
  for (double& x : p) x /= sum;
  return p;
}

TEST(Softmax, EqualsDoubleAtEverySizeAndScale) {
  Random random(1);
  for (const std::size_t vocabulary : {1u, 2u, 15u, 16u, 17u, 257u, 5000u}) {
    for (const double scale : {0.01, 5.0, 80.0}) {
      const std::vector<float> logits = test::to_float(test::random_numbers(random, vocabulary, scale));
      const std::size_t target = random.below(vocabulary);
      const std::vector<double> p = softmax_in_double(logits);
      const std::vector<float> row = padded_row(logits);

      const double nats = -std::log(p[target]);
      EXPECT_NEAR(softmax_loss(row.data(), row.size(), target), nats, 1e-5 * std::max(1.0, nats));
      std::vector<float> found(row.size());
      softmax(row.data(), row.size(), found.data());
      std::vector<float> slope = row;
      EXPECT_EQ(softmax_gradient(slope.data(), slope.size(), target, 0.25f),
                softmax_loss(row.data(), row.size(), target));
      double sum = 0;
      for (std::size_t v = 0; v < row.size(); ++v) {
        const double expected = v < vocabulary ? p[v] : 0;
        sum += static_cast<double>(found[v]);
        ASSERT_NEAR(found[v], expected, 1e-6) << "token " << v << " of " << vocabulary;
        ASSERT_NEAR(slope[v], 0.25 * (expected - (v == target ? 1 : 0)), 1e-6) << "token " << v << " of " << vocabulary;
      }
      EXPECT_NEAR(sum, 1, 1e-5);
    }
  }
}

TEST(Softmax, StandsHugeLogits) {
  const std::vector<float> row = padded_row({3e38f, -3e38f, 1e30f});
  EXPECT_EQ(softmax_loss(row.data(), row.size(), 0), 0.f);
  EXPECT_GT(softmax_loss(row.data(), row.size(), 1), 1e30f);
}

TEST(Softmax, NotANumberReachesTheLoss) {
  for (const std::size_t at : {0u, 1u, 16u, 18u}) {
    std::vector<float> logits(19, 1.f);
    logits[at] = std::nanf("");
    const std::vector<float> row = padded_row(logits);
    for (const std::size_t target : {0u, 18u}) {
      EXPECT_TRUE(std::isnan(softmax_loss(row.data(), row.size(), target))) << at << " " << target;
    }
  }
}

TEST(Softmax, RankCountsWhatIsLikelier) {
  const std::vector<float> row = padded_row({0.f, 3.f, -2.f, 3.f, 1.f});
  EXPECT_EQ(softmax_rank(row.data(), row.size(), 1), 0u);
  EXPECT_EQ(softmax_rank(row.data(), row.size(), 3), 0u);
  EXPECT_EQ(softmax_rank(row.data(), row.size(), 4), 2u);
  EXPECT_EQ(softmax_rank(row.data(), row.size(), 2), 4u);
}

TEST(Rows, AreSummed) {
  Random random(2);
  constexpr std::size_t rows = 23, columns = 160, stride = columns + 8;
  const std::vector<float> in = test::to_float(test::random_numbers(random, rows * stride, 1));
  const std::vector<std::uint32_t> list = {7, 0, 7, 22, 3};
  std::vector<float> all(columns, 5.f), more(columns, 5.f), listed(columns, 5.f), added(columns, 5.f);
  sum_rows(in.data(), stride, rows, all.data(), columns, false);
  sum_rows(in.data(), stride, rows, more.data(), columns, true);
  sum_listed_rows(in.data(), stride, list, listed.data(), columns);
  add_to(added.data(), in.data(), columns);
  for (std::size_t c = 0; c < columns; ++c) {
    double sum = 0, of_list = 0;
    for (std::size_t r = 0; r < rows; ++r) sum += static_cast<double>(in[r * stride + c]);
    for (const std::uint32_t r : list) of_list += static_cast<double>(in[r * stride + c]);
    EXPECT_NEAR(all[c], sum, 1e-5);
    EXPECT_NEAR(more[c], 5 + sum, 1e-5);
    EXPECT_NEAR(listed[c], of_list, 1e-6);
    EXPECT_EQ(added[c], 5.f + in[c]);
  }
}

TEST(DropoutMask, HidesItsShareAndKeepsTheMean) {
  constexpr std::size_t n = 1 << 18;
  const std::vector<float> ones(n, 1.f);
  std::vector<float> out(n);
  for (const double rate : {0.1, 0.25, 0.5, 0.9}) {
    dropout(ones.data(), out.data(), n, rate, Random(3), 0);
    const float kept = static_cast<float>(1 / (1 - rate));
    double sum = 0;
    for (const float x : out) {
      ASSERT_TRUE(x == 0.f || x == kept);
      sum += static_cast<double>(x);
    }
    const double error = std::sqrt(rate / (1 - rate) / n);  // one standard error of the mean
    EXPECT_NEAR(sum / n, 1, 4 * error) << rate;
  }
}

TEST(DropoutMask, DependsOnThePlaceAlone) {
  Random random(4);
  const std::vector<float> in = test::to_float(test::random_numbers(random, 256, 1));
  std::vector<float> whole(256), part(256), other(256);
  dropout(in.data(), whole.data(), 256, 0.5, Random(5), 1000);
  part = in;
  dropout(part.data(), part.data(), 100, 0.5, Random(5), 1000);
  dropout(part.data() + 100, part.data() + 100, 156, 0.5, Random(5), 1100);
  EXPECT_EQ(whole, part);
  dropout(in.data(), other.data(), 256, 0.5, Random(6), 1000);
  EXPECT_NE(whole, other);
}

}  // namespace
}  // namespace sluice::pointwise_test
