#include "terminal_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <vector>

#include "terminal.h"

namespace sluice::tool {
namespace {

constexpr double kAdvance = 8.4, kLine = 19, kSize = 14, kMargin = 22, kHead = 40;  // pixels
constexpr Rgb kPaper{22, 26, 33}, kInk{214, 219, 227};

struct Pen {
  Rgb ink = kInk;
  std::optional<Rgb> paper;
  bool bold = false;
  bool operator==(const Pen& o) const {
    const auto same = [](Rgb a, Rgb b) { return a.red == b.red && a.green == b.green && a.blue == b.blue; };
    return same(ink, o.ink) && bold == o.bold && paper.has_value() == o.paper.has_value() &&
           (!paper.has_value() || same(*paper, *o.paper));
  }
};

struct Cell {
  std::string text;  // one character with the marks on it
  Pen pen;
  std::size_t column = 0, width = 1;
};

std::string hex(Rgb c) { return fmt::format("#{:02x}{:02x}{:02x}", c.red, c.green, c.blue); }

// Applies the numbers between "ESC [" and "m".
void apply(std::string_view code, Pen& pen) {
  std::vector<int> numbers;
  while (!code.empty()) {
    int number = 0;
    const auto end = std::from_chars(code.data(), code.data() + code.size(), number).ptr;
    numbers.push_back(number);
    code.remove_prefix(std::min(code.size(), static_cast<std::size_t>(end - code.data()) + 1));
  }
  const auto part = [&](std::size_t i) { return static_cast<std::uint8_t>(numbers[i]); };
  if (numbers.empty() || numbers[0] == 0) {
    pen = {};
  } else if (numbers[0] == 1) {
    pen.bold = true;
  } else if (numbers.size() == 5 && numbers[1] == 2) {
    const Rgb colour{part(2), part(3), part(4)};
    if (numbers[0] == 48) pen.paper = colour;
    if (numbers[0] == 38) pen.ink = colour;
  }
}

std::vector<std::vector<Cell>> cells_of(std::string_view screen) {
  std::vector<std::vector<Cell>> lines(1);
  Pen pen;
  std::size_t column = 0;
  while (!screen.empty()) {
    if (screen[0] == '\n') {
      lines.emplace_back();
      column = 0;
      screen.remove_prefix(1);
    } else if (screen.starts_with("\x1b[")) {
      const std::size_t end = std::min(screen.find('m'), screen.size() - 1);
      apply(screen.substr(2, end - 2), pen);
      screen.remove_prefix(end + 1);
    } else {
      std::size_t bytes = 1;
      while (bytes < screen.size() && (static_cast<unsigned char>(screen[bytes]) & 0xc0) == 0x80) ++bytes;
      const std::string text(screen.substr(0, bytes));
      const std::size_t width = columns(text);
      if (width == 0 && !lines.back().empty()) {
        lines.back().back().text += text;
      } else {
        lines.back().push_back({text, pen, column, width});
      }
      column += width;
      screen.remove_prefix(bytes);
    }
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string rectangle(double x, double y, double width, double height, Rgb fill) {
  return fmt::format("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"{}\"/>\n", x, y, width,
                     height, hex(fill));
}

// The number of a character of three bytes, which all block elements are; 0 for others.
int code_of(const Cell& cell) {
  if (cell.text.size() != 3) return 0;
  const auto bits = [&](std::size_t i, int mask) { return static_cast<unsigned char>(cell.text[i]) & mask; };
  return bits(0, 15) << 12 | bits(1, 63) << 6 | bits(2, 63);
}

// Columns that a character of a bar fills from the left; 0 for others.
double filled(const Cell& cell) {
  const int code = code_of(cell);
  return code >= 0x2588 && code <= 0x258f ? (0x2590 - code) / 8.0 : 0;
}

// Lines of a box, each from the middle of its character's room to some of its edges; nothing for others.
std::optional<std::string> box_line(int code, double x, double y, Rgb ink) {
  struct Arms {
    int code;
    bool up, down, left, right;
  };
  constexpr Arms kArms[] = {{0x2500, false, false, true, true}, {0x2502, true, true, false, false},
                            {0x250c, false, true, false, true}, {0x2510, false, true, true, false},
                            {0x2514, true, false, false, true}, {0x2518, true, false, true, false},
                            {0x252c, false, true, true, true}};
  const auto found = std::ranges::find(kArms, code, &Arms::code);
  if (found == std::end(kArms)) return std::nullopt;
  const double middle = x + kAdvance / 2, level = y + kLine / 2;
  std::string out;
  if (found->left || found->right) {
    const double from = found->left ? x : middle - 0.5, to = found->right ? x + kAdvance : middle + 0.5;
    out += rectangle(from, level - 0.5, to - from, 1, ink);
  }
  if (found->up || found->down) {
    const double from = found->up ? y : level - 0.5, to = found->down ? y + kLine : level + 0.5;
    out += rectangle(middle - 0.5, from, 1, to - from, ink);
  }
  return out;
}

// A block element or a line as a shape; nothing when the character is a letter.
std::optional<std::string> shape(const Cell& cell, double x, double y) {
  const int code = code_of(cell);
  if (code >= 0x2581 && code < 0x2588) {  // from the bottom, in eighths
    const double height = (kLine - 4) * (code - 0x2580) / 8;
    return rectangle(x, y + kLine - 2 - height, kAdvance, height, cell.pen.ink);
  }
  if (code == 0x2501 || code == 0x2578) {
    return rectangle(x, y + kLine / 2 - 1.5, code == 0x2501 ? kAdvance : kAdvance / 2, 3, cell.pen.ink);
  }
  return box_line(code, x, y, cell.pen.ink);
}

bool drawn(const Cell& cell) { return filled(cell) > 0 || shape(cell, 0, 0).has_value(); }

// Backgrounds and shapes of a line, then its runs of text, each held to its columns by textLength.
std::string draw(const std::vector<Cell>& cells, double y) {
  std::string out;
  const auto x_of = [](const Cell& cell) { return kMargin + kAdvance * static_cast<double>(cell.column); };
  for (std::size_t i = 0; i < cells.size();) {
    std::size_t end = i;
    std::size_t width = 0;
    for (; end < cells.size() && cells[end].pen == cells[i].pen; ++end) width += cells[end].width;
    if (cells[i].pen.paper) {
      out += rectangle(x_of(cells[i]), y + 1, kAdvance * static_cast<double>(width), kLine - 2, *cells[i].pen.paper);
    }
    i = end;
  }
  for (std::size_t i = 0; i < cells.size();) {
    if (filled(cells[i]) > 0) {  // a bar is one shape, so that no seam shows
      const std::size_t first = i;
      double width = 0;
      for (; i < cells.size() && filled(cells[i]) > 0 && cells[i].pen == cells[first].pen; ++i) {
        width += filled(cells[i]);
        if (filled(cells[i]) < 1) {
          ++i;
          break;
        }
      }
      out += rectangle(x_of(cells[first]), y + 2, kAdvance * width, kLine - 4, cells[first].pen.ink);
      continue;
    }
    if (const auto line = shape(cells[i], x_of(cells[i]), y)) {
      out += *line;
      ++i;
      continue;
    }
    if (cells[i].text == " ") {
      ++i;
      continue;
    }
    std::string text;
    std::size_t end = i, width = 0;
    for (; end < cells.size() && cells[end].pen == cells[i].pen && !drawn(cells[end]); ++end) {
      if (cells[end].text == " " && (end + 1 == cells.size() || cells[end + 1].text == " ")) break;
      text += cells[end].text;
      width += cells[end].width;
    }
    out +=
        fmt::format("<text x=\"{:.2f}\" y=\"{:.2f}\" fill=\"{}\"{} textLength=\"{:.2f}\">{}</text>\n", x_of(cells[i]),
                    y + kLine * 0.72, hex(cells[i].pen.ink), cells[i].pen.bold ? " font-weight=\"bold\"" : "",
                    kAdvance * static_cast<double>(width), svg_text(text));
    i = end;
  }
  return out;
}

}  // namespace

std::string svg_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string terminal_svg(std::string_view screen, std::string_view title) {
  const auto lines = cells_of(screen);
  std::size_t widest = 40;
  for (const auto& line : lines) {
    if (!line.empty()) widest = std::max(widest, line.back().column + line.back().width);
  }
  const double width = 2 * kMargin + kAdvance * static_cast<double>(widest);
  const double height = kHead + kLine * static_cast<double>(lines.size()) + kMargin;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"{2}\" "
      "xml:space=\"preserve\">\n<title>{3}</title>\n"
      "<rect width=\"100%\" height=\"100%\" rx=\"10\" fill=\"{4}\"/>\n",
      width, height, kSize, svg_text(title), hex(kPaper));
  const Rgb lights[] = {{255, 95, 87}, {254, 188, 46}, {40, 200, 64}};
  for (int i = 0; i < 3; ++i) {
    out += fmt::format("<circle cx=\"{}\" cy=\"20\" r=\"6\" fill=\"{}\"/>\n", 26 + 20 * i, hex(lights[i]));
  }
  double y = kHead;
  for (const auto& line : lines) {
    out += draw(line, y);
    y += kLine;
  }
  return out + "</svg>\n";
}

}  // namespace sluice::tool
