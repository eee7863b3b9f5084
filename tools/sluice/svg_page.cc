// See svg_page.h.
#include "svg_page.h"

#include <fmt/format.h>

#include <map>

#include "page.h"
#include "terminal.h"
#include "terminal_svg.h"

namespace sluice::tool {
namespace {

// Of pictures alone; what they share with the page stands in page/curves.css.
constexpr std::string_view kOwnStyle = R"(.ground { fill: var(--paper); }
.heading { fill: var(--ink); font: 700 1.15rem var(--sans); }
.chart-title { fill: var(--ink); font: 680 1rem var(--sans); }
.axis { stroke: var(--edge); }
.now { stroke: var(--edge); stroke-dasharray: 2 3; }
.cell { fill: var(--water); stroke: var(--line); }
.count { fill: var(--ink); font: 450 0.75rem var(--sans); }
)";

// The values of "--name: value;" between the braces behind `selector` in page/theme.css.
std::map<std::string, std::string, std::less<>> values_of(std::string_view selector) {
  std::string_view css = find_page_file("theme.css")->bytes;
  css.remove_prefix(css.find('{', css.find(selector)) + 1);
  css = css.substr(0, css.find('}'));
  std::map<std::string, std::string, std::less<>> values;
  for (std::size_t at = css.find("--"); at != css.npos; at = css.find("--", at)) {
    const std::size_t colon = css.find(':', at), end = css.find(';', colon);
    values.emplace(css.substr(at, colon - at), css.substr(colon + 2, end - colon - 2));
    at = end;
  }
  return values;
}

// A style sheet with its variables replaced, since not everything that shows SVG knows them. What a theme does not
// name is that of the first.
std::string settled(std::string_view css, std::string_view theme) {
  const auto first = values_of(":root {"), own = values_of(theme);
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t open = css.find("var(", at);
    out += css.substr(at, open - at);
    if (open == css.npos) return out;
    const std::size_t close = css.find(')', open);
    const std::string_view name = css.substr(open + 4, close - open - 4);
    const auto found = own.find(name);
    out += found != own.end() ? found->second : first.at(std::string(name));
    at = close + 1;
  }
}

}  // namespace

std::string svg_page(const std::string& title, double width, double height, std::string_view drawn) {
  const std::string style = std::string(find_page_file("curves.css")->bytes) + std::string(kOwnStyle);
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"drawing\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 "
      "{0:.0f} {1:.0f}\" role=\"img\">\n<title>{2}</title>\n<style>\n{3}@media (prefers-color-scheme: dark) "
      "{{\n{4}}}\n</style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\" rx=\"10\"/>\n",
      width, height, svg_text(one_line(title)), settled(style, ":root {"), settled(style, ":root[data-theme"));
  const std::string heading = shortened(one_line(title), static_cast<std::size_t>((width - 36) / kHeadingLetter));
  return out + svg_words("heading", 24, 30, heading, "start") + std::string(drawn) + "</svg>\n";
}

std::string svg_words(std::string_view kind, double x, double y, std::string_view words, std::string_view anchor) {
  if (words.empty()) return "";
  return fmt::format("<text class=\"{}\" x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"{}\">{}</text>\n", kind, x, y, anchor,
                     svg_text(one_line(words)));
}

std::string svg_line_of(double x1, double x2, double y1, double y2, std::string_view kind) {
  return fmt::format("<line class=\"{}\" x1=\"{:.2f}\" x2=\"{:.2f}\" y1=\"{:.2f}\" y2=\"{:.2f}\"/>\n", kind, x1, x2, y1,
                     y2);
}

}  // namespace sluice::tool
