// What a terminal can show: its width, colour, bars, tables, one line that is drawn again and again.
// Colour follows https://no-color.org; widths of characters are utf8proc's (Unicode's East Asian width).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tool {

struct Rgb {
  std::uint8_t red = 0, green = 0, blue = 0;
};

namespace colours {
inline constexpr Rgb blue{97, 175, 239}, amber{229, 162, 87}, green{126, 198, 112}, red{224, 108, 117},
    violet{198, 140, 232}, grey{140, 148, 160};
}

// From `a` (share 0) to `b` (share 1).
Rgb mix(Rgb a, Rgb b, double share);

enum class Depth { none, indexed, rgb };

// How a page is drawn. Every function gives its text unchanged where there is no colour.
struct Style {
  Depth depth = Depth::none;
  bool terminal = false;   // a person looks at it: bars and grids; otherwise plain tables
  bool redraw = false;     // a line can be drawn again: progress bars
  std::size_t width = 80;  // columns

  std::string bold(std::string_view text) const;
  std::string dim(std::string_view text) const;
  std::string colour(std::string_view text, Rgb colour) const;
  // Text on a filled background, light or dark as the background needs it.
  std::string block(std::string_view text, Rgb background) const;
};

// The style of an open file: 1 standard output, 2 standard error.
Style style_of(int file);

// Columns a text takes in a terminal; escape sequences take none.
std::size_t columns(std::string_view text);
std::string pad_right(std::string text, std::size_t width);
std::string pad_left(const std::string& text, std::size_t width);
std::string centred(const std::string& text, std::size_t width);
// The first columns of a text that is too wide, with an ellipsis.
std::string shortened(std::string_view text, std::size_t width);
// Broken at spaces into lines of at most `width` columns, without the last line's end.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

// What a file or a person wrote can steer a terminal: control characters, and those that turn the direction of writing.
// Whatever is shown goes through one of these first.
//
// A token: a space, a line end and other characters without a shape get one.
std::string visible(std::string_view token);
// A text: what would steer becomes U+FFFD, but for line end and tab.
std::string printable(std::string_view text);
// The same on one line, for messages: line end and tab become a space.
std::string one_line(std::string_view text);
// JSON with such characters escaped, which changes nothing of what it says.
std::string printable_json(std::string_view json);

// `share` in [0, 1] of `width` columns as a bar, in eighths of a column.
std::string bar(double share, std::size_t width);
// One of eight heights for a value in [0, 1].
std::string_view height_mark(double value);

std::string thousands(std::uint64_t number);  // 1,115,394
// A share in [0, 1] in percent, with so many decimals: "42". It is "0" or "100" only when it is exactly that: else
// "<1",
// ">99.9". S.percent of the page (page/dom.js) does the same.
std::string percentage(double share, int decimals = 0);
std::string percent(double share, int decimals = 0);  // "42 %"
std::string rate(double per_second);                  // 34.1k
std::string duration(double seconds);                 // 4.2 s, 2:31, 1:02:03
std::string countdown(double seconds);                // 0:04, 2:31, 1:02:03
std::string memory(std::uint64_t bytes);              // 4.3 MB

// Console on standard error; nothing when quiet.
class Console {
 public:
  explicit Console(bool quiet) : quiet_(quiet), style_(style_of(2)) {}
  ~Console() { clear(); }
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  const Style& style() const { return style_; }
  bool quiet() const { return quiet_; }
  // A line that stays.
  void say(std::string_view line);
  // The line at the bottom, on a terminal only and at most ten times a second: "label ━━━━━╸   42 %  tail".
  void progress(std::string_view label, double share, std::string_view tail);
  void clear();

 private:
  bool quiet_;
  Style style_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

// Writes to standard output. Throws Error (failed) when that is not possible, but ends quietly when nobody reads.
void print(std::string_view text);
void flush();

}  // namespace sluice::tool
