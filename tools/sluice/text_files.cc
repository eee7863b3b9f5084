#include "text_files.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::tool {

void say_files(Console& console, const TextFiles& files) {
  constexpr std::size_t kMost = 6;
  if (files.plain) return;
  std::string list;
  for (std::size_t i = 0; i < std::min(files.sources.size(), kMost); ++i) {
    list += (list.empty() ? "" : ", ") + one_line(files.sources[i].name);
  }
  if (files.sources.size() > kMost) list += fmt::format(" and {} more", files.sources.size() - kMost);
  console.say(fmt::format("{} file{}: {}", files.sources.size(), files.sources.size() == 1 ? "" : "s", list));
}

Json names_of(const TextFiles& files) {
  Json names = Json::array();
  for (const TextSource& source : files.sources) names.push_back(source.name);
  return names;
}

}  // namespace sluice::tool
