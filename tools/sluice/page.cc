#include "page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "sluice/explain.h"

namespace sluice::tool {
namespace {

std::string base64_of_hex(std::string_view hex) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto half = [](char c) { return static_cast<std::uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10); };
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : hex) {
    bits = bits << 4 | half(c);
    held += 4;
    if (held < 6) continue;
    held -= 6;
    out += kDigits[bits >> held & 63];
  }
  if (held > 0) out += kDigits[bits << (6 - held) & 63];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

// JSON that can stand in HTML and in a script: no character of it means anything to either.
std::string escaped(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    const std::string_view three = json.substr(i, 3);
    if (c == '<' || c == '>' || c == '&') {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else if (three == "\xe2\x80\xa8" || three == "\xe2\x80\xa9") {
      out += three.back() == '\xa8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out += c;
    }
  }
  return out;
}

// Replaces what stands from `open` up to and with `close` by what make(inner text) gives, everywhere.
template <class Make>
std::string replace_tags(std::string_view html, std::string_view open, std::string_view close, Make&& make) {
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t start = html.find(open, at), end = start == html.npos ? start : html.find(close, start);
    if (end == html.npos) return out += html.substr(at);
    out += html.substr(at, start - at);
    out += make(html.substr(start + open.size(), end - start - open.size()));
    at = end + close.size();
  }
}

struct Hashes {
  std::string styles, scripts;
};

std::string inlined(std::string_view tag, std::string_view name, std::string& hashes) {
  const PageFile* file = find_page_file(name);
  if (file == nullptr) return "";
  hashes += fmt::format(" 'sha256-{}'", base64_of_hex(file->sha256));
  return fmt::format("<{0}>{1}</{0}>", tag, file->bytes);
}

}  // namespace

const PageFile* find_page_file(std::string_view name) {
  const auto files = page_files();
  const auto found = std::find_if(files.begin(), files.end(), [&](const PageFile& file) { return file.name == name; });
  return found == files.end() ? nullptr : &*found;
}

std::string page_with_data(std::string_view data, std::string_view page) {
  Hashes hashes;
  // The data goes in last, so that nothing in it is taken for a tag.
  std::string html = replace_tags(find_page_file(page)->bytes, "<link rel=\"stylesheet\" href=\"", "\">",
                                  [&](std::string_view name) { return inlined("style", name, hashes.styles); });
  html = replace_tags(html, "<script defer src=\"", "\"></script>",
                      [&](std::string_view name) { return inlined("script", name, hashes.scripts); });
  const std::string policy = fmt::format(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src{}; style-src{}; "
      "img-src data: blob:; base-uri 'none'; form-action 'none'\">",
      hashes.scripts.empty() ? " 'none'" : hashes.scripts, hashes.styles.empty() ? " 'none'" : hashes.styles);
  const std::size_t charset = html.find("<meta charset=\"utf-8\">");
  if (charset != std::string::npos) html.insert(charset + 22, policy);
  const std::string_view element = "id=\"sluice-data\">";
  const std::size_t place = html.find(element);
  if (place != std::string::npos) html.insert(place + element.size(), escaped(data));
  return html;
}

std::string page_data(const std::vector<std::vector<std::string>>& texts, const std::string& comparison) {
  std::string data = fmt::format("{{\"schema\":{},\"texts\":[", explain_schema);
  for (std::size_t t = 0; t < texts.size(); ++t) {
    data += t > 0 ? ",{\"explanations\":[" : "{\"explanations\":[";
    for (std::size_t i = 0; i < texts[t].size(); ++i) data += (i > 0 ? "," : "") + texts[t][i];
    data += "]}";
  }
  return data + "],\"comparison\":" + (comparison.empty() ? "null" : comparison) + "}";
}

}  // namespace sluice::tool
