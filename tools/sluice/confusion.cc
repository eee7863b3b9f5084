// See confusion.h.
#include "confusion.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "svg_page.h"
#include "terminal.h"
#include "terminal_svg.h"

namespace sluice::tool {
namespace {

constexpr std::size_t kMostClasses = 30;

std::uint64_t row_sum(const ConfusionMatrix& matrix, std::size_t truth) {
  std::uint64_t sum = 0;
  for (std::size_t p = 0; p < matrix.classes.size(); ++p) sum += matrix.at(truth, p);
  return sum;
}

// The classes that are there most often, in their order, and one for all others.
ConfusionMatrix largest(const ConfusionMatrix& matrix, std::size_t most) {
  const std::size_t classes = matrix.classes.size();
  if (classes <= most) return matrix;
  std::vector<std::size_t> order(classes);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t c) { return row_sum(matrix, c); });
  order.resize(most - 1);
  std::ranges::sort(order);
  ConfusionMatrix smaller;
  std::vector<std::size_t> place(classes, most - 1);
  for (std::size_t i = 0; i < order.size(); ++i) {
    smaller.classes.push_back(matrix.classes[order[i]]);
    place[order[i]] = i;
  }
  smaller.classes.push_back(fmt::format("{} others", classes - order.size()));
  smaller.counts.assign(most * most, 0);
  for (std::size_t t = 0; t < classes; ++t) {
    for (std::size_t p = 0; p < classes; ++p) smaller.counts[place[t] * most + place[p]] += matrix.at(t, p);
  }
  return smaller;
}

}  // namespace

ConfusionMatrix confusion_matrix(const std::vector<std::string>& classes, std::span<const std::uint32_t> labels,
                                 std::span<const std::uint32_t> predicted) {
  ConfusionMatrix matrix = {classes, std::vector<std::uint64_t>(classes.size() * classes.size())};
  for (std::size_t i = 0; i < labels.size(); ++i) ++matrix.counts[labels[i] * classes.size() + predicted[i]];
  return matrix;
}

std::string confusion_picture(const std::string& title, const ConfusionMatrix& all) {
  const ConfusionMatrix matrix = largest(all, kMostClasses);
  const std::size_t classes = matrix.classes.size();
  constexpr double kRowTall = 26;
  std::size_t longest = 4, digits = 1;
  for (const std::string& name : matrix.classes) longest = std::max(longest, std::min<std::size_t>(16, columns(name)));
  for (const std::uint64_t count : matrix.counts) digits = std::max(digits, thousands(count).size());
  const double side = std::max(kRowTall, 12 + kTickDigit * static_cast<double>(digits)),
               names = kTickDigit * static_cast<double>(longest);
  const double left = 24 + names + 12, top = kPictureHead + 44 + names * 0.75;
  const auto x_of = [&](std::size_t p) { return left + side * static_cast<double>(p); };
  const auto y_of = [&](std::size_t t) { return top + kRowTall * static_cast<double>(t); };
  std::string out = svg_words("tick", left, 62, "predicted: columns; what is: rows; shade: share of the row", "start");
  for (std::size_t c = 0; c < classes; ++c) {
    const std::string name = shortened(one_line(matrix.classes[c]), 16);
    out += fmt::format("<text class=\"tick\" transform=\"translate({:.2f} {:.2f}) rotate(-45)\">{}</text>\n",
                       x_of(c) + side / 2 + 4, top - 8, svg_text(name));
    out += svg_words("tick", left - 8, y_of(c) + kRowTall / 2 + 4.5, name, "end");
  }
  for (std::size_t t = 0; t < classes; ++t) {
    const std::uint64_t sum = row_sum(matrix, t);
    for (std::size_t p = 0; p < classes; ++p) {
      const std::uint64_t count = matrix.at(t, p);
      const double share = sum == 0 ? 0 : static_cast<double>(count) / static_cast<double>(sum);
      out += fmt::format(
          "<rect class=\"cell\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill-opacity=\"{:.3f}\">"
          "<title>{} predicted as {}: {} of {}</title></rect>\n",
          x_of(p), y_of(t), side, kRowTall, share, svg_text(one_line(matrix.classes[t])),
          svg_text(one_line(matrix.classes[p])), count, sum);
      if (count > 0)
        out += svg_words("count", x_of(p) + side / 2, y_of(t) + kRowTall / 2 + 4, thousands(count), "middle");
    }
  }
  const double heading = std::min(kPictureWide, 48 + kHeadingLetter * static_cast<double>(columns(title))),
               wide = x_of(classes) + std::max(24., names * 0.75);
  return svg_page(title, std::max({480., heading, wide}), y_of(classes) + 24, out);
}

}  // namespace sluice::tool
