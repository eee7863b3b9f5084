#include "formats/c_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <iterator>

#include "sluice/error.h"

namespace sluice {
namespace {

constexpr std::size_t line_width = 120;

// Items with commas between them, in lines of at most line_width, indented by two.
class Lines {
 public:
  void add(const std::string& item) {
    if (used_ + item.size() + 2 > line_width || text_.empty()) {
      text_ += text_.empty() ? "  " : ",\n  ";
      used_ = 2;
    } else {
      text_ += ", ";
      used_ += 2;
    }
    text_ += item;
    used_ += item.size();
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::size_t used_ = 0;
};

template <class T, class F>
std::string array(const std::string& declaration, std::span<const T> values, F&& text_of) {
  Lines lines;
  for (const T& value : values) lines.add(text_of(value));
  return declaration + "[" + std::to_string(values.size()) + "] = {\n" + lines.text() + "};\n";
}

std::string float_text(float value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
  std::string text(digits.begin(), end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

void check_finite(const std::string& name, std::span<const float> values) {
  const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
  if (bad == values.end()) return;
  throw Error(Status::failed, name + ", number " + std::to_string(bad - values.begin()) +
                                  ": expected a finite number, found " + std::to_string(*bad));
}

// A C string literal of any bytes. Three octal digits end where they should; a question mark begins no trigraph.
std::string literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || c == '?') {
      (out += '\\') += c;
    } else if (byte >= 32 && byte < 127) {
      out += c;
    } else {
      out += '\\';
      for (const int shift : {6, 3, 0}) out += static_cast<char>('0' + ((byte >> shift) & 7));
    }
  }
  return out + '"';
}

}  // namespace

std::string with_prefix(std::string_view text, std::string_view prefix) {
  std::string capitals(prefix), out;
  for (char& c : capitals) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '@') {
      out += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '@') {
      out += capitals;
      ++i;
    } else {
      out += prefix;
    }
  }
  return out;
}

std::string float_array(const std::string& name, std::span<const float> values) {
  check_finite(name, values);
  return array("static const float " + name, values, float_text);
}

std::string int8_array(const std::string& name, std::span<const std::int8_t> values) {
  return array("static const int8_t " + name, values, [](std::int8_t value) { return std::to_string(int{value}); });
}

std::string token_array(const std::string& name, std::span<const std::uint32_t> values) {
  return array("static const uint32_t " + name, values, [](std::uint32_t value) { return std::to_string(value); });
}

std::string string_array(const std::string& name, std::span<const std::string> texts) {
  return array("const char *const " + name, texts, literal);
}

Int8Rows to_int8(const std::string& name, std::span<const float> matrix, std::size_t rows) {
  check_finite(name, matrix);
  Int8Rows out;
  const std::size_t columns = matrix.size() / rows;
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row = matrix.subspan(r * columns, columns);
    float most = 0;
    for (const float value : row) most = std::max(most, std::abs(value));
    const float scale = most / 127;
    out.scales.push_back(scale);
    for (const float value : row) {
      const float whole = scale > 0 ? std::nearbyint(value / scale) : 0.f;
      out.values.push_back(static_cast<std::int8_t>(std::clamp(whole, -127.f, 127.f)));
    }
  }
  return out;
}

}  // namespace sluice
