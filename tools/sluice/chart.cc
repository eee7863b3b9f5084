// See chart.h.
#include "chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "svg_page.h"
#include "terminal.h"
#include "terminal_svg.h"

namespace sluice::tool {
namespace {

constexpr double kTall = 300, kRight = 130, kTop = 34, kBottom = 46;  // pixels, of a chart

// A number as people write it: as many digits as tell the ticks of an axis apart.
std::string number(double value) { return fmt::format("{:.6g}", value == 0 ? 0 : value); }

// Numbers at equal distances of 1, 2 or 5 times a power of ten that lie within a range.
std::vector<double> ticks(double low, double high, double about) {
  const double rough = (high - low) / about, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double times : {5., 2., 1.}) {
    if (times * power >= rough) step = times * power;
  }
  std::vector<double> all;
  for (double i = std::ceil(low / step); i * step <= high + 1e-9 * step; ++i) all.push_back(i * step);
  return all;
}

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void add(std::span<const double> values) {
    for (const double value : values) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  // With some room at both ends, and never empty.
  Range widened(double share) const {
    if (!(low <= high)) return {0, 1};
    const double room = high > low ? share * (high - low) : std::max(1e-9, std::abs(high) * 0.1);
    return {low - room, high + room};
  }
};

// Where the numbers of a chart lie in the picture.
struct Plane {
  Range x, y;
  double left = 0, right = 0, top = 0, bottom = 0;

  double place(double value) const {
    return x.high > x.low ? left + (value - x.low) / (x.high - x.low) * (right - left) : (left + right) / 2;
  }
  double height(double value) const { return bottom - (value - y.low) / (y.high - y.low) * (bottom - top); }
};

std::string x_name(const Chart& chart, double x) {
  const auto index = static_cast<std::size_t>(std::llround(x));
  return index < chart.x_names.size() ? chart.x_names[index] : number(x);
}

// Of the widest name.
double x_width(const Chart& chart) {
  std::size_t widest = 1;
  for (const std::string& name : chart.x_names) widest = std::max(widest, columns(name));
  return kTickDigit * static_cast<double>(widest);
}

Plane plane_of(const Chart& chart, double top) {
  Range x, y;
  for (const ChartSeries& one : chart.series) {
    x.add(one.x);
    for (const auto* values : {&one.y, &one.low, &one.high}) y.add(*values);
  }
  Plane plane = {
      x.low <= x.high ? x : Range{0, 1}, y.widened(0.05), 0, kPictureWide - kRight, top + kTop, top + kTall - kBottom};
  std::size_t widest = 3;
  for (const double tick : ticks(plane.y.low, plane.y.high, 6)) widest = std::max(widest, number(tick).size());
  plane.left = std::max(24 + kTickDigit * static_cast<double>(widest), 8 + x_width(chart) / 2);
  return plane;
}

std::string axes(const Chart& chart, const Plane& plane) {
  std::string out = svg_line_of(plane.left, plane.right, plane.bottom, plane.bottom, "axis");
  for (const double tick : ticks(plane.y.low, plane.y.high, 6)) {
    const double y = plane.height(tick);
    out += svg_line_of(plane.left, plane.right, y, y, "grid");
    out += svg_words("tick", plane.left - 8, y + 4.5, number(tick), "end");
  }
  std::vector<double> places;
  if (chart.x_names.empty()) {
    places = ticks(plane.x.low, plane.x.high, 8);
    // Rows and epochs are whole.
    std::erase_if(places, [](double at) { return at != std::floor(at); });
    if (places.empty()) places.push_back(plane.x.low);
  } else {
    const double room = x_width(chart) + 16;
    const auto steps = static_cast<double>(chart.x_names.size());
    const double every = std::max(1., std::ceil(room * steps / (plane.right - plane.left)));
    for (double at = 0; at < steps; at += every) places.push_back(at);
  }
  for (const double at : places) {
    out += svg_words("tick", plane.place(at), plane.bottom + 18, x_name(chart, at), "middle");
  }
  out += svg_words("tick", (plane.left + plane.right) / 2, plane.bottom + 36, chart.x_label, "middle");
  out += svg_words("tick", plane.right, plane.top - kTop + 16, chart.y_label, "end");
  if (chart.now >= 0)
    out += svg_line_of(plane.place(chart.now), plane.place(chart.now), plane.top, plane.bottom, "now");
  return out;
}

// A path through points, in pieces where some are missing.
std::string path_through(const Plane& plane, std::span<const double> x, std::span<const double> y) {
  std::string path;
  bool pen = false;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const bool there = std::isfinite(y[i]);
    if (there) path += fmt::format("{}{:.2f} {:.2f}", pen ? "L" : "M", plane.place(x[i]), plane.height(y[i]));
    pen = there;
  }
  return path;
}

std::string band_of(const Plane& plane, const ChartSeries& one) {
  std::string path = path_through(plane, one.x, one.high);
  for (std::size_t i = one.x.size(); i-- > 0;) {
    path += fmt::format("L{:.2f} {:.2f}", plane.place(one.x[i]), plane.height(one.low[i]));
  }
  return fmt::format("<path class=\"band series-{}\" d=\"{}Z\"/>\n", one.style, path);
}

std::string mark_at(double x, double y, std::size_t style, const std::string& what) {
  constexpr double r = 4;
  const std::string shapes[] = {
      fmt::format("M{} {}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 {} 0", x - r, y, 2 * r, -2 * r, fmt::arg("r", r)),
      fmt::format("M{} {}h{}v{}h{}z", x - r, y - r, 2 * r, 2 * r, -2 * r),
      fmt::format("M{} {}l{} {}h{}z", x, y - 1.25 * r, 1.2 * r, 2.2 * r, -2.4 * r),
      fmt::format("M{} {}l{} {}l{} {}l{} {}z", x, y - 1.3 * r, 1.3 * r, 1.3 * r, -1.3 * r, 1.3 * r, -1.3 * r,
                  -1.3 * r)};
  return fmt::format("<path class=\"mark series-{}\" d=\"{}\"><title>{}</title></path>\n", style, shapes[style],
                     svg_text(one_line(what)));
}

// The numbers of a series: "x: y", and the band behind it.
std::string said(const Chart& chart, const ChartSeries& one) {
  std::string text;
  for (std::size_t i = 0; i < one.x.size(); ++i) {
    if (!std::isfinite(one.y[i])) continue;
    text += fmt::format("{}{}: {:.7g}", text.empty() ? "" : "\n", one_line(x_name(chart, one.x[i])), one.y[i]);
    if (!one.low.empty()) text += fmt::format(" ({:.7g} to {:.7g})", one.low[i], one.high[i]);
  }
  return text;
}

std::string draw(const Chart& chart, const ChartSeries& one, const Plane& plane) {
  std::string out =
      fmt::format("<g><title>{}</title><desc>{}</desc>\n", svg_text(one_line(one.name)), svg_text(said(chart, one)));
  if (!one.low.empty()) out += band_of(plane, one);
  out += fmt::format("<path class=\"line series-{}\" d=\"{}\"/>\n", one.style, path_through(plane, one.x, one.y));
  std::vector<std::size_t> known;
  for (std::size_t i = 0; i < one.y.size(); ++i) {
    if (std::isfinite(one.y[i])) known.push_back(i);
  }
  const std::size_t sparse = std::max<std::size_t>(1, (known.size() + 13) / 14);
  for (std::size_t n = 0; n < known.size(); ++n) {
    if (n % sparse != 0 && n + 1 != known.size()) continue;
    const std::size_t i = known[n];
    out += mark_at(plane.place(one.x[i]), plane.height(one.y[i]), one.style,
                   fmt::format("{}, {}: {}", one.name, x_name(chart, one.x[i]), number(one.y[i])));
  }
  return out + "</g>\n";
}

// Names where their lines end, pushed apart where they would touch.
std::string names_of(const Chart& chart, const Plane& plane) {
  constexpr double kApart = 18;
  struct Name {
    const ChartSeries* series;
    double x, y;
  };
  std::vector<Name> names;
  for (const ChartSeries& one : chart.series) {
    std::size_t last = one.y.size();
    while (last > 0 && !std::isfinite(one.y[last - 1])) --last;
    if (last > 0) names.push_back({&one, plane.place(one.x[last - 1]), plane.height(one.y[last - 1])});
  }
  std::ranges::sort(names, {}, &Name::y);
  const auto near = [](const Name& a, const Name& b) { return std::abs(a.x - b.x) < kRight; };
  for (std::size_t i = 1; i < names.size(); ++i) {
    if (near(names[i], names[i - 1])) names[i].y = std::max(names[i].y, names[i - 1].y + kApart);
  }
  if (!names.empty()) names.back().y = std::min(names.back().y, plane.bottom);
  for (std::size_t i = names.size(); i-- > 1;) {
    if (near(names[i], names[i - 1])) names[i - 1].y = std::min(names[i - 1].y, names[i].y - kApart);
  }
  std::string out;
  for (const Name& name : names) {
    // Left of where it ends, and above, where the line of another goes on.
    const bool goes_on = plane.right - name.x > 1;
    out += svg_words(fmt::format("name series-{}", name.series->style), goes_on ? name.x - 10 : name.x + 10,
                     goes_on ? plane.top + 12 : name.y + 5, shortened(one_line(name.series->name), 16),
                     goes_on ? "end" : "start");
  }
  return out;
}

}  // namespace

std::string chart_picture(const std::string& title, std::span<const Chart> charts) {
  std::string out;
  double top = kPictureHead;
  for (const Chart& chart : charts) {
    const Plane plane = plane_of(chart, top);
    out += svg_words("chart-title", 24, top + 16, chart.title, "start") + axes(chart, plane);
    for (const ChartSeries& one : chart.series) out += draw(chart, one, plane);
    out += names_of(chart, plane);
    top += kTall;
  }
  return svg_page(title, kPictureWide, top + 12, out);
}

}  // namespace sluice::tool
