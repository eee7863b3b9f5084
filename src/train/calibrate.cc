#include "train/calibrate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/aligned.h"
#include "kernels/pointwise.h"
#include "train/stopwatch.h"

namespace sluice {
namespace {

constexpr std::size_t kNodes = 13;
constexpr double kLow = 0.5, kHigh = 1.5;

// A function of the factor, known at Chebyshev's nodes: the polynomial through them, in the barycentric form (Berrut &
// Trefethen 2004, section 5). The mean loss is analytic, and between 13 nodes the polynomial differs from it by less
// than the losses of two factors 0.5 % apart do.
class Curve {
 public:
  static double node(std::size_t j) { return (kLow + kHigh) / 2 + (kHigh - kLow) / 2 * std::cos(angle(j)); }
  double& operator[](std::size_t j) { return values_[j]; }
  double at(double x) const {
    double above = 0, below = 0;
    for (std::size_t j = 0; j < kNodes; ++j) {
      if (x == node(j)) return values_[j];
      const double weight = (j % 2 == 0 ? 1 : -1) * std::sin(angle(j)) / (x - node(j));
      above += weight * values_[j];
      below += weight;
    }
    return above / below;
  }

 private:
  static double angle(std::size_t j) {
    return (2 * static_cast<double>(j) + 1) * std::numbers::pi / (2 * static_cast<double>(kNodes));
  }
  std::array<double, kNodes> values_{};
};

// Golden-section search, for the loss is convex in the factor.
double lowest(const Curve& curve) {
  constexpr double kGolden = std::numbers::phi - 1;
  double low = kLow, high = kHigh, left = high - kGolden, right = low + kGolden;
  double left_loss = curve.at(left), right_loss = curve.at(right);
  while (high - low > 0.01) {
    const bool go_left = left_loss < right_loss;
    (go_left ? high : low) = go_left ? right : left;
    if (go_left) {
      right = left;
      right_loss = left_loss;
      left = high - kGolden * (high - low);
      left_loss = curve.at(left);
    } else {
      left = right;
      left_loss = right_loss;
      right = low + kGolden * (high - low);
      right_loss = curve.at(right);
    }
  }
  return (low + high) / 2;
}

}  // namespace

double calibration_factor(const Network& network, Windows& windows, const Extent& extent, Workspace& workspace,
                          Team& team) {
  constexpr std::size_t kRows = 128;  // whose logits are there at once
  const Stopwatch clock;
  State state = network.initial_state(windows.batch());
  std::vector<AlignedVector<float>> scaled(team.size());
  std::vector<float> losses(kRows * kNodes);
  Curve curve;
  for (std::size_t k = 0; k < windows.count() && extent.goes_on(k, clock.seconds(), windows.uncounted()); ++k) {
    const Window window = windows.fill(k, 0);
    network.forward(window, windows.before(state, network), workspace, team);
    windows.after(state);
    const Targets targets = {window.targets.tokens, window.targets.numbers, window.targets.weights};
    const std::size_t rows = target_rows(window, network.targets());
    for (std::size_t start = 0; start < rows; start += kRows) {
      const std::size_t count = std::min(kRows, rows - start);
      const std::span<const float> logits = network.logits(start, count, workspace, team);
      const std::size_t padded = logits.size() / count;
      for (AlignedVector<float>& row : scaled) row.resize(padded);
      team.split(count, 1, [&](std::size_t first, std::size_t last, std::size_t thread) {
        AlignedVector<float>& row = scaled[thread];
        for (std::size_t r = first; r < last; ++r) {
          for (std::size_t j = 0; j < kNodes; ++j) {
            const auto factor = static_cast<float>(Curve::node(j));
            std::transform(logits.begin() + static_cast<std::ptrdiff_t>(r * padded),
                           logits.begin() + static_cast<std::ptrdiff_t>((r + 1) * padded), row.begin(),
                           [=](float logit) { return logit * factor; });
            losses[r * kNodes + j] = network.head().loss(row.data(), padded, network.targets(), targets, start + r);
          }
        }
      });
      for (std::size_t r = 0; r < count; ++r) {
        if (!windows.counted(k, start + r)) continue;
        const double weight = network.head().weight(targets, network.targets(), start + r);
        for (std::size_t j = 0; j < kNodes; ++j) curve[j] += weight * static_cast<double>(losses[r * kNodes + j]);
      }
    }
  }
  return lowest(curve);
}

}  // namespace sluice
