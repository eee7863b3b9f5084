// Matrix products against plain loops in double, for random sizes, strides, ranges and both orders of A; and that a
// product touches nothing outside its range.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstring>

#include "kernels/samples.h"
#include "model/packing.h"

namespace sluice::product_test {
namespace {

using test::Numbers;

constexpr float kUntouched = -12345.f;

// The bound: a chain of k roundings of numbers below 1, far from its worst case.
double bound(std::size_t depth) { return 1e-7 * (2 + static_cast<double>(depth)); }

struct Sizes {
  std::size_t rows, columns, depth;
};
Sizes any_sizes() {
  const std::size_t more_rows = *rc::gen::element<std::size_t>(0, 0, 0, 180, 370);
  return {more_rows + *rc::gen::inRange<std::size_t>(1, 40), *rc::gen::inRange<std::size_t>(1, 150),
          *rc::gen::element<std::size_t>(1, 2, 5, 31, 255, 256, 257, 600)};
}

RC_GTEST_PROP(Products, OfTwoPlainMatrices, ()) {
  const Sizes n = any_sizes();
  const bool transposed = *rc::gen::arbitrary<bool>(), add = *rc::gen::arbitrary<bool>();
  const std::size_t gap = *rc::gen::inRange<std::size_t>(0, 20);
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const std::size_t a_stride = (transposed ? n.rows : n.depth) + gap, b_row = n.columns + gap, c_row = n.columns + gap;
  const std::vector<float> a = test::to_float(test::random_numbers(random, (n.rows + n.depth) * a_stride, 1));
  const std::vector<float> b = test::to_float(test::random_numbers(random, n.depth * b_row, 1));
  std::vector<float> c(n.rows * c_row, kUntouched);
  const std::vector<float> old = c;
  const std::size_t a_row = transposed ? 1 : a_stride, a_k = transposed ? a_stride : 1;
  const std::size_t first = *rc::gen::inRange<std::size_t>(0, n.rows), last = *rc::gen::inRange(first, n.rows + 1);
  const std::size_t blocks = round_up(n.columns, kBlock) / kBlock;
  const std::size_t first_block = *rc::gen::inRange<std::size_t>(0, blocks);
  const std::size_t from = first_block * kBlock;
  const std::size_t to = std::min(n.columns, *rc::gen::inRange(first_block, blocks + 1) * kBlock);
  Scratch scratch;
  scratch.prepare_product(Format::f32, n.columns);
  product({n.columns, n.depth, a.data(), a_row, a_k, b.data(), b_row, c.data(), c_row, add}, first, last, from,
          std::max(from, to), scratch);
  for (std::size_t i = 0; i < c.size(); ++i) {
    const std::size_t row = i / c_row, column = i % c_row;
    if (row < first || row >= last || column < from || column >= to) {
      RC_ASSERT(c[i] == kUntouched);
      continue;
    }
    double sum = add ? static_cast<double>(old[i]) : 0;
    for (std::size_t k = 0; k < n.depth; ++k) {
      sum += static_cast<double>(a[row * a_row + k * a_k]) * static_cast<double>(b[k * b_row + column]);
    }
    RC_ASSERT(std::abs(static_cast<double>(c[i]) - sum) <= bound(n.depth) * (add ? 12345 : 1));
  }
}

RC_GTEST_PROP(Products, ByPackedWeights, ()) {
  const Sizes n = any_sizes();
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const std::vector<float> m = test::to_float(test::random_numbers(random, n.columns * n.depth, 1));
  const std::vector<float> bias = test::to_float(test::random_numbers(random, n.columns, 1));
  const std::size_t a_row = n.depth + *rc::gen::inRange<std::size_t>(0, 20);
  const std::vector<float> a = test::to_float(test::random_numbers(random, n.rows * a_row, 1));
  Panels panels;
  AlignedVector<float> packed_bias;
  Team team(1);
  pack_head(m, bias, n.columns, n.depth, 7.f, Format::f32, panels, packed_bias, team);
  const std::size_t c_row = panels.outputs + kBlock;
  std::vector<float> c(n.rows * c_row, kUntouched);
  const std::size_t first = *rc::gen::inRange<std::size_t>(0, n.rows), last = *rc::gen::inRange(first, n.rows + 1);
  const std::size_t first_panel = *rc::gen::inRange<std::size_t>(0, panels.panels());
  const std::size_t last_panel = *rc::gen::inRange(first_panel, panels.panels() + 1);
  const bool from_bias = *rc::gen::arbitrary<bool>();
  if (!from_bias) {
    for (std::size_t i = 0; i < c.size(); ++i) {
      if (i % c_row < panels.outputs) c[i] = static_cast<float>(i % 7) / 8;
    }
  }
  const std::vector<float> old = c;
  multiply(panels, a.data(), a_row, c.data(), c_row, from_bias ? packed_bias.data() : nullptr, first, last, first_panel,
           last_panel);
  const std::size_t width = panels.vectors * kBlock;
  for (std::size_t i = 0; i < c.size(); ++i) {
    const std::size_t row = i / c_row, column = i % c_row;
    const bool inside = row >= first && row < last && column >= first_panel * width && column < last_panel * width &&
                        column < panels.outputs;
    if (!inside) {
      RC_ASSERT(c[i] == old[i]);
      continue;
    }
    double sum = static_cast<double>(from_bias ? packed_bias[column] : old[i]);
    for (std::size_t k = 0; k < n.depth && column < n.columns; ++k) {
      sum += static_cast<double>(a[row * a_row + k]) * static_cast<double>(m[column * n.depth + k]);
    }
    RC_ASSERT(std::abs(static_cast<double>(c[i]) - sum) <= bound(n.depth));
  }
}

// One chain an element: neither the neighbours in a tile nor where a range is cut can be seen in the bits.
RC_GTEST_PROP(Products, HaveTheSameBitsForAnyCutting, ()) {
  const Sizes n = any_sizes();
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const std::vector<float> m = test::to_float(test::random_numbers(random, n.columns * n.depth, 1));
  const std::vector<float> a = test::to_float(test::random_numbers(random, n.rows * n.depth, 1));
  Panels panels;
  AlignedVector<float> bias;
  Team team(1);
  pack_head(m, std::vector<float>(n.columns), n.columns, n.depth, 0, Format::f32, panels, bias, team);
  std::vector<float> whole(n.rows * panels.outputs), cut(whole.size());
  multiply(panels, a.data(), n.depth, whole.data(), panels.outputs, bias.data(), 0, n.rows, 0, panels.panels());
  const std::size_t row = *rc::gen::inRange<std::size_t>(0, n.rows + 1);
  const std::size_t panel = *rc::gen::inRange<std::size_t>(0, panels.panels() + 1);
  for (const auto& [first, last] : {std::pair{std::size_t{0}, row}, std::pair{row, n.rows}}) {
    multiply(panels, a.data(), n.depth, cut.data(), panels.outputs, bias.data(), first, last, 0, panel);
    multiply(panels, a.data(), n.depth, cut.data(), panels.outputs, bias.data(), first, last, panel, panels.panels());
  }
  RC_ASSERT(std::memcmp(whole.data(), cut.data(), whole.size() * sizeof(float)) == 0);
}

}  // namespace
}  // namespace sluice::product_test
