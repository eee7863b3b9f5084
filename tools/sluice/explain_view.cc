#include "explain_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "completion.h"
#include "explain/facts.h"

namespace sluice::tool {
namespace {

constexpr std::size_t kWordsShown = 8;

std::string shown_word(const Reading& reading, std::size_t at) { return visible(reading.words[at].text); }

std::vector<Candidate> candidates_at(const Model& model, const Reading& reading, std::size_t at) {
  std::vector<Candidate> list;
  for (const Choice& c : reading.candidates[at]) list.push_back({model.vocabulary().token(c.token), c.probability});
  return list;
}

std::string heading(const Style& style, const std::string& title, const std::string& note) {
  return fmt::format("\n{}  {}\n", style.colour(title, colours::amber), style.dim(note));
}

// The words by how much the answer depends on them: by leave-one-out where there is one, else by gradient.
std::vector<std::size_t> by_weight(const Connectivity& c) {
  const std::vector<double>& weight = c.leave_one_out.empty() ? c.gradient : c.leave_one_out;
  std::vector<std::size_t> order(weight.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return std::abs(weight[a]) > std::abs(weight[b]); });
  order.resize(std::min(order.size(), kWordsShown));
  return order;
}

std::string draw_connectivity(const Style& style, const Model& model, const Reading& reading, const Connectivity& c) {
  const std::vector<std::size_t> order = by_weight(c);
  std::size_t widest = unit_name(model).size();
  for (const std::size_t at : order) widest = std::max(widest, columns(shown_word(reading, at)));
  widest = std::min<std::size_t>(widest, 24);
  double largest = 0;
  for (const double gradient : c.gradient) largest = std::max(largest, gradient);
  const bool asked = !c.leave_one_out.empty();
  std::string page =
      style.dim(fmt::format("  {}  {}  {}  {}{}", pad_left("", 4), pad_right(std::string(unit_name(model)), widest),
                            pad_left("gradient", 9), pad_left("signed", 9),
                            asked ? "   without it: nats less, then likeliest" : "")) +
      "\n";
  for (const std::size_t at : order) {
    std::string line = fmt::format("  {}  {}  {}  {:+9.2g}", style.dim(fmt::format("@{:<3}", at)),
                                   style.bold(pad_right(shortened(shown_word(reading, at), widest), widest)),
                                   fmt::format("{:9.2g}", c.gradient[at]), c.along[at]);
    if (asked) {
      line +=
          fmt::format("  {:+10.3f}  {} {}", c.leave_one_out[at], visible(model.vocabulary().token(c.without[at].token)),
                      percent(static_cast<double>(c.without[at].probability), 1));
    }
    if (style.terminal) line += "  " + style.colour(bar(largest > 0 ? c.gradient[at] / largest : 0, 8), colours::blue);
    page += line + "\n";
  }
  return page;
}

std::string words_of_time(double words) {
  return std::isinf(words) ? "for ever" : words < 1000 ? fmt::format("{:.1f}", words) : fmt::format("{:.3g}", words);
}

// Median and longest half-life of a layer's units.
std::string half_lives(const std::vector<double>& all, std::string_view unit) {
  std::vector<double> sorted = all;
  std::sort(sorted.begin(), sorted.end());
  return fmt::format("half-life of a unit, in {}s: median {}, longest {}", unit,
                     words_of_time(sorted[(sorted.size() - 1) / 2]), words_of_time(sorted.back()));
}

std::string draw_layers(const Style& style, const Model& model, const Reading& reading) {
  std::string page;
  for (std::size_t l = 0; l < reading.layers.size(); ++l) {
    const LayerSummary& layer = reading.layers[l];
    const std::string margin = reading.layers.size() > 1 ? fmt::format("  layer {}  ", l) : "  ";
    for (std::size_t g = 0; g < layer.gates.size(); ++g) {
      const GateSummary& gate = layer.gates[g];
      const double mean = std::accumulate(gate.units.begin(), gate.units.end(), 0.0) / double(gate.units.size());
      const auto share = [](double value) { return pad_left(percent(value), 5); };
      page += fmt::format("{}{}  mean {}, below 0.1: {}, above 0.9: {}\n", margin,
                          style.bold(pad_right(std::string(model.cell().gates[g].name), 6)), share(mean),
                          share(gate.share_low), share(gate.share_high));
    }
    if (!layer.half_life.empty()) page += margin + half_lives(layer.half_life, unit_name(model)) + "\n";
  }
  if (model.cell().gates.empty()) page += "  A plain RNN has no gates: every step writes all of its memory anew.\n";
  return page;
}

std::string draw_horizon(const Style& style, const Explanation& e, const Model& model) {
  const Horizon& h = *e.horizon;
  std::string page = heading(style, "Trace",
                             fmt::format("distance between the states with '{}' and with '{}' in its place",
                                         shown_word(e.reading, h.at), visible(model.vocabulary().token(h.with))));
  for (std::size_t l = 0; l < h.layers.size(); ++l) {
    const std::vector<double>& curve = h.layers[l].memory.empty() ? h.layers[l].hidden : h.layers[l].memory;
    const double most = *std::max_element(curve.begin(), curve.end());
    std::string marks;
    for (const double d : curve) marks += style.terminal ? std::string(height_mark(most > 0 ? d / most : 0)) : "";
    page += fmt::format("  {}{}half of it lives {} of {} {}s on; {} is left at the end\n",
                        h.layers.size() > 1 ? fmt::format("layer {}  ", l) : "",
                        marks.empty() ? "" : style.colour(marks, colours::blue) + "  ", h.layers[l].words,
                        curve.size() - 1, unit_name(model), percent(most > 0 ? curve.back() / most : 0, 1));
  }
  return page;
}

std::string draw_usable(const Style& style, const Explanation& e, const Model& model) {
  const Usable& u = *e.usable;
  const std::size_t asked = e.connectivity.at + 1 - u.question;
  const auto count = [&](std::size_t n) { return fmt::format("{} {}{}", n, unit_name(model), n == 1 ? "" : "s"); };
  std::string others;
  for (const Token other : u.others) {
    others += fmt::format("{}'{}'", others.empty() ? "" : ", ", visible(model.vocabulary().token(other)));
  }
  std::string page = heading(
      style, "Use",
      fmt::format("p('{}') if the last {} came sooner after '{}': with it, and with {} in its place",
                  visible(model.vocabulary().token(u.answer)), count(asked), shown_word(e.reading, u.at), others));
  for (const auto& [name, values] : {std::pair("with it", &u.probability), std::pair("another", &u.with_another)}) {
    std::string marks;
    for (const double p : *values) marks += style.terminal ? std::string(height_mark(p)) : "";
    page += fmt::format("  {}  {}{} at once, {} after {}\n", pad_right(name, 7),
                        marks.empty() ? "" : style.colour(marks, colours::blue) + "  ", percent(values->front(), 1),
                        percent(values->back(), 1), count(u.distances.back()));
  }
  return page + fmt::format("  half of the difference lives {} of {} on\n", u.words, count(u.distances.back()));
}

// The text as the model reads it.
std::string joined(const Model& model, const Reading& reading) {
  std::vector<Token> tokens;
  tokens.reserve(reading.words.size());
  for (const Word& word : reading.words) tokens.push_back(word.token);
  return printable(model.vocabulary().decode(tokens));
}

}  // namespace

std::string draw_explanation(const Style& style, const Model& model, const Explanation& e) {
  const std::size_t at = e.connectivity.at;
  const std::string_view unit = unit_name(model);
  std::string page = fmt::format("{}  {}\n", style.bold(model.cell().title),
                                 style.dim(fmt::format("{} layer{} of {} units, {} {}s", model.config().layers,
                                                       model.config().layers == 1 ? "" : "s", model.config().hidden,
                                                       e.reading.words.size(), unit)));
  page += heading(style, "Next", fmt::format("after '{}', {} {}", shown_word(e.reading, at), unit, at));
  page += draw_candidates(style, candidates_at(model, e.reading, at), "  ");
  page += heading(style, "Depends on",
                  fmt::format("what log p({}) would lose", visible(model.vocabulary().token(e.connectivity.answer))));
  page += draw_connectivity(style, model, e.reading, e.connectivity);
  page += heading(style, "Gates", fmt::format("over all {}s and units", unit));
  page += draw_layers(style, model, e.reading);
  if (e.horizon) page += draw_horizon(style, e, model);
  if (e.usable) page += draw_usable(style, e, model);
  if (e.changed) {
    const Reading& after = e.changed->reading;
    const std::size_t clamps = e.changes.clamp.size();
    page += heading(style, "Changed",
                    clamps == 0 ? "what comes next then"
                                : fmt::format("what comes next with {} gate{} held", clamps, clamps == 1 ? "" : "s"));
    for (const std::string& line : wrapped(joined(model, after), style.width - 3)) {
      page += "  " + style.dim(line) + "\n";
    }
    page += draw_candidates(style, candidates_at(model, after, after.words.size() - 1), "  ");
  }
  return page;
}

}  // namespace sluice::tool
