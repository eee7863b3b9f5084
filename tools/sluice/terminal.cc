#include "terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sluice/error.h"

namespace sluice::tool {
namespace {

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::size_t kWidest = 120;  // columns: wider lines are hard to read

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The nearest entry of the 6 x 6 x 6 cube or the grey ramp of xterm's 256 colours.
int indexed(Rgb c) {
  const auto level = [](int v) { return v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40; };
  const int spread = std::max({c.red, c.green, c.blue}) - std::min({c.red, c.green, c.blue});
  if (spread < 12) {
    const int grey = (c.red + c.green + c.blue) / 3;
    return grey < 8 ? 16 : grey > 238 ? 231 : 232 + (grey - 8) / 10;
  }
  return 16 + 36 * level(c.red) + 6 * level(c.green) + level(c.blue);
}

std::string colour_code(Depth depth, Rgb c, bool background) {
  const int kind = background ? 48 : 38;
  if (depth == Depth::rgb) return fmt::format("\x1b[{};2;{};{};{}m", kind, c.red, c.green, c.blue);
  return fmt::format("\x1b[{};5;{}m", kind, indexed(c));
}

// One code point at the start of the text: its bytes and its columns. A broken byte counts as one of each.
struct Glyph {
  std::size_t bytes, columns;
  utf8proc_int32_t code;
};

Glyph first_glyph(std::string_view text) {
  utf8proc_int32_t code = -1;
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                      static_cast<utf8proc_ssize_t>(text.size()), &code);
  if (bytes <= 0) return {1, 1, -1};
  return {static_cast<std::size_t>(bytes), static_cast<std::size_t>(std::max(0, utf8proc_charwidth(code))), code};
}

// Whether a character steers a terminal or the direction of what stands around it, by itself or where it is believed.
// A joiner (U+200C, U+200D) shapes the letters beside it, and stays.
bool steers(utf8proc_int32_t code) {
  const auto within = [code](utf8proc_int32_t first, utf8proc_int32_t last) { return code >= first && code <= last; };
  return code < 32 || within(0x7f, 0x9f) || code == 0x61c || code == 0x200b || within(0x200e, 0x200f) ||
         within(0x2028, 0x202e) || within(0x2060, 0x206f) || code == 0xfeff || within(0xfff9, 0xfffb);
}

// Console that nobody can hear is no reason to fail.
void to_stderr(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace

Rgb mix(Rgb a, Rgb b, double share) {
  const double s = std::clamp(share, 0.0, 1.0);
  const auto channel = [s](std::uint8_t from, std::uint8_t to) {
    return static_cast<std::uint8_t>(std::lround(from + s * (to - from)));
  };
  return {channel(a.red, b.red), channel(a.green, b.green), channel(a.blue, b.blue)};
}

std::string Style::bold(std::string_view text) const {
  return depth == Depth::none ? std::string(text) : fmt::format("\x1b[1m{}{}", text, kReset);
}

std::string Style::dim(std::string_view text) const { return colour(text, colours::grey); }

std::string Style::colour(std::string_view text, Rgb c) const {
  if (depth == Depth::none) return std::string(text);
  return fmt::format("{}{}{}", colour_code(depth, c, false), text, kReset);
}

std::string Style::block(std::string_view text, Rgb background) const {
  if (depth == Depth::none) return std::string(text);
  const double luminance = (0.299 * background.red + 0.587 * background.green + 0.114 * background.blue) / 255;
  const Rgb ink = luminance > 0.5 ? Rgb{16, 20, 26} : Rgb{228, 232, 238};
  return fmt::format("{}{}{}{}", colour_code(depth, background, true), colour_code(depth, ink, false), text, kReset);
}

Style style_of(int file) {
  Style style;
  style.terminal = isatty(file) == 1;
  if (!style.terminal) return style;
  winsize size{};
  if (ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.width = size.ws_col;
  style.width = std::clamp<std::size_t>(style.width, 20, kWidest);
  const std::string term = environment("TERM");
  style.redraw = !term.empty() && term != "dumb";
  if (!style.redraw || !environment("NO_COLOR").empty()) return style;
  const std::string colour = environment("COLORTERM");
  style.depth = colour == "truecolor" || colour == "24bit" ? Depth::rgb : Depth::indexed;
  return style;
}

std::size_t columns(std::string_view text) {
  std::size_t total = 0;
  while (!text.empty()) {
    if (text[0] == '\x1b') {
      const std::size_t end = text.find('m');
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      continue;
    }
    const Glyph glyph = first_glyph(text);
    total += glyph.columns;
    text.remove_prefix(glyph.bytes);
  }
  return total;
}

std::string pad_right(std::string text, std::size_t width) {
  const std::size_t used = columns(text);
  return used < width ? text.append(width - used, ' ') : text;
}

std::string pad_left(const std::string& text, std::size_t width) {
  const std::size_t used = columns(text);
  return used < width ? std::string(width - used, ' ') + text : text;
}

std::string centred(const std::string& text, std::size_t width) {
  const std::size_t used = columns(text);
  return used < width ? pad_right(std::string((width - used) / 2, ' ') + text, width) : text;
}

std::string shortened(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  std::string kept;
  std::size_t used = 0;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    if (used + glyph.columns + 1 > width) break;
    kept += text.substr(0, glyph.bytes);
    used += glyph.columns;
    text.remove_prefix(glyph.bytes);
  }
  return kept + "…";
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    const std::size_t wide = columns(word);
    if (used > 0 && used + 1 + wide > width) {
      lines.emplace_back();
      used = 0;
    }
    if (used > 0) {
      lines.back() += ' ';
      ++used;
    }
    lines.back() += word;
    used += wide;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string visible(std::string_view token) {
  std::string shown;
  while (!token.empty()) {
    const Glyph glyph = first_glyph(token);
    const bool shapeless = glyph.columns == 0 || steers(glyph.code);
    if (glyph.code == '\n') {
      shown += "⏎";
    } else if (glyph.code == '\t') {
      shown += "⇥";
    } else if (glyph.code == ' ') {
      shown += "␣";
    } else if (shapeless && shown.empty()) {
      shown += fmt::format("U+{:04X}", glyph.code < 0 ? 0xfffd : glyph.code);
    } else if (!shapeless || (glyph.code >= 0x300 && !steers(glyph.code))) {  // marks follow what they stand on
      shown += token.substr(0, glyph.bytes);
    } else {
      shown += "\ufffd";
    }
    token.remove_prefix(glyph.bytes);
  }
  return shown;
}

std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    if (steers(glyph.code) && glyph.code != '\n' && glyph.code != '\t') {
      shown += "\ufffd";
    } else {
      shown += text.substr(0, glyph.bytes);
    }
    text.remove_prefix(glyph.bytes);
  }
  return shown;
}

std::string one_line(std::string_view text) {
  std::string shown = printable(text);
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return shown;
}

std::string printable_json(std::string_view json) {
  std::string shown;
  while (!json.empty()) {
    const Glyph glyph = first_glyph(json);
    if (steers(glyph.code) && glyph.code >= 0x7f) {  // smaller ones are escaped already, or stand between values
      shown += fmt::format("\\u{:04x}", glyph.code);
    } else {
      shown += json.substr(0, glyph.bytes);
    }
    json.remove_prefix(glyph.bytes);
  }
  return shown;
}

std::string bar(double share, std::size_t width) {
  static constexpr std::array<std::string_view, 8> parts = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double filled = std::clamp(std::isfinite(share) ? share : 0.0, 0.0, 1.0) * static_cast<double>(width);
  const auto eighths = static_cast<std::size_t>(std::lround(filled * 8));
  std::string drawn;
  for (std::size_t i = 0; i < eighths / 8; ++i) drawn += "█";
  drawn += parts[eighths % 8];
  return drawn;
}

std::string_view height_mark(double value) {
  static constexpr std::array<std::string_view, 8> marks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double v = std::clamp(std::isfinite(value) ? value : 0.0, 0.0, 1.0);
  return marks[std::min<std::size_t>(7, static_cast<std::size_t>(v * 8))];
}

std::string thousands(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string percentage(double share, int decimals) {
  if (!std::isfinite(share)) return "–";
  const auto text = [&](double value) { return fmt::format("{:.{}f}", value, decimals); };
  const std::string rounded = text(100 * share);
  const double step = std::pow(10.0, -decimals);
  if (share > 0 && rounded == text(0)) return fmt::format("<{}", text(step));
  if (share < 1 && rounded == text(100)) return fmt::format(">{}", text(100 - step));
  return rounded;
}

std::string percent(double share, int decimals) { return percentage(share, decimals) + " %"; }

std::string rate(double per_second) {
  if (per_second < 1000) return fmt::format("{:.0f}", per_second);
  if (per_second < 1e6) return fmt::format("{:.1f}k", per_second / 1e3);
  return fmt::format("{:.2f}M", per_second / 1e6);
}

std::string duration(double seconds) {
  return seconds >= 0 && seconds < 60 ? fmt::format("{:.1f} s", seconds) : countdown(seconds);
}

std::string countdown(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string memory(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 5> units = {"bytes", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < units.size(); ++unit) value /= 1000;
  return fmt::format("{:.{}f} {}", value, unit == 0 || value >= 100 ? 0 : 1, units[unit]);
}

void Console::say(std::string_view line) {
  if (quiet_) return;
  clear();
  to_stderr(fmt::format("{}\n", line));
}

void Console::progress(std::string_view label, double share, std::string_view tail) {
  if (quiet_ || !style_.redraw) return;
  const auto now = std::chrono::steady_clock::now();
  if (drawn_ && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  style_.width = style_of(2).width;
  const std::string done = pad_left(percent(share), 5);
  const std::size_t around = columns(label) + columns(done) + columns(tail) + 6;
  const std::size_t room = style_.width > around + 4 ? std::min<std::size_t>(style_.width - around, 32) : 0;
  const auto halves =
      static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * 2 * static_cast<double>(room)));
  std::string full, empty;
  for (std::size_t i = 0; i < halves / 2; ++i) full += "━";
  if (halves % 2 == 1) full += "╸";
  for (std::size_t i = (halves + 1) / 2; i < room; ++i) empty += style_.depth == Depth::none ? " " : "━";
  const std::string line = fmt::format("{} {}{} {}  {}", label, style_.colour(full, colours::blue),
                                       style_.colour(empty, {70, 76, 88}), done, tail);
  const bool fits = columns(line) < style_.width;
  const std::string narrow = shortened(fmt::format("{} {}", label, done), style_.width - 1);
  to_stderr(fmt::format("\r{}\x1b[K", fits ? line : narrow));
  drawn_ = true;
}

void Console::clear() {
  if (!drawn_) return;
  to_stderr("\r\x1b[K");
  drawn_ = false;
}

namespace {

[[noreturn]] void output_failed() {
  if (errno == EPIPE) std::_Exit(0);  // the reader has seen enough, as in "sluice ... | head"
  throw Error(Status::failed, fmt::format("standard output: cannot write: {}", std::strerror(errno)));
}

}  // namespace

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) output_failed();
}

void flush() {
  if (std::fflush(stdout) != 0) output_failed();
}

}  // namespace sluice::tool
