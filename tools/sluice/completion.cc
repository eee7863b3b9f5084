#include "completion.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::tool {

std::string draw_candidates(const Style& style, const std::vector<Candidate>& candidates, std::string_view margin,
                            std::string_view right_answer) {
  std::size_t widest = 8;
  for (const Candidate& c : candidates) widest = std::max(widest, columns(visible(c.token)));
  widest = std::min<std::size_t>(widest, 24);
  const std::size_t around = columns(margin) + widest + 12;
  const std::size_t room = style.width > around + 8 ? std::min<std::size_t>(style.width - around, 40) : 8;
  const std::string other_margin(columns(margin), ' ');
  std::string page;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& c = candidates[i];
    const std::string name = pad_right(shortened(visible(c.token), widest), widest);
    const double p = static_cast<double>(c.probability);
    page += i == 0 ? margin : other_margin;
    if (!style.terminal) {
      page += fmt::format("{}  {:.6f}\n", name, p);
      continue;
    }
    const bool right = !right_answer.empty() && c.token == right_answer;
    const Rgb hue = right_answer.empty() ? colours::blue : right ? colours::green : colours::red;
    page += fmt::format("{}  {}  {}\n", i == 0 ? style.bold(name) : name, pad_left(percent(p, 1), 7),
                        style.colour(bar(p, room), hue));
  }
  return page;
}

Json to_json(const std::vector<Candidate>& candidates) {
  Json list = Json::array();
  for (const Candidate& c : candidates) list.push_back({{"token", c.token}, {"probability", tidy(c.probability)}});
  return list;
}

Json to_json(const Completion& c) {
  return {{"prompt", c.prompt},
          {"unknown", c.unknown},
          {"candidates", to_json(c.candidates)},
          {"continuation", c.continuation},
          {"stopped_by", c.stopped_by ? Json(*c.stopped_by) : Json(nullptr)}};
}

}  // namespace sluice::tool
