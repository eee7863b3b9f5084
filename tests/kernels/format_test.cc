// Products in bf16 and int8: what they promise beside float32, on every instruction set, with and without the dot
// instructions of this processor.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "base/threads.h"
#include "kernels/each_target.h"
#include "kernels/samples.h"
#include "model/packing.h"

namespace sluice::format_test {
namespace {

float bf16(float x) { return std::bit_cast<float>(bf16_bits(x)); }

std::vector<float> bf16(std::vector<float> x) {
  for (float& v : x) v = bf16(v);
  return x;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Runs body once on each instruction set with fused multiply-add, then on the best without dot instructions.
void on_every_target(const std::function<void()>& body) {
  for (const std::int64_t t : test::fused_targets()) {
    SCOPED_TRACE(hwy::TargetName(t));
    const test::WithTarget with(t);
    body();
  }
  const DotInstructions own = dot_instructions();
  set_dot_instructions({});
  {
    SCOPED_TRACE("without dot instructions");
    body();
  }
  set_dot_instructions(own);
}

TEST(Bf16, RoundsToTheNearestAndTiesToEven) {
  const auto bits = [](std::uint32_t from) { return bf16_bits(std::bit_cast<float>(from)); };
  EXPECT_EQ(bits(0x3f800000u), 0x3f800000u);
  EXPECT_EQ(bits(0x3f807fffu), 0x3f800000u);
  EXPECT_EQ(bits(0x3f808000u), 0x3f800000u) << "a tie, down to even";
  EXPECT_EQ(bits(0x3f808001u), 0x3f810000u);
  EXPECT_EQ(bits(0x3f818000u), 0x3f820000u) << "a tie, up to even";
  EXPECT_EQ(bits(0xbf818000u), 0xbf820000u);
  EXPECT_EQ(bits(0x7f7fffffu), 0x7f800000u) << "beyond the greatest";
  EXPECT_EQ(bits(0x7f800000u), 0x7f800000u);
  EXPECT_TRUE(std::isnan(bf16(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_TRUE(std::isnan(bf16(std::bit_cast<float>(0x7f800001u)))) << "a NaN whose upper half is infinity";
}

struct Case {
  std::size_t rows, columns, depth, prepared_rows;
  std::vector<float> m, bias, a;

  Case() {
    rows = *rc::gen::inRange<std::size_t>(1, 30);
    prepared_rows = *rc::gen::inRange<std::size_t>(1, 30);  // more than these are multiplied in turn
    columns = *rc::gen::inRange<std::size_t>(1, 150);
    depth = *rc::gen::element<std::size_t>(1, 2, 3, 4, 5, 31, 64, 255, 257, 511, 512, 513, 1100);
    Random random(*rc::gen::arbitrary<std::uint64_t>());
    m = test::to_float(test::random_numbers(random, columns * depth, 1));
    bias = test::to_float(test::random_numbers(random, columns, 1));
    a = test::to_float(test::random_numbers(random, rows * depth, 1));
  }

  // C [rows, outputs] from the bias; rows and panels cut in two where `cut` says so.
  std::vector<float> multiplied(Format format, const std::vector<float>& by, const std::vector<float>& x,
                                std::size_t cut_row = 0, std::size_t cut_panel = 0) const {
    const FlushDenormals flush;
    Panels panels;
    AlignedVector<float> packed_bias;
    Team team(1);
    pack_head(by, bias, columns, depth, 0, format, panels, packed_bias, team);
    Scratch scratch;
    scratch.prepare_multiply(format, prepared_rows, depth);
    std::vector<float> c(rows * panels.outputs, std::numeric_limits<float>::quiet_NaN());
    cut_row = std::min(cut_row, rows);
    cut_panel = std::min(cut_panel, panels.panels());
    for (const auto& [first, last] : {std::pair{std::size_t{0}, cut_row}, std::pair{cut_row, rows}}) {
      for (const auto& [from, to] : {std::pair{std::size_t{0}, cut_panel}, std::pair{cut_panel, panels.panels()}}) {
        multiply(panels, x.data(), depth, c.data(), panels.outputs, packed_bias.data(), first, last, from, to,
                 &scratch);
      }
    }
    return c;
  }
};

// What makes bf16 trustworthy: not a bound but the very bits of float32 on the rounded numbers.
RC_GTEST_PROP(Formats, Bf16HasTheBitsOfRoundedFloats, ()) {
  const Case c;
  const std::vector<float> m = bf16(c.m), both = c.multiplied(Format::f32, m, bf16(c.a));
  const std::vector<float> weights = c.multiplied(Format::f32, m, c.a);
  bool same = true;
  on_every_target([&] {
    same = same && same_bits(c.multiplied(Format::bf16, c.m, c.a), both) &&
           same_bits(c.multiplied(Format::bf16_weights, c.m, c.a), weights);
  });
  RC_ASSERT(same);
}

RC_GTEST_PROP(Formats, AnyCuttingHasTheSameBits, ()) {
  const Case c;
  const std::size_t row = *rc::gen::inRange<std::size_t>(0, 30), panel = *rc::gen::inRange<std::size_t>(0, 4);
  for (const Format format : {Format::bf16, Format::bf16_weights, Format::int8}) {
    RC_ASSERT(same_bits(c.multiplied(format, c.m, c.a), c.multiplied(format, c.m, c.a, row, panel)));
  }
}

// Whole numbers in between: the sum is exact, and what is left are the roundings of the scales.
RC_GTEST_PROP(Formats, Int8IsTheSumOfWholeNumbers, ()) {
  const Case c;
  const std::vector<float> found = c.multiplied(Format::int8, c.m, c.a);
  const auto quantized = [&](const float* x) {
    double most = 0;
    for (std::size_t k = 0; k < c.depth; ++k) most = std::max(most, std::abs(static_cast<double>(x[k])));
    std::vector<double> q;
    for (std::size_t k = 0; k < c.depth; ++k) {
      q.push_back(std::nearbyint(x[k] * (127.f / static_cast<float>(most))) * most / 127);
    }
    return q;
  };
  const std::size_t outputs = found.size() / c.rows;
  for (std::size_t r = 0; r < c.rows; ++r) {
    const std::vector<double> x = quantized(&c.a[r * c.depth]);
    for (std::size_t n = 0; n < c.columns; ++n) {
      const std::vector<double> w = quantized(&c.m[n * c.depth]);
      double sum = static_cast<double>(c.bias[n]);
      for (std::size_t k = 0; k < c.depth; ++k) sum += x[k] * w[k];
      RC_ASSERT(std::abs(sum - static_cast<double>(found[r * outputs + n])) <= 1e-6 * (1 + std::abs(sum)));
    }
  }
  bool same = true;
  on_every_target([&] { same = same && same_bits(c.multiplied(Format::int8, c.m, c.a), found); });
  RC_ASSERT(same);
}

RC_GTEST_PROP(Formats, Int8CarriesWhatIsNotFinite, ()) {
  Case c;
  const std::size_t at = *rc::gen::inRange<std::size_t>(0, c.depth);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> a = c.a, m = c.m;
    a[at] = m[at] = bad;
    RC_ASSERT(std::isnan(c.multiplied(Format::int8, c.m, a)[0]));
    RC_ASSERT(std::isnan(c.multiplied(Format::int8, m, c.a)[0]));
  }
  std::fill(c.a.begin(), c.a.end(), 0.f);
  const std::vector<float> zeros = c.multiplied(Format::int8, c.m, c.a);
  for (std::size_t n = 0; n < c.columns; ++n) RC_ASSERT(zeros[n] == c.bias[n]);
}

// Of two plain matrices, in both orders of A: dU, dW and the head's gradients.
RC_GTEST_PROP(Formats, Bf16OfTwoPlainMatrices, ()) {
  const bool transposed = *rc::gen::arbitrary<bool>(), add = *rc::gen::arbitrary<bool>();
  const std::size_t rows = *rc::gen::element<std::size_t>(1, 2, 17, 40, 200, 390);
  const std::size_t columns = *rc::gen::inRange<std::size_t>(1, 150);
  const std::size_t depth = *rc::gen::element<std::size_t>(1, 2, 3, 31, 511, 513, 1030);
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const std::size_t stride = (transposed ? rows : depth) + *rc::gen::inRange<std::size_t>(0, 20);
  const std::vector<float> a = test::to_float(test::random_numbers(random, (rows + depth) * stride, 1));
  const std::vector<float> b = test::to_float(test::random_numbers(random, depth * columns, 1));
  const std::vector<float> old = test::to_float(test::random_numbers(random, rows * columns, 1));
  const std::size_t first = *rc::gen::inRange<std::size_t>(0, rows);
  const std::size_t prepared_columns = *rc::gen::inRange<std::size_t>(1, 150);
  const auto run = [&](Format format, const std::vector<float>& x, const std::vector<float>& y) {
    const FlushDenormals flush;
    Scratch scratch;
    scratch.prepare_product(format, prepared_columns);
    std::vector<float> c = old;
    product({columns, depth, x.data(), transposed ? 1 : stride, transposed ? stride : 1, y.data(), columns, c.data(),
             columns, add, format},
            first, rows, 0, columns, scratch);
    return c;
  };
  const std::vector<float> expected = run(Format::f32, bf16(a), bf16(b));
  bool same = true;
  on_every_target([&] { same = same && same_bits(run(Format::bf16, a, b), expected); });
  RC_ASSERT(same);
}

}  // namespace
}  // namespace sluice::format_test
