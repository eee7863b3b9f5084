#include "model/linear.h"

#include <algorithm>

#include "kernels/pointwise.h"

namespace sluice {
namespace {

// A product whose rows are split over the team, or its columns where rows are too few to use a packed panel often.
void split_product(const Product& p, std::size_t rows, std::span<Scratch> scratch, Team& team) {
  constexpr std::size_t kPanel = 64, kRows = 96;
  const bool by_columns = p.columns >= kPanel * team.size() && rows < kRows * team.size();
  const std::size_t count = by_columns ? p.columns : rows, grain = by_columns ? kPanel : 24;
  team.split(count, grain, [&](std::size_t first, std::size_t last, std::size_t thread) {
    if (by_columns) {
      product(p, 0, rows, first, last, scratch[thread]);
    } else {
      product(p, first, last, 0, p.columns, scratch[thread]);
    }
  });
}

}  // namespace

void Linear::pack(const Parameters& parameters, Format format, Team& team) {
  pack_head(parameters[weight_], parameters[bias_], outputs_, inputs_, pad_, format, panels_, packed_bias_, team);
}

void Linear::forward(const InputRows& x, std::size_t rows, float* y, std::size_t y_stride, std::span<Scratch> scratch,
                     Team& team) const {
  const std::size_t panels = panels_.panels();
  if (panels >= 4 * team.size()) {
    team.split(panels, 1, [&](std::size_t first, std::size_t last, std::size_t thread) {
      multiply(panels_, x.x, x.stride, y, y_stride, packed_bias_.data(), 0, rows, first, last, &scratch[thread]);
    });
  } else {
    team.split(rows, 1, [&](std::size_t first, std::size_t last, std::size_t thread) {
      multiply(panels_, x.x, x.stride, y, y_stride, packed_bias_.data(), first, last, 0, panels, &scratch[thread]);
    });
  }
}

void Linear::infer(const InputRows& x, std::size_t rows, float* y, std::size_t y_stride,
                   Scratch& scratch) const noexcept {
  multiply(panels_, x.x, x.stride, y, y_stride, packed_bias_.data(), 0, rows, 0, panels_.panels(), &scratch);
}

void Linear::backward_input(const float* dy, std::size_t dy_stride, std::size_t rows, float* dx, std::size_t dx_stride,
                            const Parameters& parameters, const LayerScratch& scratch, Team& team) const {
  // Padding stays zero even after a pass that met NaN, which a product by zero would keep alive.
  for (std::size_t r = 0; r < rows; ++r) std::fill(dx + r * dx_stride + inputs_, dx + (r + 1) * dx_stride, 0.f);
  split_product(
      {inputs_, outputs_, dy, dy_stride, 1, parameters[weight_].data(), inputs_, dx, dx_stride, false, scratch.format},
      rows, scratch.products, team);
}

void Linear::backward_weights(const float* dy, std::size_t dy_stride, const InputRows& x, std::size_t rows, bool add,
                              Parameters& gradients, const LayerScratch& scratch, Team& team) const {
  split_product(
      {inputs_, rows, dy, 1, dy_stride, x.x, x.stride, gradients[weight_].data(), inputs_, add, scratch.format},
      outputs_, scratch.products, team);
  team.split(padded(), kBlock, [&](std::size_t first, std::size_t last) {
    sum_rows(dy + first, dy_stride, rows, scratch.sums + first, last - first, add);
  });
}

void Linear::finish_bias(Parameters& gradients, const LayerScratch& scratch) const {
  const std::span<float> db = gradients[bias_];
  std::copy_n(scratch.sums, db.size(), db.begin());
}

}  // namespace sluice
